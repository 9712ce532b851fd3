# SPDX-License-Identifier: MIT
"""The XML-RPC bridge (modifier2 3) over HTTP."""
import xmlrpc.client
from xmlrpc.client import Binary, Fault

import pytest
from conftest import HTTP, TCP, WITHOUT, framed, packet

pytestmark = pytest.mark.skipif('libxml-2.0' in WITHOUT, reason='built without libxml2')

XML = {'Content-Type': 'text/xml'}


@pytest.fixture(scope='module')
def server(shared_uwsgi):
    return shared_uwsgi(TCP, HTTP, ('plugin', 'router_uwsgi'), ('http-socket-modifier1', 173),
                        ('http-socket-modifier2', 3), ('http11-socket', '127.0.0.1:0'),
                        ('route', '^/kept uwsgi:,173,3'), ('rpc-max-body', 1 << 20),
                        ('rpc-max-batch', 5), ('rpc-introspection', 'true'),
                        ('rpc-bridge-allow', '[!n]*'), ('rpc-remote', 'far /no/such.sock hello'))


def call_document(method, *values):
    """A methodCall whose values are XML as they stand."""
    params = ''.join(f'<param><value>{value}</value></param>' for value in values)
    return (f'<?xml version="1.0"?><methodCall><methodName>{method}</methodName>'
            f'<params>{params}</params></methodCall>')


def post(server, document, headers=XML, **kwargs):
    if isinstance(document, str):
        document = document.encode()
    return server.http('/', 'POST', document, headers, **kwargs)


def parse(response):
    assert response.status == 200, response.body
    assert response.headers['Content-Type'] == 'text/xml'
    (result,), _ = xmlrpc.client.loads(response.body)
    return result


def ask(server, document, **kwargs):
    return parse(post(server, document, **kwargs))


def fault(server, document):
    with pytest.raises(Fault) as caught:
        ask(server, document)
    return caught.value.faultCode


def call(server, method, *args):
    return ask(server, xmlrpc.client.dumps(args, method, allow_none=True))


def multicall(server, *calls):
    return call(server, 'system.multicall',
                [{'methodName': method, 'params': list(params)} for method, *params in calls])


def test_call(server):
    assert call(server, 'hello', 'a', 'b') == 'hello a b'


@pytest.mark.parametrize('value, argument', [
    ('<string>text</string>', 'text'), ('bare', 'bare'), ('', ''), ('<string/>', ''),
    ('<string>&lt;&amp;&#233;</string>', '<&é'), ('<string> kept </string>', ' kept '),
    ('<![CDATA[<b>]]>', '<b>'), ('<int>-12</int>', '-12'), ('<i4> 7\n</i4>', '7'),
    ('<i8>9007199254740993</i8>', '9007199254740993'), ('<boolean>1</boolean>', '1'),
    ('<double>-1.50</double>', '-1.50'),
    ('<dateTime.iso8601>20250131T01:02:03</dateTime.iso8601>', '20250131T01:02:03'),
    ('<base64>YWJj\n ZGU=</base64>', 'abcde'), ('<base64/>', ''), ('<nil/>', ''),
])
def test_scalars(server, value, argument):
    assert ask(server, call_document('first', value)) == argument


def test_binary(server):
    every_byte = bytes(range(256))
    assert call(server, 'first', Binary(every_byte)).data == every_byte
    assert call(server, 'echo', Binary(b'\0\xff'), 'a').data == b'2:\0\xff,1:a,'
    assert call(server, 'first', Binary(b'text')) == 'text'
    assert call(server, 'empty') == ''


def test_argument_limits(server):
    assert call(server, 'count', *['x'] * 254) == '254'
    assert call(server, 'echo', 'y' * 65535) == '65535:' + 'y' * 65535 + ','
    assert call(server, 'first', Binary(b'\xff' * 65535)).data == b'\xff' * 65535


@pytest.mark.parametrize('document, code', [
    ('', -32700), ('<methodCall>', -32700), ('no document', -32700), (b'<a>\xff</a>', -32700),
    ('<other/>', -32600), ('<methodCall/>', -32600), (call_document(''), -32600),
    (call_document('nosuch'), -32601), (call_document('n' * 256), -32601),
    (call_document('none'), -32601), (call_document('first', '<int>x</int>'), -32602),
    (call_document('first', '<base64>!</base64>'), -32602),
    (call_document('first', '<array><data/></array>'), -32602),
    (call_document('first', '<struct/>'), -32602),
    (call_document('count', *['x'] * 255), -32602), (call_document('first', 'x' * 65536), -32602),
    (call_document('far'), -32300),
])
def test_faults(server, document, code):
    assert fault(server, document) == code


def test_every_failure_is_one_line(server):
    def lines(document):
        before = server.log.count('[rpc]')
        assert fault(server, document)
        assert call(server, 'hello') == 'hello'
        assert server.log.count('[rpc]') == before + 1
        return server.log[server.log.rindex('[rpc]'):].splitlines()[0]

    assert lines('<methodCall>') == (
        '[rpc] xmlrpc bridge: the document is not well formed (not-well-formed)')
    assert lines(call_document('first', '<struct/>')) == (
        '[rpc] xmlrpc bridge: "first": an argument cannot be passed to a function (bad-argument)')
    assert lines(call_document('nosuch')) == (
        '[rpc] xmlrpc bridge: "nosuch": no such function (unknown-function)')
    assert 'node-unreachable' in lines(call_document('far'))


def test_forbidden_is_answered_like_unknown_and_logged_apart(server):
    answers = [post(server, call_document(name)).body for name in ('nosuch', 'none')]
    assert answers[0] == answers[1]
    server.wait_log(r'xmlrpc bridge: "none": no such function \(forbidden-function\)')
    server.wait_log(r'xmlrpc bridge: "nosuch": no such function \(unknown-function\)')


def test_bridge_allow_is_for_bridges(server):
    assert framed(server.exchange(packet('none'))) == b''
    assert fault(server, call_document('none')) == -32601


def test_multicall(server):
    before = server.log.count('[rpc]')
    results = multicall(server, ('hello', 'a'), ('nosuch',), ('first', Binary(b'\0')),
                        ('first', [1]), ('system.multicall', []))
    assert results[0] == ['hello a']
    assert results[1]['faultCode'] == -32601
    assert results[2][0].data == b'\0'
    assert [result['faultCode'] for result in results[3:]] == [-32602, -32600]
    assert server.log.count('[rpc]') == before + 3


def test_multicall_limit(server):
    assert multicall(server, *[('hello',)] * 5) == [['hello']] * 5
    with pytest.raises(Fault) as caught:
        multicall(server, *[('hello',)] * 6)
    assert caught.value.faultCode == -32600 and 'rpc-max-batch' in caught.value.faultString


def test_introspection_lists_what_may_be_called(server):
    names = call(server, 'system.listMethods')
    assert {'hello', 'far', 'system.multicall'} <= set(names)
    assert not {'none', 'nap'} & set(names)
    assert call(server, 'system.methodHelp', 'hello') == ''
    assert call(server, 'system.methodSignature', 'hello') == 'undef'
    assert fault(server, call_document('system.methodHelp', 'none')) == -32601


def test_introspection_and_empty_results_are_options(uwsgi):
    server = uwsgi(TCP, HTTP, ('http-socket-modifier1', 173), ('http-socket-modifier2', 3),
                   ('rpc-empty-is-error', 'true'))
    assert fault(server, call_document('system.listMethods')) == -32601
    for name in ('boom', 'none', 'empty'):
        assert fault(server, call_document(name)) == -32500
    assert multicall(server, ('hello',), ('boom',))[1]['faultCode'] == -32500


def test_method_and_media_type(server):
    response = server.http('/')
    assert (response.status, response.headers['Allow']) == (405, 'POST, OPTIONS')
    for content_type, status in (('text/plain', 415), ('application/xml', 200), ('', 415),
                                 ('TEXT/XML; charset=utf-8', 200), ('text/xmlx', 415)):
        headers = {'Content-Type': content_type}
        assert post(server, call_document('hello'), headers).status == status


def test_charset_parameter(server):
    document = call_document('first', '<string>é</string>')
    for content_type, encoding in (('text/xml', 'utf-8'), ('text/xml; charset=ISO-8859-1', 'latin1'),
                                   ('text/xml;charset="utf-16"', 'utf-16-be'),
                                   ('text/xml; x=y; charset=windows-1252', 'cp1252')):
        response = post(server, document.encode(encoding), {'Content-Type': content_type})
        assert parse(response) == 'é', content_type
    declared = document.replace('?>', ' encoding="ISO-8859-1"?>')
    assert ask(server, declared.encode('latin1')) == 'é'
    with pytest.raises(Fault):
        ask(server, document, headers={'Content-Type': 'text/xml; charset=nosuch'})


def test_body_limit(server):
    document = call_document('hello').encode()
    assert post(server, document.ljust(1 << 20)).status == 200
    response = post(server, document.ljust((1 << 20) + 1))
    assert response.status == 413 and b'rpc-max-body' in response.body


def test_chunked(server):
    def send(size):
        document = call_document('hello', 'x').encode().ljust(size)
        connection = server.connection()
        connection.request('POST', '/', (document[i:i + 5000] for i in range(0, size, 5000)), XML,
                           encode_chunked=True)
        response = connection.getresponse()
        response.body = response.read()
        connection.close()
        return response

    assert parse(send(100000)) == 'hello x'
    assert send((1 << 20) + 5000).status == 413


def test_keep_alive(server):
    connection = server.connection(socket=2)
    sock = None
    for body, status in ((call_document('hello'), 200), ('<', 200), (call_document('nosuch'), 200),
                         (call_document('hello', 'again'), 200)):
        connection.request('POST', '/kept', body, XML)
        response = connection.getresponse()
        response.read()
        assert response.status == status
        assert sock in (None, connection.sock)
        sock = connection.sock
    connection.close()
