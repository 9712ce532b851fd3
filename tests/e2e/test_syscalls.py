# SPDX-License-Identifier: MIT
"""What a call costs in system calls, seen by strace."""
import collections
import contextlib
import re
import shutil
import socket
import struct
import subprocess

import pytest
from conftest import HTTP, PRELOAD, TCP, connect, framed, packet, poll, read_all
from nodes import HEADER, read_exactly

WRITES = ('write', 'writev', 'send', 'sendto', 'sendmsg')


def system_calls(trace):
    """The names in a trace, from the connection's accept to its close."""
    names = re.findall(r'(?m)^(?:\d+ +)?([a-z0-9_]+)\(', trace)
    start = names.index('accept4')
    return names[start:names.index('close', start) + 1]


@contextlib.contextmanager
def traced(server, file):
    """While this lasts, what the worker does goes into the file."""
    pid, = server.worker_pids()
    strace = subprocess.Popen(['strace', '-f', '-p', str(pid), '-o', file], stderr=subprocess.PIPE)
    try:
        assert b'attached' in strace.stderr.readline()
        yield
        poll(lambda: 'close(' in file.read_text().partition('accept4(')[2])
    finally:
        strace.terminate()
        strace.wait()
        strace.stderr.close()


@pytest.fixture
def file(tmp_path):
    if PRELOAD or not shutil.which('strace'):
        pytest.skip('strace, and a plugin that is not instrumented')
    return tmp_path / 'trace'


@pytest.fixture
def trace(uwsgi, file):
    """trace(request, option, ...) is what the worker does for a request, and what it answers."""
    def run(data, *options, listens=TCP):
        server = uwsgi(listens, ('disable-logging', 'true'), *options)
        server.exchange(data)
        with traced(server, file), connect(server.sockets[0]) as sock:
            sock.sendall(data)
            reply = read_all(sock)
        return system_calls(file.read_text()), reply
    return run


@pytest.mark.parametrize('options', [[], [('route', '^/x rpc:hello')], [('rpc-allow-from', '127.0.0.1')]],
                         ids=['plain', 'routes', 'rpc-allow-from'])
@pytest.mark.parametrize('modifier2', [0, 1])
def test_a_call_is_accept_read_send_close(trace, options, modifier2):
    """The answer waits for the shutdown, and leaves in one segment with the connection's end."""
    calls, reply = trace(packet('hello', 'a', 'b', modifier2=modifier2), *options)
    assert reply.endswith(b'hello a b')
    assert [call for call in calls if call not in ('epoll_wait', 'futex')] == [
        'accept4', 'read', 'sendto', 'shutdown', 'close']


def test_a_call_on_a_kept_connection_of_gevents_is_read_and_write(uwsgi, file):
    """But for the waits, of which many callers share one, and what libev asks meanwhile."""
    server = uwsgi(('puwsgi-socket', '127.0.0.1:0'), ('gevent', 4), ('disable-logging', 'true'),
                   plugins=['python3', 'gevent_python3', 'rpc'])
    call = packet('hello', 'a', 'b')
    with traced(server, file), connect(server.sockets[0]) as sock:
        for _ in range(50):
            sock.sendall(call)
            assert framed(read_exactly(sock, HEADER.size + len('hello a b'))) == b'hello a b'
    calls = collections.Counter(system_calls(file.read_text()))
    assert calls['read'] <= 50 + 2 and calls['write'] == 50
    assert set(calls) - {'read', 'write', 'epoll_wait', 'getpid'} <= {name for name in calls if calls[name] < 5}


def test_bytes_nobody_reads_do_not_take_the_answer_along(uwsgi):
    """They turn uWSGI's close into a reset, when the answer has left."""
    server = uwsgi(TCP, ('disable-logging', 'true'))
    for _ in range(300):
        with connect(server.sockets[0]) as sock:
            sock.sendall(packet('hello', 'a', 'b') + bytes(1000))
            assert read_all(sock) == b'\xad\x09\0\0hello a b'


@pytest.mark.parametrize('size, head', [(2000, 4), (66000, 27)])
def test_a_long_result_leaves_with_the_end_of_its_connection(trace, size, head):
    calls, reply = trace(packet('big', size))
    assert len(reply) == head + size
    assert [call for call in calls if call not in ('epoll_wait', 'futex', 'mmap', 'munmap', 'brk')] == [
        'accept4', 'read', 'sendmsg', 'shutdown', 'close']


def bridge(modifier2):
    return ('http-socket-modifier1', 173), ('http-socket-modifier2', modifier2)


def post(body):
    return b'POST / HTTP/1.0\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b' % (
        len(body), body)


CALL = b'{"jsonrpc":"2.0","id":1,"method":"hello","params":["a"]}'
ROUTES = {
    'path': (b'GET /hello/a HTTP/1.0\r\n\r\n', bridge(2), b'hello a'),
    'path, unknown': (b'GET /nosuch HTTP/1.0\r\n\r\n', bridge(2), b'no such function\n'),
    'path, empty': (b'GET /empty HTTP/1.0\r\n\r\n', bridge(2), b'\r\n\r\n'),
    'path, HEAD': (b'HEAD /hello/a HTTP/1.0\r\n\r\n', bridge(2), b'\r\n\r\n'),
    'jsonrpc': (post(CALL), bridge(4), b'"id":1}'),
    'route': (b'GET /hello/a HTTP/1.0\r\n\r\n', [('route', '^/hello/(.+) rpc:hello $1')], b'hello a'),
}


@pytest.mark.parametrize('name', ROUTES)
def test_an_http_answer_leaves_with_the_end_of_its_connection(trace, name):
    data, options, end = ROUTES[name]
    calls, reply = trace(data, *options, listens=HTTP)
    assert reply.endswith(end)
    sends = [call for call in calls if call in ('writev', 'sendmsg', 'sendto', 'shutdown', 'close')]
    assert sends == ['sendmsg', 'shutdown', 'close']


ADDED = {
    'add-header': [('add-header', 'X-Added: 1')],
    'response-route': [('response-route', '.* addheader:X-Added: 1')],
    'route': [('route', '.* addheader:X-Added: 1')],
}


@pytest.mark.parametrize('name', ADDED)
def test_what_others_add_to_an_answer_is_there(uwsgi, name):
    server = uwsgi(HTTP, *bridge(2), *ADDED[name])
    response = server.http('/hello/a', socket=0)
    assert response.body == b'hello a' and response.headers['X-Added'] == '1'


def test_bytes_nobody_reads_do_not_take_an_http_answer_along(uwsgi):
    server = uwsgi(HTTP, *bridge(2), ('disable-logging', 'true'))
    for path, end in (('hello/a', b'hello a'), ('nosuch', b'no such function\n')):
        for _ in range(150):
            with connect(server.sockets[0]) as sock:
                sock.sendall(b'GET /%b HTTP/1.0\r\n\r\n' % path.encode() + bytes(1000))
                assert read_all(sock).endswith(end)


@pytest.mark.parametrize('size', [1, 2000, 16 << 20])
def test_the_log_counts_what_has_left(uwsgi, size):
    """At once, or in pieces when there is no room for all of it."""
    server = uwsgi(HTTP, *bridge(2), ('log-format', 'SIZES %(status) %(hsize) %(rsize) %(size) END'))
    with connect(server.sockets[0]) as sock:
        sock.sendall(b'GET /big/%d HTTP/1.0\r\n\r\n' % size)
        reply = read_all(sock)
    head, body = reply.split(b'\r\n\r\n', 1)
    assert body == b'x' * size
    line = server.wait_log(r'SIZES (.*) END').group(1)
    assert line == f'200 {len(head) + 4} {size} {len(reply)}'


def test_a_client_that_leaves_a_large_http_answer(uwsgi):
    """One line in the log, and the worker goes on."""
    server = uwsgi(HTTP, *bridge(2), ('disable-logging', 'true'))
    for count in range(1, 4):
        with connect(server.sockets[0]) as sock:
            sock.sendall(b'GET /big/%d HTTP/1.0\r\n\r\n' % (64 << 20))
            assert sock.recv(1000)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0))
        assert server.http('/hello/a', socket=0).body == b'hello a'
        poll(lambda: len(re.findall(r'uwsgi_\w+write\w*\(\)', server.log)) == count)


def test_an_empty_result_is_one_write(trace):
    calls, reply = trace(packet('empty'))
    assert reply == b'\xad\0\0\0'
    assert len([call for call in calls if call in WRITES]) == 1


def test_a_rejected_packet_is_not_answered(trace):
    calls, reply = trace(packet('nosuch'))
    assert reply == b''
    # one line in the log
    assert len([call for call in calls if call in WRITES]) == 1
