# SPDX-License-Identifier: MIT
"""What a server has to survive: clients that are slow, gone or too many, workers that are killed,
recycled or reloaded in the middle of a call, and functions that call back."""
import contextlib
import os
import re
import signal
import socket
import struct
import threading
import time
from pathlib import Path

import drive
import pytest
from conftest import connect, framed, packet, poll, read_all
from transports import JSON, PATH_INFO, XML


@pytest.fixture
def start(uwsgi):
    """start(option, ...) starts a server with the functions of robust.c and no interpreter."""
    def start(*options):
        return uwsgi(*drive.functions(), *options, plugins=('rpc',), app=None)
    return start


def in_threads(*targets):
    threads = [threading.Thread(target=target, daemon=True) for target in targets]
    for thread in threads:
        thread.start()
    return threads


def kept_call(sock, *items):
    """A call on a connection that stays open; its result must be short."""
    sock.sendall(packet(*items))
    reply = sock.recv(1000)
    return framed(reply)


# --- many clients -----------------------------------------------------------------------------------

def test_kept_connections_among_fresh_ones(start):
    """A thread with a kept connection is woken for a fresh one that another thread is given: it still
    knows who is at the other end of its own."""
    server = start(('socket', '127.0.0.1:0'), ('puwsgi-socket', '127.0.0.1:0'), ('threads', 8),
                   ('rpc-allow-from', '127.0.0.0/8'))
    answers, over = [], threading.Event()

    def keep():
        with connect(server.sockets[1]) as sock:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for number in range(500):
                answers.append(kept_call(sock, 'first', f'n{number}') == b'n%d' % number)

    def come_and_go():
        while not over.is_set():
            server.call('first', 'fresh')

    keepers = in_threads(*[keep] * 3)
    visitors = in_threads(*[come_and_go] * 3)
    for thread in keepers:
        thread.join()
    over.set()
    for thread in visitors:
        thread.join()
    assert answers == [True] * 1500
    assert 'forbidden-peer' not in server.log


def test_a_full_listen_queue(start):
    """More callers at once than the queue has room for: each is served in its turn, by a worker that
    is slow."""
    server = start(('socket', '127.0.0.1:0'), ('socket', './queue.sock'), ('listen', 8))
    results = []

    def call():
        results.append(server.call('nap', 20, timeout=60) is not None)

    for thread in in_threads(*[call] * 40):
        thread.join()
    assert results == [True] * 40


def test_remote_calls_into_a_full_queue(start, tmp_path):
    """A UNIX socket whose queue is full refuses at once; a remote call tries again until it is in."""
    node = start(('socket', tmp_path / 'node.sock'), ('listen', 4))
    front = start(('socket', '127.0.0.1:0'), ('threads', 24), ('rpc-timeout', 30),
                  ('rpc-remote', f'away {tmp_path}/node.sock nap'))
    results = []

    def call():
        results.append(front.call('away', 20, timeout=60) == b'%d' % node.worker_pids()[0])

    for thread in in_threads(*[call] * 24):
        thread.join()
    assert results == [True] * 24


# --- clients that are slow, or gone -------------------------------------------------------------------

def test_a_byte_at_a_time(start):
    server = start(('socket', '127.0.0.1:0'), ('processes', 2))
    data = packet('first', 'patience')
    with connect(server.sockets[0]) as slow:
        for byte in data:
            slow.sendall(bytes([byte]))
            assert server.call('first', 'meanwhile') == b'meanwhile'
        assert framed(slow.recv(1000)) == b'patience'


def test_half_a_packet_ends_with_socket_timeout(start):
    server = start(('socket', '127.0.0.1:0'), ('socket-timeout', 1))
    with connect(server.sockets[0]) as half:
        half.sendall(packet('first', 'never finished')[:-3])
        assert half.recv(1000) == b''
    assert server.call('first', 'next') == b'next'


def test_a_half_closed_client_gets_its_answer(start):
    server = start(('socket', '127.0.0.1:0'))
    with connect(server.sockets[0]) as sock:
        sock.sendall(packet('first', 'answer'))
        sock.shutdown(socket.SHUT_WR)
        assert framed(sock.recv(1000)) == b'answer'


# More than malloc keeps for the next one (32 MiB), and than the sockets of both sides take.
LARGE = 36 << 20
GAVE_UP = r'uwsgi_\w+write\w*\(\).*(?:TIMEOUT|timeout)|RPC big'


@pytest.mark.uninstrumented('AddressSanitizer keeps what has been freed for a while')
@pytest.mark.parametrize('modifier2', [0, 1])
@pytest.mark.parametrize('leave', ['reset', 'closed', 'idle'])
def test_a_client_that_leaves_a_large_result(start, leave, modifier2):
    """One line in the log, the memory given back, the worker goes on."""
    server = start(('socket', '127.0.0.1:0'), ('socket-timeout', 5 if leave == 'idle' else 100))
    server.call('big', LARGE)
    pid = int(server.call('pid'))  # the only worker's, which has done with the call before
    before, descriptors = usage(pid)
    lines = server.log.count('uwsgi_')
    for _ in range(3):
        told = len(re.findall(GAVE_UP, server.log))
        with connect(server.sockets[0]) as sock:
            sock.sendall(packet('big', LARGE, modifier2=modifier2))
            assert sock.recv(1000)
            if leave == 'reset':
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0))
            if leave == 'idle':  # reads no more, until the server has lost its patience
                poll(lambda: len(re.findall(GAVE_UP, server.log)) > told, 60, 'the end of its patience')
        assert server.call('pid') == b'%d' % pid
    poll(lambda: usage(pid)[1] <= descriptors, what='descriptors closed')
    assert usage(pid)[0] < before + (2 << 20)
    poll(lambda: server.log.count('uwsgi_') - lines == 3, what='three lines in the log')


def usage(pid):
    """Resident bytes and open descriptors of a process."""
    pages = int(Path(f'/proc/{pid}/statm').read_text().split()[1])
    return pages * os.sysconf('SC_PAGESIZE'), len(os.listdir(f'/proc/{pid}/fd'))


def test_many_who_say_nothing(start):
    """Connections that never send a byte take threads, each until socket-timeout, and no more."""
    server = start(('socket', '127.0.0.1:0'), ('threads', 4), ('socket-timeout', 1))
    silent = [connect(server.sockets[0]) for _ in range(12)]
    assert server.call('first', 'in the end', timeout=30) == b'in the end'
    for sock in silent:
        sock.close()


# --- workers that end -----------------------------------------------------------------------------------

def test_harakiri(start):
    """A call that takes too long ends with its worker: no reply, and the next one finds a new one."""
    server = start(('socket', '127.0.0.1:0'), ('harakiri', 1))
    pid = server.call('pid')
    assert server.exchange(packet('nap', 20000)) == b''
    server.wait_log('HARAKIRI')
    assert server.call('pid') not in (pid, None)


def test_harakiri_of_a_node_is_an_error_in_front(start):
    node = start(('socket', '127.0.0.1:0'), ('harakiri', 1))
    front = start(('socket', '127.0.0.1:0'), ('http-socket', '127.0.0.1:0'), ('rpc-timeout', 30),
                  ('route', '^/ rpc:nap@%s:%d 20000' % node.sockets[0]))
    assert front.http('/').status == 502
    front.wait_log('node-closed')


def test_max_requests(start):
    """Workers that are replaced after ten calls: every call is answered, by one after the other."""
    server = start(('socket', '127.0.0.1:0'), ('max-requests', 10), ('min-worker-lifetime', 1),
                   ('processes', 2))
    pids = set()
    poll(lambda: pids.add(server.call('pid', timeout=30)) or len(pids) > 4, 30, 'five workers')
    assert None not in pids


def test_a_killed_worker_loses_its_call_alone(start):
    server = start(('socket', '127.0.0.1:0'), ('processes', 2))
    answers = []
    thread, = in_threads(lambda: answers.append(server.exchange(packet('nap', 30000), timeout=60)))
    busy = poll(lambda: [pid for pid in server.worker_pids() if is_sleeping_in_nap(pid)], 10, 'the call')
    os.kill(busy[0], signal.SIGKILL)
    thread.join()
    assert answers == [b'']
    assert all(server.call('first', 'x') == b'x' for _ in range(20))


def is_sleeping_in_nap(pid):
    return 'hrtimer' in Path(f'/proc/{pid}/wchan').read_text() or \
        Path(f'/proc/{pid}/syscall').read_text().startswith(('35 ', '230 '))  # nanosleep


def test_reload_during_a_call(start):
    """A graceful reload waits for the call that is being made, for worker-reload-mercy seconds."""
    server = start(('socket', './call.sock'), ('worker-reload-mercy', 60))
    server.sockets = [str(server.directory / 'call.sock')]
    pid, answers = server.call('pid'), []
    thread, = in_threads(lambda: answers.append(server.call('nap', 5000, timeout=60)))
    poll(lambda: is_sleeping_in_nap(int(pid)), 10, 'the call')
    server.process.send_signal(signal.SIGHUP)
    thread.join()
    assert answers == [pid]
    assert server.call('pid', timeout=30) != pid


def test_reload_during_a_remote_call(start):
    node = start(('socket', '127.0.0.1:0'))
    front = start(('socket', './call.sock'), ('rpc-timeout', 30), ('worker-reload-mercy', 60),
                  ('rpc-remote', 'away %s:%d nap' % node.sockets[0]))
    front.sockets = [str(front.directory / 'call.sock')]
    answers = []
    thread, = in_threads(lambda: answers.append(front.call('away', 5000, timeout=60)))
    pid = node.worker_pids()[0]
    poll(lambda: is_sleeping_in_nap(pid), 10, 'the call')
    front.process.send_signal(signal.SIGHUP)
    thread.join()
    assert answers == [b'%d' % pid]
    assert front.call('away', 1, timeout=30) == b'%d' % pid


# --- functions that call back ---------------------------------------------------------------------------

CALL_BACK = [('socket', './node.sock'), ('http-socket', '127.0.0.1:0'), ('rpc-timeout', 1),
             ('rpc-remote', 'back ./node.sock first'), ('route', '^/route rpc:first@./node.sock x'),
             ('route', '^/nested rpc:call ./node.sock first x'), ('route', '^/remote rpc:back x')]


@pytest.mark.parametrize('path', ['/route', '/remote'])
def test_calling_back_into_the_only_worker_ends_with_the_deadline(start, path):
    """Nobody is left to serve the second call: rpc-timeout ends it, 504, and the worker goes on."""
    server = start(*CALL_BACK)
    began = time.monotonic()
    assert server.http(path).status == 504
    assert 0.5 < time.monotonic() - began < 10
    server.sockets = [str(server.directory / 'node.sock')]
    assert server.call('first', 'on') == b'on'


def test_calling_back_with_a_second_worker_is_a_call(start):
    server = start(*CALL_BACK, ('processes', 2), ('rpc-timeout', 30))
    assert (server.http('/route').status, server.http('/route').body) == (200, b'x')


# --- bodies where there are none ------------------------------------------------------------------------

@pytest.mark.parametrize('length', [('CONTENT_LENGTH', '100'), ('HTTP_TRANSFER_ENCODING', 'chunked'),
                                    ('CONTENT_LENGTH', '99999999')], ids=lambda pair: pair[1])
@pytest.mark.parametrize('bridge', [PATH_INFO, XML, JSON])
def test_a_body_on_a_persistent_uwsgi_socket(start, bridge, length):
    """That protocol has none. uWSGI's reader for it fails without saying why, which with an EAGAIN left
    from before and something to be read looked like one more reason to try again, for ever."""
    # Threads that are woken for a connection another one is given find an EAGAIN.
    server = start(('puwsgi-socket', '127.0.0.1:0'), ('threads', 8))
    data = packet('REQUEST_METHOD', 'POST', 'PATH_INFO', '/first', 'CONTENT_TYPE',
                  'text/xml' if bridge == XML else 'application/json', *length, modifier2=bridge)
    for _ in range(20):
        with connect(server.sockets[0]) as sock:
            with contextlib.suppress(OSError):  # it may be closed already
                sock.sendall(data + b'the body')
                sock.shutdown(socket.SHUT_WR)
            assert re.match(rb'(HTTP/1.0 (400|413) |$)', read_all(sock))
    with connect(server.sockets[0]) as sock:
        assert kept_call(sock, 'first', 'next') == b'next'
    assert server.log.count('does not support request body') < 100


@pytest.mark.parametrize('bridge', [PATH_INFO, XML, JSON])
def test_malformed_variables_on_a_persistent_socket(start, bridge):
    server = start(('puwsgi-socket', '127.0.0.1:0'), ('socket-timeout', 100))
    assert server.exchange(packet('REQUEST_METHOD', modifier2=bridge)).startswith(b'HTTP/1.0 400 ')
    with connect(server.sockets[0]) as sock:
        assert kept_call(sock, 'first', 'next') == b'next'
