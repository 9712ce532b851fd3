# SPDX-License-Identifier: MIT
"""The routing actions: what each answers, and what it answers when its call fails."""
import contextlib
import gzip
import re
import socket
import struct
import threading
import time
from http.client import HTTPException
from urllib.parse import quote

import pytest
from conftest import BUILD, HTTP, HTTP11, PATIENT, TCP, Server, array, connect, packet, poll, read_all
from test_remote import event_queues

ACTIONS = ['rpc', 'call', 'rpcnext', 'rpcblob', 'rpcret', 'rpcraw', 'rpcvar']
RAW = 'HTTP/1.1 201 Made\r\nX-Raw: yes\r\nContent-Length: 4\r\n\r\nbody'


def route(rule):
    return 'route', rule


def action(name, call):
    """The rule's action; rpcvar leaves its result where the application shows it."""
    return f'rpcvar:RPC_VAR {call}' if name == 'rpcvar' else f'{name}:{call}'


def node_address(server, index=0):
    address = server.sockets[index]
    return '%s:%d' % address if isinstance(address, tuple) else address


@pytest.fixture(scope='module')
def node(shared_uwsgi, tmp_path_factory):
    """Another server with the same functions, on TCP and on a UNIX socket."""
    return shared_uwsgi(TCP, ('socket', tmp_path_factory.mktemp('node') / 'node.sock'))


@pytest.fixture(scope='module')
def dead():
    """The address of a port that nobody listens on."""
    with socket.socket() as sock:
        sock.bind(('127.0.0.1', 0))
        yield '127.0.0.1:%d' % sock.getsockname()[1]


class FakeNode:
    """A node that answers every request with the same bytes, or (None) keeps it waiting."""

    def __init__(self, answer):
        self.answer, self.waiting = answer, []
        self.listener = socket.create_server(('127.0.0.1', 0))
        self.address = '127.0.0.1:%d' % self.listener.getsockname()[1]
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            if self.answer is None:
                self.waiting.append(client)
                continue
            with client:
                head = client.recv(4, socket.MSG_WAITALL)
                client.recv(struct.unpack('<xHx', head)[0], socket.MSG_WAITALL)
                client.sendall(self.answer)

    def close(self):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        for client in self.waiting:
            client.close()


@pytest.fixture(scope='module')
def fake_nodes():
    nodes = {'hanging': FakeNode(None), 'garbled': FakeNode(b'HTTP/1.0 200 OK\r\n\r\n'),
             'too large': FakeNode(struct.pack('<BHB', 173, 2000, 0) + b'x' * 2000),
             'cut': FakeNode(struct.pack('<BHB', 173, 10, 0) + b'x' * 5),
             'talkative': FakeNode(struct.pack('<BHB', 173, 4, 0) + b'next and more')}
    yield nodes
    for fake in nodes.values():
        fake.close()


# --- every action, everywhere ----------------------------------------------------------------------

@pytest.fixture(scope='module')
def everywhere(shared_uwsgi, node, dead):
    """/ACTION/TARGET/RESULT: the action calls first(RESULT) there."""
    targets = {'local': '', 'tcp': '@' + node_address(node), 'unix': '@' + node_address(node, 1),
               'list': f'@{dead},{node_address(node)}', 'both': f'@{node_address(node)},{node_address(node, 1)}'}
    rules = [route(f'(?s)^/{name}/{target}/(.*)$ ' + action(name, f'first{where} $1'))
             for name in ACTIONS for target, where in targets.items()]
    rules.append(route('^/rpc(next|blob)/ break:'))
    return shared_uwsgi(TCP, HTTP, *rules)


TARGETS = ['local', 'tcp', 'unix', 'list', 'both']


@pytest.mark.parametrize('target', TARGETS)
@pytest.mark.parametrize('name', ['rpc', 'call'])
def test_rpc(everywhere, name, target):
    response = everywhere.http(f'/{name}/{target}/result')
    assert (response.status, response.body) == (200, b'result')
    assert response.getheader('Content-Length') == '6'


@pytest.mark.parametrize('target', TARGETS)
@pytest.mark.parametrize('name', ['rpcnext', 'rpcblob'])
def test_rpcnext(everywhere, name, target):
    response = everywhere.http(f'/{name}/{target}/result')
    assert (response.status, response.body) == (200, b'result')
    assert response.getheader('Connection') == 'close'
    assert response.getheader('Content-Length') is None


@pytest.mark.parametrize('target', TARGETS)
def test_rpcret(everywhere, target):
    assert everywhere.http(f'/rpcret/{target}/next').body == b'application unset'
    response = everywhere.http(f'/rpcret/{target}/break%20403%20Forbidden')
    assert (response.status, response.reason) == (403, 'Forbidden')


@pytest.mark.parametrize('target', TARGETS)
def test_rpcraw(everywhere, target):
    response = everywhere.http(f'/rpcraw/{target}/' + quote(RAW))
    assert (response.status, response.reason, response.body) == (201, 'Made', b'body')
    assert response.getheader('X-Raw') == 'yes'


@pytest.mark.parametrize('target', TARGETS)
def test_rpcvar(everywhere, target):
    assert everywhere.http(f'/rpcvar/{target}/value').body == b'application value'


def test_binary_argument_and_result(everywhere):
    data = bytes(range(1, 256)) + b'\0\0end'
    for target in TARGETS:
        assert everywhere.http(f'/rpc/{target}/' + quote(data)).body == data


# --- empty results -----------------------------------------------------------------------------------

@pytest.fixture(scope='module', params=[False, True], ids=['empty is a result', 'rpc-empty-is-error'])
def empty_server(shared_uwsgi, request):
    rules = [route(f'^/{name}$ ' + action(name, 'empty')) for name in ACTIONS]
    server = shared_uwsgi(TCP, HTTP, *rules, *([('rpc-empty-is-error', 'true')] * request.param))
    server.empty_is_error = request.param
    return server


@pytest.mark.parametrize('name', ['rpc', 'call'])
def test_empty_result(empty_server, name):
    response = empty_server.http(f'/{name}')
    assert response.status == (500 if empty_server.empty_is_error else 200)
    assert response.getheader('Content-Length') == str(len(response.body))
    assert empty_server.empty_is_error or response.body == b''


def test_empty_result_of_rpcraw_goes_on(empty_server):
    response = empty_server.http('/rpcraw')
    assert response.status == (500 if empty_server.empty_is_error else 200)
    assert empty_server.empty_is_error or response.body == b'application unset'


def test_empty_result_of_rpcret_is_an_error(empty_server):
    assert empty_server.http('/rpcret').status == 500


def test_empty_result_of_rpcvar_is_an_empty_value(empty_server):
    assert empty_server.http('/rpcvar').body == b'application '


def test_empty_packet(empty_server):
    assert empty_server.call('empty') == (None if empty_server.empty_is_error else b'')
    if empty_server.empty_is_error:
        empty_server.wait_log(r'packet from 127\.0\.0\.1: "empty": .* \(empty\)')


# --- failures ----------------------------------------------------------------------------------------

FAILURES = {'unknown': 500, 'unknown at the node': 502, 'dead': 502, 'hanging': 504, 'garbled': 502,
            'too large': 502, 'cut': 502, 'too long': 500, 'too long for a packet': 500}
ALWAYS_HTTP_ERROR = ['rpc', 'call', 'rpcnext', 'rpcblob', 'rpcraw']


def slug(text):
    return text.replace(' ', '-')


@pytest.fixture(scope='module')
def failing(shared_uwsgi, node, dead, fake_nodes):
    """/ACTION/FAILURE/; with /late/ before it, the headers have left already."""
    calls = {'unknown': 'nosuch', 'unknown at the node': 'nosuch@' + node_address(node),
             'dead': 'first@' + dead, 'too long': 'count ${LONG}${LONG}',
             'too long for a packet': f'count@{node_address(node)} ${{LONG}} ${{LONG}}'}
    for name in ('hanging', 'garbled', 'too large', 'cut'):
        calls[name] = 'first@' + fake_nodes[name].address
    rules = [route('^/late/ rpcnext:first early-'), route(r'/(too-long.*)/ rpcvar:LONG big 40000')]
    rules += [route(f'^(/late)?/{name}/{slug(failure)}/ ' + action(name, call))
              for name in ACTIONS for failure, call in calls.items()]
    return shared_uwsgi(TCP, HTTP, HTTP11, ('rpc-timeout', 6), ('rpc-max-response', 1000), ('threads', 4), PATIENT,
                        *rules)


@pytest.mark.parametrize('failure', FAILURES)
@pytest.mark.parametrize('name', ALWAYS_HTTP_ERROR)
def test_failure(failing, name, failure):
    before = failing.log.count('[rpc] ')
    response = failing.http(f'/{name}/{slug(failure)}/')
    assert response.status == FAILURES[failure]
    assert response.getheader('Content-Type') == 'text/plain'
    assert response.getheader('Content-Length') == str(len(response.body))
    assert failing.log.count('[rpc] ') == before + 1


@pytest.mark.parametrize('failure', FAILURES)
def test_failure_of_rpcret_is_closed_to_everyone(failing, failure):
    before = failing.log.count('[rpc] ')
    assert failing.http(f'/rpcret/{slug(failure)}/').status == FAILURES[failure]
    assert failing.log.count('[rpc] ') == before + 1


@pytest.mark.parametrize('failure', FAILURES)
def test_failure_of_rpcvar_is_an_empty_value(failing, failure):
    before = failing.log.count('[rpc] ')
    assert failing.http(f'/rpcvar/{slug(failure)}/').body == b'application '
    assert failing.log.count('[rpc] ') == before + 1


@pytest.mark.parametrize('failure', ['unknown', 'dead', 'too long'])
@pytest.mark.parametrize('name', ALWAYS_HTTP_ERROR + ['rpcret'])
@pytest.mark.parametrize('index', [1, 2], ids=['http-socket', 'http11-socket'])
def test_failure_after_the_headers_closes(failing, name, failure, index):
    before = failing.log.count('[rpc] ')
    response = failing.http(f'/late/{name}/{slug(failure)}/', socket=index)
    assert (response.status, response.body) == (200, b'early-')
    assert failing.log.count('[rpc] ') == before + 1


@pytest.mark.parametrize('name', ['rpc', 'rpcret', 'rpcnext', 'rpcvar'])
def test_bytes_after_the_promised_result_are_ignored(uwsgi, fake_nodes, name):
    server = uwsgi(TCP, HTTP, route('^/ ' + action(name, 'first@' + fake_nodes['talkative'].address)),
                   *([route('^/ break:')] if name == 'rpcnext' else []))
    body = {'rpcret': b'application unset', 'rpcvar': b'application next'}.get(name, b'next')
    assert server.http('/').body == body


def test_an_exception_is_an_empty_result(uwsgi):
    server = uwsgi(TCP, HTTP, route('^/rpc rpc:boom'), route('^/ret rpcret:boom'))
    assert (server.http('/rpc').status, server.http('/rpc').body) == (200, b'')
    assert server.http('/ret').status == 500


# --- rpcnext -----------------------------------------------------------------------------------------

def test_rpcnext_appends(uwsgi, node):
    server = uwsgi(TCP, HTTP, route('^/ rpcnext:first one,'), route(f'^/ rpcblob:first@{node_address(node)} two,'),
                   route('^/ rpcnext:empty'), route('^/ rpc:first three'))
    response = server.http('/')
    assert (response.status, response.body) == (200, b'one,two,three')
    head = server.http('/', method='HEAD')
    assert (head.status, head.body) == (200, b'')
    raw = read_raw(server, 1, 'HEAD / HTTP/1.0\r\n\r\n')
    assert raw.endswith(b'\r\n\r\n')


def read_raw(server, index, text):
    with connect(server.sockets[index]) as sock:
        sock.sendall(text.encode())
        return read_all(sock)


def test_rpcnext_of_nothing_is_an_answer(uwsgi):
    server = uwsgi(TCP, HTTP, route('^/ rpcnext:empty'), route('^/ break:'))
    response = server.http('/')
    assert (response.status, response.body) == (200, b'')


# --- rpcret ------------------------------------------------------------------------------------------

@pytest.fixture(scope='module')
def returning(shared_uwsgi):
    """/RESULT: what rpcret does with it; the headers tell which rules have been passed."""
    return shared_uwsgi(
        TCP, HTTP, HTTP11, ('threads', 4), PATIENT,
        ('route-label', 'behind'), route('^/behind addheader:X-Behind: yes'),
        route('(?s)^/(.*)$ rpcret:first $1'), route('^/ addheader:X-Next: yes'),
        ('route-label', 'middle'), route('^/ addheader:X-Middle: yes'),
        ('route-label', 'last'))


def passed(response):
    return [name for name in ('X-Next', 'X-Middle') if response.getheader(name)]


@pytest.mark.parametrize('result, rules', [
    ('next', ['X-Next', 'X-Middle']), ('goon', ['X-Next', 'X-Middle']), ('continue', []),
    ('goto middle', ['X-Middle']), ('goto last', [])])
def test_rpcret_goes(returning, result, rules):
    response = returning.http('/' + quote(result))
    assert (response.status, response.body) == (200, b'application unset')
    assert passed(response) == rules


@pytest.mark.parametrize('index', [1, 2], ids=['http-socket', 'http11-socket'])
def test_rpcret_break_closes_without_an_answer(returning, index):
    assert read_raw(returning, index, 'GET /break HTTP/1.1\r\nHost: x\r\n\r\n') == b''


@pytest.mark.parametrize('index', [1, 2], ids=['http-socket', 'http11-socket'])
@pytest.mark.parametrize('result, status, reason', [
    ('break 403 Forbidden', 403, 'Forbidden'), ('break 403', 403, 'Forbidden'),
    ('break 302 Over there', 302, 'Over there'), ('break 200', 200, 'OK')])
def test_rpcret_break_with_a_status(returning, result, status, reason, index):
    response = returning.http('/' + quote(result), socket=index)
    assert (response.status, response.reason, response.body) == (status, reason, b'')
    assert response.getheader('Connection') == 'close'


@pytest.mark.parametrize('result', [
    '', 'garbage', 'Next', 'nextgoon', 'next ', ' next', 'next\n', 'next\0', 'continue ', 'breaking', 'break ',
    'break4', 'break 4', 'break x', 'break 4033', 'break 40x', 'break 999', 'break 403 a\r\nX-Bad: 1',
    'break 403 ' + 'x' * 300, 'goto', 'goto ', 'goto nowhere', 'goto middle ', 'goto middl', 'goto behind',
    '1', '0'])
def test_rpcret_of_anything_else_is_an_error(returning, result):
    before = returning.log.count('[rpc] ')
    response = returning.http('/' + quote(result))
    assert response.status == 500
    assert passed(response) == [] and response.getheader('X-Bad') is None
    assert returning.log.count('[rpc] ') == before + 1


# --- rpcraw ------------------------------------------------------------------------------------------

@pytest.fixture(scope='module')
def raw(shared_uwsgi):
    return shared_uwsgi(TCP, HTTP, HTTP11, ('threads', 4), PATIENT, route('(?s)^/(.*)$ rpcraw:first $1'))


@pytest.mark.parametrize('text, status, body', [
    (RAW, 201, b'body'), ('HTTP/1.0 404 Gone fishing\r\n\r\n', 404, b''),
    ('HTTP/1.1 200 OK\r\n\r\nno length', 200, b'no length'),
    ('HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi', 200, b'hi'),
    ('HTTP/1.1 200 OK\r\nX: y\r\n\r\nContent-Length: 3\r\n', 200, b'Content-Length: 3\r\n')])
@pytest.mark.parametrize('index', [1, 2], ids=['http-socket', 'http11-socket'])
def test_rpcraw_response(raw, text, status, body, index):
    response = raw.http('/' + quote(text), socket=index)
    assert (response.status, response.body) == (status, body)


@pytest.mark.parametrize('text', ['garbage', 'HTTP/1.1\r\n\r\n', 'HTTP/1.1 2\r\n\r\n', 'HTTP/1.1 200 OK\n\nbody',
                                  'HTTP/1.1 200 OK\r\nno colon\r\n\r\n', '\r\n', '\n', 'HTTP/1.1 200 OK\r\nX:y\r\n\r\n'])
def test_rpcraw_of_garbage_is_an_error(raw, text):
    before = raw.log.count('[rpc] ')
    assert raw.http('/' + quote(text)).status == 500
    assert raw.log.count('[rpc] ') == before + 1


def test_rpcraw_of_nothing_goes_on(raw):
    assert raw.http('/').body == b'application unset'


# --- rpcvar ------------------------------------------------------------------------------------------

@pytest.fixture(scope='module')
def variables(shared_uwsgi):
    return shared_uwsgi(
        TCP, HTTP, route('^/header/(.*)$ rpcvar:NAME first $1'), route('^/header/ addheader:X-Name: <${NAME}>'),
        route('^/old/ addvar:RPC_VAR=old'), route('^/old/ rpcvar:RPC_VAR nosuch'),
        route(r'^/big/(\d+) rpcvar:RPC_VAR big $1'), route('^/again rpcvar:RPC_VAR first old'),
        route('^/again rpcvar:RPC_VAR hello ${RPC_VAR}'))


def test_rpcvar_into_a_header(variables):
    assert variables.http('/header/value').getheader('X-Name') == '<value>'


def test_rpcvar_replaces_what_was_there(variables):
    assert variables.http('/old/').body == b'application '
    assert variables.http('/again').body == b'application hello old'


@pytest.mark.parametrize('size, kept', [(30000, 30000), (65535, 0), (65536, 0), (1 << 20, 0)])
def test_rpcvar_takes_what_fits_the_request(variables, size, kept):
    assert variables.http(f'/big/{size}').body == b'application ' + b'x' * kept


@pytest.mark.parametrize('headers', [[{f'X-{number}': '' for number in range(count)} for count in range(95, 125)],
                                     [{'X-Large': 'x' * size} for size in range(7600, 8100, 5)]], ids=['many', 'large'])
def test_rpcvar_never_lets_the_clients_own_value_through(uwsgi, headers):
    """A client that leaves no room for the variable is refused, by uWSGI where it is the request that
    has none."""
    server = uwsgi(TCP, HTTP, route('^/ rpcvar:RPC_VAR first nobody'), route('^/ rpcvar:HTTP_X_USER first nobody'),
                   route('^/ rpcvar:RPC_VAR first ${HTTP_X_USER}'), ('buffer-size', 8192))
    refused = 0
    for more in headers:
        with contextlib.suppress(HTTPException, OSError):
            response = server.http('/', headers={'X-User': 'evil', **more})
            assert b'evil' not in response.body
            if response.status == 500:
                assert response.getheader('Connection') == 'close'
                refused += 1
    assert refused
    assert len(re.findall(r'\[rpc\] route rpcvar: "first": .*\(no-room\)', server.log)) == refused


# --- arguments ---------------------------------------------------------------------------------------

def echoed(*args):
    return b''.join(b'%d:%s,' % (len(arg), arg) for arg in args)


@pytest.fixture(scope='module')
def translating(shared_uwsgi):
    return shared_uwsgi(
        TCP, HTTP,
        route('^/groups/(a+)(b+)?(c)$ rpc:echo $0 $1 $2 $3 $4 <$3$1>'),
        route('^/no-groups rpc:echo $0 $1 end'),
        route('^/variables rpc:echo ${REQUEST_METHOD} ${HTTP_X_TEST} ${MISSING} <${REQUEST_METHOD}${MISSING}>'),
        route('^/named/(.*)$ rpc:echo ${HTTP_X_$1} ${$1}'),
        route('^/literal rpc:echo $ $$ ${unclosed $x } {} ${}'),
        route('^/functions rpc:echo ${time[unix]} ${base64[REQUEST_METHOD]} ${hex[REQUEST_METHOD]} ${qs[a]} '
              '${cookie[c]} ${qs[missing]} ${nosuch[x]}'),
        route('^/captured/(.*)$ rpc:echo $1 ${REQUEST_METHOD}'),
        route('^/query rpc:echo ${QUERY_STRING}'),
        route(r'(?s)^/binary/(.*)$ rpc:echo $1'),
        route('^/thrice/(.*)$ rpc:count $1$1$1'),
        route('^/blanks rpc:echo   a   b '),
        ('route-if', r'regexp:${QUERY_STRING};x=(\d+)&y=(\d+) rpc:echo $1 $2 $3 ${QUERY_STRING}'),
        ('route-if', 'equal:${PATH_INFO};/equal rpc:echo $1 ${PATH_INFO}'),
        ('route-if-not', 'contains:${PATH_INFO};run rpc:first no-run'),
        ('route-uri', r'^/run\?(\d+) rpc:echo $1'),
        ('route-host', '^ho(.)t$ rpc:echo $1'),
        ('route-run', 'rpc:echo run $1 ${PATH_INFO}'))


def test_groups(translating):
    assert translating.http('/groups/aabc').body == echoed(b'/groups/aabc', b'aa', b'b', b'c', b'', b'<caa>')
    assert translating.http('/groups/ac').body == echoed(b'/groups/ac', b'a', b'', b'c', b'', b'<ca>')


def test_groups_of_an_expression_without_any(translating):
    assert translating.http('/no-groups').body == echoed(b'', b'', b'end')


def test_variables(translating):
    assert translating.http('/variables', headers={'X-Test': 'test'}).body == echoed(
        b'GET', b'test', b'', b'<GET>')


def test_a_group_in_a_name(translating):
    assert translating.http('/named/ONE', headers={'X-One': '1'}).body == echoed(b'1', b'')
    assert translating.http('/named/' + 'N' * 20000).body == echoed(b'', b'')


def test_what_is_no_variable(translating):
    assert translating.http('/literal').body == echoed(
        b'$', b'$$', b'${unclosed', b'$x', b'}', b'{}', b'')


def test_functions(translating):
    body = translating.http('/functions?a=1&b=2', headers={'Cookie': 'c=crumb'}).body
    now = int(re.match(rb'10:(\d{10}),', body).group(1))
    assert abs(now - time.time()) < 600
    assert body[14:] == echoed(b'R0VU', b'474554', b'1', b'crumb', b'', b'')


def test_captured_text_is_not_expanded_again(translating):
    text = '${REQUEST_METHOD}$1${time[unix]}'
    assert translating.http('/captured/' + quote(text)).body == echoed(text.encode(), b'GET')
    assert translating.http('/query?${REQUEST_METHOD}').body == echoed(b'${REQUEST_METHOD}')


def test_binary_arguments(translating):
    data = b'\0a\0\xff\r\n b\0'
    assert translating.http('/binary/' + quote(data)).body == echoed(data)


@pytest.mark.parametrize('size, status', [(21844, 200), (21845, 200), (21846, 500)])
def test_argument_size(translating, size, status):
    response = translating.http('/thrice/' + 'x' * size)
    assert response.status == status
    if status == 500:
        translating.wait_log(r'route rpc: "count": .* \(argument-too-long\)')


def test_blanks_between_arguments(translating):
    assert translating.http('/blanks').body == echoed(b'a', b'b')


def test_conditions(translating):
    assert translating.http('/run?x=12&y=3').body == echoed(b'12', b'3', b'', b'x=12&y=3')
    assert translating.http('/equal').body == echoed(b'', b'/equal')
    assert translating.http('/other').body == b'no-run'
    assert translating.http('/run?77').body == echoed(b'77')
    assert translating.http('/run', headers={'Host': 'host'}).body == echoed(b's')
    assert translating.http('/run', headers={'Host': 'else'}).body == echoed(b'run', b'', b'/run')


def test_254_arguments(uwsgi):
    server = uwsgi(TCP, HTTP, route('^/ rpc:count ' + ' '.join(['x'] * 254)))
    assert server.http('/').body == b'254'


REFUSED = {'255 arguments': ('rpc:count ' + ' '.join(['x'] * 255), 'more than 254 arguments'),
           'no name': ('rpc:', 'function name'), 'no name, but blanks': ('rpcret:  ', 'function name'),
           'no name, but a node': ('rpc:@127.0.0.1:3031', 'function name'),
           'no function': ('rpcvar:VAR', 'function name'), 'no variable': ('rpcvar:', 'function name'),
           'a name of 256 bytes': ('rpc:' + 'n' * 256, 'function name'),
           'no node': ('rpc:f@', 'node'), 'no port': ('rpc:f@127.0.0.1', 'node'),
           'a port out of range': ('rpcnext:f@127.0.0.1:65536', 'port'),
           'an empty node': ('rpc:f@127.0.0.1:3031,', 'node'),
           'IPv6 without brackets': ('rpc:f@::1:3031', 'brackets'),
           'an argument of 65536 bytes': ('rpc:f ' + 'x' * 65536, 'longer than 65535')}


@pytest.mark.parametrize('case', REFUSED)
def test_refused_at_start(tmp_path, case):
    rule, reason = REFUSED[case]
    server = Server(tmp_path, [TCP, route('^/ ' + rule)]).spawn()
    assert server.process.wait(60) != 0
    assert re.search(rf'\[rpc\] .*{reason}', server.log), server.log


# --- persistent connections ----------------------------------------------------------------------

def request(path, method='GET'):
    return f'{method} {path} HTTP/1.1\r\nHost: x\r\n\r\n'.encode()


def test_http11_stays_open_after_rpc_and_errors(failing):
    """rpc and errors say their length; the connection serves on."""
    connection = failing.connection(2)
    for path, status in (('/rpc/unknown/', 500), ('/rpcret/unknown/', 500), ('/rpcvar/unknown/', 200)):
        connection.request('GET', path)
        response = connection.getresponse()
        response.read()
        assert response.status == status
        assert path.startswith('/rpcvar') or connection.sock
    connection.close()


def test_http11_is_closed_after_rpcnext(uwsgi):
    server = uwsgi(HTTP11, PATIENT, route('^/ rpcnext:first a'), route('^/ rpcnext:first b'), route('^/ break:'))
    with connect(server.sockets[0]) as sock:
        sock.sendall(request('/'))
        assert read_all(sock).endswith(b'\r\n\r\nab')


def test_http11_after_rpcraw(raw):
    with connect(raw.sockets[2]) as sock:
        sock.sendall(request('/' + quote('HTTP/1.1 200 OK\r\n\r\nno length')))
        assert read_all(sock).endswith(b'no length')
    connection = raw.connection(2)
    for _ in range(2):
        connection.request('GET', '/' + quote(RAW))
        assert connection.getresponse().read() == b'body'
    connection.close()


# --- routing from Python -------------------------------------------------------------------------

def test_uwsgi_route(uwsgi, node):
    """With functions in C: uWSGI's Python plugin takes the interpreter for a function in Python, and
    uwsgi.route has not let go of it (which Python 3.13 does not survive)."""
    server = uwsgi(TCP, HTTP, ('plugin', 'symcall'), ('dlopen', BUILD / 'functions.so'),
                   ('dlopen', BUILD / 'robust.so'), ('symcall-register-rpc', 'c_strlen c_strlen'),
                   ('symcall-register-rpc', 'c_first r_first'))
    assert server.http('/uwsgi.route?rpc:c_strlen+a+$1+${REQUEST_METHOD}').body == b'1:1 0:0 3:3 '
    assert server.http(f'/uwsgi.route?call:hello@{node_address(node)}+a').body == b'hello a'
    assert server.http('/uwsgi.route?rpcvar:RPC_VAR+c_first+late').status == 200
    assert server.http('/uwsgi.route?rpcret:c_first+garbage').status == 500
    assert server.http('/uwsgi.route?rpcret:c_first+goto').status == 500
    assert server.http('/uwsgi.route?rpc:').body == b'application unset'
    server.wait_log('uwsgi.route returned -1')


# --- other chains of rules -------------------------------------------------------------------------

def test_error_route(uwsgi):
    server = uwsgi(TCP, HTTP, route('^/gone break:404 Not Found'), route('^/failed rpc:nosuch'),
                   ('error-route-status', '404 rpcvar:PAGE hello error'),
                   ('error-route-status', '404 rpc:first page:${PAGE}'),
                   ('error-route-status', '500 rpcret:first next'),
                   ('error-route-status', '500 addheader:X-Error: seen'))
    assert server.http('/gone').body == b'page:hello error'
    response = server.http('/failed')
    assert (response.status, response.getheader('X-Error')) == (500, 'seen')


def test_response_route(uwsgi):
    server = uwsgi(TCP, HTTP, ('response-route', '^/var rpcvar:SEEN hello response'),
                   ('response-route', '^/var addheader:X-Seen: ${SEEN}'),
                   ('response-route', '^/instead rpc:first instead'))
    response = server.http('/var')
    assert (response.body, response.getheader('X-Seen')) == (b'application unset', 'hello response')
    assert server.http('/instead').body == b'instead'


@pytest.mark.parametrize('kind', ['error', 'response', 'final'])
def test_goto_stays_in_its_chain(uwsgi, kind):
    """Each chain has labels of its own, of the same name at other places."""
    server = uwsgi(TCP, HTTP, route('(?s)^/[a-z]+/(.*)$ rpcvar:RESULT first $1'), ('route-label', 'there'),
                   route('^/error/ break:404 Not Found'), (kind + '-route-run', 'rpcret:first ${RESULT}'),
                   (kind + '-route-run', 'log:skipped'), (kind + '-route-label', 'there'),
                   (kind + '-route-run', 'log:landed'))
    server.http(f'/{kind}/goto%20there')
    server.wait_log('\nlanded\n')
    assert '\nskipped\n' not in server.log


def test_goto_after_another_chain_has_answered(uwsgi):
    server = uwsgi(TCP, HTTP, route('^/ break:404 Not Found'), ('error-route-run', 'rpc:first page'),
                   ('route-label', 'there'), ('final-route', '(?s)^/(.*)$ rpcret:first $1'),
                   ('final-route-run', 'log:skipped'), ('final-route-label', 'there'),
                   ('final-route-run', 'log:landed'))
    assert server.http('/goto%20there').body == b'page'
    server.wait_log('\nlanded\n')
    assert '\nskipped\n' not in server.log


def test_final_route_leaves_the_answer_alone(uwsgi):
    """Final routes run when the answer has left: functions are called for their effects."""
    server = uwsgi(
        TCP, HTTP, HTTP11, ('threads', 2), PATIENT, route('^/closed rpcret:first break'),
        ('final-route', '^/ rpcnext:say final ${PATH_INFO}'), ('final-route', '^/ rpcvar:LATE hello late'),
        ('final-route', '^/ rpcnext:say ${LATE}'), ('final-route', '^/ rpcret:first next'),
        ('final-route', '^/raw rpcraw:first HTTP/1.0'), ('final-route', '^/bad rpcret:first garbage'),
        ('final-route', '^/ rpc:say last'))
    for path in ('/one', '/raw', '/bad'):
        assert server.http(path).body == b'application unset'
    server.wait_log('said final /one(?s:.*)said hello late(?s:.*)said last')
    assert read_raw(server, 1, 'GET /closed HTTP/1.0\r\n\r\n') == b''
    with connect(server.sockets[2]) as sock:
        sock.sendall(b'GET /closed HTTP/1.1\r\nHost: x\r\n\r\n')
        assert read_all(sock) == b''
    connection = server.connection(2)
    for _ in range(2):
        connection.request('GET', '/one')
        assert connection.getresponse().read() == b'application unset'
    connection.close()


# --- packets and routes together, in every engine --------------------------------------------------

ENGINES = {'prefork': [('processes', 2)], 'threads': [('threads', 4)],
           'ugreen': [('plugin', 'ugreen'), ('async', 8), ('ugreen', 'true')],
           'gevent': [('plugin', 'gevent_python3'), ('gevent', 8)]}


@pytest.fixture(scope='module', params=ENGINES)
def engine(shared_uwsgi, node, request, tmp_path_factory):
    server = shared_uwsgi(
        TCP, HTTP, ('socket', tmp_path_factory.mktemp('engine') / 'engine.sock'), *ENGINES[request.param],
        route('^/local rpc:echo a ${REQUEST_METHOD}'), route(f'^/node rpc:hello@{node_address(node)} there'),
        route('^/var rpcvar:RPC_VAR hello local'), route(f'^/remote-var rpcvar:RPC_VAR hello@{node_address(node)} node'),
        route(f'^/slow rpc:nap@{node_address(node)} 0.05'), ('final-route', '^/final rpc:say final'))
    server.engine = request.param
    return server


@pytest.mark.parametrize('index', [0, 2], ids=['tcp', 'unix'])
@pytest.mark.parametrize('items', [['hello'], ['hello', 'a'], ['hello', 'a', 'b'], ['hello', 'a', 'b', '']])
def test_packets_go_past_the_routes(engine, index, items):
    """An even and an odd number of items: with routes, uWSGI takes either for variables."""
    for modifier2 in (0, 1):
        assert engine.call(*items, socket=index, modifier2=modifier2) == ' '.join(items).strip().encode()


def test_routes_beside_packets(engine):
    for _ in range(3):
        assert engine.http('/local').body == echoed(b'a', b'GET')
        assert engine.http('/node').body == b'hello there'
        assert engine.http('/var').body == b'application hello local'
        assert engine.http('/remote-var').body == b'application hello node'
        assert engine.call('hello') == b'hello'


def test_packets_and_routes_on_one_socket(engine):
    variables = array('REQUEST_METHOD', 'GET', 'PATH_INFO', '/local')
    reply = engine.exchange(struct.pack('<BHB', 0, len(variables), 0) + variables)
    assert reply.endswith(b'\r\n\r\n' + echoed(b'a', b'GET'))
    bridge = array('REQUEST_METHOD', 'GET', 'PATH_INFO', '/local')
    reply = engine.exchange(struct.pack('<BHB', 173, len(bridge), 2) + bridge)
    assert reply.endswith(b'\r\n\r\n' + echoed(b'a', b'GET'))


def test_many_callers_at_once(engine):
    answers = []

    def caller():
        for _ in range(5):
            answers.append((engine.http('/slow').body, engine.call('hello', 'x')))

    threads = [threading.Thread(target=caller) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == [(b'slept', b'hello x')] * 30


def test_final_routes_do_not_see_packets(engine):
    before = engine.log.count('said final')
    assert engine.call('hello') == b'hello'
    assert engine.http('/final').body == b'application unset'
    poll(lambda: engine.log.count('said final') == before + 1)


@pytest.mark.parametrize('name', ['prefork', 'threads'])
def test_persistent_packets_beside_routes(uwsgi, name):
    """gevent, ugreen and plain async hang at the second call on a puwsgi-socket by themselves."""
    server = uwsgi(('puwsgi-socket', '127.0.0.1:0'), HTTP, *ENGINES[name], route('^/local rpc:first local'))
    with connect(server.sockets[0]) as sock:
        for size in (1, 65535, 65536, 3):
            sock.sendall(packet('big', size))
            head = sock.recv(4, socket.MSG_WAITALL)
            _, length, modifier2 = struct.unpack('<BHB', head)
            if modifier2 == 5:
                length = int(sock.recv(length, socket.MSG_WAITALL)[18:])
            assert sock.recv(length, socket.MSG_WAITALL) == b'x' * size
        sock.sendall(packet('nosuch'))
        assert read_all(sock) == b''
    assert server.http('/local').body == b'local'
    poll(lambda: len(re.findall(r'\] 127\.0\.0\.1 .* RPC (?:big|nosuch) ', server.log)) == 5,
         what='five lines in the access log')


def test_nothing_is_left_open(failing):
    """Every failure above has closed its descriptors."""
    pid = int(failing.call('pid'))
    poll(lambda: event_queues(pid) == 4, what='every thread')
    before = failing.descriptors()
    for name in ACTIONS:
        for failure in ('dead', 'garbled', 'cut', 'too large', 'unknown at the node'):
            failing.http(f'/{name}/{slug(failure)}/')
    poll(lambda: failing.descriptors() <= before + 1)


# --- bodies that nobody reads --------------------------------------------------------------------------

BODY_RULES = {'rpc': 'rpc:first x', 'call': 'call:first x', 'rpcnext': 'rpcnext:first x', 'error': 'rpc:nosuch',
              'rpcraw': None, 'break': 'rpcret:first ${SAYS}', 'gather': 'rpcgather:first@{} -- x'}


@pytest.fixture(scope='module')
def unread(shared_uwsgi, node):
    rules = [route(f'^/{name}$ ' + rule.replace('{}', node_address(node)))
             for name, rule in BODY_RULES.items() if name != 'rpcraw']
    return shared_uwsgi(TCP, HTTP, HTTP11, ('puwsgi-socket', '127.0.0.1:0'), ('threads', 4), PATIENT,
                        route('^/break$ addvar:SAYS=break 403 No'), *rules,
                        route('(?s)^/rpcraw/(.*)$ rpcraw:first $1'), route('^/rpcnext$ break:'),
                        route('^/second$ rpc:first second'))


UNREAD_PATHS = {**{name: f'/{name}' for name in BODY_RULES}, 'rpcraw': '/rpcraw/' + quote(RAW)}
SECOND = b'GET /second HTTP/1.1\r\nHost: x\r\n\r\n'


@pytest.mark.parametrize('framing', ['length', 'chunked', 'never sent'])
@pytest.mark.parametrize('name', BODY_RULES)
def test_a_body_nobody_read_is_no_request(unread, name, framing):
    """The client is told that the connection ends; what it has sent is not served."""
    chunked = framing == 'chunked'
    field = b'Transfer-Encoding: chunked' if chunked else b'Content-Length: %d' % len(SECOND)
    request = b'POST %s HTTP/1.1\r\nHost: x\r\n%s\r\n\r\n' % (UNREAD_PATHS[name].encode(), field)
    with connect(unread.sockets[2]) as client:
        client.sendall(request)
        answer = b''
        while b'\r\n\r\n' not in answer:
            got = client.recv(1 << 16)
            assert got, answer
            answer += got
        if framing != 'never sent':
            with contextlib.suppress(OSError):
                client.sendall(SECOND)
        answer += read_all(client)
    assert answer.count(b'HTTP/1.') == 1 and b'second' not in answer
    assert answer.count(b'\r\nConnection: close\r\n') == 1


@pytest.mark.parametrize('name', ['rpc', 'rpcraw'])
@pytest.mark.parametrize('field', [b'X-None: 1', b'Content-Length: 0'])
def test_a_request_without_a_body_keeps_its_connection(unread, name, field):
    with connect(unread.sockets[2]) as client:
        for _ in range(2):
            client.sendall(b'POST %s HTTP/1.1\r\nHost: x\r\n%s\r\n\r\n' % (UNREAD_PATHS[name].encode(), field))
            answer = b''
            while not answer.endswith((b'\r\n\r\nx', b'\r\n\r\nbody')):
                got = client.recv(1 << 16)
                assert got, answer
                answer += got
            assert b'Connection:' not in answer


@pytest.mark.parametrize('name', BODY_RULES)
def test_a_body_is_no_packet(unread, name):
    path = UNREAD_PATHS[name] if name != 'rpcraw' else '/rpcraw/' + RAW
    hidden = packet('first', 'hidden')
    items = {'REQUEST_METHOD': 'POST', 'REQUEST_URI': '/', 'PATH_INFO': path, 'SERVER_PROTOCOL': 'HTTP/1.1',
             'QUERY_STRING': '', 'CONTENT_LENGTH': str(len(hidden)), 'SERVER_NAME': 'x', 'HTTP_HOST': 'x'}
    text = b''.join(struct.pack('<H', len(item)) + item.encode() for pair in items.items() for item in pair)
    answer = unread.exchange(struct.pack('<BHB', 0, len(text), 0) + text + hidden, socket=3)
    assert answer.startswith(b'HTTP/1.1 ') and b'hidden' not in answer


# --- transformations ------------------------------------------------------------------------------------

@pytest.fixture(scope='module')
def transformed(shared_uwsgi):
    plugins = [('plugin', f'transformation_{name}') for name in ('gzip', 'chunked')]
    rules = [route(f'^/{name}/ {name}:') for name in ('gzip', 'chunked')]
    return shared_uwsgi(TCP, HTTP, HTTP11, ('threads', 4), PATIENT, *plugins, ('plugin', 'router_uwsgi'), *rules,
                        route('^/gzip/ addheader:Content-Encoding: gzip'),
                        route('(?s)^/[a-z]+/rpcraw/(.*)$ rpcraw:first $1'), route('^/[a-z]+/rpc rpc:big 3000'),
                        route('^/[a-z]+/error rpc:nosuch'), route('^/[a-z]+/rpc/bridge rpc:big 3000'))


RAW_3000 = RAW.replace('4\r\n\r\nbody', '3000\r\n\r\n' + 'x' * 3000)
BODIES = {'/rpc': b'x' * 3000, '/rpcraw/' + quote(RAW_3000): b'x' * 3000, '/error': b'no such function\n'}


@pytest.mark.parametrize('index', [1, 2], ids=['http-socket', 'http11-socket'])
@pytest.mark.parametrize('path', BODIES, ids=['rpc', 'rpcraw', 'error'])
@pytest.mark.parametrize('kind', ['gzip', 'chunked'])
def test_a_transformed_answer_has_no_length_of_another(transformed, kind, path, index):
    response = transformed.http(f'/{kind}{path}', socket=index)
    assert response.getheader('Content-Length') is None
    body = gzip.decompress(response.body) if kind == 'gzip' else response.body
    assert body == BODIES[path]
