# SPDX-License-Identifier: MIT
"""The JSON-RPC bridge (modifier2 4) over HTTP."""
import json

import pytest
from conftest import HTTP, TCP

JSON = {'Content-Type': 'application/json'}


@pytest.fixture(scope='module')
def server(shared_uwsgi):
    return shared_uwsgi(TCP, HTTP, ('plugin', 'router_uwsgi'), ('http-socket-modifier1', 173), ('http-socket-modifier2', 4),
                        ('http11-socket', '127.0.0.1:0'), ('route', '^/kept uwsgi:,173,4'),
                        ('rpc-max-body', 1 << 20), ('rpc-max-batch', 5), ('rpc-introspection', 'true'),
                        ('rpc-bridge-allow', '[!n]*'))


def request(method, *params, id=1, **more):
    return dict(jsonrpc='2.0', method=method, params=list(params), id=id, **more)


def post(server, document, **kwargs):
    body = document if isinstance(document, bytes) else json.dumps(document).encode()
    return server.http('/', 'POST', body, kwargs.pop('headers', JSON), **kwargs)


def ask(server, document):
    response = post(server, document)
    assert response.status == 200
    assert response.headers['Content-Type'] == 'application/json'
    return json.loads(response.body)


def test_call(server):
    assert ask(server, request('hello', 'a', 'b')) == {
        'jsonrpc': '2.0', 'result': 'hello a b', 'id': 1}


def test_binary(server):
    args = {'base64': 'AP8='}
    assert ask(server, request('first', args))['result'] == args
    assert ask(server, request('echo', args, 1, [True], ''))['result'] == {
        'base64': 'MjoA/ywxOjEsNjpbdHJ1ZV0sMDos'}


def test_batch_and_notifications(server):
    answers = ask(server, [request('hello', id='x'), {'jsonrpc': '2.0', 'method': 'hello'}, 7])
    assert [answer.get('result') for answer in answers] == ['hello', None]
    assert answers[1]['error']['code'] == -32600
    response = post(server, {'jsonrpc': '2.0', 'method': 'hello'})
    assert (response.status, response.body) == (204, b'')
    assert ask(server, [request('hello')] * 6)['error']['code'] == -32600


@pytest.mark.parametrize('document, code', [
    (b'{', -32700), (b'', -32700), (request('nosuch'), -32601), (request('none'), -32601),
    ({'jsonrpc': '2.0', 'method': 'hello', 'params': {'a': 1}, 'id': 1}, -32602),
    (request('count', *range(255)), -32602), (request('first', 'x' * 65536), -32602),
    pytest.param(b'[' * 100000, -32600, id='nested without end'),
])
def test_errors(server, document, code):
    assert ask(server, document)['error']['code'] == code


def test_forbidden_is_answered_like_unknown_and_logged_apart(server):
    answers = [ask(server, request(name)) for name in ('nosuch', 'none')]
    assert answers[0] == answers[1]
    server.wait_log(r'jsonrpc bridge: "none": no such function \(forbidden-function\)')
    server.wait_log(r'jsonrpc bridge: "nosuch": no such function \(unknown-function\)')


def test_every_failure_is_one_line(server):
    def lines(document):
        before = server.log.count('[rpc]')
        post(server, document)
        return [line.strip() for line in server.log.split('[rpc]')[before + 1:]]

    assert lines(b'{')[0].startswith('jsonrpc bridge: the document is not well formed')
    answered = lines([7, request('nosuch'), {'jsonrpc': '2.0', 'method': 'first', 'params': {'a': 1}},
                      request('hello')])
    assert len(answered) == 3
    for line, status in zip(answered, ('(bad-request)', '"nosuch": no such function', '"first": an ')):
        assert status in line
    assert len(lines([request('hello')] * 6)) == 1


def test_introspection_lists_what_may_be_called(server):
    names = ask(server, request('system.listMethods'))['result']
    assert 'hello' in names and 'none' not in names and 'nap' not in names


def test_method_and_media_type(server):
    response = server.http('/')
    assert (response.status, response.headers['Allow']) == (405, 'POST, OPTIONS')
    for content_type, status in (('text/plain', 415), ('application/json-rpc', 200),
                                 ('APPLICATION/JSON; charset=utf-8', 200), ('application/jsonx', 415)):
        headers = {'Content-Type': content_type}
        assert post(server, request('hello'), headers=headers).status == status


def test_body_limit(server):
    document = json.dumps(request('hello')).encode()
    assert post(server, document.ljust(1 << 20)).status == 200
    response = post(server, document.ljust((1 << 20) + 1))
    assert response.status == 413 and b'rpc-max-body' in response.body


def test_chunked(server):
    def chunks(size):
        document = json.dumps(request('hello', 'x')).encode().ljust(size)
        return (document[i:i + 5000] for i in range(0, size, 5000))

    response = post(server, request('hello'))
    connection = server.connection()
    connection.request('POST', '/', chunks(100000), JSON, encode_chunked=True)
    assert connection.getresponse().status == 200
    connection.close()
    connection = server.connection()
    connection.request('POST', '/', chunks((1 << 20) + 5000), JSON, encode_chunked=True)
    assert connection.getresponse().status == 413
    connection.close()
    assert response.status == 200


def test_keep_alive(server):
    connection = server.connection(socket=2)
    sock = None
    for body, status in ((json.dumps(request('hello')), 200), ('{', 200),
                         (json.dumps({'jsonrpc': '2.0', 'method': 'hello'}), 204),
                         (json.dumps(request('hello', 'again')), 200)):
        connection.request('POST', '/kept', body, JSON)
        response = connection.getresponse()
        response.read()
        assert response.status == status
        assert sock in (None, connection.sock)
        sock = connection.sock
    connection.close()
