# SPDX-License-Identifier: MIT
"""Drives a server without an interpreter through every kind of request, good and bad: what leaks,
soaks and robustness are tested with."""
import contextlib
import json
import os
import socket
import struct
import xmlrpc.client
from http.client import HTTPException

import transports
from conftest import BUILD, ROOT, connect, exchange, framed, packet, read_all
from transports import JSON, PATH_INFO, XML

FUNCTIONS = ('first', 'big', 'empty', 'none', 'pid', 'nap', 'call', 'leak', 'utter')
# Sockets, as server.sockets has them: those of the node, and those of the server in front of it.
TCP_SOCKET, UNIX_SOCKET, KEPT = range(3)
HTTP11_SOCKET = 1
ACTIONS = ('rpc', 'call', 'rpcnext', 'rpcblob', 'rpcret', 'rpcraw', 'rpcvar')
BODY_MAX, BATCH_MAX, RESPONSE_MAX = 200000, 10, 1 << 20
# How often a call is made to a node that closes after its answer: a connection to it may be kept, and the
# next call lost on it, where the node takes longer to close than a connection has to prove itself
# (client/kept.h). That costs a call or two, for which each process and each list of nodes learns anew.
TRIES = 5


def functions():
    """The options that register the functions of robust.c, and nothing else."""
    return [('plugin', 'symcall'), ('dlopen', BUILD / 'robust.so'), ('need-app', 'false')] + [
        ('symcall-register-rpc', f'{name} r_{name}') for name in FUNCTIONS]


def node_options(directory):
    """A node with sockets in a directory; each kept connection takes a process of it. No threads,
    among whose exits LeakSanitizer and Valgrind stumble."""
    return functions() + [('socket', '127.0.0.1:0'), ('socket', f'{directory}/node.sock'),
                          ('puwsgi-socket', f'{directory}/kept.sock'), ('processes', 8), ('rpc-allow', '[!s]*'),
                          ('rpc-allow-from', '127.0.0.0/8')]


def netstrings(*items):
    return ''.join(f'{len(str(item))}:{item},' for item in items)


def gather_rules(directory):
    """Many calls at once: good ones, some that fail, and some that are none."""
    node, kept, either = f'{directory}/node.sock', f'{directory}/kept.sock', f'./nobody.sock,{directory}/node.sock'
    calls = [netstrings(nodes, 'first', 'text') for nodes in (node, kept, either, './nobody.sock', 'nonsense')]
    calls += [netstrings(node, 'nosuch'), netstrings(node), 'nonsense', netstrings(node, 'big', 2000000)]
    return [f'^/route/gather/(.*)$ rpcgather:first@{node} first@{kept} first@{either} first@{node} -- ${{ARG}}$1',
            f'^/route/gather-fails rpcgather:first@{node} nosuch@{node} first@./nobody.sock -- x',
            f'^/route/client/(.*)$ rpc:net.call {kept},{node} first ${{ARG}}$1',
            '^/route/client-gather rpc:net.gather ' + ' '.join(calls), '^/route/client-outcome rpc:net.outcome']


CLIENT_GATHERED = netstrings('ok', 'text') * 3 + ''.join(netstrings(outcome, '') for outcome in (
    'node-unreachable', 'bad-nodes', 'node-closed', 'bad-argument', 'bad-argument', 'node-too-large'))


def front_options(directory):
    """A server whose node's sockets are in a directory; it routes what begins with /route/."""
    targets = {'local': '', 'node': f'@{directory}/node.sock', 'kept': f'@{directory}/kept.sock',
               'both': f'@./nobody.sock,{directory}/node.sock', 'nobody': '@./nobody.sock'}
    rules = []
    for action in ACTIONS:
        var = 'RESULT ' if action == 'rpcvar' else ''
        rules.append(f'^/route/{action}/unknown {action}:{var}nosuch x')
        rules += [f'^/route/{action}/{target}/(.*)$ {action}:{var}first{where} ${{ARG}}$1'
                  for target, where in targets.items()]
    rules += ['^/route/rpcvar/ send:${RESULT}', *gather_rules(directory)]
    return functions() + [
        ('socket', '127.0.0.1:0'), ('http11-socket', '127.0.0.1:0'), ('processes', 2),
        ('rpc-remote', f'away {directory}/node.sock first'),
        ('rpc-remote', f'kept {directory}/kept.sock first'),
        ('rpc-remote', f'typed {directory}/node.sock utter'), ('rpc-json', 'typed'), ('rpc-json', 'utter'),
        ('rpc-remote', f'large {directory}/node.sock big'), ('rpc-remote', 'nobody ./nobody.sock first'),
        ('rpc-client', 'net'), ('rpc-keepalive', 2), ('rpc-timeout', 5), ('rpc-max-body', BODY_MAX),
        ('rpc-max-batch', BATCH_MAX), ('rpc-max-response', RESPONSE_MAX), ('rpc-introspection', 'true'),
        ('rpc-allow', '[!s]*'), ('rpc-bridge-allow', '[!p]*'), ('rpc-metric', 'first'),
        ('enable-metrics', 'true'), ('log-format', '%(method) %(rpcfunc) %(rpcstatus)')] + [
        ('route', rule) for rule in rules] + [
        ('route-label', 'onward'), ('route', '^/route/call rpc:call - first x'),
        ('route', '^/route/ break:404 Not Found')]


TARGETS = ('local', 'node', 'kept', 'both', 'nobody')


# --- bytes ------------------------------------------------------------------------------------------

def header(size, modifier2=0, modifier1=173):
    return struct.pack('<BHB', modifier1, size, modifier2)


# Answered with nothing, or with an error of HTTP; the server goes on.
HOSTILE = {
    'nothing': b'',
    'a header cut': b'\xad\x05',
    'a header alone': header(10),
    'no body': header(0),
    'an item cut': header(5) + b'\x09\0abc',
    'a length cut': header(8) + b'\x05\0first\0',
    'no name': packet('', ''),
    'NUL in the name': packet(b'fi\0rst'),
    'a long name': packet('n' * 256),
    'unknown': packet('nosuch', 'x'),
    'not allowed': packet('secret'),
    'too many arguments': packet('first', *['x'] * 255),
    'modifier2 5': packet('first', 'x', modifier2=5),
    'modifier2 255': packet('first', 'x', modifier2=255),
    'another modifier1': packet('first', 'x', modifier1=42),
    'HTTP': b'GET / HTTP/1.0\r\n\r\n',
    'TLS': bytes.fromhex('16030100c8010000c40303') + bytes(200),
    'a bridge without variables': header(0, JSON),
    'variables cut': header(20, PATH_INFO) + b'\x09\0PATH_INFO\x40\0/a',
    'a value missing': packet('PATH_INFO', modifier2=PATH_INFO),
    'a body that never comes': packet('REQUEST_METHOD', 'POST', 'CONTENT_LENGTH', '100', 'CONTENT_TYPE',
                                      'text/xml', modifier2=XML) + b'<methodCall>',
    'a negative length': packet('REQUEST_METHOD', 'POST', 'CONTENT_LENGTH', '-5', 'CONTENT_TYPE',
                                'application/json', modifier2=JSON),
}
for _size in (0, 1, 3, 100, 65535):
    HOSTILE[f'{_size} bytes of 0xff'] = b'\xff' * _size
    HOSTILE[f'{_size} bytes of 0xad'] = b'\xad' * _size


def send_and_leave(address, data, reset=False, half_open=False):
    """Sends data, then closes, resets, or closes its half and reads what comes."""
    with connect(address, 10) as sock, contextlib.suppress(OSError):
        sock.sendall(data)
        if half_open:
            sock.shutdown(socket.SHUT_WR)
            read_all(sock)
        elif reset:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0))


def hostile(front, node):
    addresses = front.sockets[TCP_SOCKET], node.sockets[UNIX_SOCKET], node.sockets[KEPT]
    big = [packet('big', 4 << 20, modifier2=modifier2) for modifier2 in (0, 1)]
    for data in [*HOSTILE.values(), *big]:
        for address in addresses:
            send_and_leave(address, data)
            send_and_leave(address, data, half_open=True)
        send_and_leave(addresses[0], data, reset=True)


# --- good calls, and calls that fail as they should ----------------------------------------------------

# Every way to call from outside; routes are another matter.
CALLERS = {name: caller for name, caller in transports.TRANSPORTS.items() if name != 'route'}


def calls(front, node):
    for name, caller in CALLERS.items():
        for argument in b'a', b'x' * 3000, bytes(range(256)) * 4:
            for function in 'first', 'kept':
                assert caller(front, function, argument) == argument, (name, function)
            assert comes(lambda caller=caller, argument=argument: refused(caller, front, 'away', argument),
                         argument, no_result), name
        for size in 10, 70000, 300000:
            assert caller(front, 'big', b'%d' % size) == b'x' * size, (name, size)
        for function in 'empty', 'none':
            assert caller(front, function) == b'', (name, function)
        # A node that nobody listens on, an answer that is too large, functions out of reach.
        for function in 'nobody', 'large', 'nosuch', 'secret':
            assert not refused(caller, front, function, b'2000000'), (name, function)


def comes(ask, answer, lost):
    """Whether a node that closes after its answer gives this one: at once, or after what says, so lost(),
    that a call was lost, and nothing else."""
    for _ in range(TRIES):
        got = ask()
        if not lost(got):
            break
    return got == answer


# What says that a call was lost, by the result of a caller or by an outcome of HTTP.

def no_result(result):
    return not result


def bad_gateway(outcome):
    return outcome[0] == 502


def empty(outcome):
    return outcome[0] == 200 and not outcome[1]


def one_more_is_closed(outcome):
    return outcome[1].count(b'node-closed') > CLIENT_GATHERED.count('node-closed')


def never(_):
    return False


def refused(caller, server, *call):
    """What a caller gets that may not like an error's status."""
    with contextlib.suppress(AssertionError):
        return caller(server, *call)


def persistent(front, node):
    with connect(node.sockets[KEPT]) as sock:
        for number in range(50):
            sock.sendall(packet('first', f'number {number}'))
            assert framed(sock.recv(100)) == b'number %d' % number
        sock.sendall(packet('nosuch'))
        assert read_all(sock) == b''


RESULTS = ('', 'next', 'continue', 'break', 'break 403 Forbidden', 'goto onward', 'goto nowhere',
           'HTTP/1.0 200 OK\r\n\r\nbody', 'no header block', 'x' * 5000)


def routes(front, node):
    for action in ACTIONS:
        exchange_variables(front, f'/route/{action}/unknown')
        for target in TARGETS:
            for result in RESULTS:
                exchange_variables(front, f'/route/{action}/{target}/', ARG=result)
    for target in 'local', 'node', 'kept', 'both':
        for size in 0, 1000, 60000:
            assert comes(lambda target=target, size=size: outcome(front, f'/route/rpc/{target}/y', ARG='z' * size),
                         (200, b'z' * size + b'y'),
                         bad_gateway if target in ('node', 'both') else never), (target, size)
    assert transports.request(front, '/route/call').body == b'x'


def gathers(front, node):
    for size in 0, 1000, 60000:
        assert comes(lambda size=size: outcome(front, '/route/gather/y', ARG='z' * size),
                     (200, (b'z' * size + b'y') * 4), bad_gateway), size
    assert transports.request(front, '/route/gather-fails').status == 502
    assert comes(lambda: outcome(front, '/route/client/y', ARG='z'), (200, b'zy'), empty)
    assert comes(lambda: outcome(front, '/route/client-gather'), (200, CLIENT_GATHERED.encode()),
                 one_more_is_closed)
    assert transports.request(front, '/route/client-outcome').status == 200


def outcome(server, path, **variables):
    answer = transports.request(server, path, **variables)
    return answer.status, answer.body


def exchange_variables(server, path, **variables):
    """A request by variables, whatever comes of it."""
    items = [item for pair in {'REQUEST_METHOD': 'GET', 'PATH_INFO': path, 'REQUEST_URI': path,
                               **variables}.items() for item in pair]
    exchange(server.sockets[TCP_SOCKET], packet(*items, modifier1=0))


# --- documents ----------------------------------------------------------------------------------------

DOCUMENT_TYPES = {'xmlrpc': (XML, 'text/xml'), 'jsonrpc': (JSON, 'application/json')}


def documents(front, node):
    """Everything the unit tests of the codecs read, whole and cut in half."""
    for kind, (modifier2, content_type) in DOCUMENT_TYPES.items():
        for folder, _, names in os.walk(ROOT / 'tests' / 'data' / kind):
            for name in names:
                with open(os.path.join(folder, name), 'rb') as file:
                    data = file.read()
                for body in data, data[:len(data) // 2]:
                    transports.request(front, '/', body, 173, modifier2, CONTENT_TYPE=content_type)
        for method, sent_type in (('GET', content_type), ('POST', 'text/plain'), ('POST', '')):
            transports.request(front, '/', b'x', 173, modifier2, REQUEST_METHOD=method,
                               CONTENT_TYPE=sent_type)
        assert transports.request(front, '/', b'x' * (BODY_MAX + 1), 173, modifier2,
                                  CONTENT_TYPE=content_type).status == 413


def batch(front, node):
    call = {'jsonrpc': '2.0', 'method': 'first', 'params': ['a', {'base64': 'AP8='}, [1, 2.5, None]],
            'id': 1}
    for count in 1, BATCH_MAX, BATCH_MAX + 1:
        body = json.dumps([call] * count).encode()
        transports.request(front, '/', body, 173, JSON, CONTENT_TYPE='application/json')
    listing = {'jsonrpc': '2.0', 'method': 'system.listMethods', 'id': 1}
    answer = transports.request(front, '/', json.dumps(listing).encode(), 173, JSON,
                                CONTENT_TYPE='application/json')
    assert 'first' in json.loads(answer.body)['result']


# What typed functions return: values, errors, and what is neither.
UTTERED = ('1', '[1.50, {}, 18446744073709551616]', 'error 404 no such user', 'error', 'text', '[1, 2', '')


def typed(front, node):
    for name in 'utter', 'typed':
        for text in UTTERED:
            xml = xmlrpc.client.dumps((text,), name).encode()
            transports.request(front, '/', xml, 173, XML, CONTENT_TYPE='text/xml')
            document = json.dumps({'jsonrpc': '2.0', 'method': name, 'params': [text], 'id': 1}).encode()
            transports.request(front, '/', document, 173, JSON, CONTENT_TYPE='application/json')
            params = json.dumps([text]).encode()
            answer = transports.request(front, f'/{name}', params, 173, PATH_INFO, CONTENT_TYPE='application/json')
            assert answer.status in (200, 404, 500), (name, text, answer.status)
            for body in b'', b'{"a": ', b'1', params:
                transports.request(front, f'/{name}/{text[:1]}', body, 173, PATH_INFO, CONTENT_TYPE='application/json')


def paths(front, node):
    for path in '', '/', '//', '/first', '/first//a', '/' + 'n' * 256, '/first' + '/x' * 255, '/nosuch', \
            '/first/' + 'y' * 4000:
        for body in None, b'', b'body', b'z' * 65535, b'z' * 65536:
            transports.request(front, path, body, 173, PATH_INFO)
    head = exchange(front.sockets[TCP_SOCKET],
                    packet('REQUEST_METHOD', 'HEAD', 'PATH_INFO', '/first/a', modifier2=PATH_INFO))
    assert head.endswith(b'\r\n\r\n')


def http(front, node):
    """Keep-alive HTTP, with routes in front: whole, chunked and broken."""
    address = front.sockets[HTTP11_SOCKET]
    line = b'%s /route/rpc/local/x HTTP/1.1\r\nHost: x\r\n'
    for data in (line % b'GET' + b'\r\n', line % b'POST' + b'Content-Length: 3\r\n\r\nabc',
                 line % b'POST' + b'Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n',
                 line % b'POST' + b'Transfer-Encoding: chunked\r\n\r\nzz\r\n', b'GET', b'\r\n\r\n', b'\0' * 50):
        send_and_leave(address, data)
        send_and_leave(address, data, half_open=True)
    connection = front.connection(HTTP11_SOCKET)
    with contextlib.suppress(HTTPException, OSError):
        for _ in range(5):
            connection.request('GET', '/route/rpc/kept/kept')
            assert connection.getresponse().read() == b'kept'
    connection.close()


PARTS = {part.__name__: part for part in (calls, persistent, routes, gathers, documents, batch, typed, paths,
                                          http, hostile)}


def drive(front, node, times=1):
    for _ in range(times):
        for part in PARTS.values():
            part(front, node)
    # Nobody has died of it.
    for server in front, node:
        assert server.call('first', 'well') == b'well'
        assert 'DAMN' not in server.log, server.log
