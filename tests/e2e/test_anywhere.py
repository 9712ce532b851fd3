# SPDX-License-Identifier: MIT
"""Calls from anywhere in an application: greenlets, tasks, callbacks and threads that no request
has anything to do with."""
import contextlib
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from conftest import HTTP, TCP, poll
from nodes import Node, answers, answers_after, says_nothing
from test_engines_remote import PYTHON_ENGINES

THREADS = ('enable-threads', 'true')
SLOW_SEC = 1.5
ENGINES = {'preforking': ([], [THREADS]), **PYTHON_ENGINES}
# What ends a worker in uWSGI itself, without this plugin and with a function of its own process:
# uwsgi.call() from a thread of the application in engines of greenlets.
GREENLETS = ('gevent', 'greenlet', 'asyncio', 'tornado')
KINDS = [(engine, kind) for engine, kinds in {
    'preforking': ['thread'], 'threads': ['thread'], 'ugreen': ['thread'],
    'gevent': ['greenlet', 'hub_callback', 'nested', 'held_thread'],
    'greenlet': ['held_thread'],
    'asyncio': ['call_later', 'task', 'held_thread'],
    'tornado': ['callback', 'held_thread'],
}.items() for kind in kinds if engine in ENGINES]


@pytest.fixture(scope='module')
def nodes():
    with contextlib.ExitStack() as stack:
        yield {name: stack.enter_context(Node(script)) for name, script in {
            'good': answers(), 'slow': answers_after(SLOW_SEC, b'slept'), 'silent': says_nothing}.items()}


@pytest.fixture(scope='module')
def servers(shared_uwsgi, nodes):
    started = {}

    def get(engine):
        if engine not in started:
            plugins, options = ENGINES[engine]
            started[engine] = shared_uwsgi(
                TCP, HTTP, THREADS, ('rpc-timeout', 5), ('rpc-client', 'net'), *options,
                *(('rpc-remote', f'{name} {node.name}') for name, node in nodes.items()),
                plugins=['python3', *plugins, 'rpc'], app='anywhere.py')
        return started[engine]

    return get


def ask(server, kind, function, count=1):
    """The answers that come of it, without what was there before."""
    before = len(server.http('/').body.splitlines())
    server.http(f'/start/{kind}/{function}/{count}')
    lines = poll(lambda: (found := server.http('/').body.splitlines())[before + count - 1:] and found,
                 what=f'{count} answers')
    assert len(server.worker_pids()) == 1 and 'DAMN' not in server.log, server.log
    assert 'BUG' not in server.log, server.log
    return sorted(lines[before:])


@pytest.mark.parametrize('engine, kind', KINDS)
def test_right_answer_once(servers, nodes, engine, kind):
    server, before = servers(engine), len(nodes['good'].calls)
    for _ in range(3):
        got = ask(server, kind, 'good', 4)
        assert got == [b'%s %d good None' % (kind.encode(), number) for number in range(4)]
    assert len(nodes['good'].calls) == before + 12


@pytest.mark.parametrize('engine, kind', KINDS)
def test_failure(servers, engine, kind):
    assert ask(servers(engine), kind, 'silent') == [kind.encode() + b' 0 None None']


@pytest.mark.parametrize('engine, kind', KINDS)
def test_outcome_outside_of_requests(servers, engine, kind):
    """It belongs to the thread: a new one has none."""
    ask(servers(engine), kind, 'silent')
    outcome = b'None' if 'thread' in kind else b'node-timeout'
    assert ask(servers(engine), kind, 'net.outcome') == [kind.encode() + b' 0 %s None' % outcome]


@pytest.mark.parametrize('kind', ['greenlet', 'nested'])
def test_greenlets_run_together(servers, kind):
    """gevent's hook suspends any greenlet: the calls take no longer than one, and requests are
    served meanwhile."""
    server = servers('gevent')
    with ThreadPoolExecutor(1) as pool:
        begin = time.monotonic()
        asked = pool.submit(ask, server, kind, 'slow', 20)
        rounds = 0
        while not asked.done():
            assert server.http('/').status == 200
            rounds += 1
        assert time.monotonic() - begin < 20 * SLOW_SEC / 2
        assert rounds > 1
    assert asked.result() == sorted(b'%s %d slept None' % (kind.encode(), number)
                                    for number in range(20))


@pytest.mark.parametrize('engine, kind', [pair for pair in KINDS if pair[0] in GREENLETS])
def test_beside_a_request_in_the_application(servers, engine, kind):
    """Whose hold on Python's thread state is another one."""
    server = servers(engine)
    with ThreadPoolExecutor(3) as pool:
        sleeping = [pool.submit(server.http, '/sleep/0.5') for _ in range(3)]
        got = ask(server, kind, 'good', 2)
        assert got == [b'%s %d good None' % (kind.encode(), number) for number in range(2)]
        assert [request.result().status for request in sleeping] == [200] * 3

PERL = '''
use strict;
use AnyEvent;
use Coro;
my (@answers, @kept);
my %start = (
    timer => sub { my $call = shift; push @kept, AnyEvent->timer(after => 0.01, cb => $call) },
    coro => sub { my $call = shift; async { $call->() } },
);
my $app = sub {
    my (undef, $kind, $function) = split '/', shift->{PATH_INFO};
    $start{$kind}->(sub { push @answers, "$kind " . (uwsgi::call($function, 'a') // 'undef') })
        if $start{$kind};
    return [200, ["Content-Type" => "text/plain"], [join "\\n", @answers]];
};
'''


def test_coro_and_anyevent(uwsgi, nodes, tmp_path, coroae):
    """A coroutine is suspended; a callback of AnyEvent, which runs in the coroutine of the loop,
    cannot be: it waits for its node."""
    (tmp_path / 'app.psgi').write_text(PERL)
    server = uwsgi(TCP, HTTP, ('psgi', tmp_path / 'app.psgi'), ('http-socket-modifier1', 5),
                   ('coroae', 6), ('rpc-timeout', 5), ('rpc-client', 'net'),
                   *(('rpc-remote', f'{name} {node.name}') for name, node in nodes.items()),
                   plugins=['psgi', coroae, 'rpc'], app=None)
    expected = []
    for kind in ('coro', 'timer', 'coro', 'timer'):
        for function, answer in (('good', 'good'), ('silent', 'undef'),
                                 ('net.outcome', 'node-timeout')):
            server.http(f'/{kind}/{function}')
            expected.append(f'{kind} {answer}')
            poll(lambda: server.http('/').body.decode().split('\n') == expected, what=expected)
    assert len(server.worker_pids()) == 1
