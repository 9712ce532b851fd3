# SPDX-License-Identifier: MIT
"""Requests: those of a client that knows the rules, and what becomes of them when bytes are changed.
Everything follows from one random.Random, so that a seed is a conversation."""
import base64
import contextlib
import json
import re
import zlib
from dataclasses import dataclass

from conftest import packet

# The functions there are; nothing but these spellings calls them. The last one is never named. Typed
# ones take JSON: one gives it back, the other an error, or what is neither.
TYPED = {'e': b'livefuzzE', 'f': b'livefuzzF'}
NAMES = {'a': b'livefuzzA', 'b': b'livefuzzB', 'c': b'livefuzzC', **TYPED}
UNNAMED = {'d': b'livefuzzNobody'}
# One persistent socket a server: uWSGI 2.0 hangs, busy, with kept connections on a second one.
SOCKETS = {'puwsgi': ('uwsgi', 'http', 'puwsgi'), 'http11': ('uwsgi', 'http', 'http11')}
ZLIB = b'\x78\x9c'
HALF_CLOSED, OPEN, LEFT = 'half-closed', 'open', 'left'


@dataclass(frozen=True)
class Request:
    socket: str
    data: bytes
    end: str  # what the client does behind it: shuts its side, waits for the answer, or leaves

    def as_json(self):
        return {'socket': self.socket, 'data': base64.b64encode(self.data).decode(), 'end': self.end}


def from_json(item):
    return Request(item['socket'], base64.b64decode(item['data']), item['end'])


# --- what is asked for ----------------------------------------------------------------------------


def name(rng):
    return rng.choice([*NAMES.values()] * 3 + [b'nosuch', b'', b'x' * 300, b'system.listMethods'])


def argument(rng):
    return rng.choice((b'', b'x', b'text', rng.randbytes(20), b'a' * 5000, b'\xc3\xa9', b'<&>"\\', b'\0'))


def arguments(rng):
    return [argument(rng) for _ in range(rng.choice((0, 1, 1, 2, 3, 254, 255)) if rng.random() < .1
                                         else rng.randrange(4))]


def json_value(rng, depth=0):
    kind = rng.randrange(8 if depth < 3 else 5)
    if kind < 5:
        return rng.choice((None, True, 1, -1.5e300, 'text', 'é', '', 10 ** 30, {'base64': 'AP8='}))
    items = [json_value(rng, depth + 1) for _ in range(rng.randrange(4))]
    return items if kind < 7 else {str(i): item for i, item in enumerate(items)}


def json_call(rng):
    call = {'jsonrpc': '2.0', 'method': name(rng).decode(), 'params': json_value(rng), 'id': json_value(rng, 3)}
    if rng.random() < .7:
        call['params'] = [arg.decode('latin1') for arg in arguments(rng)]
    for key in rng.sample(sorted(call), rng.choice((0, 0, 0, 1, 2))):
        del call[key]
    return call


def json_document(rng):
    call = [json_call(rng) for _ in range(rng.choice((0, 1, 3)))] if rng.random() < .2 else json_call(rng)
    text = json.dumps(call, ensure_ascii=rng.random() < .5, indent=rng.choice((None, None, 1)))
    if rng.random() < .05:
        text = text.replace('"params": [', '"params": ' + '[' * rng.choice((2, 128, 129, 5000)))
    return text.encode()


def xml_value(rng, depth=0):
    kind = rng.randrange(9 if depth < 3 else 6)
    texts = ('<string>text</string>', '<int>5</int>', '<nil/>', 'bare', '<base64>AP8=</base64>',
             '<double>1.5</double>', '<i4>x</i4>', '<string>&#233;&lt;</string>')
    if kind < 6:
        return '<value>' + rng.choice(texts) + '</value>'
    inner = [xml_value(rng, depth + 1) for _ in range(rng.randrange(3))]
    if kind < 8:
        return '<value><array><data>' + ''.join(inner) + '</data></array></value>'
    members = ''.join(f'<member><name>{i}</name>{value}</member>' for i, value in enumerate(inner))
    return f'<value><struct>{members}</struct></value>'


def xml_call(rng, called):
    params = ''.join(f'<param>{xml_value(rng)}</param>' for _ in range(rng.randrange(4)))
    return f'<methodCall><methodName>{called}</methodName><params>{params}</params></methodCall>'


def xml_multicall(rng):
    entries = ''.join(
        '<value><struct><member><name>methodName</name><value>' + name(rng).decode() + '</value></member>'
        '<member><name>params</name><value><array><data>' + xml_value(rng) +
        '</data></array></value></member></struct></value>' for _ in range(rng.randrange(4)))
    return ('<methodCall><methodName>system.multicall</methodName><params><param><value><array><data>' +
            entries + '</data></array></value></param></params></methodCall>')


def xml_document(rng):
    text = xml_multicall(rng) if rng.random() < .2 else xml_call(rng, name(rng).decode())
    head = rng.choice(('', '<?xml version="1.0"?>', '<?xml version="1.0" encoding="iso-8859-1"?>',
                       '<?xml version="1.0" encoding="utf-7"?>', '<!DOCTYPE a [<!ENTITY b "c">]>',
                       '<!-- c -->'))
    return (head + text).encode(rng.choice(('utf-8',) * 9 + ('utf-8-sig',)))


def path(rng):
    segments = [name(rng), *arguments(rng)[:5]]
    return b'/' + rng.choice((b'/', b'/', b'//')).join(s.replace(b'/', b'_') for s in segments)


def path_body(rng):
    return argument(rng) if rng.random() < .6 else json.dumps(json_value(rng)).encode()


# --- how it is carried ----------------------------------------------------------------------------

MODIFIER2 = {'path': 2, 'xmlrpc': 3, 'jsonrpc': 4}


def document(rng, bridge):
    """A body and its headers."""
    body = {'xmlrpc': xml_document, 'jsonrpc': json_document, 'path': path_body}[bridge](rng)
    kind = {'xmlrpc': 'text/xml', 'jsonrpc': 'application/json'}.get(
        bridge, rng.choice(('text/plain', 'application/json')))
    headers = {'Content-Type': kind + rng.choice(('', '', '', '; charset=utf-8', '; charset=latin1', '; x="'))}
    if rng.random() < .1:
        headers['Content-Encoding'] = rng.choice(('gzip', 'deflate', 'identity', 'br'))
        body = rng.choice((body, zlib.compress(body), zlib.compress(b' ' * 300000 + body)))
    for header, values in OTHER_HEADERS.items():
        if rng.random() < .05:
            headers[header] = rng.choice(values)
    return body, headers


OTHER_HEADERS = {
    'Accept': ('text/html', '*/*', 'text/html;q=0.1, x/y', 'x'),
    'Expect': ('100-continue', 'x'),
    'Origin': ('http://localhost', 'http://elsewhere', 'null'),
    'Sec-Fetch-Site': ('same-origin', 'cross-site', 'none', 'x'),
    'Connection': ('close', 'keep-alive', 'upgrade'),
    'Host': ('localhost', ''),
}


def chunked(rng, body):
    chunks, at = b'', 0
    while at < len(body) and rng.random() < .98:
        size = rng.choice((1, 10, 1000))
        data = body[at:at + size]
        chunks += b'%x%s\r\n%s\r\n' % (len(data), rng.choice((b'', b'', b';x=y')), data)
        at += size
    return chunks + rng.choice((b'0\r\n\r\n', b'0\r\n\r\n', b'0\r\nTrailer: x\r\n\r\n', b''))


def method(rng, bridge):
    usual = ('GET', 'POST') if bridge == 'path' else ('POST',) * 8
    return rng.choice(usual * 4 + ('HEAD', 'OPTIONS', 'PUT', 'TRACE', 'x'))


def framed_body(rng, body, headers):
    """The body with a length or in chunks, or with something between the two."""
    if rng.random() < .2:
        headers['Transfer-Encoding'] = rng.choice(('chunked',) * 5 + ('gzip, chunked', 'identity'))
        if rng.random() < .1:
            headers['Content-Length'] = str(len(body))
        return chunked(rng, body)
    if body or rng.random() < .5:
        headers['Content-Length'] = str(len(body) + rng.choice((0,) * 12 + (1, -1, 1 << 40)))
    return body


def by_packet(rng):
    args = arguments(rng)
    while sum(map(len, args)) > 60000:
        args.pop()
    return packet(name(rng), *args, modifier2=rng.choice((0, 0, 0, 1, 1, 5, 255)))


def by_variables(rng, bridge):
    body, headers = document(rng, bridge)
    body = framed_body(rng, body, headers)
    variables = [b'REQUEST_METHOD', method(rng, bridge), b'PATH_INFO', path(rng), b'SERVER_PROTOCOL',
                 b'HTTP/1.1']
    for header, value in headers.items():
        variable = header.upper().replace('-', '_')
        own = variable in ('CONTENT_TYPE', 'CONTENT_LENGTH')
        variables += [variable if own else 'HTTP_' + variable, value]
    return packet(*variables, modifier2=MODIFIER2[bridge]) + body


def by_http(rng, bridge):
    body, headers = document(rng, bridge)
    body = framed_body(rng, body, headers)
    target = b'/' + bridge.encode() + (b'' if bridge != 'path' else b''.join(
        b'%%%02x' % c if c <= 32 or c >= 127 or c in b'%?#' else bytes([c]) for c in path(rng)))
    lines = [method(rng, bridge).encode() + b' ' + target + b' HTTP/1.' + rng.choice((b'1', b'1', b'1', b'0'))]
    lines += [f'{header}: {value}'.encode() for header, value in headers.items()]
    return b'\r\n'.join((*lines, b'', b'')) + body


# --- what becomes of it ---------------------------------------------------------------------------

PIECES = (b'\0', b'\xff', b'\r\n', b'\r\n\r\n', b'<', b'>', b'"', b'[', b'{', b'/', b'\\', b'%00', b'\xff\xff',
          b'Content-Length: 5\r\n', b'Transfer-Encoding: chunked\r\n', b'0\r\n\r\n', b' ', b'-1', b'9' * 30)


def mutated(rng, data, other):
    """One change of one place."""
    at = rng.randrange(len(data) + 1)
    upto = min(len(data), at + rng.choice((1, 2, 8, 100)))
    return rng.choice((
        lambda: data[:at] + bytes([rng.randrange(256)]) + data[at + 1:],
        lambda: data[:at] + data[upto:],
        lambda: data[:upto] + data[at:],
        lambda: data[:at] + rng.choice(PIECES) + data[at:],
        lambda: data[:at],
        lambda: data[:at] + other[rng.randrange(len(other) + 1):],
    ))()


def good(rng, socket):
    bridge = rng.choice(tuple(MODIFIER2))
    if socket.startswith('http'):
        return b''.join(by_http(rng, bridge) for _ in range(rng.choice((1, 1, 2))))
    if socket == 'puwsgi':
        return b''.join(by_packet(rng) for _ in range(rng.choice((1, 2, 3))))
    return by_packet(rng) if rng.random() < .4 else by_variables(rng, bridge)


def request(rng, sockets):
    socket = rng.choice(sockets)
    data = good(rng, socket)
    if rng.random() < .6:
        for _ in range(rng.choice((1, 1, 2, 5))):
            data = mutated(rng, data, good(rng, socket))
    return Request(socket, data, rng.choice((HALF_CLOSED,) * 100 + (OPEN,) + (LEFT,) * 10))


def plain(socket):
    """A call that has to be answered by whoever is well."""
    call = packet(NAMES['a'], b'well')
    if socket.startswith('http'):
        call = b'GET /path/' + NAMES['a'] + b'/well HTTP/1.1\r\nHost: localhost\r\n\r\n'
    return Request(socket, call, HALF_CLOSED)


CHUNK_HEAD = re.compile(rb'(?:\r\n)?[0-9a-fA-F]{1,16}(?:;[^\r\n]*)?\r\n')


def joined(data):
    """Without what stands between chunks, which may cut a name or a compressed body."""
    return CHUNK_HEAD.sub(b'', data)


def decompressed(data):
    """What stands in it in zlib's format."""
    at = data.find(ZLIB)
    while at >= 0:
        with contextlib.suppress(zlib.error):
            yield zlib.decompressobj().decompress(data[at:], 1 << 20)
        at = data.find(ZLIB, at + 1)


def mentions(data):
    """How often each function is named at most, by its letter."""
    forms = [[text, *decompressed(text)] for text in (data, joined(data))]
    return {letter: max(sum(text.count(word) for text in texts) for texts in forms)
            for letter, word in {**NAMES, **UNNAMED}.items()}
