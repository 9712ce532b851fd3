# SPDX-License-Identifier: MIT
"""Each HTTP bridge, reached each way uWSGI and nginx offer."""
import json
import os
import re
import xmlrpc.client

import pytest
from conftest import HTTP, ROOT, UnixHTTPConnection, listens, poll
from nginx import nginx

MODIFIER2 = {'path': 2, 'xmlrpc': 3, 'jsonrpc': 4}
BRIDGES = list(MODIFIER2)


def skip_if_left_out(response):
    if response.status == 501 and os.environ.get('RPC_WITHOUT'):
        pytest.skip('built without this bridge')


def call(connection, bridge, url):
    """Calls hello("big", "world") through a bridge and returns its answer's status and result."""
    if bridge == 'path':
        connection.request('GET', url + '/hello/big/world')
    elif bridge == 'xmlrpc':
        document = xmlrpc.client.dumps(('big', 'world'), 'hello')
        connection.request('POST', url, document, {'Content-Type': 'text/xml'})
    else:
        document = json.dumps({'jsonrpc': '2.0', 'method': 'hello', 'params': ['big', 'world'],
                               'id': 'é'})
        connection.request('POST', url, document, {'Content-Type': 'application/json'})
    response = connection.getresponse()
    body = response.read()
    skip_if_left_out(response)
    assert response.status == 200, body
    if bridge == 'path':
        return body
    if bridge == 'xmlrpc':
        (result,), _ = xmlrpc.client.loads(body)
        return result.encode()
    answer = json.loads(body)
    assert answer['id'] == 'é'
    return answer['result'].encode()


def get(connection, url):
    connection.request('GET', url)
    return connection.getresponse().read()


def by_url(action):
    """Routes that give each bridge its URL, by an action that is told modifier2."""
    lines = [('rpc-http-prefix', '/path')]
    for bridge, modifier2 in MODIFIER2.items():
        lines += [('route', f'^/{bridge}{"/" if bridge == "path" else "$"} {step}')
                  for step in action(modifier2)]
    return lines


BY_URL = {
    'uwsgi:': [('plugin', 'router_uwsgi')] + by_url(lambda m: [f'uwsgi:,173,{m}']),
    'setmodifier': by_url(lambda m: ['setmodifier1:173', f'setmodifier2:{m}']),
    'setmodifier and last': by_url(lambda m: ['setmodifier1:173', f'setmodifier2:{m}', 'last:']),
    'setmodifier and continue': by_url(
        lambda m: ['setmodifier1:173', f'setmodifier2:{m}', 'continue:']),
}


@pytest.fixture(scope='module', params=BY_URL)
def routed(request, shared_uwsgi):
    """One server for all bridges, on an http-socket."""
    return shared_uwsgi(HTTP, *BY_URL[request.param])


@pytest.mark.parametrize('bridge', BRIDGES)
def test_route(routed, bridge):
    assert call(routed.connection(0), bridge, '/' + bridge) == b'hello big world'


def test_routes_leave_the_rest_to_the_application(routed):
    assert get(routed.connection(0), '/').startswith(b'application')


@pytest.mark.parametrize('bridge', BRIDGES)
@pytest.mark.parametrize('protocol', ['http-socket', 'http11-socket'])
def test_whole_port(uwsgi, protocol, bridge):
    """http-socket-modifier1 and 2; http11-socket takes several requests from a connection."""
    server = uwsgi((protocol, '127.0.0.1:0'), ('http-socket-modifier1', 173),
                   ('http-socket-modifier2', MODIFIER2[bridge]))
    connection = server.connection(0)
    for _ in range(3 if protocol == 'http11-socket' else 1):
        assert call(connection, bridge, '') == b'hello big world'
    connection.close()


@pytest.mark.parametrize('protocol', ['http-socket', 'http11-socket'])
def test_modifier1_alone_chooses_no_bridge(uwsgi, protocol):
    """Each request is refused, and a body is not taken for another one; the start says why."""
    server = uwsgi((protocol, '127.0.0.1:0'), ('http-socket-modifier1', 173))
    assert 'with http-socket-modifier1 = 173, requests are answered 400' in server.log
    refused = server.exchange(b'POST /hello HTTP/1.1\r\nHost: a\r\nContent-Length: 37\r\n\r\n'
                              b'GET /hello/again HTTP/1.1\r\nHost: a\r\n\r\n')
    assert refused.startswith(b'HTTP/1.0 400 Bad Request\r\n')
    assert refused.count(b'HTTP/1.') == 1
    assert refused.endswith(b'\r\n\r\nunknown modifier2\n')
    assert server.log.count('(unknown-modifier2)') == 1


@pytest.mark.parametrize('bridge', BRIDGES)
def test_http_router(uwsgi, tmp_path, bridge):
    """uWSGI's http router, in front of a uwsgi socket."""
    backend, front = tmp_path / 'backend', tmp_path / 'front'
    uwsgi(('plugin', 'http'), ('socket', backend), ('http', front), ('http-to', backend),
          ('http-modifier1', 173), ('http-modifier2', MODIFIER2[bridge]))
    poll(lambda: listens(front), what='socket of the http router')
    assert call(UnixHTTPConnection(str(front)), bridge, '') == b'hello big world'


def params_with_type(conf):
    """A location with parameters of its own has none of the server's."""
    params = ''.join(re.findall(r' +uwsgi_param [^;]+;\n', conf))
    return params.replace('CONTENT_TYPE $content_type', 'CONTENT_TYPE $document_type')


@pytest.fixture(scope='module')
def before_nginx(shared_uwsgi, tmp_path_factory):
    """examples/bridges/nginx.conf with the map of doc/bridges.md for /xmlrpc, on UNIX sockets, before
    a server of its functions."""
    directory = tmp_path_factory.mktemp('nginx')
    backend, front = directory / 'backend', directory / 'front'
    shared_uwsgi(('socket', backend), ('rpc-http-prefix', '/rpc'))
    conf = (ROOT / 'examples/bridges/nginx.conf').read_text()
    assert '127.0.0.1:8083' in conf and '127.0.0.1:3031' in conf
    typed = re.search(r'```nginx\n(.*?)```', (ROOT / 'doc/bridges.md').read_text(), re.S).group(1)
    conf = conf.replace('http {', 'http {\n' + typed)
    conf = conf.replace('location = /xmlrpc {', f'location = /xmlrpc {{\n{params_with_type(conf)}')
    conf = conf.replace('127.0.0.1:8083', f'unix:{front}')
    conf = conf.replace('127.0.0.1:3031', f'unix:{backend}')
    with nginx(directory, conf, lambda: listens(front)):
        yield lambda: UnixHTTPConnection(str(front))


@pytest.mark.parametrize('bridge', BRIDGES)
def test_nginx(before_nginx, bridge):
    assert call(before_nginx(), bridge, '/rpc' if bridge == 'path' else '/' + bridge) == b'hello big world'


def test_nginx_says_what_a_document_without_a_type_is(before_nginx):
    """As doc/bridges.md has it; elsewhere it is refused as ever, and pages of other sites are here."""
    document = '<methodCall><methodName>count</methodName></methodCall>'

    def post(url, **headers):
        connection = before_nginx()
        connection.request('POST', url, document, headers)
        response = connection.getresponse()
        skip_if_left_out(response)
        return response.status, response.read()

    status, answer = post('/xmlrpc')
    assert (status, xmlrpc.client.loads(answer)[0]) == (200, ('0',))
    assert post('/xmlrpc', **{'Content-Type': 'text/plain'})[0] == 415
    assert post('/xmlrpc', **{'Sec-Fetch-Site': 'cross-site'})[0] == 403
    assert post('/jsonrpc')[0] == 415


@pytest.mark.parametrize('length, status', [(7000, 200), (9000, 414)])
def test_nginx_long_path(before_nginx, length, status):
    """Its buffers for a head are of 8 KB."""
    connection = before_nginx()
    connection.request('GET', '/rpc/count/' + 'x' * length)
    response = connection.getresponse()
    response.read()
    assert response.status == status


@pytest.mark.parametrize('bridge', BRIDGES[1:])
def test_nginx_large_document(before_nginx, bridge):
    """Longer than the buffer nginx keeps of a body in memory."""
    connection, text = before_nginx(), 'x' * 60000
    if bridge == 'xmlrpc':
        document, content_type = xmlrpc.client.dumps((text,) * 20, 'count'), 'text/xml'
    else:
        document = json.dumps({'jsonrpc': '2.0', 'method': 'count', 'params': [text] * 20, 'id': 1})
        content_type = 'application/json'
    connection.request('POST', '/' + bridge, document, {'Content-Type': content_type})
    response = connection.getresponse()
    body = response.read()
    skip_if_left_out(response)
    assert response.status == 200
    assert b'20' in body


def test_nginx_leaves_the_rest_to_the_application(before_nginx):
    assert get(before_nginx(), '/').startswith(b'application')
