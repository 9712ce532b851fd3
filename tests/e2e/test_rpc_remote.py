# SPDX-License-Identifier: MIT
"""rpc-remote: functions of other nodes, called as if they were local."""
import contextlib
import json
import xmlrpc.client
from pathlib import Path

import pytest
from conftest import HTTP, PLUGINS, TCP, Server, connect, packet, poll, read_all
from nodes import Node, answers, answers_once, closes, refuser, reply, says_nothing


def echoes(node, conn, call):
    """Says what it was called with."""
    conn.sendall(reply(b'|'.join(call)))
    return False


@pytest.fixture(scope='module')
def nodes():
    with contextlib.ExitStack() as stack:
        yield {name: stack.enter_context(node) for name, node in
               {'part1': Node(echoes), 'silent': Node(says_nothing), 'closing': Node(closes),
                'empty': Node(answers_once(b'')), 'dead': refuser()}.items()}


def remotes(nodes, timeout=6):
    return [('rpc-remote', f'{name} {node.name}') for name, node in nodes.items()] + [
        ('rpc-remote', f'mine {nodes["part1"].name} theirs'),
        ('rpc-remote', f'either {nodes["dead"].name},{nodes["part1"].name}'), ('rpc-timeout', timeout)]


@pytest.fixture(scope='module')
def server(shared_uwsgi, nodes):
    """Its HTTP socket is the PATH_INFO bridge."""
    return shared_uwsgi(TCP, HTTP, ('http-socket-modifier1', 173), ('http-socket-modifier2', 2),
                        ('threads', 4), *remotes(nodes),
                        ('route', '^/route/(.*)/(.*)$ rpc:part1 $1 $2'),
                        ('route', '^/dead-route rpc:dead'), ('route', '^/silent-route rpc:silent'),
                        ('route', '^/closing-route rpc:closing'))


# --- who calls it --------------------------------------------------------------------------------

def test_packet(server):
    assert server.call('part1', 'a', 'b') == b'part1|a|b'
    assert server.call('part1', 'a', modifier2=1) == b'part1|a'


def test_another_name_on_the_node(server):
    assert server.call('mine', 'a') == b'theirs|a'


def test_node_list(server):
    assert [server.call('either') for _ in range(4)] == [b'either'] * 4


def test_binary_arguments_and_result(server):
    data = bytes(range(256))
    assert server.call('part1', data, b'\0') == b'part1|' + data + b'|\0'


def test_route(server):
    response = server.http('/route/a/b')
    assert (response.status, response.body) == (200, b'part1|a|b')


def test_path_info(server):
    response = server.http('/part1/a/b')
    assert (response.status, response.body) == (200, b'part1|a|b')


def test_python(server):
    assert server.call('call', 'part1', 'a') == b'part1|a'


LANGUAGES = {
    'perl': (('psgi', 'rpc'), 'psgi', 'app.psgi', '''
use strict;
my $app = sub {
    my $env = shift;
    my ($name) = $env->{PATH_INFO} =~ m{^/(\\w+)};
    my $got = uwsgi::call($name, "a", "b");
    return [200, ["Content-Type" => "text/plain"], [defined $got ? "<$got>" : "undefined"]];
};
'''),
    'ruby': (('rack', 'rpc'), 'rack', 'config.ru', '''
class Application
  def call(env)
    begin
      got = UWSGI.rpc('', env['PATH_INFO'][1..], 'a', 'b')
      answer = "<#{got}>"
    rescue RuntimeError
      answer = 'undefined'
    end
    [200, { 'Content-Type' => 'text/plain' }, [answer]]
  end
end

run Application.new
'''),
    'python': (('python3', 'rpc'), 'wsgi-file', 'app.py', '''
import uwsgi

def application(environ, start_response):
    start_response('200 OK', [('Content-Type', 'text/plain')])
    got = uwsgi.call(environ['PATH_INFO'][1:].encode(), b'a', b'b')
    return [b'undefined' if got is None else b'<' + got + b'>']
'''),
}


@pytest.mark.parametrize('language', LANGUAGES)
def test_language(uwsgi, nodes, tmp_path, language):
    """The function's result, a failure and an empty result, in the application's language."""
    plugins, option, name, source = LANGUAGES[language]
    (tmp_path / name).write_text(source)
    server = uwsgi(TCP, HTTP, *remotes(nodes), (option, tmp_path / name), plugins=plugins, app=None)
    assert server.http('/part1').body == b'<part1|a|b>'
    assert server.http('/mine').body == b'<theirs|a|b>'
    assert server.http('/empty').body == b'<>'
    for failing in ('dead', 'closing', 'silent'):
        assert server.http(f'/{failing}').body == b'undefined'


def test_called_while_the_application_loads(uwsgi, tmp_path):
    """In the master, before the workers are there; they do not talk on its kept connection."""
    calls = []

    def script(node, conn, call):
        calls.append((id(conn), call[1]))
        conn.sendall(reply(b'hello ' + call[1]))

    app = tmp_path / 'app.py'
    app.write_text('''
import uwsgi
early = uwsgi.call(b'part1', b'early')

def application(environ, start_response):
    start_response('200 OK', [])
    return [early, b' ', uwsgi.call(b'part1', b'late')]
''')
    with Node(script) as node:
        server = uwsgi(TCP, HTTP, ('rpc-remote', f'part1 {node.name}'), ('rpc-keepalive', 4),
                       ('processes', 3), ('wsgi-file', app), app=None)
        for _ in range(20):
            assert server.http('/').body == b'hello early hello late'
        first = calls[0][0]
        assert [conn for conn, _ in calls].count(first) == 1
        assert len(calls) == 21


# --- how it fails --------------------------------------------------------------------------------

@pytest.mark.parametrize('name', ['dead', 'closing', 'silent', 'nosuch'])
def test_failure_of_a_packet(server, name):
    assert server.exchange(packet(name)) == b''


@pytest.mark.parametrize('name, status', [('dead', 502), ('closing', 502), ('silent', 504)])
def test_failure_of_a_route(server, name, status):
    assert server.http(f'/{name}-route').status == status


@pytest.mark.parametrize('name, status', [('dead', 502), ('closing', 502), ('silent', 504),
                                          ('nosuch', 404)])
def test_failure_of_path_info(server, name, status):
    response = server.http(f'/{name}/a')
    assert response.status == status
    assert response.headers['Content-Type'].startswith('text/plain')


def test_one_line_names_the_node(server, nodes):
    before = server.log.count('[rpc]')
    server.http('/dead')
    server.wait_log(rf'\[rpc\] node {nodes["dead"].name}: "dead": .*\(node-unreachable\)')
    assert server.log.count('[rpc]') == before + 1


def test_empty_result(server):
    assert server.http('/empty').status == 204
    assert server.exchange(packet('empty')) == b'\xad\0\0\0'


def bridge(server, modifier2, content_type, body):
    """A POST to a document bridge, by uwsgi packet; what follows the headers."""
    variables = {'REQUEST_METHOD': 'POST', 'CONTENT_TYPE': content_type,
                 'CONTENT_LENGTH': str(len(body)), 'PATH_INFO': '/', 'SERVER_PROTOCOL': 'HTTP/1.0'}
    items = [item for pair in variables.items() for item in pair]
    with connect(server.sockets[0]) as sock:
        sock.sendall(packet(*items, modifier2=modifier2) + body)
        head, _, answer = read_all(sock).partition(b'\r\n\r\n')
    if b' 501 ' in head.split(b'\r\n')[0]:
        pytest.skip('this bridge was left out of the build')
    return answer


@pytest.mark.parametrize('name, code', [('dead', -32001), ('silent', -32002), ('closing', -32003),
                                        ('nosuch', -32601)])
def test_failure_of_jsonrpc(server, name, code):
    body = json.dumps({'jsonrpc': '2.0', 'id': 1, 'method': name, 'params': ['a']}).encode()
    assert json.loads(bridge(server, 4, 'application/json', body))['error']['code'] == code


@pytest.mark.parametrize('name, code', [('dead', -32300), ('silent', -32300), ('closing', -32300),
                                        ('nosuch', -32601)])
def test_failure_of_xmlrpc(server, name, code):
    body = xmlrpc.client.dumps(('a',), name).encode()
    with pytest.raises(xmlrpc.client.Fault) as fault:
        xmlrpc.client.loads(bridge(server, 3, 'text/xml', body))
    assert fault.value.faultCode == code


# --- configuration -------------------------------------------------------------------------------

@pytest.mark.parametrize('value, said', [
    ('alone', 'NAME NODE'), ('a b c d', 'NAME NODE'), ('name nowhere', 'host:port'),
    ('name 127.0.0.1:0', 'port'), ('name 127.0.0.1:70000', 'port'), ('name ::1:80', 'brackets'),
    ('name a.invalid:80', 'a.invalid'), ('n' * 256 + ' 127.0.0.1:1', '255 bytes'),
    ('name 127.0.0.1:1,', 'empty')])
def test_a_mistake_ends_the_start(tmp_path, value, said):
    server = Server(tmp_path / 'uwsgi', [TCP, ('rpc-remote', value)]).spawn()
    poll(lambda: server.process.poll() is not None, what='exit')
    assert server.process.returncode != 0
    line, = [line for line in server.log.splitlines() if line.startswith('[rpc]')
             and 'built without' not in line]
    assert said in line


def test_no_room_in_the_table_ends_the_start(tmp_path):
    server = Server(tmp_path / 'uwsgi', [TCP, ('rpc-max', 1), ('rpc-remote', 'a 127.0.0.1:1'),
                                         ('rpc-remote', 'b 127.0.0.1:1')], app=None).spawn()
    poll(lambda: server.process.poll() is not None, what='exit')
    assert 'rpc-max' in server.log


def test_an_own_function_of_the_same_name_wins(uwsgi):
    """Applications load later, and the last registration of a name is the one that counts."""
    with Node(answers()) as node:
        server = uwsgi(TCP, HTTP, ('rpc-remote', f'hello {node.name}'))
        assert server.call('hello') == b'hello'


def test_workers_that_load_their_own_application(uwsgi):
    with Node(echoes) as node:
        server = uwsgi(TCP, HTTP, ('rpc-remote', f'part1 {node.name}'), ('lazy-apps', 'true'),
                       ('processes', 2))
        poll(lambda: server.log.count('WSGI app 0') == 2, what='both loaded')
        assert [server.call('call', 'part1', 'a') for _ in range(4)] == [b'part1|a'] * 4


# --- Ruby's threads ------------------------------------------------------------------------------

LATE = """
require 'timeout'
late = lambda do
  begin
    Timeout.timeout(0.1) { UWSGI.rpc('', 'silent') }
  rescue Timeout::Error
    'late'
  end
end
UWSGI.register_rpc('late', late, 0)
UWSGI.register_rpc('interrupt', lambda { Thread.list.each { |t| t.raise('x') if t != Thread.current }; 'done' }, 0)

class Application
  def call(_env)
    [200, {}, []]
  end
end

run Application.new
"""


@pytest.fixture
def rbthreads(uwsgi, nodes, tmp_path):
    if not Path(PLUGINS, 'rbthreads_plugin.so').exists():
        pytest.skip('uWSGI has no rbthreads plugin here')
    (tmp_path / 'late.ru').write_text(LATE)
    return uwsgi(TCP, ('rbthreads', 'true'), ('threads', 2), ('rack', tmp_path / 'late.ru'),
                 *remotes(nodes, timeout=3), plugins=('rack', 'rbthreads', 'rpc'), app=None)


def test_an_exception_of_ruby_leaves_nothing_behind(rbthreads):
    """Timeout leaves a call by a jump over this plugin's frames: what they hold is closed first."""
    assert rbthreads.call('late') == b'late'
    before = rbthreads.descriptors()
    for _ in range(6):
        assert rbthreads.call('late') == b'late'
    assert rbthreads.descriptors() < before + 3  # a thread may have opened its queue meanwhile
    assert rbthreads.call('part1', 'a') == b'part1|a'


def test_an_exception_of_ruby_that_is_for_nobody_is_dropped(rbthreads, nodes):
    """It comes while a packet's own call waits: that call has failed, the next one has not."""
    with connect(rbthreads.sockets[0]) as waiting:
        before = len(nodes['silent'].calls)
        waiting.sendall(packet('silent'))
        poll(lambda: len(nodes['silent'].calls) > before)
        assert rbthreads.call('interrupt') == b'done'
        assert read_all(waiting) == b''
    assert [rbthreads.call('part1', 'a') for _ in range(20)] == [b'part1|a'] * 20
