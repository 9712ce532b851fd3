# SPDX-License-Identifier: MIT
"""Documents and requests that make no sense, sent to both document bridges, straight and by way of
uWSGI's http router and nginx: each gets its answer, and costs neither the worker nor a descriptor."""
import json
import os
import re
import select
import socket
import xmlrpc.client

import nginx
import pytest
from conftest import HTTP, WITHOUT, connect, listens, poll, read_all

MAX_BODY = 1 << 20
TIMEOUT_SEC = 3
# What may be on its way in the buffers of sockets when a client is told to stop.
IN_FLIGHT = 16 << 20
XML = pytest.param('xmlrpc', marks=pytest.mark.skipif('libxml-2.0' in WITHOUT, reason='left out'))
JSON = pytest.param('jsonrpc')
TYPES = {'xmlrpc': b'text/xml', 'jsonrpc': b'application/json'}
CALLS = {'xmlrpc': xmlrpc.client.dumps(('x',), 'hello').encode(),
         'jsonrpc': b'{"jsonrpc": "2.0", "method": "hello", "params": ["x"], "id": 1}'}


@pytest.fixture(scope='module')
def server(shared_uwsgi, tmp_path_factory):
    """One worker behind an http-socket, an http11-socket and the http router."""
    directory = tmp_path_factory.mktemp('sockets')
    server = shared_uwsgi(HTTP, ('http11-socket', '127.0.0.1:0'), ('socket', directory / 'uwsgi'),
                          ('plugin', 'http'), ('http', directory / 'router'),
                          ('http-to', directory / 'uwsgi'), ('http-chunked-input', 'true'),
                          ('plugin', 'router_uwsgi'), ('route', '^/xmlrpc$ uwsgi:,173,3'),
                          ('route', '^/jsonrpc$ uwsgi:,173,4'), ('rpc-max-body', MAX_BODY),
                          ('rpc-max-batch', 5), ('socket-timeout', TIMEOUT_SEC))
    poll(lambda: listens(directory / 'router'), what='socket of the http router')
    with nginx.bridges(directory / 'nginx', directory / 'uwsgi') as front:
        server.fronts = {'http-socket': server.sockets[0], 'http11-socket': server.sockets[1],
                         'http router': str(directory / 'router'), 'nginx': front}
        # A worker that has answered has opened all that it keeps; the line is written after the close.
        server.http('/', socket=0)
        server.wait_log('GET / => ')
        server.descriptors = descriptors(*server.worker_pids())
        yield server


@pytest.fixture(params=['http-socket', 'http router', 'nginx'])
def front(server, request):
    """The address of each of the three in turn. After the test the worker is the same one, has the
    descriptors it had, and answers."""
    yield from unharmed(server, server.fronts[request.param])


@pytest.fixture
def http11(server):
    yield from unharmed(server, server.fronts['http11-socket'])


def unharmed(server, address):
    yield address
    pid, = server.worker_pids()
    assert answers(server)
    poll(lambda: descriptors(pid) == server.descriptors, what=f'descriptors {server.descriptors}')


def answers(server):
    asked = [ask(server.fronts['http-socket'], document(bridge, CALLS[bridge])) for bridge in TYPES]
    return all(status == 501 or (status == 200 and b'hello x' in body) for status, body in asked)


def descriptors(pid):
    """What a process has open, sockets and the like without their numbers."""
    names = []
    for fd in os.listdir(f'/proc/{pid}/fd'):
        try:
            names.append(re.sub(r':\[\d+\]', '', os.readlink(f'/proc/{pid}/fd/{fd}')))
        except FileNotFoundError:
            return None
    return sorted(names)


def head(bridge, *lines, method=b'POST'):
    return b'\r\n'.join((method + b' /' + bridge.encode() + b' HTTP/1.1', b'Host: localhost',
                         b'Content-Type: ' + TYPES[bridge], *lines, b'', b''))


def document(bridge, body):
    return head(bridge, b'Content-Length: %d' % len(body)) + body


def chunked(bridge):
    return head(bridge, b'Transfer-Encoding: chunked')


def chunk(data):
    return b'%x\r\n%s\r\n' % (len(data), data)


def read_answer(sock):
    """The status of the next answer, and its body."""
    data = b''
    while b'\r\n\r\n' not in data:
        received = sock.recv(65536)
        assert received, data
        data += received
    header, body = data.split(b'\r\n\r\n', 1)
    length = int(re.search(rb'(?i)content-length: *(\d+)', header).group(1))
    while len(body) < length:
        received = sock.recv(65536)
        assert received, body
        body += received
    return int(header.split()[1]), body


def ask(address, request, half_close=False):
    with connect(address) as sock:
        sock.sendall(request)
        if half_close:
            sock.shutdown(socket.SHUT_WR)
        return read_answer(sock)


def code_of(bridge, body):
    """The code of the fault or error answered."""
    if bridge == 'jsonrpc':
        return json.loads(body)['error']['code']
    with pytest.raises(xmlrpc.client.Fault) as caught:
        xmlrpc.client.loads(body)
    return caught.value.faultCode


# --- documents ------------------------------------------------------------------------------------


def call_xml(value):
    return (b'<methodCall><methodName>first</methodName><params><param><value>' + value +
            b'</value></param></params></methodCall>')


def call_json(value):
    return b'{"jsonrpc": "2.0", "method": "first", "params": [' + value + b'], "id": 1}'


LAUGHS = b'<!DOCTYPE x [<!ENTITY a "ha">' + b''.join(
    b'<!ENTITY %c "%s">' % (c + 1, b'&%c;' % c * 10) for c in range(ord('a'), ord('j'))) + b']>'
DOCUMENTS = {
    'empty': (XML, b'', -32700),
    'empty, JSON': (JSON, b'', -32700),
    'nested 100,000 deep': (XML, b'<a>' * 100000, -32600),
    'an argument nested 100,000 deep': (
        XML, call_xml(b'<array><data><value>' * 45000), -32600),
    'nested 100,000 deep, JSON': (JSON, b'[' * 100000, -32600),
    'an argument nested 100,000 deep, JSON': (
        JSON, call_json(b'[' * 100000 + b']' * 100000), -32600),
    'DTD': (XML, b'<!DOCTYPE methodCall>' + call_xml(b'x'), -32600),
    'external DTD': (XML, b'<!DOCTYPE x SYSTEM "file:///etc/passwd">' + call_xml(b'x'), -32600),
    'external entity': (XML, b'<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]>' +
                        call_xml(b'&e;'), -32600),
    'billion laughs': (XML, LAUGHS + call_xml(b'&j;'), -32600),
    'entity nobody has declared': (XML, call_xml(b'&e;'), -32700),
    'invalid UTF-8': (XML, call_xml(b'\xc3'), -32700),
    'overlong UTF-8': (XML, call_xml(b'\xc0\xaf'), -32700),
    'invalid UTF-8, JSON': (JSON, call_json(b'"\xc3"'), -32700),
    'overlong UTF-8, JSON': (JSON, call_json(b'"\xc0\xaf"'), -32700),
    'lone surrogate': (JSON, call_json(b'"\\ud800"'), -32700),
    'surrogate as a character': (XML, call_xml(b'&#xd800;'), -32700),
    'NUL': (XML, call_xml(b'\0'), -32700),
    'NUL as a character': (XML, call_xml(b'&#0;'), -32700),
    'NUL, JSON': (JSON, call_json(b'"\0"'), -32700),
    'member twice': (JSON, b'{"id": 1, "id": 2, "jsonrpc": "2.0", "method": "first"}', -32600),
    'batch over the limit': (JSON, b'[' + b','.join([call_json(b'')] * 6) + b']', -32600),
    'another format': (XML, CALLS['jsonrpc'], -32700),
    'another format, JSON': (JSON, CALLS['xmlrpc'], -32700),
    'a megabyte of nothing': (XML, b' ' * MAX_BODY, -32700),
    'a megabyte of nothing, JSON': (JSON, b' ' * MAX_BODY, -32700),
}


@pytest.mark.parametrize('bridge, body, code', [
    pytest.param(case[0].values[0], *case[1:], id=name, marks=case[0].marks)
    for name, case in DOCUMENTS.items()])
def test_document(front, bridge, body, code):
    status, answer = ask(front, document(bridge, body))
    assert status == 200
    assert code_of(bridge, answer) == code
    assert b'root:' not in answer


@pytest.mark.parametrize('bridge', [XML, JSON])
def test_truncated(front, bridge):
    """Every fifth place here; unit tests have them all."""
    body = CALLS[bridge].rstrip()
    for end in range(1, len(body), 5):
        status, answer = ask(front, document(bridge, body[:end]))
        assert (status, code_of(bridge, answer)) == (200, -32700), body[:end]


@pytest.mark.parametrize('bridge', [XML])
def test_external_entities_are_not_fetched(server, front, bridge):
    with socket.create_server(('127.0.0.1', 0)) as outside:
        url = b'http://127.0.0.1:%d/' % outside.getsockname()[1]
        for dtd in (b'<!DOCTYPE x SYSTEM "%s">' % url, b'<!DOCTYPE x [<!ENTITY % e SYSTEM "' + url +
                    b'"> %e;]>'):
            status, answer = ask(front, document(bridge, dtd + call_xml(b'&e;')))
            assert (status, code_of(bridge, answer)) == (200, -32600)
        assert select.select([outside], [], [], 0)[0] == []


# --- requests -------------------------------------------------------------------------------------


@pytest.mark.parametrize('bridge', [XML, JSON])
def test_method_and_media_type(front, bridge):
    assert ask(front, head(bridge, method=b'GET'))[0] == 405
    assert ask(front, head(bridge, b'Content-Length: 3', method=b'PUT') + b'abc')[0] == 405
    request = document(bridge, CALLS[bridge]).replace(TYPES[bridge], b'text/plain')
    assert ask(front, request)[0] == 415


@pytest.mark.parametrize('bridge', [XML, JSON])
def test_body_over_the_limit(front, bridge):
    status, answer = ask(front, document(bridge, CALLS[bridge].ljust(MAX_BODY + 1)))
    assert (status, answer) == (413, b'the request body is larger than rpc-max-body\n')


@pytest.mark.parametrize('length', [MAX_BODY + 1, 1 << 40, (1 << 63) - 1])
@pytest.mark.parametrize('bridge', [XML, JSON])
def test_length_over_the_limit(front, bridge, length):
    """Answered before any of the body has been sent."""
    assert ask(front, head(bridge, b'Content-Length: %d' % length))[0] == 413


@pytest.mark.parametrize('length', [b'-5', b'abc', b'0x10', b'5, 5', b'1' * 30, b'5 5', b'+5'])
@pytest.mark.parametrize('bridge', [XML, JSON])
def test_length_that_is_no_number(front, bridge, length):
    assert ask(front, head(bridge, b'Content-Length: ' + length) + b'hello')[0] in (400, 413)


@pytest.mark.parametrize('ending', ['half-closes', 'keeps quiet'])
@pytest.mark.parametrize('bridge', [XML, JSON])
def test_body_shorter_than_promised(server, bridge, ending):
    request = head(bridge, b'Content-Length: 1000') + CALLS[bridge][:20]
    status, answer = ask(server.fronts['http-socket'], request, half_close=ending == 'half-closes')
    assert (status, answer) == (400, b'the request body is shorter than promised\n')


@pytest.mark.parametrize('bridge', [XML, JSON])
def test_client_that_goes_away(front, bridge):
    for request in (head(bridge, b'Content-Length: 1000') + b'<', chunked(bridge) + b'5\r\nab',
                    document(bridge, CALLS[bridge]), head(bridge)[:20]):
        with connect(front) as sock:
            sock.sendall(request)


# --- chunked --------------------------------------------------------------------------------------


@pytest.mark.parametrize('bridge', [XML, JSON])
def test_chunked(front, bridge):
    """Whole, in single bytes, with extensions and trailers."""
    body = CALLS[bridge]
    for chunks in ((body,), [body[i:i + 1] for i in range(len(body))]):
        request = chunked(bridge) + b''.join(map(chunk, chunks)) + b'0\r\n\r\n'
        status, answer = ask(front, request)
        assert status == 200 and b'hello x' in answer
    request = chunked(bridge) + chunk(body).replace(b'\r\n', b';a="b"\r\n', 1) + b'0\r\nT: x\r\n\r\n'
    status, answer = ask(front, request)
    assert status == 200 and b'hello x' in answer


@pytest.mark.parametrize('size', [b'1000000000', b'7fffffffffffffff', b'ffffffffffffffff',
                                  b'fffffffffffffffe', b'f' * 40])
@pytest.mark.parametrize('bridge', [XML, JSON])
def test_absurd_chunk_size(server, bridge, size):
    """Answered before any of the chunk has been sent."""
    assert ask(server.fronts['http-socket'], chunked(bridge) + size + b'\r\n')[0] == 413


@pytest.mark.parametrize('chunks', [b'x\r\n', b'-1\r\n', b'5\nhello\n', b'2\r\nabc\r\n', b'\r\n',
                                    pytest.param(b'0' * 5000, id='line of 5000 bytes')])
@pytest.mark.parametrize('bridge', [XML, JSON])
def test_chunks_that_are_none(server, bridge, chunks):
    status, answer = ask(server.fronts['http-socket'], chunked(bridge) + chunks)
    assert (status, answer) == (400, b'the length of the request body makes no sense\n')


@pytest.mark.parametrize('bridge', [XML, JSON])
def test_chunked_without_end_and_quiet(server, bridge):
    status, answer = ask(server.fronts['http-socket'], chunked(bridge) + chunk(CALLS[bridge]))
    assert (status, answer) == (400, b'the request body is shorter than promised\n')


@pytest.mark.parametrize('front', ['http-socket', 'http router'], indirect=True)
@pytest.mark.parametrize('bridge', [XML, JSON])
def test_chunked_without_end_and_flooding(front, bridge):
    """The answer comes while the client is still sending. (nginx reads all of a chunked body first,
    up to its own client_max_body_size.)"""
    piece, sent = chunk(b' ' * 65536), 0
    with connect(front) as sock:
        sock.sendall(chunked(bridge))
        while not select.select([sock], [], [], 0)[0]:
            sock.sendall(piece)
            sent += len(piece)
            assert sent < MAX_BODY + IN_FLIGHT
        assert read_answer(sock)[0] == 413


# --- connections that carry several requests ------------------------------------------------------


@pytest.mark.parametrize('bridge', [XML, JSON])
def test_keep_alive_after_a_chunked_body(http11, bridge):
    request = chunked(bridge) + chunk(CALLS[bridge]) + b'0\r\nTrailer: x\r\n\r\n'
    with connect(http11) as sock:
        for _ in range(3):
            sock.sendall(request)
            status, answer = read_answer(sock)
            assert status == 200 and b'hello x' in answer


@pytest.mark.parametrize('bridge', [XML, JSON])
def test_client_that_waits_to_be_told_to_send(server, front, bridge):
    """Told so, by the bridge itself on an http-socket; or why not, before it has sent anything."""
    expect = b'Expect: 100-continue'
    if front != server.fronts['http router']:  # it has an option of its own for this
        with connect(front) as sock:
            sock.sendall(head(bridge, expect, b'Content-Length: %d' % len(CALLS[bridge])))
            assert sock.recv(1000) == b'HTTP/1.1 100 Continue\r\n\r\n'
            sock.sendall(CALLS[bridge])
            status, answer = read_answer(sock)
            assert status == 200 and b'hello x' in answer
    assert ask(server.fronts['http-socket'], head(bridge, expect, b'Content-Length: 9999999'))[0] == 413


@pytest.mark.parametrize('bridge', [XML, JSON])
def test_connection_closes_where_the_next_request_cannot_be_found(http11, bridge):
    """Otherwise what is left of the body would be taken for it."""
    smuggled = document(bridge, CALLS[bridge])
    for request in (head(bridge, b'Content-Length: -1'), head(bridge, b'Content-Length: 9' * 2),
                    head(bridge, b'Transfer-Encoding: chunked', method=b'GET'),
                    chunked(bridge) + b'x\r\n', chunked(bridge) + b'fffffffff\r\n',
                    head(bridge, b'Content-Length: 2000000')):
        with connect(http11) as sock:
            sock.sendall(request + smuggled)
            status, answer = read_answer(sock)
            assert status in (400, 405, 413)
            sock.shutdown(socket.SHUT_WR)
            assert read_all(sock) == b''


@pytest.mark.parametrize('bridge', [XML, JSON])
def test_connection_says_that_it_closes(http11, bridge):
    with connect(http11) as sock:
        sock.sendall(chunked(bridge) + b'x\r\n')
        sock.shutdown(socket.SHUT_WR)
        assert b'\r\nConnection: close\r\n' in read_all(sock)
