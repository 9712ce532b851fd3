# SPDX-License-Identifier: MIT
"""What uWSGI's async loop does with connections. Requests of which a part comes, and then nothing, it runs
after socket-timeout, with whatever another caller's request has left in the buffer; those of which a part
comes, and then the end, it goes on to read from the next caller."""
import contextlib
import re
import select
import socket
from pathlib import Path

import pytest
from certificates import certificates  # noqa: F401
from conftest import TCP, connect, framed, packet, poll, read_all
from nodes import Node, answers
from test_robust import is_sleeping_in_nap

CORES = 4
ENGINES = {'async': [('async', CORES)], 'ugreen': [('async', CORES), ('ugreen', 'true')]}
SECRET = b"another-caller's"
GET = b'GET /first/%s HTTP/1.0\r\nHost: a\r\n\r\n' % SECRET
PACKET = packet('first', SECRET)


@pytest.fixture(scope='module', params=ENGINES)
def started(request, shared_uwsgi):
    """start(option, ...), in each engine."""
    def start(*options):
        return shared_uwsgi(*ENGINES[request.param], ('socket-timeout', 1), *options,
                            plugins=['python3', 'ugreen', 'rpc'])
    return start


@pytest.fixture(scope='module')
def packets(started):
    return started(TCP)


@pytest.fixture(scope='module')
def patient(started):
    """Its callers have more than a second, which uWSGI's loop may let end at once: it counts whole ones."""
    return started(TCP, ('socket-timeout', 2))


@pytest.fixture(scope='module')
def bridge(started):
    return started(('http-socket', '127.0.0.1:0'), ('http-socket-modifier1', 173), ('http-socket-modifier2', 2))


@pytest.fixture(scope='module')
def routed(started):
    return started(('http-socket', '127.0.0.1:0'), ('route-run', 'rpc:first called'))


def leave_in_every_buffer(server, whole):
    """Several at once, since an idle core is taken before another. uWSGI's loop counts whole seconds: what
    is there as one ends may have no time at all."""
    for _ in range(3):
        poll(lambda: all(answers_at_once(server, whole)), what='answers')


def answers_at_once(server, whole):
    with contextlib.ExitStack() as stack:
        callers = [stack.enter_context(connect(server.sockets[0])) for _ in range(CORES)]
        for caller in callers:
            with contextlib.suppress(OSError):
                caller.sendall(whole)
        return [read_all(caller) for caller in callers]


def half(server, part):
    """The answer to a part of a request, when uWSGI has waited long enough. Its lines in the logs tell
    nothing of another caller."""
    before, unanswered = server.log.count('(cut-short)'), len(unanswered_of(server))
    with connect(server.sockets[0]) as sock:
        sock.sendall(part)
        answer = read_all(sock)
    poll(lambda: server.log.count('(cut-short)') == before + 1, what='a line in the log')
    poll(lambda: len(unanswered_of(server)) > unanswered, what='a line in the access log')
    assert not any(SECRET.decode() in line for line in unanswered_of(server))
    return answer


def everyone_is_answered(server):
    """On all cores at once."""
    callers = [connect(server.sockets[0]) for _ in range(CORES)]
    for number, caller in enumerate(callers):
        caller.sendall(packet('first', f'caller {number}'))
    assert [framed(read_all(caller)) for caller in callers] == [b'caller %d' % number for number in range(CORES)]
    for caller in callers:
        caller.close()


def unanswered_of(server):
    """The requests in the access log that got no byte."""
    return [line for line in server.log.splitlines() if '=> generated 0 bytes' in line]


@pytest.mark.parametrize('cut', [4, 5, 6, 10, len(PACKET) - 1])
def test_half_a_packet_calls_nothing(packets, cut):
    leave_in_every_buffer(packets, PACKET)
    assert half(packets, PACKET[:cut]) == b''
    assert framed(packets.exchange(PACKET)) == SECRET


@pytest.mark.parametrize('cut', [1, 20, 35])
def test_half_a_head_gets_nobody_elses_answer(bridge, cut):
    leave_in_every_buffer(bridge, GET)
    assert half(bridge, b'GET /none/at/all HTTP/1.0\r\nHost: a\r\n\r\n'[:cut]) == b''
    assert bridge.exchange(GET).endswith(b'\r\n\r\n' + SECRET)


def test_half_a_head_reaches_no_route(routed):
    leave_in_every_buffer(routed, GET)
    assert half(routed, GET[:20]) == b''
    assert routed.exchange(GET).endswith(b'\r\n\r\ncalled')


def test_its_descriptor_is_another_request_s_then(patient):
    """Which the loop would otherwise read into the first one's buffer."""
    for _ in range(3):
        assert half(patient, PACKET[:7]) == b''
        everyone_is_answered(patient)


# --- a client that leaves ---------------------------------------------------------------------------------

def left(server, part):
    """A part of a request, and the end of it: its core is the one that the next caller has."""
    with connect(server.sockets[0]) as sock:
        sock.sendall(part)
        with contextlib.suppress(OSError):  # closed already
            sock.shutdown(socket.SHUT_WR)
        assert read_all(sock) == b''


@pytest.mark.parametrize('cut', [1, 4, 10, len(PACKET) - 1])
def test_the_next_packet_is_not_its_rest(packets, cut):
    for part in (PACKET[:cut], packet('first', 'x' * 1000)[:-100], b'\xad\xff\xff\0'):
        left(packets, part)
        assert framed(packets.exchange(PACKET)) == SECRET


@pytest.mark.parametrize('part', [b'GET /first/x HT', b'GET /first/x HTTP/1.0\r\nX: ', b'POST /'])
def test_the_next_request_is_not_its_rest(bridge, part):
    left(bridge, part)
    assert bridge.exchange(GET).endswith(b'\r\n\r\n' + SECRET)


def test_the_next_caller_of_another_protocol_is_not_served_what_was(started):
    """The buffers of all protocols are one."""
    server = started(TCP, ('http-socket', '127.0.0.1:0'), ('http-socket-modifier1', 173), ('http-socket-modifier2', 2))
    for _ in range(2):
        response = server.http('/first/' + SECRET.decode())
        assert response.body == SECRET
        with connect(server.sockets[1]) as sock:
            sock.sendall(GET[:-2])
            sock.shutdown(socket.SHUT_WR)
            assert read_all(sock) == b''
        assert framed(server.exchange(packet('first', 'own'))) == b'own'


def test_harakiri_does_not_wait_for_it(started):
    server = started(TCP, ('harakiri', 1))
    left(server, PACKET[:7])
    select.select([], [], [], 3)  # longer than the master takes to strike
    assert 'HARAKIRI' not in server.log
    assert framed(server.exchange(PACKET)) == SECRET


def test_the_core_of_one_that_leaves_as_its_time_is_over_is_one_caller_s(patient):
    """The loop sees both at once, when a function of another caller has kept it for as long."""
    worker, = patient.worker_pids()
    half = connect(patient.sockets[0])
    half.sendall(PACKET[:7])
    with connect(patient.sockets[0]) as busy:
        busy.sendall(packet('nap', '3.5'))
        poll(lambda: is_sleeping_in_nap(worker), what='the function')
        half.close()
        assert framed(read_all(busy)) == b'slept'
    for _ in range(3):
        everyone_is_answered(patient)


def test_one_that_is_whole_as_its_time_is_over_has_time_for_its_body(shared_uwsgi):
    server = shared_uwsgi(('http-socket', '127.0.0.1:0'), ('http-socket-modifier1', 173), ('http-socket-modifier2', 2),
                          ('socket-timeout', 4), *ENGINES['ugreen'], plugins=['python3', 'ugreen', 'rpc'])
    worker, = server.worker_pids()
    with connect(server.sockets[0]) as late, connect(server.sockets[0]) as busy:
        late.sendall(b'POST /first HTTP/1.0\r\nContent-Length: 4\r\n')
        busy.sendall(b'GET /nap/5.5 HTTP/1.0\r\n\r\n')
        poll(lambda: is_sleeping_in_nap(worker), what='the function')
        late.sendall(b'\r\n')
        assert read_all(busy).endswith(b'slept')
        assert server.exchange(GET).endswith(SECRET)  # so that the loop has seen the other one
        late.sendall(b'body')
        assert read_all(late).endswith(b'\r\n\r\nbody')


@pytest.mark.uninstrumented('the sanitizer keeps what has been freed')
def test_tls_leaves_no_memory_behind(started, certificates):
    server = started(certificates.socket())
    worker, = server.worker_pids()

    def leave(times):
        for _ in range(times):
            with connect(server.sockets[0]) as sock:
                sock.shutdown(socket.SHUT_WR)
                read_all(sock)  # an alert
        return int(re.search(r'VmRSS:\s+(\d+)', Path(f'/proc/{worker}/status').read_text())[1])

    warm = leave(50)
    assert leave(300) - warm < 4000  # KiB; a TLS connection takes some 35


# --- descriptors ------------------------------------------------------------------------------------------

@pytest.fixture(scope='module')
def node():
    with Node(answers(b'of the node')) as started:
        yield started


@pytest.fixture(scope='module')
def remote(started, node):
    return started(TCP, ('http-socket', '127.0.0.1:0'), ('rpc-timeout', 60), ('route', f'^/node rpc:f@{node.name}'))


def test_its_descriptor_is_a_node_s_then(remote):
    """A request that is nobody's, or another plugin's, is not forgotten by uWSGI."""
    with contextlib.ExitStack() as stack:
        halves = [stack.enter_context(connect(remote.sockets[0])) for _ in range(CORES)]
        for sock in halves:
            sock.sendall(packet('x', modifier1=100)[:5])
        for sock in halves:
            assert read_all(sock) == b''
    for _ in range(CORES):
        response = remote.http('/node')
        assert (response.status, response.body) == (200, b'of the node')
