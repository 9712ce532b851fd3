# SPDX-License-Identifier: MIT
"""The outcome of rpc-client in every engine: each request knows its own, whatever other requests of
its process call meanwhile."""
import contextlib
from concurrent.futures import ThreadPoolExecutor

import pytest
from conftest import HTTP, TCP
from nodes import Node, answers, answers_after, closes, refuser
from test_engines_remote import ENGINES, PYTHON_ENGINES

CALLERS = 12

# /NODE/GATHERING: calls the node, lets others run while a gathering waits, and tells the outcome.
PYTHON = '''
import uwsgi

def application(environ, start_response):
    node, gathering = environ['PATH_INFO'][1:].encode().split(b'/')
    result = uwsgi.call(b'net.call', node, b'f')
    gathered = uwsgi.call(b'net.gather', gathering)
    outcome = uwsgi.call(b'net.outcome')
    start_response('200 OK', [('Content-Type', 'text/plain')])
    return [b'%s %s %s' % (result or b'nothing', outcome, gathered)]
'''
PERL = '''
use strict;
my $app = sub {
    my (undef, $node, $gathering) = split '/', shift->{PATH_INFO};
    my $result = uwsgi::call('net.call', $node, 'f') // 'nothing';
    my $gathered = uwsgi::call('net.gather', $gathering);
    my $outcome = uwsgi::call('net.outcome');
    return [200, ["Content-Type" => "text/plain"], ["$result $outcome $gathered"]];
};
'''
RUBY = '''
class Application
  def call(env)
    _, node, gathering = env['PATH_INFO'].split('/')
    result = begin
      UWSGI.rpc('', 'net.call', node, 'f')
    rescue RuntimeError
      'nothing'
    end
    gathered = UWSGI.rpc('', 'net.gather', gathering)
    outcome = UWSGI.rpc('', 'net.outcome')
    [200, { 'Content-Type' => 'text/plain' }, ["#{result} #{outcome} #{gathered}"]]
  end
end

run Application.new
'''
APPLICATIONS = {'psgi': ('psgi', 'app.psgi', PERL, 5), 'rack': ('rack', 'config.ru', RUBY, 7),
                'python3': ('wsgi-file', 'app.py', PYTHON, 0)}


@pytest.fixture(scope='module')
def nodes():
    with contextlib.ExitStack() as stack:
        yield {name: stack.enter_context(node) for name, node in {
            'good': Node(answers(b'good')), 'closing': Node(closes), 'dead': refuser(),
            'slow': Node(answers_after(0.3, b'slow'))}.items()}


@pytest.mark.parametrize('engine', ['preforking', *ENGINES])
def test_each_request_knows_its_own_outcome(uwsgi, nodes, tmp_path, coroae, engine):
    plugins, options = ENGINES.get(engine, ([], []))
    plugins = [*([] if engine not in ('preforking', *PYTHON_ENGINES) else ['python3']), *plugins,
               *([coroae] if engine == 'coroae' else [])]
    option, name, source, modifier1 = APPLICATIONS[plugins[0]]
    (tmp_path / name).write_text(source)
    server = uwsgi(TCP, HTTP, (option, tmp_path / name), ('http-socket-modifier1', modifier1),
                   ('rpc-client', 'net'), ('rpc-keepalive', 2), *options, plugins=[*plugins, 'rpc'], app=None)
    slow = nodes['slow'].name
    gathering = f'{len(slow)}:{slow},1:f,'
    expected = {'good': b'good ok 2:ok,4:slow,', 'closing': b'nothing node-closed 2:ok,4:slow,',
                'dead': b'nothing node-unreachable 2:ok,4:slow,'}
    kinds = list(expected) * (CALLERS // len(expected))
    with ThreadPoolExecutor(CALLERS) as pool:
        got = list(pool.map(lambda kind: server.http(f'/{nodes[kind].name}/{gathering}').body, kinds))
    assert got == [expected[kind] for kind in kinds]
    assert len(server.worker_pids()) == 1
    assert 'BUG' not in server.log and 'DAMN' not in server.log, server.log
