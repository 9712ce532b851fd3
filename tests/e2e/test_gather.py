# SPDX-License-Identifier: MIT
"""rpcgather: many calls at once from a route."""
import contextlib
import pathlib
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from conftest import HTTP, TCP, poll
from nodes import Node, answers, answers_after, closes, long_reply, refuser, reply, says_nothing, sends

# Of calls that no node answers, and of those that all do.
TIMEOUT, PATIENCE = 6, 60
SLOW = 2
CALLERS = 10


@pytest.fixture(scope='module')
def nodes():
    with contextlib.ExitStack() as stack:
        def node(script):
            return stack.enter_context(Node(script))
        yield {
            'a': node(answers(b'a')), 'b': node(answers(b'b')), 'empty': node(sends(reply(b''))),
            'long': node(sends(long_reply(b'l' * 70000, 70000))),
            'slow': [node(answers_after(SLOW, b'%d' % i)) for i in range(8)],
            'closes': node(closes), 'silent': node(says_nothing),
            'lies': node(sends(b'HTTP/1.1 200 OK\r\n\r\n')), 'refuses': stack.enter_context(refuser()),
        }


def gather(nodes, path, *names, rest=''):
    rule = ' '.join(f'hello@{nodes[name].name}' for name in names)
    return 'route', f'^/{path}$ rpcgather:{rule}{rest}'


@pytest.fixture(scope='module')
def server(shared_uwsgi, nodes):
    slow = ' '.join(f'hello@{node.name}' for node in nodes['slow'])
    return shared_uwsgi(
        TCP, HTTP, ('processes', 2), ('rpc-timeout', PATIENCE),
        gather(nodes, 'order', 'b', 'a', 'b', rest=' -- one ${QUERY_STRING}'), gather(nodes, 'one', 'a'),
        gather(nodes, 'empty', 'a', 'empty', 'b'), gather(nodes, 'long', 'a', 'long', 'b'),
        ('route', f'^/slow$ rpcgather:{slow}'),
        ('route', f'^/failover$ rpcgather:hello@{nodes["refuses"].name},{nodes["a"].name} '
                  f'hello@{nodes["b"].name}'),
        ('route', '^/most$ rpcgather:' + ' '.join([f'h@{nodes["a"].name}'] * 254)))


@pytest.fixture(scope='module')
def failing(shared_uwsgi, nodes):
    found = shared_uwsgi(
        TCP, HTTP, ('rpc-timeout', TIMEOUT),
        gather(nodes, 'closed', 'a', 'closes', 'b'), gather(nodes, 'silent', 'a', 'silent', 'b'),
        gather(nodes, 'lies', 'lies', 'silent'), gather(nodes, 'first', 'silent', 'lies'))
    found.http('/closed')  # what the worker opens for its first request stays open
    return found


@pytest.mark.parametrize('path,body', [('order?x', b'bab'), ('one', b'a'), ('empty', b'ab'),
                                       ('long', b'a' + b'l' * 70000 + b'b'), ('failover', b'ab'),
                                       ('most', b'a' * 254)])
def test_results_in_the_order_written(server, path, body):
    response = server.http(f'/{path}')
    assert (response.status, response.body) == (200, body)
    assert response.headers['Content-Length'] == str(len(body))


def test_all_get_the_same_arguments(server, nodes):
    for name in 'ab':
        nodes[name].calls.clear()
    server.http('/order?two')
    assert nodes['a'].calls == [[b'hello', b'one', b'two']]
    assert nodes['b'].calls == [[b'hello', b'one', b'two']] * 2


def test_takes_as_long_as_the_slowest(server):
    start = time.monotonic()
    assert server.http('/slow').body == b'01234567'
    assert SLOW <= time.monotonic() - start < len('01234567') * SLOW


@pytest.mark.parametrize('path,status,line', [
    ('closed', 502, 'node-closed'), ('silent', 504, 'node-timeout'), ('lies', 502, 'node-garbled'),
    ('first', 504, 'node-timeout')])
def test_first_failure_in_order_decides(failing, path, status, line):
    """Nothing is sent of the others, no descriptor is left."""
    before = failing.descriptors()
    start = time.monotonic()
    response = failing.http(f'/{path}')
    assert response.status == status
    assert b'a' != response.body[:1] and b'hello' not in response.body
    assert time.monotonic() - start < 5 * TIMEOUT
    assert f'({line})' in failing.log
    poll(lambda: failing.descriptors() <= before, what='descriptors closed')


@pytest.mark.parametrize('rule,line', [
    ('hello', '"hello" has no node'), ('hello@127.0.0.1:1 hello -- x', '"hello" has no node'),
    ('', 'a function name has'), ('hello@nonsense', 'neither host:port'),
    (' '.join(['h@127.0.0.1:1'] * 255), 'more than 254 calls')])
def test_bad_rule_ends_the_start(uwsgi, rule, line):
    with pytest.raises(AssertionError, match=line):
        uwsgi(TCP, HTTP, ('route', f'^/x rpcgather:{rule}'))


@pytest.mark.parametrize('plugins,options', [
    (['python3'], [('threads', CALLERS)]),
    (['python3', 'gevent_python3'], [('gevent', CALLERS)]),
    (['python3', 'ugreen'], [('async', CALLERS), ('ugreen', 'true')]),
], ids=['threads', 'gevent', 'ugreen'])
def test_others_are_served_meanwhile(uwsgi, nodes, plugins, options):
    """While one request gathers, the worker serves another."""
    slow = ' '.join(f'hello@{node.name}' for node in nodes['slow'])
    server = uwsgi(TCP, HTTP, ('rpc-timeout', PATIENCE), *options, ('route', f'^/slow$ rpcgather:{slow}'), plugins=(*plugins, 'rpc'))
    with ThreadPoolExecutor(CALLERS) as pool:
        start = time.monotonic()
        bodies = list(pool.map(lambda _: server.http('/slow').body, range(CALLERS)))
    assert bodies == [b'01234567'] * CALLERS
    assert time.monotonic() - start < (CALLERS - 1) * SLOW


# --- uwsgi-rpc --gather ---------------------------------------------------------------------------

CLI = pathlib.Path(__file__).parent.parent.parent / 'build' / 'uwsgi-rpc'


def run_gather(lines, *options):
    return subprocess.run([CLI, '--gather', *options], input=lines, capture_output=True, timeout=60)


def test_cli_writes_results_in_order(nodes):
    lines = f'{nodes["b"].name} f\n\n {nodes["a"].name}\tg x y \n{nodes["slow"][3].name} h'
    nodes['a'].calls.clear()
    done = run_gather(lines.encode())
    assert (done.returncode, done.stdout, done.stderr) == (0, b'b\na\n3\n', b'')
    assert nodes['a'].calls == [[b'g', b'x', b'y']]


def test_cli_most_calls(nodes):
    line = f'{nodes["a"].name} f\n'.encode()
    assert run_gather(line * 254).stdout == b'a\n' * 254
    done = run_gather(line * 255)
    assert (done.returncode, done.stdout) == (64, b'')
    assert b'line 255: more than 254 calls' in done.stderr


def test_cli_failures_keep_their_place(nodes):
    """An empty line for each, and the first one's exit code."""
    lines = ''.join(f'{nodes[name].name} f\n' for name in ('a', 'silent', 'closes', 'b'))
    done = run_gather(lines.encode(), '--timeout', '5')
    assert (done.returncode, done.stdout) == (3, b'a\n\n\nb\n')
    assert [line.split(b': ')[1] for line in done.stderr.splitlines()] == [
        nodes['silent'].name.encode(), nodes['closes'].name.encode()]


def test_cli_unresolvable_host_is_an_outcome(nodes):
    done = run_gather(f'nosuch.invalid:1 f\n{nodes["a"].name} f\n'.encode())
    assert (done.returncode, done.stdout) == (2, b'\na\n')


@pytest.mark.parametrize('line,complaint', [
    (b'x', b'NODE and FUNCTION'), (b'x f', b'neither host:port'), (b'@a f\0g', b'a NUL'),
    (b'@a ' + b'n' * 256, b'1 to 255 bytes'), (b'@a f' + b' x' * 255, b'more than 254 arguments'),
    (b'@a f ' + b'x' * 65536, b'longer than 65535')])
def test_cli_bad_line_calls_nothing(nodes, line, complaint):
    nodes['a'].calls.clear()
    done = run_gather(f'{nodes["a"].name} f\n'.encode() + line + b'\n')
    assert (done.returncode, done.stdout) == (64, b'')
    assert b'line 2: ' in done.stderr and complaint in done.stderr
    assert nodes['a'].calls == []


@pytest.mark.parametrize('options', [['--bench'], ['--stdin'], ['@a', 'f']])
def test_cli_gather_excludes(options):
    assert run_gather(b'', *options).returncode == 64
