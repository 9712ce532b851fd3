# SPDX-License-Identifier: MIT
"""Remote calls in every engine: other requests go on while a node is slow."""
import contextlib
import os
import re
import socket
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from conftest import HTTP, TCP, poll
from nodes import Node, answers, answers_after, reply, says_nothing
from release import BROKEN

CALLERS = 50
DEADLINE = 3
SLACK = 0.9
# Ten times what they need at once, a fifth of what they need one after the other.
TOGETHER = 10

pytestmark = pytest.mark.alone('deadlines of a second')

PERL = '''
use strict;
my $app = sub {
    my $env = shift;
    my $answer = "application " . ($env->{RPC_VAR} // "unset");
    if ($env->{PATH_INFO} =~ m{^/call/(.*)}) {
        my $got = uwsgi::call($1, "a");
        $answer = defined $got ? "b'$got'" : "None";
    }
    return [200, ["Content-Type" => "text/plain"], [$answer]];
};
'''

RUBY = '''
class Application
  def call(env)
    answer = "application #{env['RPC_VAR'] || 'unset'}"
    if env['PATH_INFO'] =~ %r{^/call/(.*)}
      begin
        answer = "b'#{UWSGI.rpc('', $1, 'a')}'"
      rescue RuntimeError
        answer = 'None'
      end
    end
    [200, { 'Content-Type' => 'text/plain' }, [answer]]
  end
end

run Application.new
'''

CORES = 60
# plugins, options
PYTHON_ENGINES = {
    'threads': ([], [('threads', CORES)]),
    'gevent': (['gevent_python3'], [('gevent', CORES)]),
    'ugreen': (['ugreen'], [('async', CORES), ('ugreen', 'true')]),
    'greenlet': (['greenlet_python3'], [('async', CORES), ('greenlet', 'true')]),
    'asyncio': (['asyncio_python3', 'greenlet_python3'], [('asyncio', CORES), ('greenlet', 'true')]),
    'tornado': (['tornado_python3', 'greenlet_python3'], [('tornado', CORES), ('greenlet', 'true')]),
}
PYTHON_ENGINES = {name: (plugins, options) for name, (plugins, options) in PYTHON_ENGINES.items()
                  if not set(plugins) & set(BROKEN)}
OTHER_ENGINES = {
    'coroae': (['psgi'], [('coroae', CORES)]),
    'fiber': (['rack', 'fiber'], [('async', CORES), ('fiber', 'true')]),
    'rbthreads': (['rack', 'rbthreads'], [('threads', CORES), ('rbthreads', 'true')]),
}
ENGINES = {**PYTHON_ENGINES, **OTHER_ENGINES}


@pytest.fixture(scope='module')
def nodes():
    def echoes(node, conn, call):
        conn.sendall(reply(b'|'.join(call)))

    with contextlib.ExitStack() as stack:
        scripts = {'slow': answers_after(1, b'slept'), 'good': answers(),
                   'late': answers_after(0.3, b'late'), 'silent': says_nothing, 'echo': echoes,
                   'hole': None}
        started = {name: stack.enter_context(Node(script)) for name, script in scripts.items()}
        fill_queue(started['hole'], stack)
        yield started


def fill_queue(node, stack):
    """From then on the node neither takes nor refuses connections."""
    node.listener.listen(0)
    while True:
        conn = stack.enter_context(socket.socket())
        conn.settimeout(0.3)
        try:
            conn.connect(node.listener.getsockname())
        except socket.timeout:
            return


def routes(nodes):
    name = {key: node.name for key, node in nodes.items()}
    return [
        ('route', f'^/slow rpc:hello@{name["slow"]} a'),
        ('route', f'^/good rpc:hello@{name["good"]} a'),
        ('route', f'^/silent rpc:hello@{name["silent"]}'),
        ('route', f'^/echo/(.*)$ rpc:hello@{name["echo"]} $1'),
        ('route', f'^/hole rpc:hello@{name["hole"]},{name["late"]}'),
        ('route', f'^/var rpcvar:RPC_VAR hello@{name["late"]}'),
        ('route', f'^/failed-var rpcvar:RPC_VAR hello@{name["silent"]}'),
        ('route', f'^/after rpcvar:RPC_VAR hello@{name["silent"]}'),
        ('route', f'^/after rpc:hello@{name["late"]}'),
    ] + [('rpc-remote', f'{key} {name[key]}') for key in ('slow', 'good', 'silent')]


def start(shared_uwsgi, nodes, engine, directory, coroae):
    plugins, options = ENGINES[engine]
    plugins, app = list(plugins), 'engines.py'
    if engine not in PYTHON_ENGINES:
        option, name, source = (('psgi', 'app.psgi', PERL) if plugins[0] == 'psgi' else
                                ('rack', 'config.ru', RUBY))
        (directory / name).write_text(source)
        modifier1 = 5 if plugins[0] == 'psgi' else 7
        options = options + [(option, directory / name), ('http-socket-modifier1', modifier1)]
        app = None
    else:
        plugins.insert(0, 'python3')
    if engine == 'coroae':
        plugins.append(coroae)
    return shared_uwsgi(TCP, HTTP, ('listen', 120), ('rpc-timeout', DEADLINE), ('rpc-keepalive', 4),
                        *options, *routes(nodes), plugins=(*plugins, 'rpc'), app=app)


@pytest.fixture(scope='module', params=ENGINES)
def server(request, shared_uwsgi, nodes, tmp_path_factory, coroae):
    started = start(shared_uwsgi, nodes, request.param, tmp_path_factory.mktemp('app'), coroae)
    yield started
    started.stop()


def together(server, path, count=CALLERS):
    """The answers to this many requests at once, and the seconds they took."""
    with ThreadPoolExecutor(count) as pool:
        begin = time.monotonic()
        got = list(pool.map(lambda _: server.http(path, timeout=90), range(count)))
        return [(a.status, a.body) for a in got], time.monotonic() - begin


def test_routed_calls_run_together(server, nodes):
    before = len(nodes['slow'].calls)
    got, seconds = together(server, '/slow')
    assert got == [(200, b'slept')] * CALLERS
    assert 1 <= seconds < TOGETHER
    assert len(nodes['slow'].calls) == before + CALLERS


def test_calls_of_the_application_run_together(server):
    got, seconds = together(server, '/call/slow')
    assert got == [(200, b"b'slept'")] * CALLERS
    assert 1 <= seconds < TOGETHER


def test_rpcvar_then_the_application(server):
    got, _ = together(server, '/var')
    assert got == [(200, b'application late')] * CALLERS


def test_each_answer_goes_to_its_caller(server):
    """Over kept connections, which the requests of the engine share."""
    with ThreadPoolExecutor(20) as pool:
        names = [f'{i}' for i in range(200)]
        bodies = pool.map(lambda name: server.http(f'/echo/{name}', timeout=60).body, names)
        assert list(bodies) == [b'hello|' + name.encode() for name in names]


def test_good_calls_beside_failing_ones(server):
    with ThreadPoolExecutor(CALLERS) as pool:
        failing = [pool.submit(server.http, '/silent') for _ in range(10)]
        good = [pool.submit(server.http, '/good') for _ in range(40)]
        assert [(g.result().status, g.result().body) for g in good] == [(200, b'good')] * 40
        assert [f.result().status for f in failing] == [504] * 10


def test_a_call_after_one_that_timed_out_in_the_same_request(server):
    response = server.http('/after')
    assert (response.status, response.body) == (200, b'late')
    # Ruby's environment has no empty variables
    assert server.http('/failed-var').body in (b'application ', b'application unset')


def test_nothing_is_left_behind(server):
    """Once every core is in use: a thread opens its queue with its first request."""
    assert together(server, '/slow', CORES)[0] == [(200, b'slept')] * CORES
    for _ in range(2):
        before = server.descriptors()
        together(server, '/good', 20)
        together(server, '/silent', 5)
        poll(lambda: server.descriptors() <= before + 4 * 2, what='descriptors closed')


# --- deadlines: as exact as in plain processes ---------------------------------------------------

def test_deadline(server):
    """Neither early nor late, also with other requests coming and going, which is when timers of
    whole seconds go wrong."""
    with ThreadPoolExecutor(3) as pool:
        silent = []
        for number in range(3):
            silent.append(pool.submit(server.http, f'/silent/{number}'))
            assert server.http('/var').status == 200  # a third of a second apart
        poll(lambda: server.http('/good').status == 200 and all(s.done() for s in silent), 60)
    assert [s.result().status for s in silent] == [504] * 3

    def lines():  # which are written after the answer
        return re.findall(r'GET /silent/\d => .* in (\d+) msecs', server.log)

    poll(lambda: len(lines()) == 3, what='three lines')
    times = [int(ms) / 1000 for ms in lines()]
    assert DEADLINE - 0.05 <= min(times) <= DEADLINE + SLACK and max(times) < 2 * DEADLINE


def test_connecting_has_a_share_of_the_time(server, nodes):
    """Of the time for two nodes the first one, which never takes the connection, gets half."""
    begin = time.monotonic()
    response = server.http('/hole')
    assert (response.status, response.body) == (200, b'late')
    assert time.monotonic() - begin < 2 * DEADLINE


# --- outside requests, and engines that cannot ----------------------------------------------------

# The asyncio and tornado loops do not look at uWSGI's signals.
@pytest.mark.parametrize('engine', [name for name in PYTHON_ENGINES
                                    if name not in ('asyncio', 'tornado')])
def test_signal_handler(shared_uwsgi, nodes, tmp_path, coroae, engine):
    """It runs on the stack of the loop, which nothing can switch away from."""
    server = start(shared_uwsgi, nodes, engine, tmp_path, coroae)
    with ThreadPoolExecutor(10) as pool:
        slow = [pool.submit(server.http, '/slow') for _ in range(9)]
        assert server.http('/signal').status == 200
        poll(lambda: server.http('/signalled').body == b"[b'good']", what='signal handled')
        assert {s.result().body for s in slow} == {b'slept'}
    server.stop()


@pytest.mark.parametrize('plugins, options', [
    (plugins, options) for plugins, options in [(('python3',), [('async', 10)]),
                                                (('python3', 'asyncio_python3'), [('asyncio', 10)])]
    if not set(plugins) & set(BROKEN)])
def test_without_a_suspend_engine_calls_wait_in_line(uwsgi, nodes, plugins, options):
    """One after the other, but each is answered, and no loop is run hot meanwhile."""
    server = uwsgi(TCP, HTTP, *options, *routes(nodes), ('rpc-timeout', 4),
                   plugins=(*plugins, 'rpc'), app='engines.py')
    pid, = server.worker_pids()
    before = cpu_seconds(pid)
    got, seconds = together(server, '/slow', 3)
    assert got == [(200, b'slept')] * 3
    assert seconds >= 3
    assert cpu_seconds(pid) - before < 1
    assert server.http('/call/good').body == b"b'good'"
    assert server.http('/var').body == b'application late'
    assert server.http('/silent').status == 504


def cpu_seconds(pid):
    with open(f'/proc/{pid}/stat') as stat:
        fields = stat.read().rsplit(')', 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf('SC_CLK_TCK')


def test_thread_of_the_application(uwsgi, nodes, tmp_path):
    """Only the loop's own thread can switch; a call from another one waits for itself."""
    app = tmp_path / 'app.py'
    app.write_text('''
import threading, uwsgi
answers = []

def work():
    answers.append(uwsgi.call(b'slow', b'a'))

def application(environ, start_response):
    start_response('200 OK', [])
    if environ['PATH_INFO'] == '/start':
        threading.Thread(target=work).start()
    return [repr(answers).encode()]
''')
    server = uwsgi(TCP, HTTP, ('async', 10), ('ugreen', 'true'), ('enable-threads', 'true'),
                   *routes(nodes), ('wsgi-file', app), plugins=('python3', 'ugreen', 'rpc'),
                   app=None)
    assert server.http('/start').body == b'[]'
    poll(lambda: server.http('/').body == b"[b'slept']", what='call of the thread')
    assert server.http('/good').body == b'good'
