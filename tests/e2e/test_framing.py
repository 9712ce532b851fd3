# SPDX-License-Identifier: MIT
"""Where a body ends, and what it is: headers that two readers might understand in two ways are
refused, and nothing behind them is served. Each request is followed by one that marks a file."""
import contextlib
import socket

import pytest
from conftest import HTTP, HTTP11, PATIENT, connect, poll, read_all
from test_bad_input import CALLS, JSON, XML, chunk, chunked, document, head, read_answer

SMUGGLED = b'GET /mark/smuggled HTTP/1.1\r\nHost: localhost\r\n\r\n'


@pytest.fixture(scope='module')
def server(shared_uwsgi):
    return shared_uwsgi(HTTP11, HTTP, PATIENT, ('rpc-max-body', 1000),
                        ('plugin', 'router_uwsgi'), ('route', '^/xmlrpc uwsgi:,173,3'),
                        ('route', '^/jsonrpc uwsgi:,173,4'), ('route', '^/mark uwsgi:,173,2'),
                        ('route', '^/first uwsgi:,173,2'), app='processes.py')


def marks(server):
    path = server.directory / 'marks'
    return path.read_bytes() if path.exists() else b''


def conversation(server, data, sock=0, at_once=False):
    """Sends data and what would be the next request, and returns all answers. uWSGI does not look
    for another request in what it has read with the first one, so the next one follows the answer,
    too."""
    with connect(server.sockets[sock]) as client:
        client.sendall(data + (SMUGGLED if at_once else b''))
        answers = client.recv(1 << 16)
        with contextlib.suppress(OSError):
            client.sendall(SMUGGLED)
            client.shutdown(socket.SHUT_WR)
        return answers + read_all(client)


def refused(server, data, sock=0, protocols=(b'HTTP/1.1',)):
    before = marks(server)
    for at_once in (False, True):
        answers = conversation(server, data, sock, at_once)
        assert answers.startswith(tuple(protocol + b' 400 ' for protocol in protocols)), answers
        assert answers.count(b'HTTP/1.') == 1
        assert b'\r\nConnection: close\r\n' in answers
    assert marks(server) == before


def test_the_marks_work(server):
    """What follows a request that is in order is served."""
    assert conversation(server, document('jsonrpc', CALLS['jsonrpc'])).count(b'HTTP/1.1 ') == 2
    poll(lambda: marks(server) == b'smuggled\n', what='a mark')


CODINGS = [b'gzip, chunked', b'chunked, chunked', b'chunked ;x=y', b'chunked,', b'"chunked"',
           b'identity', b'xchunked', b'chunkedx', b'chunk', b'gzip', b'deflate', b'chunked\tx',
           b'\x0bchunked']


@pytest.mark.parametrize('coding', CODINGS)
@pytest.mark.parametrize('bridge', [XML, JSON])
def test_transfer_encoding(server, bridge, coding):
    request = head(bridge, b'Transfer-Encoding: ' + coding) + b'0\r\n\r\n'
    for sock in range(2):
        refused(server, request, sock=sock)


@pytest.mark.parametrize('bridge', [XML, JSON])
def test_transfer_encoding_twice(server, bridge):
    refused(server, head(bridge, b'Transfer-Encoding: chunked', b'Transfer-Encoding: chunked') +
            b'0\r\n\r\n')
    refused(server, head(bridge, b'Transfer-Encoding: chunked', b'Transfer-Encoding: identity') +
            b'0\r\n\r\n')


@pytest.mark.parametrize('bridge', [XML, JSON])
def test_chunked_beside_a_length(server, bridge):
    body = CALLS[bridge]
    whole = chunk(body) + b'0\r\n\r\n'
    for lines in ((b'Content-Length: %d' % len(whole), b'Transfer-Encoding: chunked'),
                  (b'Transfer-Encoding: chunked', b'Content-Length: %d' % len(whole)),
                  (b'Transfer-Encoding: chunked', b'Content-Length: 0'),
                  (b'Transfer-Encoding: chunked', b'Content-Length:')):
        refused(server, head(bridge, *lines) + whole)


@pytest.mark.parametrize('bridge', [XML, JSON])
def test_lengths(server, bridge):
    length = b'%d' % len(CALLS[bridge])
    for value in (length + b', ' + length, b'+' + length, b'0x10', length + b' 0', b'-1'):
        refused(server, head(bridge, b'Content-Length: ' + value) + CALLS[bridge])
    refused(server, head(bridge, b'Content-Length: ' + length, b'Content-Length: ' + length) +
            CALLS[bridge])
    refused(server, head(bridge, b'Content-Length: ' + length, b'Content-Length: 0') + CALLS[bridge])


def test_chunked_before_http_1_1(server):
    request = chunked('jsonrpc').replace(b'HTTP/1.1', b'HTTP/1.0') + chunk(CALLS['jsonrpc'])
    refused(server, request + b'0\r\n\r\n', protocols=(b'HTTP/1.0', b'HTTP/1.1'))


@pytest.mark.parametrize('bridge', [XML, JSON])
def test_blanks_around_a_length(server, bridge):
    body = CALLS[bridge]
    for value in (b'  %d', b'%d  ', b'\t%d\t', b'000%d'):
        with connect(server.sockets[0]) as client:
            client.sendall(head(bridge, b'Content-Length:' + value % len(body)) + body)
            assert read_answer(client)[0] == 200, value


@pytest.mark.parametrize('coding', [b'Chunked', b'CHUNKED'])
@pytest.mark.parametrize('bridge', [XML, JSON])
def test_chunked_in_any_case(server, bridge, coding):
    with connect(server.sockets[0]) as client:
        for _ in range(2):
            client.sendall(head(bridge, b'Transfer-Encoding: ' + coding) + chunk(CALLS[bridge]) +
                           b'0\r\n\r\n')
            assert read_answer(client)[0] == 200


def test_path_bridge(server):
    """It reads bodies too."""
    request = b'POST /mark/x HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: gzip, chunked\r\n\r\n'
    refused(server, request + b'0\r\n\r\n')


@pytest.mark.parametrize('bridge', [XML, JSON])
def test_extensions_without_end(server, bridge):
    """A body of one byte a chunk may bring 16 bytes with each, not 4,000."""
    client = connect(server.sockets[1])
    with client:
        client.sendall(chunked(bridge) + b'1;' + b'x' * 3000 + b'\r\n \r\n')
        client.sendall(b'1;' + b'x' * 3000 + b'\r\n \r\n')
        assert read_answer(client) == (400, b'the length of the request body makes no sense\n')


TYPES = {
    b'%s; charset=utf-8': 200, b'%s;': 200, b'%s ; x="a; charset=no"; charset="utf-8"': 200,
    b' \t%s\t': 200, b'%s garbage': 415, b'%s; charset': 415, b'%s; charset="utf-8': 415,
    b'%s,text/plain': 415, b'x%s': 415, b'%sx': 415, b'%s; ' + b'a' * 200: 415,
    b'%s; a=' + b'a' * 200 + b'; charset=utf-8': 200, b'%s; charset=' + b'a' * 200: 415,
}


@pytest.mark.parametrize('bridge', [XML, JSON])
@pytest.mark.parametrize('form', TYPES, ids=lambda form: form.decode()[:20])
def test_content_type(server, bridge, form):
    request = document(bridge, CALLS[bridge])
    kind = b'text/xml' if bridge == 'xmlrpc' else b'application/json'
    assert b'Content-Type: ' + kind + b'\r\n' in request
    request = request.replace(b'Content-Type: ' + kind, b'Content-Type: ' + form % kind)
    with connect(server.sockets[1]) as client:
        client.sendall(request)
        assert read_answer(client)[0] == TYPES[form]
