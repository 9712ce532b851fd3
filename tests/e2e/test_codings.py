# SPDX-License-Identifier: MIT
"""Compressed documents (Content-Encoding): decoded up to rpc-max-body, and refused in one line."""
import gzip
import json
import re
import xmlrpc.client
import zlib

import pytest
from conftest import HTTP, PRELOAD, TCP, WITHOUT, poll

MAX_BODY = 1 << 20
JSON_CALL = json.dumps({'jsonrpc': '2.0', 'method': 'hello', 'params': ['big', 'world'], 'id': 1}).encode()
XML_CALL = xmlrpc.client.dumps(('big', 'world'), 'hello').encode()
LEFT_OUT = {'xmlrpc': 'libxml-2.0'}
BRIDGES = [pytest.param(name, call, content_type, id=name,
                        marks=pytest.mark.skipif(LEFT_OUT.get(name) in WITHOUT, reason='left out'))
           for name, call, content_type in (('xmlrpc', XML_CALL, 'text/xml'),
                                            ('jsonrpc', JSON_CALL, 'application/json'))]


@pytest.fixture(scope='module')
def server(shared_uwsgi):
    return shared_uwsgi(TCP, HTTP, ('plugin', 'router_uwsgi'), ('route', '^/xmlrpc$ uwsgi:,173,3'),
                        ('route', '^/jsonrpc$ uwsgi:,173,4'), ('route', '^/ uwsgi:,173,2'),
                        ('rpc-max-body', MAX_BODY))


def post(server, bridge, body, content_type, coding, chunked=False):
    headers = {'Content-Type': content_type}
    if coding is not None:
        headers['Content-Encoding'] = coding
    return server.http(f'/{bridge}', 'POST', iter([body[:10], body[10:]]) if chunked else body, headers)


def failures(server):
    return [line for line in server.log.splitlines() if line.startswith('[rpc]')]


def one_line(server, before, pattern):
    poll(lambda: len(failures(server)) > before)
    line, = failures(server)[before:]
    assert re.search(pattern, line), line


@pytest.mark.parametrize('bridge, call, content_type', BRIDGES)
@pytest.mark.parametrize('chunked', [False, True], ids=['length', 'chunked'])
@pytest.mark.parametrize('coding, encode', [
    ('gzip', gzip.compress), ('X-GZIP', gzip.compress), ('deflate', zlib.compress),
    ('gzip', lambda call: gzip.compress(call[:20]) + gzip.compress(call[20:])),
    ('identity', bytes), ('', bytes), (None, bytes)],
    ids=['gzip', 'x-gzip', 'deflate', 'two members', 'identity', 'empty', 'none'])
def test_decoded(server, bridge, call, content_type, coding, encode, chunked):
    response = post(server, bridge, encode(call), content_type, coding, chunked)
    assert response.status == 200 and b'hello big world' in response.body


@pytest.mark.parametrize('bridge, call, content_type', BRIDGES)
@pytest.mark.parametrize('coding', ['br', 'compress', 'gzip, gzip', 'identity, gzip', 'gzip;q=1', 'x' * 20000])
def test_other_codings(server, bridge, call, content_type, coding):
    before = len(failures(server))
    response = post(server, bridge, gzip.compress(call), content_type, coding)
    assert (response.status, response.getheader('Accept-Encoding')) == (415, 'gzip, deflate')
    one_line(server, before, rf'^\[rpc\] {bridge} bridge: .* \(coding\)$')


@pytest.mark.parametrize('bridge, call, content_type', BRIDGES)
@pytest.mark.parametrize('coding, body', [
    ('gzip', lambda call: gzip.compress(call)[:-1]), ('gzip', lambda call: gzip.compress(call)[:-10]),
    ('gzip', lambda call: gzip.compress(call)[:15]), ('gzip', lambda call: gzip.compress(call) + b'x'),
    ('gzip', lambda call: gzip.compress(gzip.compress(call))[:-1]), ('gzip', bytes), ('gzip', zlib.compress),
    ('deflate', gzip.compress), ('deflate', lambda call: zlib.compress(call)[2:-4]),
    ('deflate', lambda call: zlib.compress(call)[:-1]), ('gzip', lambda call: b'')],
    ids=['a byte short', 'cut', 'early', 'something behind', 'twice, cut', 'none at all', 'zlib', 'gzip',
         'raw deflate', 'zlib cut', 'nothing'])
def test_cut_or_corrupt(server, bridge, call, content_type, coding, body):
    before = len(failures(server))
    response = post(server, bridge, body(call), content_type, coding)
    assert response.status == 400 and response.body == b'the compressed body is cut or corrupt\n'
    one_line(server, before, rf'^\[rpc\] {bridge} bridge: .* \(bad-coding\)$')


@pytest.mark.parametrize('bridge, call, content_type', BRIDGES)
@pytest.mark.parametrize('more', [-1, 0, 1])
def test_never_beyond_max_body(server, bridge, call, content_type, more):
    """White space behind a document is part of it; what is small when it is sent counts in full."""
    body = call + b' ' * (MAX_BODY + more - len(call))
    response = post(server, bridge, gzip.compress(body), content_type, 'gzip')
    assert response.status == (413 if more > 0 else 200)


@pytest.mark.parametrize('bridge, call, content_type', BRIDGES)
@pytest.mark.parametrize('codings', [('gzip', 'gzip'), ('gzip', 'identity'), ('identity', 'gzip')])
def test_two_headers(server, bridge, call, content_type, codings):
    before = len(failures(server))
    body = gzip.compress(call)
    head = [f'POST /{bridge} HTTP/1.0', f'Content-Type: {content_type}', f'Content-Length: {len(body)}',
            *(f'Content-Encoding: {coding}' for coding in codings), '', '']
    answer = server.exchange('\r\n'.join(head).encode() + body, socket=1)
    assert answer.startswith(b'HTTP/1.0 415 ') and b'\r\nAccept-Encoding: gzip, deflate\r\n' in answer
    one_line(server, before, rf'^\[rpc\] {bridge} bridge: .* \(coding\)$')


def peak_kib(pid):
    status = open(f'/proc/{pid}/status').read()
    return int(re.search(r'VmHWM:\s+(\d+)', status).group(1))


@pytest.mark.skipif(bool(PRELOAD), reason='a sanitizer has memory of its own')
@pytest.mark.parametrize('bridge, call, content_type', BRIDGES)
def test_a_bomb_costs_what_is_allowed(server, bridge, call, content_type):
    """1 GB of blanks in 1 MB: 413, and no more memory than the bound's, however often it comes."""
    deflate = zlib.compressobj(9, zlib.DEFLATED, 31)
    head, mib = (deflate.compress(b' ' * (1 << 20)) + deflate.flush(zlib.Z_FULL_FLUSH) for _ in range(2))
    bomb = head + mib * 999
    assert len(bomb) < MAX_BODY
    assert post(server, bridge, gzip.compress(call), content_type, 'gzip').status == 200
    pid = int(server.call('pid'))
    before = peak_kib(pid)
    for _ in range(3):
        logged = len(failures(server))
        assert post(server, bridge, bomb, content_type, 'gzip').status == 413
        one_line(server, logged, rf'^\[rpc\] {bridge} bridge: .* \(body-too-large\)$')
    assert peak_kib(pid) - before < 4 * MAX_BODY // 1024


def test_a_path_takes_none(server):
    """The body would be an argument: nobody asked for its bytes to be changed."""
    for coding in ('gzip', 'deflate', 'br'):
        response = server.http('/hello', 'POST', gzip.compress(b'x'), {'Content-Encoding': coding})
        assert (response.status, response.getheader('Accept-Encoding')) == (415, 'identity')
    assert server.http('/hello', 'POST', b'x', {'Content-Encoding': 'identity'}).body == b'hello x'


@pytest.mark.skipif('libxml-2.0' in WITHOUT, reason='left out')
def test_python_s_client(server):
    """xmlrpc.client compresses what is longer than encode_threshold."""
    class Transport(xmlrpc.client.Transport):
        encode_threshold = 1000

    host, port = server.sockets[1]
    with xmlrpc.client.ServerProxy(f'http://{host}:{port}/xmlrpc', Transport()) as proxy:
        assert proxy.hello('x' * 50000) == 'hello ' + 'x' * 50000
