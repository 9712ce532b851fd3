# SPDX-License-Identifier: MIT
"""rpc-client: PREFIX.call, PREFIX.outcome and PREFIX.gather, for applications and routes alone."""
import contextlib
import json
import time
import xmlrpc.client

import pytest
from certificates import certificates, node_of  # noqa: F401
from conftest import HTTP, TCP, Server, packet, poll
from nodes import BAD, Node, answers, answers_once, closes, long_reply, refuser, says_nothing, sends
from test_rpc_remote import bridge, echoes

TIMEOUT = 6
FUNCTIONS = ('net.call', 'net.outcome', 'net.gather')


def netstrings(*items):
    items = [item if isinstance(item, bytes) else str(item).encode() for item in items]
    return b''.join(b'%d:%s,' % (len(item), item) for item in items)


def read_netstrings(text):
    items = []
    while text:
        size, _, text = text.partition(b':')
        items.append(text[:int(size)])
        assert text[int(size):int(size) + 1] == b','
        text = text[int(size) + 1:]
    return items


@pytest.fixture(scope='module')
def nodes():
    with contextlib.ExitStack() as stack:
        yield {name: stack.enter_context(node) for name, node in
               {'good': Node(echoes), 'second': Node(answers_once(b'second')),
                'silent': Node(says_nothing), 'closing': Node(closes),
                'lies': Node(sends(b'HTTP/1.1 200 OK\r\n\r\n')), 'empty': Node(answers_once(b'')),
                'long': Node(sends(long_reply(b'l' * 70000, 70000))),
                'floods': Node(sends(long_reply(b'f' * 200000, 200000))), 'dead': refuser()}.items()}


@pytest.fixture(scope='module')
def server(shared_uwsgi, nodes):
    """Everybody may call everything, so that nothing but the functions themselves is in the way."""
    routes = [('route', f'^/{name}$ rpc:net.call {node.name} f a ${{QUERY_STRING}}')
              for name, node in nodes.items()]
    return shared_uwsgi(
        TCP, HTTP, ('rpc-client', 'net'), ('rpc-timeout', TIMEOUT), ('rpc-max-response', 100000),
        ('rpc-introspection', 'true'), ('rpc-allow', '*'), ('rpc-bridge-allow', '*'), *routes,
        ('route', '^/nonsense$ rpc:net.call nonsense f'), ('route', '^/missing$ rpc:net.call @a'),
        ('route', f'^/gather$ rpc:net.gather 15:{nodes["second"].name},1:f,'),
        ('route', '^/most$ rpc:net.gather ' + ' '.join(most_are_dead(nodes))),
        ('route', f'^/var$ rpcvar:RPC_VAR net.call {nodes["good"].name} f a'),
        ('route', '^/path/ uwsgi:,173,2'), ('rpc-http-prefix', '/path'),
        plugins=('python3', 'router_uwsgi', 'rpc'))


def most_are_dead(nodes):
    """As many calls as there can be, of which one node lives."""
    calls = [netstrings(nodes['dead'].name, 'f').decode()] * 254
    calls[77] = netstrings(nodes['good'].name, 'f', 'alive').decode()
    return calls


def idle_fds(server):
    """Without those of the requests before, which are closed after their answers have arrived."""
    assert server.call('hello') == b'hello'
    least = [server.descriptors()]
    poll(lambda: least.append(min(least[-1], server.descriptors())) or len(least) > 20)
    return least[-1]


# --- PREFIX.call and PREFIX.outcome --------------------------------------------------------------

def test_call(server, nodes):
    data = bytes(range(256))
    assert server.call('call', 'net.call', nodes['good'].name, 'f', 'a', data) == b'f|a|' + data
    assert server.call('call', 'net.call', nodes['good'].name, 'g') == b'g'
    assert server.call('call', 'net.call', nodes['long'].name, 'f') == b'l' * 70000


def test_nodes_take_turns(server, nodes):
    both = f'{nodes["good"].name},{nodes["second"].name}'
    got = [server.call('call', 'net.call', both, 'f') for _ in range(6)]
    assert sorted(got) == [b'f'] * 3 + [b'second'] * 3


def test_a_dead_node_is_passed_over(server, nodes):
    either = f'{nodes["dead"].name},{nodes["good"].name}'
    assert [server.call('call', 'net.call', either, 'f') for _ in range(4)] == [b'f'] * 4
    assert server.call('call', 'net.outcome') == b'ok'



@pytest.mark.parametrize('arguments, outcome', [
    (lambda nodes: [nodes['good'].name, 'f'], 'ok'),
    (lambda nodes: [nodes['empty'].name, 'f'], 'ok'),
    (lambda nodes: [nodes['dead'].name, 'f'], 'node-unreachable'),
    (lambda nodes: ['nosuch.invalid:1', 'f'], 'node-unreachable'),
    (lambda nodes: [nodes['silent'].name, 'f'], 'node-timeout'),
    (lambda nodes: [nodes['closing'].name, 'f'], 'node-closed'),
    (lambda nodes: [nodes['lies'].name, 'f'], 'node-garbled'),
    (lambda nodes: [nodes['floods'].name, 'f'], 'node-too-large'),
    (lambda nodes: ['nonsense', 'f'], 'bad-nodes'),
    (lambda nodes: [b'\n[rpc] a forged line', 'f'], 'bad-nodes'),
    (lambda nodes: [b'@a\0b', 'f'], 'bad-nodes'),
    (lambda nodes: [','.join(['@a'] * 65), 'f'], 'bad-nodes'),
    (lambda nodes: [b'x' * 65000, 'f'], 'bad-nodes'),
    (lambda nodes: [nodes['good'].name], 'bad-argument'),
    (lambda nodes: [], 'bad-argument'),
    (lambda nodes: [nodes['good'].name, 'n' * 256], 'bad-name'),
    (lambda nodes: [nodes['good'].name, b'a\0b'], 'bad-name'),
])
def test_outcomes(server, nodes, arguments, outcome):
    """Each has one line in the log, if it is a failure, and leaves no descriptor behind."""
    before, lines = idle_fds(server), server.log.count('\n[rpc]')
    got = server.call('call', 'net.call', *arguments(nodes))
    assert server.call('call', 'net.outcome') == outcome.encode()
    assert (got == b'f' or nodes['empty'].name in arguments(nodes)) == (outcome == 'ok')
    poll(lambda: server.descriptors() <= before, what='descriptors closed')
    assert server.log.count('\n[rpc]') == lines + (outcome != 'ok')
    assert '\n[rpc] a forged line' not in server.log


def test_no_outcome_before_the_first_call(uwsgi):
    server = uwsgi(TCP, ('rpc-client', 'net'))
    assert server.call('call', 'net.outcome') == b''


def test_outcome_of_a_route_and_of_rpc_remote(uwsgi, nodes):
    """They are remote calls, too; a gathering is not one."""
    server = uwsgi(TCP, HTTP, ('rpc-client', 'net'), ('rpc-remote', f'away {nodes["closing"].name}'),
                   ('route', f'^/route rpc:f@{nodes["dead"].name}'))
    assert server.http('/route').status == 502
    assert server.call('call', 'net.outcome') == b'node-unreachable'
    assert server.call('away') is None
    assert server.call('call', 'net.outcome') == b'node-closed'
    server.call('call', 'net.gather', netstrings(nodes['good'].name, 'f'))
    assert server.call('call', 'net.outcome') == b'node-closed'


def test_kept_connections(uwsgi):
    with Node(answers(b'kept')) as node:
        server = uwsgi(TCP, ('rpc-client', 'net'), ('rpc-keepalive', 2))
        assert [server.call('call', 'net.call', node.name, 'f') for _ in range(5)] == [b'kept'] * 5
        assert node.connections == 1


def test_more_lists_than_are_remembered(uwsgi):
    """Those used least lately go, with the connections kept to their nodes."""
    with Node(answers(b'kept')) as node:
        server = uwsgi(TCP, ('rpc-client', 'net'), ('rpc-keepalive', 1))
        poll(lambda: server.call('hello') == b'hello' and 'WSGI app 0' in server.log)
        assert server.call('call', 'net.call', node.name, 'f') == b'kept'
        for first in range(0, 1100, 100):
            calls = [netstrings(f'@nobody{number}', 'f') for number in range(first, first + 100)]
            assert read_netstrings(server.call('call', 'net.gather', *calls)) == [b'node-unreachable', b''] * 100
        poll(lambda: not node.open, what='the kept one closed')
        assert server.call('call', 'net.call', node.name, 'f') == b'kept'
        assert node.connections == 2


def test_nodes_in_tls(uwsgi, certificates):
    """With a CA of the configuration, and without any: then nobody is trusted who is not by the system."""
    node = uwsgi(certificates.socket())
    trusting = uwsgi(TCP, ('rpc-client', 'net'), *certificates.options())
    wary = uwsgi(TCP, ('rpc-client', 'net'), ('rpc-timeout', 20))
    call = netstrings(node_of(node), 'hello', 'x')
    assert trusting.call('call', 'net.call', node_of(node), 'hello', 'x') == b'hello x'
    assert read_netstrings(trusting.call('call', 'net.gather', call, call)) == [b'ok', b'hello x'] * 2
    assert wary.call('call', 'net.call', node_of(node), 'hello', 'x') == b''
    assert wary.call('call', 'net.outcome') == b'node-unreachable'


# --- routes --------------------------------------------------------------------------------------

@pytest.mark.parametrize('path, status, body', [
    ('/good?b', 200, b'f|a|b'), ('/empty', 200, b''), ('/dead', 502, None), ('/closing', 502, None),
    ('/silent', 504, None), ('/lies', 502, None), ('/nonsense', 500, None), ('/missing', 500, None),
    ('/var', 200, b'application f|a')])
def test_routes(server, path, status, body):
    lines = server.log.count('\n[rpc]')
    response = server.http(path)
    assert response.status == status
    assert body is None or response.body == body
    assert server.log.count('\n[rpc]') == lines + (status != 200)


# --- nobody else ---------------------------------------------------------------------------------

@pytest.mark.parametrize('function', FUNCTIONS)
def test_nobody_calls_them_from_outside(server, nodes, function):
    """Whatever rpc-allow says: to a stranger they are functions that nobody has registered."""
    calls = len(nodes['good'].calls)
    arguments = [nodes['good'].name, 'f']
    assert server.exchange(packet(function, *arguments)) == b''
    assert server.exchange(packet(function, *arguments, modifier2=1)) == b''
    assert server.http(f'/path/{function}/' + '/'.join(arguments)).status == 404
    request = json.dumps({'jsonrpc': '2.0', 'id': 1, 'method': function, 'params': arguments})
    assert json.loads(bridge(server, 4, 'application/json', request.encode()))['error'] == {
        'code': -32601, 'message': 'no such function'}
    for method, parameters in ((function, tuple(arguments)), ('system.methodHelp', (function,)),
                               ('system.methodSignature', (function,))):
        document = xmlrpc.client.dumps(parameters, method).encode()
        with pytest.raises(xmlrpc.client.Fault) as fault:
            xmlrpc.client.loads(bridge(server, 3, 'text/xml', document))
        assert fault.value.faultCode == -32601
    assert len(nodes['good'].calls) == calls


def test_nobody_is_told_of_them(server):
    request = b'{"jsonrpc": "2.0", "id": 1, "method": "system.listMethods"}'
    names = json.loads(bridge(server, 4, 'application/json', request))['result']
    assert 'hello' in names and not [name for name in names if name.startswith('net.')]
    document = xmlrpc.client.dumps((), 'system.listMethods').encode()
    (names,), _ = xmlrpc.client.loads(bridge(server, 3, 'text/xml', document))
    assert 'hello' in names and not [name for name in names if name.startswith('net.')]


def test_they_open_no_bridge(uwsgi):
    """Where nothing else matches rpc-bridge-allow, a bridge is closed."""
    server = uwsgi(TCP, HTTP, ('rpc-client', 'net'), ('rpc-bridge-allow', 'net.*'),
                   ('http-socket-modifier1', 173), ('http-socket-modifier2', 2))
    assert server.http('/net.outcome').status == 404


# --- PREFIX.gather -------------------------------------------------------------------------------

def gather(server, *calls):
    return read_netstrings(server.call('call', 'net.gather', *calls, timeout=60))


def test_gather(server, nodes):
    """Outcomes and results in order, each call's its own, none of a descriptor left."""
    names = ('good', 'dead', 'long', 'silent', 'empty', 'closing', 'lies', 'floods', 'second')
    before = idle_fds(server)
    got = gather(server, *(netstrings(nodes[name].name, 'f', name) for name in names))
    assert list(zip(got[::2], got[1::2])) == [
        (b'ok', b'f|good'), (b'node-unreachable', b''), (b'ok', b'l' * 70000), (b'node-timeout', b''),
        (b'ok', b''), (b'node-closed', b''), (b'node-garbled', b''), (b'node-too-large', b''),
        (b'ok', b'second')]
    poll(lambda: server.descriptors() <= before, what='descriptors closed')


def test_gather_of_nothing(server):
    assert server.call('call', 'net.gather') == b''


def test_gather_from_a_route(server):
    assert server.http('/gather').body == b'2:ok,6:second,'


@pytest.mark.parametrize('call, outcome', [
    (b'nonsense', 'bad-argument'), (b'2:@a', 'bad-argument'),
    (netstrings('@a'), 'bad-argument'), (netstrings('@a', ''), 'bad-argument'),
    (netstrings('@a', 'f') + b'x', 'bad-argument'), (netstrings('@a', 'f') + b'9:x,', 'bad-argument'),
    (b'02:@a,1:f,', 'bad-argument'), (b'18446744073709551618:@a,1:f,', 'bad-argument'),
    (b'-2:@a,1:f,', 'bad-argument'), (netstrings('@a', 'n' * 256), 'bad-argument'),
    (netstrings('@a', b'a\0b'), 'bad-argument'), (netstrings('@a', 'f', *['x'] * 255), 'bad-argument'),
    (netstrings('nonsense', 'f'), 'bad-nodes'), (netstrings('', 'f'), 'bad-nodes'),
    (netstrings('nosuch.invalid:1', 'f'), 'node-unreachable')])
def test_a_bad_call_is_an_outcome(server, nodes, call, outcome):
    """The others are made."""
    good = netstrings(nodes['good'].name, 'f', 'x')
    lines = server.log.count('\n[rpc]')
    assert gather(server, good, call, good) == [b'ok', b'f|x', outcome.encode(), b'', b'ok', b'f|x']
    assert server.log.count('\n[rpc]') == lines + 1


def test_as_many_as_there_can_be(server, nodes):
    """254, of which 253 are dead; the one that lives is heard."""
    before, calls = idle_fds(server), len(nodes['good'].calls)
    got = read_netstrings(server.http('/most', timeout=60).body)
    assert got[77 * 2:77 * 2 + 2] == [b'ok', b'f|alive']
    assert got[::2].count(b'node-unreachable') == 253 and len(got) == 2 * 254
    assert len(nodes['good'].calls) == calls + 1
    poll(lambda: server.descriptors() <= before, what='descriptors closed')


def test_every_bad_node_at_once(uwsgi):
    """Each has its outcome within the deadline, and was asked once; the good ones are whole."""
    with contextlib.ExitStack() as stack:
        good = stack.enter_context(Node(echoes))
        bad = {name: stack.enter_context(Node(script)) for name, (script, _, _) in BAD.items()}
        server = uwsgi(TCP, ('rpc-client', 'net'), ('rpc-timeout', 3))
        before = idle_fds(server)
        calls = [netstrings(node.name, 'f') for node in bad.values()]
        start = time.monotonic()
        got = gather(server, netstrings(good.name, 'f', 'first'), *calls, netstrings(good.name, 'f', 'last'))
        assert 3 <= time.monotonic() - start < 30
        assert got[:2] + got[-2:] == [b'ok', b'f|first', b'ok', b'f|last']
        assert got[2:-2:2] == [outcome.encode() for _, _, outcome in BAD.values()]
        assert set(got[3:-2:2]) == {b''}
        assert [len(node.calls) for node in bad.values()] == [1] * len(bad)
        poll(lambda: server.descriptors() <= before, what='descriptors closed')


def test_a_node_that_floods(uwsgi):
    """Without end, but not beyond what is announced, nor beyond the deadline."""
    def floods(node, conn, call):
        conn.sendall(long_reply(b'', 1 << 40))
        while not node.stopped.is_set():
            conn.sendall(bytes(1 << 20))

    with Node(floods) as flooding, Node(echoes) as good:
        server = uwsgi(TCP, ('rpc-client', 'net'), ('rpc-timeout', 5), ('rpc-max-response', '4M'))
        got = gather(server, netstrings(flooding.name, 'f'), netstrings(good.name, 'f', 'x'))
        assert got == [b'node-too-large', b'', b'ok', b'f|x']


def test_descriptors_run_out(uwsgi, nodes):
    """In the middle of a gathering: the calls wait for those of the others, and all are made."""
    with Node(answers_once(b'good')) as node:
        server = uwsgi(TCP, ('rpc-client', 'net'), ('max-fd', 64), ('rpc-timeout', 20))
        assert server.call('hello') == b'hello'
        before = idle_fds(server)
        got = gather(server, *[netstrings(node.name, 'f')] * 200)
        assert got == [b'ok', b'good'] * 200
        assert len(node.calls) == 200
        poll(lambda: server.descriptors() <= before, what='descriptors closed')


# --- configuration -------------------------------------------------------------------------------

def test_no_room_in_the_table_ends_the_start(tmp_path):
    server = Server(tmp_path / 'uwsgi', [TCP, ('rpc-max', 2), ('rpc-client', 'net')], app=None).spawn()
    poll(lambda: server.process.poll() is not None, what='exit')
    assert 'no room for "net.gather", see rpc-max' in server.log


def test_workers_that_load_their_own_application(uwsgi, nodes):
    server = uwsgi(TCP, ('rpc-client', 'net'), ('lazy-apps', 'true'), ('processes', 2))
    poll(lambda: server.log.count('WSGI app 0') == 2, what='both loaded')
    assert [server.call('call', 'net.call', nodes['good'].name, 'f') for _ in range(4)] == [b'f'] * 4
    assert server.call('net.call', nodes['good'].name, 'f') is None
