# SPDX-License-Identifier: MIT
"""What a call costs in system calls, seen by strace."""
import re
import shutil
import subprocess

import pytest
from conftest import PRELOAD, TCP, connect, packet, poll, read_all

WRITES = ('write', 'writev', 'send', 'sendto', 'sendmsg')

pytestmark = pytest.mark.skipif(bool(PRELOAD) or not shutil.which('strace'),
                                reason='strace, and a plugin that is not instrumented')


def system_calls(trace):
    """The names in a trace, from the connection's accept to its close."""
    names = re.findall(r'(?m)^(?:\d+ +)?([a-z0-9_]+)\(', trace)
    start = names.index('accept4')
    return names[start:names.index('close', start) + 1]


@pytest.fixture
def trace(uwsgi, tmp_path):
    """trace(options, packet) is what the worker does for a packet, and what it answers."""
    def run(data, *options):
        server = uwsgi(TCP, ('disable-logging', 'true'), *options)
        pid = server.call('pid').decode()
        file = tmp_path / 'trace'
        strace = subprocess.Popen(['strace', '-f', '-p', pid, '-o', file], stderr=subprocess.PIPE)
        try:
            assert b'attached' in strace.stderr.readline()
            with connect(server.sockets[0]) as sock:
                sock.sendall(data)
                reply = read_all(sock)
            poll(lambda: 'close(' in file.read_text())
        finally:
            strace.terminate()
            strace.wait()
            strace.stderr.close()
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


def test_bytes_nobody_reads_do_not_take_the_answer_along(uwsgi):
    """They turn uWSGI's close into a reset, when the answer has left."""
    server = uwsgi(TCP, ('disable-logging', 'true'))
    for _ in range(300):
        with connect(server.sockets[0]) as sock:
            sock.sendall(packet('hello', 'a', 'b') + bytes(1000))
            assert read_all(sock) == b'\xad\x09\0\0hello a b'


def test_a_long_result_is_one_write(trace):
    calls, reply = trace(packet('big', 66000))
    assert len(reply) == 27 + 66000
    assert [call for call in calls if call in WRITES] == ['writev']


def test_an_empty_result_is_one_write(trace):
    calls, reply = trace(packet('empty'))
    assert reply == b'\xad\0\0\0'
    assert len([call for call in calls if call in WRITES]) == 1


def test_a_rejected_packet_is_not_answered(trace):
    calls, reply = trace(packet('nosuch'))
    assert reply == b''
    # one line in the log
    assert len([call for call in calls if call in WRITES]) == 1
