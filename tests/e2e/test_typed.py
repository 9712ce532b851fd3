# SPDX-License-Identifier: MIT
"""Typed functions (rpc-json): what they get, what they may return, and what is said of anything else, on
every bridge; functions of nodes that are typed here; what tells of them."""
import json
import xmlrpc.client

import pytest
from conftest import HTTP, TCP, WITHOUT, poll
from transports import framed_packet

DEEP = 100000
ROUTES = [('plugin', 'router_uwsgi'), ('rpc-http-prefix', '/rpc'), ('route', '^/rpc/ uwsgi:,173,2'),
          ('route', '^/xmlrpc$ uwsgi:,173,3'), ('route', '^/jsonrpc$ uwsgi:,173,4')]
TYPES = {'/xmlrpc': 'text/xml'}


def post(server, path, body):
    body = body if isinstance(body, bytes) else body.encode()
    return server.http(path, 'POST', body, {'Content-Type': TYPES.get(path, 'application/json')})


# Each calls a function with params, JSON text, and answers (HTTP status, result, code of an error).

def json_rpc(server, name, params):
    response = post(server, '/jsonrpc', '{"jsonrpc":"2.0","method":"%s","params":%s,"id":1}' % (name, params))
    answer = json.loads(response.body)
    return response.status, answer.get('result'), answer.get('error', {}).get('code')


def xml_rpc(server, name, params):
    document = xmlrpc.client.dumps(tuple(json.loads(params)), name, allow_none=True)
    response = post(server, '/xmlrpc', document)
    try:
        return response.status, xmlrpc.client.loads(response.body, use_builtin_types=True)[0][0], None
    except xmlrpc.client.Fault as fault:
        return response.status, None, fault.faultCode


def path(server, name, params):
    response = post(server, f'/rpc/{name}', params)
    if response.getheader('Content-Type') != 'application/json':
        return response.status, None, None
    answer = json.loads(response.body)
    return (200, answer, None) if response.status == 200 else (response.status, None, answer['code'])


BRIDGES = [json_rpc, path] + [xml_rpc] * ('libxml-2.0' not in WITHOUT)


@pytest.fixture(params=BRIDGES, ids=lambda bridge: bridge.__name__)
def bridge(request):
    return request.param


@pytest.fixture(scope='module')
def server(shared_uwsgi):
    return shared_uwsgi(TCP, HTTP, *ROUTES, ('rpc-json', 'typed_*'), ('rpc-introspection', 'true'),
                        ('logformat', '%(rpcfunc) %(rpcstatus)'), app='counting.py')


def plugin_lines(server):
    return [line for line in server.log.splitlines() if line.startswith('[rpc]')]


def lines_of(server, call):
    """What a call has left in the log; that of another one behind it shows that it is complete."""
    before = len(plugin_lines(server))
    result = call()
    assert framed_packet(server, f'nosuch{before}') is None
    poll(lambda: f'"nosuch{before}"' in server.log, what='the line of the log')
    return result, plugin_lines(server)[before:-1]


# --- results -------------------------------------------------------------------------------------

BAD_RESULTS = {
    'text': 'text', 'white space': ' \n', 'cut': '{"a": [1, ', 'cut in a string': '"a', 'two values': '1 2',
    'a NUL behind it': [{'base64': 'MQA='}], 'a NUL in a string': [{'base64': 'IgAi'}], 'a byte order mark': '\ufeff1',
    'inf': 'inf', 'Infinity': '-Infinity', 'nan': 'NaN', 'a plus': '+1', 'a leading zero': '01',
    'a lone high surrogate': '"\\ud800"', 'a lone low surrogate': '"\\udc00"', 'surrogates turned': '"\\udc00\\ud800"',
    'a member twice': '{"a":1,"b":{"a":1,"\\u0061":2}}', 'a comma': '[1,]', 'single quotes': "{'a':1}",
    '129 levels': ['[' * 129 + ']' * 129], 'no end of levels': [['[', DEEP]],
    'as many levels and their ends': [['[', DEEP], [']', DEEP]], 'objects without end': [['{"a":', DEEP]],
    'too many values': ['[0', [',0', 1 << 18], ']'],
    'not UTF-8': [{'base64': 'IukiCg=='}], 'a surrogate in UTF-8': [{'base64': 'Iu2ggCI='}],
    'error alone': 'error', 'error and a blank': 'error ', 'no code': 'error no such user', 'a code in words': 'error one',
    'a code with a plus': 'error +1 x', 'a fraction': 'error 1.5 x', 'two blanks': 'error  1 x', 'hexadecimal': 'error 0x10 x',
    'a code beyond 32 bits': 'error 2147483648 x', 'a code below 32 bits': 'error -2147483649 x',
    'a code of many digits': ['error ', ['9', DEEP]], 'a tab behind the code': 'error 1\tx', 'capitals': 'Error 1 x',
    'a message that is not UTF-8': [{'base64': 'ZXJyb3IgMSDp'}], 'data that is no JSON': 'error 1 x\n{',
    'data in two': 'error 1 x\n1 2', 'data with a NUL': [{'base64': 'ZXJyb3IgMSB4CjEA'}], 'a member of data twice': 'error 1 x\n{"a":1,"a":2}',
    'data without end': ['error 1 x\n', ['[', DEEP]],
}


@pytest.mark.parametrize('says', BAD_RESULTS.values(), ids=BAD_RESULTS)
def test_bad_result(server, bridge, says):
    """One error, told once, and the next call is served."""
    params = json.dumps(says if isinstance(says, list) else [says])
    (status, result, code), lines = lines_of(server, lambda: bridge(server, 'typed_says', params))
    assert (status, result, code) == ((500, None, None) if bridge is path else (200, None, -32603))
    assert len(lines) == 1 and lines[0].endswith(
        'bridge: "typed_says": the function\'s result is not JSON (bad-json)')
    assert bridge(server, 'typed_says', '["1"]') == (200, 1, None)


@pytest.mark.parametrize('says, result', [
    ('1', 1), (' \r\n\t1\n', 1), ('-0', 0), ('1.50', 1.5), ('1E2', 100), ('true', True), ('null', None), ('""', ''),
    ('"\\ud83d\\ude00"', '😀'), ('[]', []), ('{}', {}), ('{"a":{"b":[1,"c"]}}', {'a': {'b': [1, 'c']}}),
    ('18446744073709551616', 18446744073709551616), ('9223372036854775807', 9223372036854775807),
    ('-2147483649', -2147483649)])
def test_good_result(server, bridge, says, result):
    (status, answer, code), lines = lines_of(
        server, lambda: bridge(server, 'typed_says', json.dumps([says])))
    assert (status, answer, code) == (200, result, None) and not lines


@pytest.mark.parametrize('says', [['[' * 128 + ']' * 128], ['[0', [',0', (1 << 18) - 2], ']']],
                         ids=['128 levels', 'as many values as there may be'])
def test_result_at_the_limit(server, bridge, says):
    assert bridge(server, 'typed_says', json.dumps(says))[::2] == (200, None)


@pytest.mark.parametrize('says, code, status', [
    ('error 404 no such user\n{"id":404}', 404, 404), ('error -2147483648 least', -2147483648, 500),
    ('error 2147483647 largest\n', 2147483647, 500), ('error 0', 0, 500), ('error 1 ', 1, 500),
    ('error -32602 x is missing', -32602, 400), ('error 007 é', 7, 500)])
def test_application_error(server, bridge, says, code, status):
    """An outcome of its own, and no failure of the server."""
    before = server.log.count('typed_says application-error')
    answer, lines = lines_of(server, lambda: bridge(server, 'typed_says', json.dumps([says])))
    assert answer == (status if bridge is path else 200, None, code) and not lines
    poll(lambda: server.log.count('typed_says application-error') == before + 1, what='the request')


def test_nothing_is_empty(server, bridge):
    (status, result, code), lines = lines_of(server, lambda: bridge(server, 'typed_says', '[""]'))
    assert (status, result, code) == {
        json_rpc: (200, None, -32000), xml_rpc: (200, None, -32500), path: (500, None, None)}[bridge]
    assert len(lines) == 1 and lines[0].endswith('(empty)')


# --- parameters ----------------------------------------------------------------------------------

@pytest.mark.parametrize('size, good', [(65534, True), (65535, True), (65536, False), (65537, False), (200000, False)])
def test_length_of_the_parameters(server, bridge, size, good):
    params = '["%s"]' % ('x' * (size - 4))
    (status, result, code), lines = lines_of(server, lambda: bridge(server, 'typed_echo', params))
    if good:
        assert (status, result, code) == (200, json.loads(params), None) and not lines
    else:
        assert (status, result, code) == ((413, None, None) if bridge is path else (200, None, -32602))
        assert len(lines) == 1 and '(argument-too-long)' in lines[0]


def test_more_parameters_than_another_function_takes(server, bridge):
    params = [1] * 10000
    assert bridge(server, 'typed_echo', json.dumps(params, separators=(',', ':'))) == (200, params, None)


@pytest.mark.skipif('libxml-2.0' in WITHOUT, reason='built without libxml2')
@pytest.mark.parametrize('value, code', [
    ('<double>inf</double>', -32602), ('<double>nan</double>', -32602), ('<double>1e400</double>', None),
    ('<struct>' + '<member><name>a</name><value><int>1</int></value></member>' * 2 + '</struct>', -32602),
    ('<array><data>' + '<value><struct>' + '<member><name>a</name><value/></member>' * 2 + '</struct></value></data></array>',
     -32602)])
def test_values_that_json_has_not(server, value, code):
    document = ('<methodCall><methodName>typed_echo</methodName><params><param><value>%s</value></param></params>'
                '</methodCall>' % value)
    response, lines = lines_of(server, lambda: post(server, '/xmlrpc', document))
    try:
        xmlrpc.client.loads(response.body)
        assert code is None and not lines
    except xmlrpc.client.Fault as fault:
        assert fault.faultCode == code and len(lines) == 1


# --- functions of nodes, packets -----------------------------------------------------------------

@pytest.fixture(scope='module')
def front(server, shared_uwsgi):
    """typed_echo and typed_says of the server are typed here, and untyped is not; those of a server
    of which nothing is typed, too."""
    plain = shared_uwsgi(TCP, app='counting.py')
    nodes = ['%s:%d' % node.sockets[0] for node in (server, plain)]
    names = ['typed_echo', 'typed_says']
    return shared_uwsgi(TCP, HTTP, *ROUTES, ('rpc-json', 'typed_*'),
                        *(('rpc-remote', f'{name} {nodes[0]}') for name in names),
                        ('rpc-remote', f'untyped {nodes[0]} typed_echo'), ('rpc-remote', 'typed_gone 127.0.0.1:1 typed_echo'),
                        ('rpc-remote', f'typed_plain {nodes[1]} typed_echo'), app=None)


@pytest.mark.parametrize('name', ['typed_echo', 'typed_plain'])
def test_remote_function(front, bridge, name):
    assert bridge(front, name, '[1, null, {"a": ["1"]}]') == (200, [1, None, {'a': ['1']}], None)


def test_error_of_a_remote_function(front, bridge):
    assert bridge(front, 'typed_says', '["error 404 no such user\\n[]"]')[::2] == (404 if bridge is path else 200, 404)
    assert bridge(front, 'typed_says', '["text"]')[::2] == ((500, None) if bridge is path else (200, -32603))
    assert bridge(front, 'typed_gone', '[]')[::2] == {
        json_rpc: (200, -32001), xml_rpc: (200, -32300), path: (502, None)}[bridge]


def test_remote_function_that_is_not_typed_here(front):
    assert json_rpc(front, 'untyped', '["[1, 2]"]') == (200, '[1, 2]', None)
    assert json_rpc(front, 'untyped', '[[1, 2]]') == (200, '[1,2]', None)


@pytest.mark.parametrize('text', [b'[1, 2]', b' {"a" :1}', b'not JSON', b'\xff\0'])
def test_packets_carry_text_as_it_is(server, front, text):
    for node in (server, front):
        assert framed_packet(node, 'typed_echo', text) == text


def test_packets_carry_results_as_they_are(server, front):
    for says in ('error 404 no such user\n{"id": 404}', 'text', ' 1 ', ''):
        for node in (server, front):
            assert framed_packet(node, 'typed_says', json.dumps([says]).encode()) == says.encode()


# --- introspection -------------------------------------------------------------------------------

def test_openrpc_document(server):
    document = json_rpc(server, 'rpc.discover', '[]')[1]
    assert document['openrpc'].startswith('1.') and {'title', 'version'} <= set(document['info'])
    methods = {method['name']: method for method in document['methods']}
    assert set(methods) == {'hit', 'hits', 'typed_echo', 'typed_says', 'closed_typed'}
    for name, method in methods.items():
        assert method['params'] == [] and {'name', 'schema'} <= set(method['result'])
        assert method['paramStructure'] == ('either' if name.startswith('typed_') else 'by-position')


def test_registered_function_answers_instead(uwsgi, tmp_path):
    (tmp_path / 'app.py').write_text('''
import uwsgi
for name in ('rpc.discover', 'system.listMethods', 'system.methodSignature', 'system.methodHelp'):
    uwsgi.register_rpc(name, lambda *args, name=name: b'own ' + name.encode())
def application(env, start_response):
    pass
''')
    server = uwsgi(TCP, HTTP, *ROUTES, ('rpc-introspection', 'true'), app=tmp_path / 'app.py')
    assert json_rpc(server, 'rpc.discover', '[]')[1] == 'own rpc.discover'
    for bridge in BRIDGES[::2]:
        assert bridge(server, 'system.listMethods', '[]')[1] == 'own system.listMethods'
    if xml_rpc in BRIDGES:
        for name in ('system.methodSignature', 'system.methodHelp'):
            assert xml_rpc(server, name, '["rpc.discover"]')[1] == 'own ' + name


@pytest.mark.skipif('libxml-2.0' in WITHOUT, reason='built without libxml2')
def test_nothing_is_listed_twice(uwsgi, tmp_path):
    (tmp_path / 'app.py').write_text('''
import uwsgi
for name in ('hello', 'system.methodHelp', 'system.multicall'):
    uwsgi.register_rpc(name, lambda *args: b'own')
def application(env, start_response):
    pass
''')
    server = uwsgi(TCP, HTTP, *ROUTES, ('rpc-introspection', 'true'), app=tmp_path / 'app.py')
    names = xml_rpc(server, 'system.listMethods', '[]')[1]
    assert len(names) == len(set(names)) and {'hello', 'system.methodHelp', 'system.multicall'} <= set(names)
    assert xml_rpc(server, 'system.methodSignature', '["hello"]')[1] == 'undef'
    assert xml_rpc(server, 'system.methodSignature', '["system.methodHelp"]')[1] == 'undef'
    assert xml_rpc(server, 'system.methodSignature', '["system.listMethods"]')[1] == [['array']]
