# SPDX-License-Identifier: MIT
"""Kept connections of a puwsgi-socket in engines of green threads: each packet is a request with
everything a request has, and nobody waits for a connection that is idle."""
import contextlib
import re
import signal
import select
import socket
import time
from pathlib import Path

import pytest
from conftest import PLUGINS, TCP, connect, framed, packet, poll, read_all
from nodes import HEADER, read_exactly
from test_engines import PUWSGI
from test_engines_remote import CORES as MANY_CORES, PYTHON_ENGINES, RUBY

CORES = 10
ENGINES = [name for name in PYTHON_ENGINES if name != 'threads']


@pytest.fixture(scope='module', params=ENGINES)
def engine(request):
    return request.param


def start(uwsgi, engine, *options, sockets=(TCP, PUWSGI)):
    plugins, engine_options = PYTHON_ENGINES[engine]
    engine_options = [(name, CORES if value == MANY_CORES else value) for name, value in engine_options]
    return uwsgi(*sockets, ('stats', 'stats.sock'), ('listen', 100), *engine_options, *options,
                 plugins=['python3', *plugins, 'rpc'])


@pytest.fixture(scope='module')
def server(engine, shared_uwsgi):
    return start(shared_uwsgi, engine, ('route', '^/never break:404 Not Found'),
                 ('log-format', '%(method) %(uri) from %(addr)'), ('rpc-client', 'far'))


def answer(sock):
    """The next result, and no byte more; None at the end of the connection, of which a reset is one
    when there is a packet that was not read."""
    try:
        header = read_exactly(sock, HEADER.size)
    except ConnectionResetError:
        return None
    return header and framed(header + read_exactly(sock, HEADER.unpack(header)[1]))


def call(sock, *items):
    sock.sendall(packet(*items))
    return answer(sock)


def counted(server):
    """By the worker and by its cores, which are read one after the other."""
    worker, = server.stats()['workers']
    return worker['requests'], sum(core['requests'] for core in worker['cores'])


def lines(server):
    return len(re.findall('^RPC hello from 127.0.0.1$', server.log, re.M))


def test_counted_and_logged_once(server):
    (before, _), logged = counted(server), lines(server)

    def are(more):
        return (*counted(server), lines(server)) == (before + more, before + more, logged + more)

    with connect(server.sockets[1]) as first, connect(server.sockets[1]) as second:
        for number in range(30):
            for sock in first, second:
                assert call(sock, 'hello', f'{number}') == b'hello %d' % number
        poll(lambda: are(60), what='60 requests counted and logged')
    # Nor do the ends of the connections count.
    assert server.call('hello', 'end') == b'hello end'
    poll(lambda: are(61), what='61 requests counted and logged')
    assert are(61)


def test_pipelined(server):
    calls = [packet('echo', f'{number}' * (number % 50), b'\0' * number) for number in range(1, 200)]
    with connect(server.sockets[1]) as sock:
        sock.sendall(b''.join(calls))
        for number in range(1, 200):
            text = f'{number}'.encode() * (number % 50)
            expected = b'%d:%s,' % (len(text), text) if text else b''
            expected += b'%d:%s,' % (number, b'\0' * number)
            assert answer(sock) == expected


def test_the_next_arrives_while_a_function_waits(server):
    """A call of another node suspends it; nothing else makes it go on."""
    itself = '{}:{}'.format(*server.sockets[0])
    with connect(server.sockets[1]) as sock:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for number in range(30):
            sock.sendall(packet('call', 'far.call', itself, 'hello', f'{number}'))
        for number in range(30):
            assert answer(sock) == b'hello %d' % number


def test_byte_by_byte(server):
    with connect(server.sockets[1]) as sock:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for _ in range(3):
            for byte in packet('hello', 'slow'):
                sock.sendall(bytes([byte]))
                assert server.call('hello', 'other') == b'hello other'
            assert answer(sock) == b'hello slow'


def test_large(server):
    with connect(server.sockets[1]) as sock:
        for _ in range(3):
            assert call(sock, 'count', 'x' * 60000) == b'1'
            assert call(sock, 'big', '60000') == b'x' * 60000


@pytest.mark.parametrize('data', [
    packet('nosuch'), packet('hello', modifier2=9), packet('PATH_INFO', '/', modifier1=0),
    b'\xad\x05\0\0\x09\0abc', b'\xad\0\0\0', packet('empty', modifier2=1)],
    ids=['unknown', 'modifier2', 'modifier1', 'cut', 'nothing', 'empty raw'])
def test_closed_without_an_answer(server, data):
    """As the first packet of a connection would be; and the core goes on to serve others."""
    for _ in range(CORES + 1):
        with connect(server.sockets[1]) as sock:
            assert call(sock, 'hello', 'a') == b'hello a'
            sock.sendall(data)
            assert read_all(sock) == b''
    assert server.call('hello', 'b') == b'hello b'
    assert len(server.worker_pids()) == 1


def test_callers_that_leave(server):
    """In the middle of a packet, of its answer, or with a reset."""
    for data in packet('hello', 'a')[:3], packet('hello', 'a')[:7], packet('big', '60000'):
        for _ in range(CORES + 1):
            with connect(server.sockets[1]) as sock:
                assert call(sock, 'hello', 'a') == b'hello a'
                sock.sendall(data)
    with connect(server.sockets[1]) as sock:
        assert call(sock, 'hello', 'b') == b'hello b'
    assert len(server.worker_pids()) == 1


@pytest.mark.parametrize('data', [packet('hello', 'a')[:3], packet('hello', 'a')[:-1]], ids=['header', 'body'])
def test_a_packet_that_is_cut_is_logged(server, data):
    said = '[rpc] kept connection: a packet that has not arrived whole\n'
    before = server.log.count(said)
    with connect(server.sockets[1]) as sock:
        assert call(sock, 'hello', 'a') == b'hello a'
        sock.sendall(data)
        sock.shutdown(socket.SHUT_WR)
        assert read_all(sock) == b''
    poll(lambda: server.log.count(said) == before + 1, what='one line')


def test_a_packet_that_is_too_large_is_logged(uwsgi, engine):
    server = start(uwsgi, engine, ('buffer-size', 4096))
    with connect(server.sockets[1]) as sock:
        assert call(sock, 'count', 'x' * 4000) == b'1'
        assert call(sock, 'count', 'x' * 5000) is None
    server.wait_log('kept connection: a packet larger than buffer-size')
    assert server.call('hello', 'b') == b'hello b'


def test_each_wait_has_its_own_timeout(uwsgi, engine):
    server = start(uwsgi, engine, ('socket-timeout', 10))
    with connect(server.sockets[1]) as sock:
        for _ in range(7):
            assert call(sock, 'hello', 'a') == b'hello a'
            select.select([], [], [], 2)  # in all more than the timeout


def is_open(sock):
    sock.setblocking(False)
    with contextlib.suppress(BlockingIOError):
        return sock.recv(1) != b''
    return True


def test_idle_connections_leave_half_of_the_cores(server):
    with contextlib.ExitStack() as stack:
        idle = [stack.enter_context(connect(server.sockets[1])) for _ in range(CORES)]
        for sock in idle:
            assert call(sock, 'hello', 'a') == b'hello a'
        for _ in range(3 * CORES):
            assert server.call('hello', 'fresh') == b'hello fresh'
        poll(lambda: sum(map(is_open, idle)) == CORES // 2, what='half of them kept')
        assert 'async queue is full' not in server.log


def test_idle_timeout(uwsgi, engine):
    server = start(uwsgi, engine, ('socket-timeout', 2))
    with connect(server.sockets[1]) as sock:
        begin = time.monotonic()
        assert call(sock, 'hello', 'a') == b'hello a'
        assert read_all(sock) == b''
        assert 0.9 < time.monotonic() - begin < 10


def test_reload(uwsgi, engine, tmp_path):
    """It does not wait for idle connections."""
    sockets = ('socket', tmp_path / 'tcp.sock'), ('puwsgi-socket', tmp_path / 'kept.sock')
    server = start(uwsgi, engine, ('worker-reload-mercy', 60), sockets=sockets)
    with connect(server.sockets[1]) as idle:
        pid = call(idle, 'pid')
        server.process.send_signal(signal.SIGHUP)
        assert read_all(idle) == b''
        poll(lambda: server.call('pid') not in (pid, None), what='the new worker')


@pytest.mark.parametrize('lifetime', [0, 60])
def test_max_requests(uwsgi, engine, lifetime):
    """The worker ends when it has served so many, or, as long as it is too young for that, closes
    after each answer; no call is lost."""
    server = start(uwsgi, engine, ('max-requests', 20), ('min-worker-lifetime', lifetime))
    pids, answered = set(), 0
    while answered < 50:
        with connect(server.sockets[1]) as sock:
            for served in range(20):
                sock.sendall(packet('pid'))
                pid = answer(sock)
                if pid is None:
                    assert served > 0
                    break
                pids.add(pid)
                answered += 1
            if lifetime and answered > 20:
                assert served == 1
    assert len(pids) > 1 if lifetime == 0 else len(pids) == 1


def test_harakiri(uwsgi, engine):
    """It strikes a function on a kept connection, and never one that is idle."""
    server = start(uwsgi, engine, ('harakiri', 1))
    with connect(server.sockets[1]) as sock:
        pid = call(sock, 'pid')
        time_over = time.monotonic() + 3
        poll(lambda: time.monotonic() > time_over, what='three times the limit')
        assert call(sock, 'pid') == pid
        sock.sendall(packet('nap', '60'))
        assert read_all(sock) == b''
    server.wait_log('HARAKIRI')
    assert server.call('hello', 'a') == b'hello a'


class Application:
    """Starts a server with an application; modifier1 is its plugin's, for which its sockets are."""

    def __init__(self, engine, uwsgi, directory):
        self.engine, self.uwsgi, self.directory = engine, uwsgi, directory
        self.modifier1 = 7 if engine == 'rbthreads' else 0

    def start(self, kind):
        sockets = ((kind, '127.0.0.1:0'),)
        if self.engine == 'async':
            return self.uwsgi(*sockets, ('async', CORES))
        if self.engine != 'rbthreads':
            return start(self.uwsgi, self.engine, sockets=sockets)
        if not Path(PLUGINS, 'rbthreads_plugin.so').exists():
            pytest.skip('uWSGI has no rbthreads plugin here')
        (self.directory / 'config.ru').write_text(RUBY)
        return self.uwsgi(*sockets, (f'{kind}-modifier1', 7), ('threads', CORES), ('rbthreads', 'true'),
                          ('rack', self.directory / 'config.ru'), plugins=('rack', 'rbthreads', 'rpc'), app=None)


@pytest.fixture(params=[*ENGINES, 'async', 'rbthreads'])
def application(request, uwsgi, tmp_path):
    return Application(request.param, uwsgi, tmp_path)


@pytest.mark.parametrize('kind', ['http11-socket', 'puwsgi-socket'])
def test_none_of_an_application_is_kept(application, kind):
    """uWSGI would never come back to it, and end when the core has another."""
    server = application.start(kind)
    whole = (b'GET / HTTP/1.1\r\nHost: a\r\n\r\n' if kind == 'http11-socket' else
             packet('REQUEST_METHOD', 'GET', 'PATH_INFO', '/', modifier1=application.modifier1))
    for _ in range(3):
        with contextlib.ExitStack() as stack:
            callers = [stack.enter_context(connect(server.sockets[0])) for _ in range(CORES)]
            for caller in callers:
                caller.sendall(whole)
            for caller in callers:
                assert read_all(caller).endswith(b'application unset')
    assert len(server.worker_pids()) == 1
