# SPDX-License-Identifier: MIT
"""Requests that are dear: for each bridge, what costs a parser the most that has not been told. Each
is a function of a size in bytes, and takes no more than that."""
from conftest import exchange, packet

XML_BEFORE = b'<methodCall><methodName>first</methodName><params><param><value>'
XML_AFTER = b'</value></param></params></methodCall>'
JSON_BEFORE = b'{"jsonrpc":"2.0","id":1,"method":"first","params":'
UTF16 = {'charset': 'utf-16'}


def filled(before, piece, after=b''):
    return lambda size: before + piece * ((size - len(before) - len(after)) // len(piece)) + after


def numbered(before, piece, after=b''):
    """The piece has a %d, which is another number each time."""
    def make(size):
        count = (size - len(before) - len(after)) // (len(piece) + 6)
        return before + b''.join(piece % (i + 1000000) for i in range(count)) + after
    return make


def in_utf16(make):
    return lambda size: make(size // 2).decode('latin1').encode('utf-16-le')


XML = {
    'blanks': filled(b'', b' '),
    'elements': filled(XML_BEFORE + b'<array><data>', b'<value/>'),
    'open arrays': filled(XML_BEFORE[:-len(b'<value>')], b'<value><array><data>'),
    'open tags': filled(b'', b'<a>'),
    'text': filled(XML_BEFORE, b'a', XML_AFTER),
    'references': filled(XML_BEFORE, b'&lt;', XML_AFTER),
    'character references': filled(XML_BEFORE, b'&#65;', XML_AFTER),
    'lines': filled(XML_BEFORE, b'\r\n', XML_AFTER),
    'CDATA of >': filled(XML_BEFORE + b'<![CDATA[', b'>'),
    'CDATA of ]': filled(XML_BEFORE + b'<![CDATA[', b']'),
    'CDATA sections': filled(XML_BEFORE, b'<![CDATA[]]>', XML_AFTER),
    'comment of >': filled(XML_BEFORE + b'<!--', b'>'),
    'comment of -': filled(XML_BEFORE + b'<!--', b' -'),
    'comments': filled(XML_BEFORE, b'<!---->', XML_AFTER),
    'instruction of >': filled(XML_BEFORE + b'<?a ', b'>'),
    'instruction of ?': filled(XML_BEFORE + b'<?a ', b'?'),
    'reference without end': filled(XML_BEFORE + b'&', b'a'),
    'character reference without end': filled(XML_BEFORE + b'&#', b'1'),
    'tag without end': filled(XML_BEFORE + b'<', b'a'),
    'end tag without end': filled(XML_BEFORE + b'</', b'a'),
    'attribute of >': filled(b"<a b='", b'>'),
    'attributes': numbered(b'<a', b" a%d=''", b'/>'),
    'namespaces': numbered(b'<a', b" xmlns:a%d='u'", b'>'),
    'elements with attributes': filled(
        XML_BEFORE, b'<a' + b''.join(b" a%d=''" % i for i in range(60)) + b'/>', XML_AFTER),
    'elements among namespaces': filled(
        b'<methodCall' + b''.join(b" xmlns:a%d='u'" % i for i in range(60)) +
        b'><methodName>f</methodName><params><param><value><array><data>', b'<value/>'),
    'names': numbered(XML_BEFORE + b'<array>', b'<a%d/>', b'</array>' + XML_AFTER),
    'DTD without end': filled(b'<!DOCTYPE ', b'a'),
    'declaration without end': filled(b"<?xml version='1.0' encoding='", b'a'),
    'multicall': filled(b'<methodCall><methodName>system.multicall</methodName><params><param>'
                        b'<value><array><data>',
                        b'<value><struct><member><name>x</name><value/></member></struct></value>'),
    'CDATA of > in UTF-16': in_utf16(filled(XML_BEFORE + b'<![CDATA[', b'>')),
    'reference without end in UTF-16': in_utf16(filled(XML_BEFORE + b'&', b'a')),
    'text in ISO-8859-15': filled(b"<?xml version='1.0' encoding='iso-8859-15'?>" + XML_BEFORE,
                                  b'\xe9', XML_AFTER),
    'CDATA of > in ISO-8859-1': filled(
        b"<?xml version='1.0' encoding='iso-8859-1'?>" + XML_BEFORE + b'<![CDATA[', b'>'),
}

JSON = {
    'blanks': filled(b'', b' '),
    'open arrays': filled(JSON_BEFORE, b'['),
    'open objects': filled(JSON_BEFORE, b'{"a":'),
    'numbers': filled(JSON_BEFORE + b'[', b'1,', b'1]}'),
    'digits': filled(JSON_BEFORE + b'[', b'1', b']}'),
    'string': filled(JSON_BEFORE + b'["', b'a', b'"]}'),
    'string of two bytes a character': filled(JSON_BEFORE + b'["', b'\xc3\xa9', b'"]}'),
    'string of escapes': filled(JSON_BEFORE + b'["', b'\\u00e9', b'"]}'),
    'string of quotes': filled(JSON_BEFORE + b'["', b'\\"', b'"]}'),
    'string without end': filled(JSON_BEFORE + b'["', b'a'),
    'objects': filled(JSON_BEFORE + b'[', b'{},', b'{}]}'),
    'arrays': filled(JSON_BEFORE + b'[', b'[],', b'[]]}'),
    'members': numbered(JSON_BEFORE + b'{', b'"%d":1,', b'"x":1}}'),
    'long id': filled(b'{"jsonrpc":"2.0","method":"first","id":"', b'\\u0001', b'"}'),
    'batch': filled(b'[', b'1,', b'1]'),
    'batch of calls': filled(b'[', b'{"jsonrpc":"2.0","id":1,"method":"first"},', b'1]'),
    'batch of batches': filled(b'[', b'[],', b'1]'),
}

PATH = {
    'slashes': lambda size: b'/' * size,
    'segments': lambda size: b'/first' + b'/a' * ((size - 6) // 2),
    'name': lambda size: b'/' + b'a' * (size - 1),
}

MODIFIER2 = {'path': 2, 'xmlrpc': 3, 'jsonrpc': 4}
TYPES = {'xmlrpc': 'text/xml', 'jsonrpc': 'application/json'}
REQUESTS = [(bridge, name, make) for bridge, makers in
            (('xmlrpc', XML), ('jsonrpc', JSON), ('path', PATH)) for name, make in makers.items()]


def send(server, bridge, data):
    """Sends a document or a path to its bridge, over a uwsgi socket, and returns the answer."""
    variables = [b'REQUEST_METHOD', b'GET', b'PATH_INFO', data]
    body = b''
    if bridge != 'path':
        kind = TYPES[bridge] + ('; charset=utf-16' if data[1:2] == b'\0' else '')
        variables = ['REQUEST_METHOD', 'POST', 'PATH_INFO', '/', 'CONTENT_TYPE', kind,
                     'CONTENT_LENGTH', len(data)]
        body = data
    answer = exchange(server.sockets[0], packet(*variables, modifier2=MODIFIER2[bridge]) + body, 120)
    assert answer.startswith(b'HTTP/'), answer[:100]
    return answer
