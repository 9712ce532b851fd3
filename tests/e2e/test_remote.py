# SPDX-License-Identifier: MIT
"""Remote calls from routes to nodes that are slow, dead or lying."""
import contextlib
import itertools
import os
import re
import socket
from concurrent.futures import ThreadPoolExecutor

import pytest
from conftest import HTTP, PRELOAD, TCP, poll
from nodes import (BAD, Node, answers_after, answers_once, closes, long_reply, refuser, reply,
                   says_nothing, sends)

DEADLINE = 2
CALLERS = 20
# On a busy machine; what waits for it twice is later still.
SLACK = 1.8
THREADS = 60
# Bytes a worker may grow by for what a node promises and does not send.
MEMORY_SLACK = (128 if PRELOAD else 16) << 20

pytestmark = pytest.mark.alone('deadlines of a second')

numbers = itertools.count(1000)


def open_fds(pid):
    return sorted(os.listdir(f'/proc/{pid}/fd'))


def event_queues(pid):
    """Each thread of a worker makes one when it begins to accept."""
    links = (f'/proc/{pid}/fd/{fd}' for fd in open_fds(pid))
    return sum(os.path.lexists(link) and 'eventpoll' in os.readlink(link) for link in links)


def memory(pid, what):
    """VmHWM or VmPeak, in bytes."""
    with open(f'/proc/{pid}/status') as status:
        return int(re.search(rf'{what}:\s+(\d+) kB', status.read())[1]) * 1024


def duration(server, path):
    """How long the server took for the one request of this path, in seconds."""
    return int(server.wait_log(rf'GET {re.escape(path)} => .* in (\d+) msecs')[1]) / 1000


def idle_fds(server, pid):
    """The worker's descriptors when it has nothing to do: the line is written after the close."""
    path = f'/good-{next(numbers)}'
    server.http(path)
    duration(server, path)
    return open_fds(pid)


def node_lines(server, node):
    return re.findall(rf'\[rpc\] node {re.escape(node.name)}: .*', server.log)


@pytest.fixture(scope='module')
def nodes():
    """Every bad node, and a few good ones, by a name that can stand in a path."""
    with contextlib.ExitStack() as stack:
        started = {name.replace(' ', '-'): stack.enter_context(Node(script))
                   for name, (script, _, _) in BAD.items()}
        started['refuses'] = stack.enter_context(refuser())
        started['good'] = stack.enter_context(Node(answers_once()))
        started['slowly-good'] = stack.enter_context(Node(answers_after(0.3, b'good')))
        started['generous'] = stack.enter_context(Node(sends(reply(b'four') + b'and some more')))
        started['generous-long'] = stack.enter_context(
            Node(sends(long_reply(b'y' * 70000 + b'more', 70000))))
        yield started


@pytest.fixture(scope='module')
def server(shared_uwsgi, nodes):
    routes = [('route', f'^/{re.escape(name)}(-\\d+)?$ rpc:hello@{node.name} a b')
              for name, node in nodes.items()]
    started = shared_uwsgi(TCP, HTTP, ('threads', THREADS), ('rpc-timeout', DEADLINE), ('listen', 120),
                        *routes, env={'MALLOC_ARENA_MAX': '1'})
    pid, = started.worker_pids()
    poll(lambda: event_queues(pid) >= THREADS, what='threads started')
    return started


CASES = {name.replace(' ', '-'): case[1:] for name, case in BAD.items()}
CASES['refuses'] = (502, 'node-unreachable')


@pytest.mark.parametrize('name', CASES)
def test_bad_node(server, nodes, name):
    """The status, within the deadline; one line in the log; and nothing left behind."""
    status, logged = CASES[name]
    pid, = server.worker_pids()
    fds, size, peak = idle_fds(server, pid), memory(pid, 'VmHWM'), memory(pid, 'VmPeak')
    calls, lines = len(nodes[name].calls), node_lines(server, nodes[name])

    response = server.http(f'/{name}')
    assert response.status == status
    assert duration(server, f'/{name}') <= DEADLINE + SLACK
    if status == 504:
        assert duration(server, f'/{name}') >= DEADLINE - 0.01
    new = node_lines(server, nodes[name])[len(lines):]
    assert len(new) == 1 and '"hello"' in new[0] and f'({logged})' in new[0]
    assert len(nodes[name].calls) - calls == (0 if name == 'refuses' else 1)
    poll(lambda: open_fds(pid) == fds, what='descriptors closed')
    assert memory(pid, 'VmHWM') - size < MEMORY_SLACK
    assert memory(pid, 'VmPeak') - peak < MEMORY_SLACK


BODIES = {'good': b'good', 'generous': b'four', 'generous-long': b'y' * 70000}


@pytest.mark.parametrize('name', BODIES)
def test_good_node(server, name):
    """Bytes after the promised result are ignored."""
    response = server.http(f'/{name}')
    assert (response.status, response.body) == (200, BODIES[name])
    assert response.headers['Content-Length'] == str(len(BODIES[name]))


@pytest.mark.parametrize('name', CASES)
def test_good_calls_beside_a_bad_one(server, nodes, name):
    """Good calls while the bad one is under way."""
    pid, = server.worker_pids()
    fds = idle_fds(server, pid)
    calls = len(nodes['slowly-good'].calls)
    with ThreadPoolExecutor(CALLERS + 1) as pool:
        bad = pool.submit(server.http, f'/{name}-2')
        good = [pool.submit(server.http, '/slowly-good') for _ in range(CALLERS)]
        assert [(g.result().status, g.result().body) for g in good] == [(200, b'good')] * CALLERS
        assert bad.result().status == CASES[name][0]
    assert duration(server, f'/{name}-2') <= DEADLINE + SLACK
    assert len(nodes['slowly-good'].calls) - calls == CALLERS
    poll(lambda: open_fds(pid) == fds, what='descriptors closed')


# --- what each action makes of a failing node ----------------------------------------------------

@pytest.fixture(scope='module')
def actions(shared_uwsgi, nodes):
    closing, silent = nodes['closes'].name, nodes['says-nothing'].name
    routes = []
    for action in ('rpc', 'call', 'rpcnext', 'rpcblob', 'rpcret', 'rpcraw'):
        routes += [('route', f'^/{action}/closes {action}:hello@{closing}'),
                   ('route', f'^/{action}/silent {action}:hello@{silent}')]
    routes += [('route', f'^/rpcvar/closes rpcvar:RPC_VAR hello@{closing}'),
               ('route', f'^/rpcvar/good rpcvar:RPC_VAR hello@{nodes["good"].name}'),
               ('route', f'^/half rpcnext:hello@{nodes["good"].name}'),
               ('route', f'^/half rpcnext:hello@{closing}')]
    return shared_uwsgi(TCP, HTTP, ('threads', 4), ('rpc-timeout', 3), *routes)


@pytest.mark.parametrize('action', ['rpc', 'call', 'rpcnext', 'rpcblob', 'rpcraw'])
def test_action_with_a_failing_node(actions, action):
    assert actions.http(f'/{action}/closes').status == 502
    assert actions.http(f'/{action}/silent').status == 504


def test_rpcret_with_a_failing_node_guards(actions):
    """It may be guarding something: the application is not reached."""
    response = actions.http('/rpcret/closes')
    assert response.status == 502
    assert b'application' not in response.body


def test_rpcvar_with_a_failing_node_is_empty(actions):
    assert actions.http('/rpcvar/closes').body == b'application '
    assert actions.http('/rpcvar/good').body == b'application good'


def test_rpcnext_after_the_headers_ends_the_answer(actions, nodes):
    lines = node_lines(actions, nodes['closes'])
    response = actions.http('/half')
    assert (response.status, response.body) == (200, b'good')
    assert len(node_lines(actions, nodes['closes'])) == len(lines) + 1


# --- limits --------------------------------------------------------------------------------------

LIMIT = 100000


@pytest.mark.parametrize('size, status', [(LIMIT - 1, 200), (LIMIT, 200), (LIMIT + 1, 502)])
def test_max_response(uwsgi, size, status):
    result = b'z' * size
    with Node(sends(long_reply(result, size))) as node:
        server = uwsgi(TCP, HTTP, ('rpc-max-response', LIMIT), ('route', f'.* rpc:big@{node.name}'))
        response = server.http('/')
        assert response.status == status
        if status == 200:
            assert response.body == result
        else:
            server.wait_log(rf'{re.escape(node.name)}: "big": .*\(node-too-large\)')


def test_short_reply_over_the_limit(uwsgi):
    with Node(sends(reply(b'12345'))) as node:
        server = uwsgi(TCP, HTTP, ('rpc-max-response', 4), ('route', f'.* rpc:big@{node.name}'))
        assert server.http('/').status == 502


def test_connect_timeout_is_a_part_of_the_deadline(uwsgi):
    """A node whose queue is full neither takes nor refuses the connection."""
    with Node(None) as node, contextlib.ExitStack() as stack:
        node.listener.listen(0)
        fill_queue(node, stack)
        server = uwsgi(TCP, HTTP, ('rpc-timeout', 9), ('rpc-connect-timeout', DEADLINE),
                       ('route', f'.* rpc:hello@{node.name}'))
        assert server.http('/full').status in (502, 504)
        assert DEADLINE - 0.01 <= duration(server, '/full') <= DEADLINE + SLACK


def fill_queue(node, stack):
    while True:
        conn = stack.enter_context(socket.socket())
        conn.settimeout(0.3)
        try:
            conn.connect(node.listener.getsockname())
        except socket.timeout:
            return


@pytest.mark.parametrize('script, status', [(closes, 502), (says_nothing, 504)])
def test_one_deadline_for_a_list_of_nodes(uwsgi, script, status):
    """A refusing node costs nothing of it; a call that was sent is not sent to the next one."""
    with refuser() as dead, Node(script) as bad, Node(answers_once()) as good:
        server = uwsgi(TCP, HTTP, ('rpc-timeout', DEADLINE),
                       ('route', f'.* rpc:hello@{dead.name},{bad.name},{good.name}'))
        assert server.http('/list').status == status
        assert duration(server, '/list') <= DEADLINE + SLACK
        assert (len(bad.calls), len(good.calls)) == (1, 0)
