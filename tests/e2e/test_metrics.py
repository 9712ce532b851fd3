# SPDX-License-Identifier: MIT
"""Metrics through a real stats server, and the log variables."""
import json
import re

import pytest
from conftest import HTTP, TCP, Server, poll


@pytest.fixture
def server(uwsgi, tmp_path):
    node = uwsgi(('socket', 'node.sock'))
    server = uwsgi(TCP, HTTP, ('stats', 'stats.sock'), ('enable-metrics', 'true'),
                   ('rpc-metric', 'echo'), ('rpc-remote', f'far {node.directory}/node.sock hello'),
                   ('route', f'^/none rpc:hello@{tmp_path}/none.sock'))
    server.far = node
    return server


def metrics(server):
    return {name[len('plugin.rpc.'):]: row['value'] for name, row in server.stats()['metrics'].items()
            if name.startswith('plugin.rpc.')}


def part(path):
    return ''.join(c if c.isalnum() or c == '-' else '_' for c in str(path))


def test_metrics(server, tmp_path):
    assert set(metrics(server).values()) == {0}
    assert server.call('echo', 'ab', 'c') == b'2:ab,1:c,'
    assert server.call('echo') == b''
    assert server.call('nosuch') is None
    assert server.call('', '') is None
    assert server.call('far', 'x') == b'hello x'
    assert server.http('/none').status == 502
    expected = {'calls': 3, 'bytes_in': 4, 'bytes_out': 9 + 7, 'failures': 0,
                'failures.unknown-function': 1, 'failures.no-name': 1,
                'failures.node-unreachable': 1, 'function.echo.calls': 2,
                'function.echo.bytes_in': 3, 'remote.calls': 2, 'remote.failures': 1,
                f'node.{part(server.far.directory / "node.sock")}.calls': 1,
                f'node.{part(tmp_path / "none.sock")}.failures': 1}
    poll(lambda: expected.items() <= metrics(server).items(), what=f'{expected} in the metrics')
    assert metrics(server)['remote.micros'] > 0


def test_an_error_of_an_application_is_no_failure(uwsgi):
    server = uwsgi(TCP, HTTP, ('stats', 'stats.sock'), ('enable-metrics', 'true'), ('http-socket-modifier1', 173),
                   ('http-socket-modifier2', 2), ('rpc-json', 'typed_*'), ('rpc-metric', 'typed_says'),
                   app='counting.py')

    def status(says):
        return server.http('/typed_says', 'POST', json.dumps([says]), {'Content-Type': 'application/json'}).status
    assert [status(says) for says in ('1', 'error 404 no such user', 'error 1', 'text', '')] == [200, 404, 500, 500, 500]
    expected = {'calls': 5, 'failures': 2, 'failures.application-error': 2, 'failures.bad-json': 1,
                'failures.empty': 1, 'function.typed_says.calls': 5, 'function.typed_says.failures': 2}
    poll(lambda: expected.items() <= metrics(server).items(), what=f'{expected} in the metrics')


def test_a_function_named_twice_is_counted(uwsgi):
    server = uwsgi(TCP, ('stats', 'stats.sock'), ('enable-metrics', 'true'), ('rpc-metric', 'hello'),
                   ('rpc-metric', 'echo'), ('rpc-metric', 'hello'))
    assert server.call('hello', 'a') == b'hello a'
    poll(lambda: metrics(server)['function.hello.calls'] == 1)


@pytest.mark.parametrize('options, kind, one, other, metric', [
    ([('rpc-metric', 'a.b'), ('rpc-metric', 'a_b')], 'function', 'a.b', 'a_b', 'a_b'),
    ([('rpc-remote', 'f /tmp/a.b x'), ('rpc-remote', 'g /tmp/a_b x')], 'node', '/tmp/a.b', '/tmp/a_b', '_tmp_a_b'),
])
def test_two_names_that_would_be_one_metric_end_the_start(tmp_path, options, kind, one, other, metric):
    server = Server(tmp_path, [TCP, ('enable-metrics', 'true'), *options]).spawn()
    assert server.process.wait(60) == 1
    assert re.search(f'\\[rpc\\] metrics: {kind} "({one}" and "{other}|{other}" and "{one})" would both be "{metric}"\n',
                     server.log)


def test_no_metrics_unless_enabled(uwsgi):
    server = uwsgi(TCP, ('stats', 'stats.sock'), ('rpc-metric', 'echo'))
    assert server.call('echo', 'a') == b'1:a,'
    assert 'plugin.rpc' not in json.dumps(server.stats())


def test_log_variables_in_json(uwsgi):
    """Whatever a name has in it, a line of a log-format that writes JSON can be read."""
    server = uwsgi(TCP, ('log-format', '{"uri": "%(uri)", "function": "%(rpcfunc)"}'))
    server.call('a", "b\\')
    line = server.wait_log(r'\{"uri".*\}')[0]
    assert json.loads(line) == {'uri': 'a?,??b?', 'function': 'a?,??b?'}


def test_log_variables(uwsgi):
    server = uwsgi(TCP, HTTP, ('route', '^/r rpc:hello'),
                   ('log-format', 'LINE %(method) %(uri) %(status) %(rpcfunc) %(rpcstatus) %(addr)'))
    server.call('hello')
    server.wait_log(r'LINE RPC hello 200 hello ok 127\.0\.0\.1\n')
    server.call('nosuch\n[rpc] forged')
    server.wait_log(r'LINE RPC nosuch\?\[rpc\]\?forged 404 nosuch\?\[rpc\]\?forged '
                    r'unknown-function 127\.0\.0\.1\n')
    assert server.http('/r').body == b'hello'
    server.wait_log(r'LINE GET /r 200 hello ok 127\.0\.0\.1\n')
    server.http('/plain')
    server.wait_log(r'LINE GET /plain 200 - - 127\.0\.0\.1\n')
