# SPDX-License-Identifier: MIT
"""
What "make bench" measures. A scenario has variants, run in turn; the first is what the others are
compared with. Groups are the names for "make bench BENCH=".
"""
import base64
import json
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

# x        where the scenario stands on the axis of its group's curve, None for a bar
# figure   what the picture shows, and the table beside CPU: a key of run.py's rounds
Scenario = namedtuple('Scenario', 'group name variants callers calls x figure',
                      defaults=(1, 2000, None, 'cpu_us'))


def uwsgi(plugin, *options, plugins=('symcall', 'rpc'), node=None):
    return lambda: bench.Uwsgi(plugin, options, plugins, node)


def against_stock(options, request, keep=False, expect=bench.HELLO, null=False):
    """The same server and request with each plugin."""
    plugins = ('stock', 'ours', 'null') if null else ('stock', 'ours')
    return [Variant(plugin, uwsgi(plugin, *options), request, keep, expect) for plugin in plugins]


def bridge(sock, modifier2):
    return [sock, ('http-socket-modifier1', 173), ('http-socket-modifier2', modifier2)]


def people(count):
    return '1 caller' if count == 1 else f'{count} callers'


def packets():
    """Array packets on each kind of socket."""
    for modifier2, framing in ((0, 'framed'), (1, 'raw')):
        request = bench.packet('chello', 'a', 'b', modifier2=modifier2)
        for sock, kind in ((TCP, 'TCP'), (UNIX, 'UNIX')):
            for callers in (1, 4):
                yield Scenario('packets', f'{framing}, {kind}, {people(callers)}',
                               against_stock([sock], request, null=True), callers)


def results():
    for size, name, calls in ((11, '11 bytes', 2000), (1 << 10, '1 KiB', 2000),
                              (65535, '64 KiB - 1', 1500), (1 << 20, '1 MiB', 150),
                              (64 << 20, '64 MiB', 2)):
        yield Scenario('results', f'framed, TCP, {name}',
                       against_stock([TCP], bench.packet('blob', size), expect=b'x' * min(size, 99)),
                       1, calls, size)


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
                       against_stock(options, bench.packet(f'function{count - 1:05}', 'a', 'b')),
                       1, 2000 if count < 10000 else 1000, count)


def http():
    path = '/chello/a/b'
    yield Scenario('http', 'PATH_INFO, http-socket',
                   against_stock(bridge(HTTP, 2), bench.http(path, keepalive=False), null=True))
    yield Scenario('http', 'PATH_INFO, http11-socket, kept',
                   against_stock(bridge(HTTP11, 2), bench.http(path), True, null=True), 1, 4000)


def puwsgi():
    for callers in (1, 4):
        yield Scenario('puwsgi', f'framed, puwsgi-socket, {people(callers)}',
                       against_stock([PUWSGI], bench.packet('chello', 'a', 'b'), True, null=True),
                       callers, 3000)


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
    for parts in (1, 2, 4, 8, 16, 32, 64):
        row = [('route', f'^/ rpcnext:nap@{NODE}')] * parts + [('route', '^/ break:')]
        once = ('route', '^/ rpcgather:' + ' '.join([f'nap@{NODE}'] * parts))
        request = bench.http('/', keepalive=False)
        yield Scenario('gather', f'{parts} part{"s" * (parts > 1)}', [
            Variant('in a row', uwsgi('ours', HTTP, *row, node=node), request, False, bench.HELLO * parts),
            Variant('at once', uwsgi('ours', HTTP, once, node=node), request, False, bench.HELLO * parts)],
            1, max(2, 16 // parts), parts, 'latency_ms')


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


def others():
    """Servers one could use instead; on a kept connection those that keep it."""
    ours_xml = Variant('ours', uwsgi('ours', *bridge(HTTP11, 3)), XML, True, bench.HELLO)
    ours_json = Variant('ours', uwsgi('ours', *bridge(HTTP11, 4)), JSON, True, bench.HELLO)
    yield Scenario('others', 'XML-RPC', [
        Variant("xmlrpc-c's Abyss", peers.abyss, post('text/xml', XML_BODY, '/RPC2'), True,
                bench.HELLO), ours_xml], 1, 1000)
    yield Scenario('others', 'XML-RPC', [
        Variant('Python xmlrpc.server', peers.python_xmlrpc,
                post('text/xml', XML_BODY, '/RPC2', False), False, bench.HELLO), ours_xml], 1, 400)
    yield Scenario('others', 'JSON-RPC', [
        Variant('libjson-rpc-cpp', peers.jsonrpccpp, JSON, True, bench.HELLO), ours_json], 1, 2000)
    yield Scenario('others', 'JSON-RPC', [
        Variant('Python jsonrpclib', peers.python_jsonrpc,
                post('application/json', JSON_BODY, '/', False), False, bench.HELLO), ours_json],
                   1, 400)
    yield Scenario('others', 'gRPC', [
        Variant('gRPC C++', peers.grpc, None, True, bench.HELLO, peers.grpc_load),
        ours_json._replace(name='ours, JSON-RPC'), ours_xml._replace(name='ours, XML-RPC'),
        Variant('ours, puwsgi-socket', uwsgi('ours', PUWSGI), bench.packet('chello', 'foo', 'bar'),
                True, bench.HELLO)], 1, 1000)


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
                    bench.HELLO)], 1, 2)


GROUPS = (packets, results, arguments, functions, http, puwsgi, routes, gather, applications, bridges,
          typed, others, memory)


def scenarios(wanted):
    """Those of a group, or all."""
    return [scenario for group in GROUPS if wanted in ('', group.__name__) for scenario in group()]
