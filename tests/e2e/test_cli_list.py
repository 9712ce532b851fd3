# SPDX-License-Identifier: MIT
"""The functions of a node: system.listMethods over packets, uwsgi-rpc NODE --list, completion in bash."""
import json
import os
import subprocess

import pytest
from conftest import BUILD, ROOT, TCP, poll
from nodes import Node, answers_once, closes, long_reply, says_nothing, sends

CLI = BUILD / 'uwsgi-rpc'
COMPLETION = ROOT / 'cli' / 'uwsgi-rpc.bash'


@pytest.fixture(scope='module')
def server(shared_uwsgi):
    return shared_uwsgi(TCP, ('rpc-introspection', 'true'), ('rpc-allow', 'h*'), ('rpc-allow', 'first'),
                        ('rpc-allow', 'net.*'), ('rpc-client', 'net'))


def address(server):
    return '%s:%d' % server.sockets[0]


def run(*arguments):
    return subprocess.run([CLI, *arguments], capture_output=True, stdin=subprocess.DEVNULL, timeout=60)


def test_packets_list_what_their_caller_may_call(server):
    assert sorted(json.loads(server.call('system.listMethods'))) == ['first', 'hello']
    assert sorted(json.loads(server.call('system.listMethods', modifier2=1))) == ['first', 'hello']
    document = json.loads(server.call('rpc.discover'))
    assert sorted(method['name'] for method in document['methods']) == ['first', 'hello']


def test_a_list_takes_no_arguments(server):
    assert server.call('system.listMethods', 'x') is None
    server.wait_log(r'"system.listMethods": .* \(bad-argument\)')


def test_an_application_may_have_its_own(uwsgi):
    server = uwsgi(TCP, ('rpc-introspection', 'true'))
    server.call('register', 'system.listMethods', 'its own')
    assert server.call('system.listMethods') == b'its own'


def test_without_the_option_there_is_no_list(uwsgi):
    server = uwsgi(TCP)
    assert server.call('system.listMethods') is None
    done = run(address(server), '--list')
    assert (done.returncode, done.stdout) == (4, b'')
    assert b'rpc-introspection' in done.stderr


@pytest.mark.parametrize('arguments', [('{}', '--list'), ('--list', '{}'), ('--list', '--', '{}'),
                                       ('--timeout', '20', '--list', '{}')])
def test_list(server, arguments):
    done = run(*(argument.format(address(server)) for argument in arguments))
    assert (done.returncode, done.stdout, done.stderr) == (0, b'first\nhello\n', b'')


def test_a_function_of_that_name_can_be_called(uwsgi):
    server = uwsgi(TCP)
    server.call('register', '--list', 'called')
    assert run('--', address(server), '--list').stdout == b'called'


@pytest.mark.parametrize('arguments', [('--list',), ('--list', '@a', 'f'), ('--list', '--gather'),
                                       ('--bench', '--list', '@a'), ('--stdin', '@a', '--list'),
                                       ('--raw', '@a', '--list'), ('--list', 'nonsense')])
def test_wrong_command_lines(arguments):
    done = run(*arguments)
    assert (done.returncode, done.stdout) == (64, b'')


@pytest.mark.parametrize('script, code, names', [
    (answers_once(b'["b","a"]'), 0, b'a\nb\n'), (answers_once(b'[]'), 0, b''),
    (answers_once(b' [ "\\u00e4" , "" ] '), 0, '\nä\n'.encode()),
    (answers_once(b'["\\u001b[2J","x\\ny","\\u0000"]'), 0, b'?\n?[2J\nx?y\n'),
    (answers_once(b''), 5, b''), (answers_once(b'["a"'), 5, b''), (answers_once(b'["a",1]'), 5, b''),
    (answers_once(b'{"a":"b"}'), 5, b''), (answers_once(b'"a"'), 5, b''), (answers_once(b'["\\ud800"]'), 5, b''),
    (answers_once(b'[' * 10000), 5, b''), (closes, 4, b''), (says_nothing, 3, b''),
    (sends(b'HTTP/1.1 200 OK\r\n\r\n'), 5, b''), (sends(long_reply(b'["a"', 1 << 40)), 6, b''),
])
def test_lists_of_any_kind(script, code, names):
    """What a node says is not believed: no control character reaches the terminal."""
    with Node(script) as node:
        done = run('--timeout', '2' if script is says_nothing else '20', node.name, '--list')
    assert (done.returncode, done.stdout) == (code, names)
    assert bool(done.stderr) == (code != 0)


# --- completion ----------------------------------------------------------------------------------

def complete(line, wordbreaks=' \t\n:='):
    """What bash would complete the line to, with the cursor at its end."""
    script = f'''
source {COMPLETION}
COMP_WORDBREAKS=$2 COMP_LINE=$1 COMP_POINT=${{#1}}
_uwsgi_rpc
printf '%s\\n' "${{COMPREPLY[@]}}"
complete -p uwsgi-rpc >&2
'''
    done = subprocess.run(['bash', '-c', script, 'bash', line, wordbreaks], capture_output=True, text=True, timeout=60,
                          env=dict(os.environ, PATH=f'{BUILD}:{os.environ["PATH"]}'))
    assert done.stderr == 'complete -F _uwsgi_rpc uwsgi-rpc\n'
    return done.stdout.split()


def test_completes_options():
    assert complete('uwsgi-rpc --connect-') == ['--connect-timeout']
    assert complete('uwsgi-rpc --timeout 5 --ben') == ['--bench']
    options = complete('uwsgi-rpc --')
    assert {'--list', '--gather', '--timeout', '--max-response'} <= set(options)


def test_completes_functions(server):
    node = address(server)
    # It asks with a short time limit, and says nothing when that is over.
    poll(lambda: complete(f'uwsgi-rpc {node} ') == ['--list', 'first', 'hello'])
    poll(lambda: complete(f'uwsgi-rpc {node} h') == ['hello'])
    poll(lambda: complete(f'uwsgi-rpc --timeout 5 -- {node} f') == ['first'])
    assert complete(f'uwsgi-rpc {node} hello w') == []
    assert complete(f'uwsgi-rpc {node} nosuch') == []


def test_completes_what_a_hostile_node_says():
    """Names are text, whatever is in them."""
    with Node(answers_once(b'["$(touch x)","a;b","good"]')) as node:
        poll(lambda: complete(f'uwsgi-rpc {node.name} g') == ['good'])
        poll(lambda: complete(f'uwsgi-rpc {node.name} a') == ['a\\;b'])


def test_completes_paths_and_the_rest_behind_a_colon(tmp_path):
    (tmp_path / 'node.sock').touch()
    assert complete(f'uwsgi-rpc {tmp_path}/no') == [f'{tmp_path}/node.sock']
    (tmp_path / 'a:b').touch()
    assert complete(f'uwsgi-rpc {tmp_path}/a:') == ['b']
    assert complete(f'uwsgi-rpc {tmp_path}/a:', ' ') == [f'{tmp_path}/a:b']
