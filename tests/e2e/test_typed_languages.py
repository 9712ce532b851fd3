# SPDX-License-Identifier: MIT
"""The typed functions of examples/typed, the same six in each language, over everything that carries them."""
import json
import xmlrpc.client

import pytest
from conftest import TCP, poll
from polyglot import loaded
from transports import PATH_INFO, framed_packet, left_out, request
from typed_languages import LANGUAGES, TYPED

ITEMS = [{'price': 1.5, 'count': 2}, {'price': 4, 'count': 1}]
NO_SUCH_USER = (404, 'no such user', {'id': 7})


@pytest.fixture(scope='module', params=LANGUAGES, ids=lambda language: language.title)
def server(request, shared_uwsgi, tmp_path_factory):
    plugins, options = loaded([request.param], tmp_path_factory.mktemp('typed'))
    server = shared_uwsgi(TCP, ('rpc-json', '*'), ('route', '^/route$ rpc:add ${PARAMS}'), *options,
                          plugins=[*plugins, 'rpc'], app=None)
    poll(lambda: server.call('text', '[]', timeout=60) == b'text', 60, 'the functions')
    return server


# Each of these makes a call: (result, None), or (None, (code, message, data)).

def outcome(error):
    return None, (error['code'], error['message'], error.get('data'))


def json_rpc(server, name, params):
    document = json.dumps({'jsonrpc': '2.0', 'method': name, 'params': params, 'id': 1}).encode()
    answer = json.loads(request(server, '/', document, 173, 4, CONTENT_TYPE='application/json').body)
    return outcome(answer['error']) if 'error' in answer else (answer['result'], None)


def xml_rpc(server, name, params):
    """By position alone, and an error has no data."""
    params = tuple(params.values()) if isinstance(params, dict) else tuple(params)
    document = xmlrpc.client.dumps(params, name, allow_none=True).encode()
    answer = request(server, '/', document, 173, 3, CONTENT_TYPE='text/xml')
    try:
        return xmlrpc.client.loads(answer.body)[0][0], None
    except xmlrpc.client.Fault as fault:
        return None, (fault.faultCode, fault.faultString, None)


def path(server, name, params):
    answer = request(server, f'/{name}', json.dumps(params).encode(), 173, PATH_INFO,
                     CONTENT_TYPE='application/json')
    if answer.headers['Content-Type'] != 'application/json':
        return None, (answer.status, answer.body.decode().strip(), None)
    return (json.loads(answer.body), None) if answer.status == 200 else outcome(json.loads(answer.body))


def bytes_of(result):
    """What a function returned, as those see it to whom nothing is translated."""
    text = result.decode()
    if not text.startswith('error '):
        return json.loads(text), None
    line, _, data = text.partition('\n')
    _, code, message = line.split(' ', 2)
    return None, (int(code), message, json.loads(data) if data else None)


def packet(server, name, params):
    return bytes_of(framed_packet(server, name, json.dumps(params).encode()))


TRANSPORTS = {'JSON-RPC': json_rpc, 'XML-RPC': xml_rpc, 'PATH_INFO': path, 'packet': packet}


@pytest.fixture(params=TRANSPORTS)
def call(request, server):
    if left_out(server, request.param):
        pytest.skip(f'the plugin was built without the {request.param} bridge')
    return lambda name, params=(): TRANSPORTS[request.param](server, name, params)


@pytest.mark.parametrize('name, params, result', [
    ('add', [1, 2], 3), ('add', {'y': 2, 'x': 1}, 3), ('add', [1.5, -2], -0.5),
    ('user', [1], {'id': 1, 'name': 'Zoë'}), ('user', {'id': 1}, {'id': 1, 'name': 'Zoë'}),
    ('echo', [None], None), ('echo', ['null'], 'null'), ('echo', [1], 1), ('echo', ['1'], '1'),
    ('echo', [True], True), ('echo', [[1, 'two', [None, False]]], [1, 'two', [None, False]]),
    ('echo', ['naïve "text" \\ \n€'], 'naïve "text" \\ \n€'), ('echo', {'value': {'a': {'b': 'c'}}}, {'a': {'b': 'c'}}),
    ('total', [ITEMS], 7), ('total', {'items': ITEMS}, 7)])
def test_result(call, name, params, result):
    value, error = call(name, params)
    assert error is None and value == result and isinstance(value, bool) == isinstance(result, bool)


def test_error_of_its_own(call):
    result, (code, message, data) = call('user', [7])
    assert (result, code, message) == (None, 404, 'no such user') and data in (None, {'id': 7})


def test_error_data(server):
    for transport in (json_rpc, path, packet):
        assert transport(server, 'user', [7]) == (None, NO_SUCH_USER)


def test_exception(call):
    result, (code, message, data) = call('boom')
    assert (result, code, message, data) == (None, -32000, 'boom', None)


@pytest.mark.parametrize('name, params', [
    ('add', []), ('add', [1]), ('add', [1, 2, 3]), ('boom', [1]), ('user', [1, 2]), ('total', [])])
def test_wrong_parameters(call, name, params):
    result, (code, message, _) = call(name, params)
    assert (result, code) == (None, -32602) and message


@pytest.mark.parametrize('params', [{'x': 1}, {'x': 1, 'z': 2}, {'x': 1, 'y': 2, 'z': 3}, {}])
def test_wrong_names(server, params):
    for transport in (json_rpc, path, packet):
        assert transport(server, 'add', params)[1][0] == -32602


def test_result_that_is_not_json(server):
    for transport in (json_rpc, xml_rpc):
        assert transport(server, 'text', [])[1] == (-32603, "the function's result is not JSON", None)
    assert path(server, 'text', [])[1][0] == 500
    assert framed_packet(server, 'text', b'[]') == b'text'


def test_status_of_a_path(server):
    def status(name, params):
        body = json.dumps(params).encode()
        return request(server, f'/{name}', body, 173, PATH_INFO, CONTENT_TYPE='application/json').status
    calls = [('add', [1, 2]), ('user', [7]), ('add', [1]), ('boom', []), ('text', [])]
    assert [status(*call) for call in calls] == [200, 404, 400, 500, 500]


def test_route(server):
    """The text goes in as it is and comes out as it is."""
    assert bytes_of(request(server, '/route', PARAMS='{"x": 1, "y": 2}').body) == (3, None)
    assert bytes_of(request(server, '/route', PARAMS='[1]').body)[1][0] == -32602


@pytest.mark.parametrize('helper', ['typed.py', 'Typed.pm', 'typed.rb', 'typed.lua', 'typed.js', 'Typed.java'])
def test_helpers_are_short(helper):
    assert len((TYPED / helper).read_text().splitlines()) <= 40
