# SPDX-License-Identifier: MIT
"""What stands between a bridge and its client in uWSGI itself: transformations, which change the
length of a body after the headers were made, and its cache, which answers in a bridge's place."""
import gzip
import json
import xmlrpc.client

import pytest
from conftest import HTTP, HTTP11, PATIENT, TCP, WITHOUT

TEXT = 'x' * 3000
JSON_CALL = json.dumps({'jsonrpc': '2.0', 'method': 'big', 'params': ['3000'], 'id': 1})
NOTE = json.dumps({'jsonrpc': '2.0', 'method': 'big', 'params': ['3000']})
XML_CALL = xmlrpc.client.dumps(('3000',), 'big')
XML = pytest.mark.skipif('libxml-2.0' in WITHOUT, reason='built without this bridge')
TYPES = {'/jsonrpc': 'application/json', '/xmlrpc': 'text/xml'}


@pytest.fixture(scope='module')
def transformed(shared_uwsgi):
    """The host that is asked for says by which transformation."""
    rules = ['gzip addheader:Content-Encoding: gzip', 'gzip gzip:', 'chunked chunked:']
    return shared_uwsgi(TCP, HTTP, HTTP11, ('threads', 4), PATIENT, ('plugin', 'transformation_gzip'),
                        ('plugin', 'transformation_chunked'), ('plugin', 'router_uwsgi'),
                        *(('route-host', rule) for rule in rules), ('rpc-http-prefix', '/rpc'),
                        ('route', '^/rpc/ uwsgi:,173,2'), ('route', '^/xmlrpc$ uwsgi:,173,3'),
                        ('route', '^/jsonrpc$ uwsgi:,173,4'))


def ask(server, kind, path, body, socket=1):
    """The status, what a client reads up to the end that the headers tell it, and the response."""
    headers = {'Host': kind, **({'Content-Type': TYPES[path]} if path in TYPES else {})}
    response = server.http(path, 'POST' if body else 'GET', body, headers, socket)
    if kind == 'gzip' and response.body:
        response.body = gzip.decompress(response.body)
    return response


@pytest.mark.parametrize('socket', [1, 2], ids=['http-socket', 'http11-socket'])
@pytest.mark.parametrize('kind', ['gzip', 'chunked'])
@pytest.mark.parametrize('path, body, status, expected', [
    ('/rpc/big/3000', None, 200, TEXT), ('/rpc/nosuch', None, 404, 'no such function\n'),
    ('/jsonrpc', JSON_CALL, 200, '{"jsonrpc":"2.0","result":"%s","id":1}' % TEXT),
    pytest.param('/xmlrpc', XML_CALL, 200, TEXT, marks=XML)])
def test_a_transformed_answer_has_no_length_of_another(transformed, kind, socket, path, body, status, expected):
    response = ask(transformed, kind, path, body, socket)
    assert (response.status, response.getheader('Content-Length')) == (status, None)
    text = response.body.decode()
    if path == '/xmlrpc':
        (text,), _ = xmlrpc.client.loads(text)
    assert text == expected


@pytest.mark.parametrize('socket', [1, 2], ids=['http-socket', 'http11-socket'])
@pytest.mark.parametrize('kind', ['gzip', 'chunked'])
@pytest.mark.parametrize('path, body', [('/rpc/empty', None), ('/jsonrpc', NOTE)])
def test_nothing_is_nothing_behind_a_transformation(transformed, kind, socket, path, body):
    response = ask(transformed, kind, path, body, socket)
    assert (response.status, response.getheader('Content-Length')) == (204, None)


@pytest.mark.parametrize('socket', [1, 2], ids=['http-socket', 'http11-socket'])
@pytest.mark.parametrize('route', ['', 'rpc:big 3000'], ids=['bridge', 'action'])
def test_a_transformation_of_a_response_route(uwsgi, route, socket):
    """It is set when the status is known."""
    server = uwsgi(TCP, HTTP, HTTP11, ('threads', 4), PATIENT, ('plugin', 'transformation_gzip'),
                   ('http-socket-modifier1', 173), ('http-socket-modifier2', 2),
                   ('response-route-status', '200 gzip:'), ('response-route-status', '404 addheader:X-Route: yes'),
                   *([('route', f'^/big {route}')] if route else []))
    response = server.http('/big/3000', socket=socket)
    assert (response.status, response.getheader('Content-Length')) == (200, None)
    assert gzip.decompress(response.body).decode() == TEXT
    response = server.http('/nosuch', socket=socket)
    assert (response.status, response.body) == (404, b'no such function\n')
    assert (response.getheader('X-Route'), response.getheader('Content-Length')) == ('yes', '17')


@pytest.mark.parametrize('socket', [1, 2], ids=['http-socket', 'http11-socket'])
@pytest.mark.parametrize('modifier2', [2, 3, 4])
def test_a_hit_of_the_cache(uwsgi, tmp_path, modifier2, socket):
    """uWSGI sends the item, which is a whole answer, while the bridge has it read the request's
    variables. That is no failure of the bridge."""
    page = tmp_path / 'page'
    page.write_text('HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\ncached')
    server = uwsgi(TCP, HTTP, HTTP11, ('threads', 4), PATIENT, ('cache2', 'name=pages,items=10'),
                   ('load-file-in-cache', f'pages {page}'), ('check-cache', 'pages'),
                   ('http-socket-modifier1', 173), ('http-socket-modifier2', modifier2))
    for _ in range(2):
        response = server.http(str(page), socket=socket)
        assert (response.status, response.body) == (200, b'cached')
    assert server.http('/other', socket=socket).status == (404 if modifier2 == 2 else 405)
    assert server.log.count('[rpc] ') == 1
