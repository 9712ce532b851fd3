# SPDX-License-Identifier: MIT
"""
What "make bench" measures. A scenario has variants, run in turn; the first is what the others are
compared with. Groups are the names for "make bench BENCH=".
"""
import base64
import json
import struct
from collections import namedtuple

import bench
import peers

TCP = ('socket', '127.0.0.1:0')
UNIX = ('socket', 'uwsgi.sock')
HTTP = ('http-socket', '127.0.0.1:0')
HTTP11 = ('http11-socket', '127.0.0.1:0')
PUWSGI = ('puwsgi-socket', '127.0.0.1:0')
MAX_BODY = ('rpc-max-body', 128 << 20)
NODE = '<node>'  # stands for the node's address in an option

# server   makes a server that is not running yet; its .pid is what is measured
# keep     one connection for many requests
# expect   bytes that every answer has in it
# load     a load generator of its own: (address, callers, calls) -> command line
Variant = namedtuple('Variant', 'name server request keep expect load', defaults=(None,))

# x        where the scenario stands on the axis of its group's picture
# idle     kept connections that are open beside the callers
Scenario = namedtuple('Scenario', 'group name variants callers calls x rounds idle',
                      defaults=(1, 2000, None, 9, 0))


def uwsgi(plugin, *options, plugins=('symcall', 'rpc'), node=None):
    return lambda: bench.Uwsgi(plugin, options, plugins, node)


def against_stock(options, request, keep=False, expect=bench.HELLO, null=False):
    """The same server and request with each plugin."""
    plugins = ('stock', 'ours', 'null') if null else ('stock', 'ours')
    return [Variant(plugin, uwsgi(plugin, *options), request, keep, expect) for plugin in plugins]


def bridge(sock, modifier2):
    return [sock, ('http-socket-modifier1', 173), ('http-socket-modifier2', modifier2)]


def limit(answer, *options):
    """The system calls of a call alone; -k of one over a kept connection."""
    keep = '-k' in options
    return Variant('limit, kept' if keep else 'limit', peers.limit(answer, *options),
                   bench.packet('chello', 'a', 'b'), keep, answer)


def people(count):
    return '1 caller' if count == 1 else f'{count} callers'


def packets():
    """Array packets on each kind of socket."""
    for modifier2, framing in ((0, 'framed'), (1, 'raw')):
        request = bench.packet('chello', 'a', 'b', modifier2=modifier2)
        for sock, kind in ((TCP, 'TCP'), (UNIX, 'UNIX')):
            for callers in (1, 4):
                bare = [limit(FRAMED if modifier2 == 0 else bench.HELLO)] if sock is TCP else []
                yield Scenario('packets', f'{framing}, {kind}, {people(callers)}',
                               against_stock([sock], request, null=True) + bare, callers)


def framed(result):
    """The answer with modifier2 0."""
    if len(result) < 1 << 16:
        return struct.pack('<BHB', 173, len(result), 0) + result
    length = bench.array('CONTENT_LENGTH', len(result))
    return struct.pack('<BHB', 173, len(length), 5) + length + result


FRAMED = framed(bench.HELLO)


def results():
    """A connection for each call; the peers, and ours on a puwsgi-socket, keep theirs."""
    for size, name, calls in ((11, '11 bytes', 2000), (1 << 10, '1 KiB', 2000),
                              (65535, '64 KiB - 1', 1000), (1 << 20, '1 MiB', 100),
                              (16 << 20, '16 MiB', 4)):
        request, some = bench.packet('blob', size), b'x' * min(size, 99)
        variants = [*against_stock([TCP], request, expect=some), limit(framed(b'x' * size))]
        if size <= 1 << 20:
            variants += [
                Variant('ours, kept', uwsgi('ours', PUWSGI), request, True, some),
                limit(framed(b'x' * size), '-k'),
                Variant('gRPC C++, kept', peers.grpc, None, True, some, peers.grpc_load_of(size)),
                Variant('Thrift C++, kept', peers.thrift, peers.thrift_call('blob', peers.thrift_int(size)),
                        True, some)]
        yield Scenario('results', name, variants, 1, calls, size)


def arguments():
    for count in (0, 2, 16, 254):
        yield Scenario('arguments', f'framed, TCP, {count} arguments',
                       against_stock([TCP], bench.packet('chello', *['arg'] * count)), 1, 2000, count)
    yield Scenario('arguments', 'framed, TCP, one of 60,000 bytes',
                   against_stock([TCP], bench.packet('chello', 'x' * 60000)), 1, 2000)


def functions():
    for count in (1, 100, 1000, 10000):
        names = [('symcall-register-rpc', f'function{i:05} bench_hello') for i in range(count)]
        options = [TCP, ('rpc-max', count + 10), *names]
        yield Scenario('functions', f'framed, TCP, the last of {count:,}',
                       [*against_stock(options, bench.packet(f'function{count - 1:05}', 'a', 'b')),
                        limit(FRAMED)], 1, 2000 if count < 10000 else 1000, count)


def http():
    path = '/chello/a/b'
    yield Scenario('http', 'PATH_INFO, http-socket',
                   against_stock(bridge(HTTP, 2), bench.http(path, keepalive=False), null=True))
    yield Scenario('http', 'PATH_INFO, http11-socket, kept',
                   against_stock(bridge(HTTP11, 2), bench.http(path), True, null=True), 1, 4000)


def puwsgi():
    for callers in (1, 4):
        yield Scenario('puwsgi', f'framed, puwsgi-socket, {people(callers)}',
                       [*against_stock([PUWSGI], bench.packet('chello', 'a', 'b'), True, null=True),
                        limit(FRAMED, '-k')], callers, 3000)


def routes():
    local = ('route', '^/(.+)/(.+) rpc:chello $1 $2 ${REMOTE_ADDR}')
    remote = ('route', f'^/(.+)/(.+) rpc:chello@{NODE} $1 $2')
    yield Scenario('routes', 'local, http-socket',
                   against_stock([HTTP, local], bench.http('/a/b', keepalive=False)))
    yield Scenario('routes', 'local, http11-socket, kept',
                   against_stock([HTTP11, local], bench.http('/a/b'), True), 1, 4000)
    fresh, kept = uwsgi('ours', TCP), uwsgi('ours', PUWSGI)
    request = bench.http('/a/b')
    yield Scenario('routes', 'remote, http11-socket, kept', [
        Variant('stock', uwsgi('stock', HTTP11, remote, node=fresh), request, True, bench.HELLO),
        Variant('ours', uwsgi('ours', HTTP11, remote, node=fresh), request, True, bench.HELLO),
        Variant('ours, rpc-keepalive',
                uwsgi('ours', HTTP11, remote, ('rpc-keepalive', 4), node=kept),
                request, True, bench.HELLO)])


def applications():
    """uwsgi.rpc to a node and uwsgi.call of the same function through rpc-remote, from Python."""
    python = ('symcall', 'python3', 'rpc')
    app = [HTTP11, ('wsgi-file', bench.HERE / 'app.py'), ('rpc-remote', f'there {NODE} chello'),
           ('env', f'NODE={NODE}')]
    fresh, kept = uwsgi('ours', TCP), uwsgi('ours', PUWSGI)

    def variant(name, path, node, *options):
        return Variant(name, uwsgi('ours', *app, *options, plugins=python, node=node),
                       bench.http(path), True, bench.HELLO)
    yield Scenario('applications', 'Python to a node', [
        variant('uwsgi.rpc', '/rpc', fresh),
        variant('uwsgi.call', '/call', fresh),
        variant('uwsgi.call, rpc-keepalive', '/call', kept, ('rpc-keepalive', 4))], 1, 1500)


def gather():
    """A request made of the results of many calls, each of 50 ms, to a node that takes all at once."""
    node = uwsgi('ours', TCP, ('threads', 64), ('symcall-register-rpc', 'nap bench_nap'))
    request = bench.http('/', keepalive=False)
    for parts in (1, 4, 16, 64):
        row = [('route', f'^/ rpcnext:nap@{NODE}')] * parts + [('route', '^/ break:')]
        once = [('route', '^/ rpcgather:' + ' '.join([f'nap@{NODE}'] * parts))]
        yield Scenario('gather', f'{parts} part{"s" * (parts > 1)}', [
            Variant(name, uwsgi(plugin, HTTP, *rules, node=node), request, False, bench.HELLO * parts)
            for name, plugin, rules in (('stock, in a row', 'stock', row), ('ours, in a row', 'ours', row),
                                        ('ours, at once', 'ours', once))],
            1, max(1, 4 // parts), parts, 5)


# --- many callers -----------------------------------------------------------------------------------

GEVENT = ('symcall', 'python3', 'gevent_python3', 'rpc')


def tail():
    """How long the slowest wait as callers get more, a connection for each call; Thrift's are kept."""
    request = bench.packet('chello', 'a', 'b')
    thrift = Variant('Thrift C++, kept', peers.thrift,
                     peers.thrift_call('chello', *map(peers.thrift_string, 'ab')), True, bench.HELLO)
    for name, options, plugins, beside in (
            ('1 worker', [], ('symcall', 'rpc'), [limit(FRAMED)]),
            ('2 workers', [('processes', 2)], ('symcall', 'rpc'), [limit(FRAMED, '-w', 2)]),
            ('4 workers', [('processes', 4)], ('symcall', 'rpc'), [limit(FRAMED, '-w', 4), thrift]),
            ('4 threads', [('threads', 4)], ('symcall', 'rpc'), []),
            ('gevent', [('gevent', 256)], GEVENT, [])):
        for callers in (1, 8, 64, 256):
            yield Scenario('tail', f'{name}, {people(callers)}', [
                *(Variant(plugin, uwsgi(plugin, TCP, *options, plugins=plugins), request, False, bench.HELLO)
                  for plugin in ('stock', 'ours')), *beside],
                callers, 3000 if callers == 1 else 6000, callers, 7)


def idle():
    """Callers with a connection a call beside 1,000 connections to a puwsgi-socket that are kept."""
    for count in (0, 1000):
        yield Scenario('idle', f'gevent, {count:,} idle connections', [
            Variant(plugin, uwsgi(plugin, TCP, PUWSGI, ('gevent', 2200), plugins=GEVENT),
                    bench.packet('chello', 'a', 'b'), False, bench.HELLO)
            for plugin in ('stock', 'ours')], 8, 6000, count, 5, count)


NO_TLS_1_3 = ('ssl-option', 1 << 29)


def tls():
    """A routed call to a node, each on a connection of its own. CPU is the caller's."""
    cert, key = peers.tls_certificate()
    request = bench.http('/a/b')

    def variant(name, scheme, node, *options):
        rule = ('route', f'^/(.+)/(.+) rpc:chello@{scheme}{NODE} $1 $2')
        return Variant(name, uwsgi('ours', HTTP11, rule, ('rpc-tls-ca', cert), *options, node=node), request, True,
                       bench.HELLO)
    for version, more in (('TLS 1.3', ()), ('TLS 1.2', (NO_TLS_1_3,))):
        node = uwsgi('ours', *more, ('suwsgi-socket', f'127.0.0.1:0,{cert},{key}'))
        yield Scenario('tls', version, [
            variant('plain TCP', '', uwsgi('ours', TCP)),
            variant('resumed session', 'ssl:', node, ('rpc-keepalive', 4)),
            variant('full handshake', 'ssl:', node),
            Variant('openssl s_time -reuse', lambda: peers.openssl_server(cert, key), None, False, None,
                    peers.openssl_load(version.lower().replace(' ', '').replace('.', '_')))], 1, 250)


def gevent():
    """Many callers of one process of green threads, and the limits: a server of gevent's own, and no green threads."""
    request = bench.packet('chello', 'a', 'b')

    def once(name, server):
        return Variant(f'{name}, a connection a call', server, request, False, bench.HELLO)

    def kept(name, server):
        return Variant(f'{name}, kept', server, request, True, bench.HELLO)
    yield Scenario('gevent', people(10), [
        once('ours', uwsgi('ours', TCP, ('gevent', 40), plugins=GEVENT)),
        once('stock', uwsgi('stock', TCP, ('gevent', 40), plugins=GEVENT)),
        kept('ours', uwsgi('ours', PUWSGI, ('gevent', 40), plugins=GEVENT)),
        once("gevent's StreamServer", peers.gevent(FRAMED, 'once')),
        kept("gevent's StreamServer", peers.gevent(FRAMED, 'kept')),
        limit(FRAMED, '-k', '-w', 10)], 10, 4000, None, 15)


# --- documents --------------------------------------------------------------------------------------

def xml_call(name, *values):
    params = ''.join(f'<param><value>{value}</value></param>' for value in values)
    return ('<?xml version="1.0"?><methodCall><methodName>'
            f'{name}</methodName><params>{params}</params></methodCall>').encode()


def json_call(*arguments, number=1):
    return {'jsonrpc': '2.0', 'method': 'chello', 'params': list(arguments), 'id': number}


def post(media_type, body, path='/', keepalive=True):
    return bench.http(path, 'POST', [('Content-Type', media_type)], body, keepalive)


XML_BODY = xml_call('chello', '<string>foo</string>', '<string>bar</string>')
XML = post('text/xml', XML_BODY)
JSON_BODY = json.dumps(json_call('foo', 'bar')).encode()
JSON = post('application/json', JSON_BODY)


def bridges():
    """Two short string arguments over each bridge, on a kept connection, against stock's only one."""
    path = bench.http('/chello/foo/bar')
    yield Scenario('bridges', 'kept connection', [
        Variant('stock, PATH_INFO', uwsgi('stock', *bridge(HTTP11, 2)), path, True, bench.HELLO),
        Variant('PATH_INFO', uwsgi('ours', *bridge(HTTP11, 2)), path, True, bench.HELLO),
        Variant('XML-RPC', uwsgi('ours', *bridge(HTTP11, 3)), XML, True, bench.HELLO),
        Variant('JSON-RPC', uwsgi('ours', *bridge(HTTP11, 4)), JSON, True, bench.HELLO)], 1, 3000)


def typed():
    """A function that returns a constant, and the same as a typed one."""
    options = [('symcall-register-rpc', 'jhello bench_json'), ('rpc-json', 'jhello')]
    strings = [f'<string>{text}</string>' for text in ('foo', 'bar')]

    def xml(name):
        return post('text/xml', xml_call(name, *strings))

    def json_of(name, *params):
        return post('application/json', json.dumps(json_call(*params) | {'method': name}).encode())
    for title, modifier2, calls, request in (
            ('JSON-RPC', 4, 3000, lambda name: json_of(name, 'foo', 'bar')), ('XML-RPC', 3, 3000, xml),
            ('JSON-RPC, 60,000 bytes', 4, 300, lambda name: json_of(name, 'x' * 60000))):
        yield Scenario('typed', title, [
            Variant(variant, uwsgi('ours', *bridge(HTTP11, modifier2), *options), request(name), True, bench.HELLO)
            for variant, name in (('untyped', 'chello'), ('typed', 'jhello'))], 1, calls)


def compared():
    """Servers one could use instead, on a kept connection those that keep it: two strings, one caller."""
    both = bench.packet('chello', 'foo', 'bar')
    strings = [peers.thrift_string(text) for text in ('foo', 'bar')]

    def kept(name, server, request):
        return Variant(name, server, request, True, bench.HELLO)

    def once(name, server, request):
        return Variant(name, server, request, False, bench.HELLO)
    yield kept('stock, PATH_INFO', uwsgi('stock', *bridge(HTTP11, 2)), bench.http('/chello/foo/bar'))
    yield once('stock, a connection a call', uwsgi('stock', TCP), both)
    yield once('ours, a connection a call', uwsgi('ours', TCP), both)
    yield limit(FRAMED)._replace(name='limit, a connection a call')
    yield kept('ours, PATH_INFO', uwsgi('ours', *bridge(HTTP11, 2)), bench.http('/chello/foo/bar'))
    yield kept('ours, puwsgi-socket', uwsgi('ours', PUWSGI), both)
    yield kept('ours, JSON-RPC', uwsgi('ours', *bridge(HTTP11, 4)), JSON)
    yield kept('ours, XML-RPC', uwsgi('ours', *bridge(HTTP11, 3)), XML)
    yield limit(FRAMED, '-k')
    yield Variant('gRPC C++', peers.grpc, None, True, bench.HELLO, peers.grpc_load)
    yield kept('Thrift C++', peers.thrift, peers.thrift_call('chello', *strings))
    yield kept('libjson-rpc-cpp', peers.jsonrpccpp, JSON)
    yield kept('Go net/rpc/jsonrpc', peers.go, b'{"method":"Bench.Hello","params":[["foo","bar"]],"id":1}')
    yield kept("xmlrpc-c's Abyss", peers.abyss, post('text/xml', XML_BODY, '/RPC2'))
    yield once('Python jsonrpclib', peers.python_jsonrpc, post('application/json', JSON_BODY, '/', False))
    yield once('Python xmlrpc.server', peers.python_xmlrpc, post('text/xml', XML_BODY, '/RPC2', False))


def servers():
    yield Scenario('servers', 'two strings', list(compared()), 1, 1000)


# --- memory -----------------------------------------------------------------------------------------

def memory():
    """50 MB of base64: three calls of 200 arguments, 64,000 bytes each."""
    value = base64.b64encode(b'x' * 64000).decode()
    batch = json.dumps([json_call(*[{'base64': value}] * 200, number=n) for n in range(3)])
    params = f'<value><base64>{value}</base64></value>' * 200
    call = ('<value><struct><member><name>methodName</name><value>chello</value></member>'
            '<member><name>params</name><value><array><data>'
            f'{params}</data></array></value></member></struct></value>')
    multicall = xml_call('system.multicall', f'<array><data>{call * 3}</data></array>')
    for name, modifier2, request in (('JSON-RPC', 4, post('application/json', batch.encode())),
                                     ('XML-RPC', 3, post('text/xml', multicall))):
        yield Scenario('memory', f'50 MB of base64, {name}', [
            Variant('ours', uwsgi('ours', *bridge(HTTP11, modifier2), MAX_BODY), request, True,
                    bench.HELLO)], 1, 1, None, 3)


GROUPS = (packets, results, arguments, functions, http, puwsgi, routes, gather, tls, gevent, applications,
          bridges, typed, servers, tail, idle, memory)


def scenarios(wanted):
    """Those of a group, or all."""
    return [scenario for group in GROUPS if wanted in ('', group.__name__) for scenario in group()]
