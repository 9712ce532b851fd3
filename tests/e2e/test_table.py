# SPDX-License-Identifier: MIT
"""The function table: who registered what when, and who may call it from where."""
import os
import re
import signal
import socket
import struct
import threading
from pathlib import Path

import pytest
from conftest import BUILD, HTTP, TCP, Server, connect, framed, packet, poll, read_all

PUWSGI = ('puwsgi-socket', '127.0.0.1:0')
BRIDGE = [('http-socket-modifier1', 173), ('http-socket-modifier2', 2)]
ALL_LOCAL = ('route', '^/local/hello rpc:hello')


# --- registering -----------------------------------------------------------------------------------

def in_each_worker(server, count, call):
    """call() until each of the workers has answered; returns the answers."""
    answers = {}

    def enough():
        worker = server.call('worker')
        answers.setdefault(worker, call())
        return len(answers) == count

    poll(enough)
    return answers


def test_functions_of_the_master_are_in_every_worker(uwsgi):
    server = uwsgi(TCP, ('processes', 3))
    assert set(in_each_worker(server, 3, lambda: server.call('hello')).values()) == {b'hello'}


def test_a_function_registered_after_fork(uwsgi):
    server = uwsgi(TCP)
    assert server.call('late') is None
    assert server.call('register', 'late', 'answer') == b'registered'
    assert server.call('late') == b'answer'
    assert server.call('hello') == b'hello'


def test_a_function_registered_in_one_worker_is_there_alone(uwsgi):
    server = uwsgi(TCP, ('processes', 2))
    server.call('register', 'late', 'answer')
    answers = set()
    poll(lambda: answers.add(server.call('late')) or answers == {b'answer', None})


def test_registered_again(uwsgi):
    server = uwsgi(TCP)
    for answer in (b'one', b'two', b'three'):
        server.call('register', 'again', answer)
        assert server.call('again') == answer
    server.call('register', 'hello', 'another')
    assert server.call('hello') == b'another'


@pytest.mark.parametrize('options', [[('threads', 8)], [('processes', 2), ('threads', 4)]],
                         ids=['threads', 'processes and threads'])
def test_registering_and_calling_in_threads(uwsgi, options):
    """Functions appear while others are called; each is found from then on."""
    server = uwsgi(TCP, ('rpc-max', 200), *options)
    wrong = []

    def register(first):
        for number in range(first, first + 20):
            server.call('register', f'late{number}', str(number))

    def call():
        wrong.extend(answer for answer in (server.call('hello', 'x') for _ in range(60)) if answer != b'hello x')

    threads = [threading.Thread(target=register, args=(first,)) for first in (0, 20, 40)]
    threads += [threading.Thread(target=call) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
    if len(options) == 1:
        assert [server.call(f'late{number}') for number in range(60)] == [b'%d' % n for n in range(60)]


def test_lazy_apps(uwsgi):
    server = uwsgi(TCP, ('lazy-apps', 'true'), ('processes', 2))
    server.wait_log('registered RPC function "hello" on worker 2')
    assert set(in_each_worker(server, 2, lambda: server.call('hello')).values()) == {b'hello'}


def test_without_a_master(tmp_path):
    server = Server(tmp_path, [TCP])
    server.ini.write_text(server.ini.read_text().replace('master = true', 'master = false'))
    server.start()
    assert server.call('hello') == b'hello'
    assert server.call('nosuch') is None
    server.stop()


def test_rpc_max(uwsgi):
    """Of 10000 functions the last one is found, and the one after it was never there."""
    server = uwsgi(TCP, ('rpc-max', 10000), env={'RPC_FUNCTIONS': '12000'}, app='many_functions.py')
    assert server.call('function0') == b'0'
    assert server.call('function9999') == b'9999'
    assert server.call('function10000') is None
    assert server.call('function11999') is None


def test_rpc_max_of_one(uwsgi):
    server = uwsgi(TCP, ('rpc-max', 1), env={'RPC_FUNCTIONS': '2'}, app='many_functions.py')
    assert server.call('function0') == b'0'
    assert server.call('function1') is None


def anonymous_kb(pid):
    return int(re.search(r'RssAnon:\s+(\d+) kB', Path(f'/proc/{pid}/status').read_text())[1])


@pytest.mark.uninstrumented('a sanitizer takes memory of its own')
def test_a_large_rpc_max_takes_no_memory(uwsgi):
    used = []
    for maximum in (64, 300000):
        server = uwsgi(TCP, ('rpc-max', maximum))
        assert server.call('hello') == b'hello'
        used.append(anonymous_kb(server.worker_pids()[0]))
    assert used[1] - used[0] < 8000


# --- workers that die --------------------------------------------------------------------------------

@pytest.mark.parametrize('options', [[], [('lazy-apps', 'true')], [('threads', 2)]],
                         ids=['prefork', 'lazy-apps', 'threads'])
def test_functions_of_a_dead_worker_are_gone(uwsgi, options):
    """The new worker takes over the dead one's part of the table; its pointers lead nowhere."""
    server = uwsgi(TCP, *options)
    for _ in range(3):
        pid = server.call('pid')
        server.call('register', 'late', 'answer')
        server.call('register', 'hello', 'another')
        assert (server.call('late'), server.call('hello')) == (b'answer', b'another')
        os.kill(int(pid), signal.SIGKILL)
        poll(lambda: alive(server) not in (None, pid))
        assert server.call('late') is None
        assert server.call('hello') == b'hello'
    assert 'Segmentation' not in server.log


def alive(server):
    try:
        return server.call('pid')
    except OSError:
        return None


def test_functions_of_a_reloaded_worker_are_gone(uwsgi):
    server = uwsgi(TCP, ('touch-workers-reload', 'touched'))
    pid = server.call('pid')
    server.call('register', 'late', 'answer')
    (server.directory / 'touched').touch()
    os.utime(server.directory / 'touched', (0, 2 ** 31))
    poll(lambda: alive(server) not in (None, pid))
    assert server.call('late') is None


# --- languages -------------------------------------------------------------------------------------

LUA = '''
uwsgi.register_rpc("count", function(...) return tostring(select("#", ...)) end)
uwsgi.register_rpc("fail", function() error("failed") end)
uwsgi.register_rpc("join", function(...) return table.concat({...}, " ") end)
function application(env) return "200 OK", {}, function() return "" end end
return application
'''


def test_lua_takes_254_arguments(uwsgi, tmp_path):
    """The Lua plugin itself writes past its stack from some 40 on, and fewer after each error."""
    (tmp_path / 'functions.lua').write_text(LUA)
    server = uwsgi(TCP, HTTP, ('plugin', 'lua'), ('lua', tmp_path / 'functions.lua'),
                   ('route', '^/33 rpc:count ' + ' '.join(['x'] * 33)), plugins=('rpc',), app=None)
    pid = server.worker_pids()
    assert server.call('count') == b'0'
    for _ in range(100):
        assert server.call('fail', 'x') == b''
    for arguments in (32, 33, 100, 254):
        assert server.call('count', *['x'] * arguments) == b'%d' % arguments
    assert server.call('join', *['x'] * 254) == b' '.join([b'x'] * 254)
    assert server.http('/33').body == b'33'
    assert server.worker_pids() == pid


def test_c_functions_take_254_arguments(uwsgi):
    server = uwsgi(TCP, ('plugin', 'symcall'), ('dlopen', BUILD / 'functions.so'),
                   ('symcall-register-rpc', 'cstrlen c_strlen'), app=None, plugins=('rpc',))
    assert server.call('cstrlen', *['abc'] * 254) == b'3:3 ' * 254


# --- rpc-allow, rpc-bridge-allow -------------------------------------------------------------------

ALLOWED = {
    'exact': (['hello'], {'hello': True, 'first': False, 'hell': False, 'pid': False}),
    'star': (['h*'], {'hello': True, 'first': False}),
    'question mark': (['hell?'], {'hello': True, 'first': False}),
    'set': (['[ef]*'], {'hello': False, 'first': True, 'echo': True}),
    'several': (['hello', 'first'], {'hello': True, 'first': True, 'echo': False}),
    'all': (['*'], {'hello': True, 'first': True}),
    'none': (['nothing'], {'hello': False, 'first': False}),
}


@pytest.mark.parametrize('case', ALLOWED)
def test_rpc_allow(uwsgi, case):
    globs, functions = ALLOWED[case]
    server = uwsgi(TCP, HTTP, *BRIDGE, *[('rpc-allow', glob) for glob in globs], ALL_LOCAL)
    for name, allowed in functions.items():
        assert (server.call(name, 'x') is not None) == allowed, name
        assert (server.call(name, 'x', modifier2=1) != b'') == allowed, name
        assert server.http('/' + name).status == (404 if not allowed else 204 if name in ('first', 'echo') else 200)
    assert server.http('/local/hello').body == b'hello'


def test_rpc_bridge_allow_is_on_top_of_rpc_allow(uwsgi):
    server = uwsgi(TCP, HTTP, *BRIDGE, ('rpc-allow', 'hello'), ('rpc-allow', 'first'),
                   ('rpc-bridge-allow', 'first'), ('rpc-bridge-allow', 'echo'), ALL_LOCAL)
    assert [server.call(name, 'x') is not None for name in ('hello', 'first', 'echo')] == [True, True, False]
    assert [server.http(f'/{name}/x').status for name in ('hello', 'first', 'echo')] == [404, 200, 404]
    assert server.http('/local/hello').body == b'hello'


def test_rpc_bridge_allow_leaves_packets_alone(uwsgi):
    server = uwsgi(TCP, HTTP, *BRIDGE, ('rpc-bridge-allow', 'first'))
    assert server.call('hello') == b'hello'
    assert [server.http(f'/{name}/x').status for name in ('hello', 'first')] == [404, 200]


def test_forbidden_looks_like_unknown_but_not_in_the_log(uwsgi):
    server = uwsgi(TCP, HTTP, *BRIDGE, ('rpc-allow', 'first'))
    assert server.exchange(packet('hello')) == server.exchange(packet('nosuch')) == b''
    forbidden, unknown = server.http('/hello'), server.http('/nosuch')
    assert (forbidden.status, forbidden.body, forbidden.getheaders()) == (
        unknown.status, unknown.body, unknown.getheaders())
    for where in ('packet from 127.0.0.1', 'path bridge'):
        server.wait_log(rf'\[rpc\] {where}: "hello": no such function \(forbidden-function\)')
        server.wait_log(rf'\[rpc\] {where}: "nosuch": no such function \(unknown-function\)')


def test_functions_registered_later_are_matched_too(uwsgi):
    server = uwsgi(TCP, ('rpc-allow', 'register'), ('rpc-allow', 'late*'))
    server.call('register', 'later', 'answer')
    server.call('register', 'other', 'answer')
    assert (server.call('later'), server.call('other')) == (b'answer', None)


# --- rpc-allow-from ----------------------------------------------------------------------------------

def has_ipv6():
    try:
        with socket.socket(socket.AF_INET6) as sock:
            sock.bind(('::1', 0))
        return True
    except OSError:
        return False


V6 = pytest.mark.skipif(not has_ipv6(), reason='no IPv6 loopback')
FROM = {
    'the address': ('127.0.0.1', True), 'its range': ('127.0.0.0/8', True), 'everything': ('0.0.0.0/0', True),
    'another address': ('127.0.0.2', False), 'another range': ('10.0.0.0/8', False), 'the wrong half': ('128.0.0.0/1', False),
    'only IPv6': ('::/0', False), 'mapped': ('::ffff:127.0.0.0/104', True)}


@pytest.mark.parametrize('case', FROM)
def test_rpc_allow_from(uwsgi, tmp_path, case):
    cidr, allowed = FROM[case]
    server = uwsgi(TCP, HTTP, ('socket', tmp_path / 'unix.sock'), *BRIDGE, ('rpc-allow-from', cidr))
    assert server.call('hello') == (b'hello' if allowed else None)
    assert server.call('hello', modifier2=1) == (b'hello' if allowed else b'')
    assert server.call('hello', socket=2) == b'hello'
    assert server.http('/hello').body == b'hello'
    if not allowed:
        server.wait_log(r'packet from 127\.0\.0\.1: "hello": peer not allowed by rpc-allow-from \(forbidden-peer\)')


def test_rpc_allow_from_several(uwsgi):
    server = uwsgi(TCP, ('rpc-allow-from', '10.0.0.0/8'), ('rpc-allow-from', '127.0.0.1'))
    assert server.call('hello') == b'hello'


@V6
@pytest.mark.parametrize('cidr, allowed', [('::1', True), ('::/127', True), ('::1/128', True), ('::2', False),
                                           ('fe80::/10', False), ('127.0.0.1', False)])
def test_rpc_allow_from_ipv6(uwsgi, cidr, allowed):
    server = uwsgi(('socket', '[::1]:0'), ('rpc-allow-from', cidr))
    port = int(re.search(r'bound to TCP address \[?::1\]?:(\d+)', server.log).group(1))
    server.sockets = [('::1', port)]
    assert server.call('hello') == (b'hello' if allowed else None)
    server.wait_log(r'\] ::1 ' if allowed else r'packet from ::1: ')


@V6
def test_rpc_allow_from_ipv4_on_a_dual_stack_socket(uwsgi):
    server = uwsgi(('socket', '[::]:0'), ('rpc-allow-from', '127.0.0.0/8'))
    port = int(re.search(r'bound to TCP address \[?::\]?:(\d+)', server.log).group(1))
    server.sockets = [('127.0.0.1', port)]
    try:
        connect(server.sockets[0]).close()
    except OSError:
        pytest.skip('IPv6 sockets take no IPv4 here')
    assert server.call('hello') == b'hello'
    server.sockets = [('::1', port)]
    assert server.call('hello') is None


@pytest.mark.parametrize('cidr, allowed', [('127.0.0.1', True), ('127.0.0.2', False)])
def test_rpc_allow_from_on_a_persistent_connection(uwsgi, cidr, allowed):
    """uWSGI knows the peer of a connection's first request only."""
    server = uwsgi(PUWSGI, ('rpc-allow-from', cidr))
    with connect(server.sockets[0]) as sock:
        for _ in range(3 if allowed else 1):
            sock.sendall(packet('hello'))
            reply = sock.recv(9, socket.MSG_WAITALL)
            assert framed(reply) == (b'hello' if allowed else None)


# --- rpc-empty-is-error ------------------------------------------------------------------------------

@pytest.mark.parametrize('function', ['empty', 'none', 'boom'])
def test_rpc_empty_is_error(uwsgi, function):
    server = uwsgi(TCP, HTTP, PUWSGI, ('threads', 4), *BRIDGE, ('rpc-empty-is-error', 'true'),
                   ('route', f'^/route rpc:{function}'))
    assert server.call(function) is None
    assert server.call(function, modifier2=1) == b''
    assert server.http('/' + function).status == 500
    assert server.http('/route').status == 500
    with connect(server.sockets[2]) as sock:
        sock.sendall(packet(function))
        assert read_all(sock) == b''
    assert len(re.findall(rf'"{function}": .* \(empty\)', server.log)) == 5


# --- sockets open to the world -----------------------------------------------------------------------

OPEN = ('socket', '0.0.0.0:0')


@pytest.mark.parametrize('options, warnings', [
    ([OPEN], 1), ([OPEN, OPEN], 2), ([OPEN, TCP], 1), ([('puwsgi-socket', '0.0.0.0:0')], 1),
    ([TCP], 0), ([('socket', '{}/unix.sock')], 0), ([('socket', '@abstract-%d' % os.getpid())], 0),
    ([TCP, ('http-socket', '0.0.0.0:0')], 0), ([OPEN, ('rpc-allow', '*')], 0), ([OPEN, ('rpc-allow-from', '::/0')], 0),
    ([OPEN, ('rpc-bridge-allow', '*')], 1)],
    ids=['open', 'two', 'one of two', 'persistent', 'loopback', 'UNIX', 'abstract', 'HTTP', 'rpc-allow',
         'rpc-allow-from', 'rpc-bridge-allow'])
def test_warning_about_open_sockets(uwsgi, tmp_path, options, warnings):
    server = uwsgi(*[(name, value.format(tmp_path)) for name, value in options])
    with connect(server.sockets[0]) as sock:
        sock.sendall(packet('hello'))
        sock.shutdown(socket.SHUT_WR)  # which ends a persistent connection
        read_all(sock)
    assert len(re.findall(r'(?m)^\[rpc\] warning: .*rpc-allow', server.log)) == warnings


@V6
@pytest.mark.parametrize('address, warnings', [('[::]:0', 1), ('[::1]:0', 0)])
def test_warning_about_open_ipv6_sockets(uwsgi, address, warnings):
    server = uwsgi(('socket', address), TCP)
    server.call('hello', socket=1)
    assert server.log.count('[rpc] warning: ') == warnings


# --- clients that behave badly -----------------------------------------------------------------------

def test_a_client_that_vanishes_mid_reply(uwsgi):
    server = uwsgi(TCP)
    pid = server.call('pid')
    for _ in range(3):
        with connect(server.sockets[0]) as sock:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0))
            sock.sendall(packet('big', 30 << 20))
            sock.recv(1000)
    assert server.call('pid') == pid
