# SPDX-License-Identifier: MIT
"""uwsgi-rpc --json: typed functions from a shell."""
import subprocess

import pytest
from conftest import BUILD, TCP

OK, TOO_LARGE, TOO_LONG, APPLICATION_ERROR, BAD_JSON, COMMAND_LINE = 0, 7, 8, 10, 11, 64


@pytest.fixture(scope='module')
def node(shared_uwsgi):
    return '%s:%d' % shared_uwsgi(TCP, app='counting.py').sockets[0]


def run(node, function, *args, options=(), stdin=None):
    return subprocess.run([BUILD / 'uwsgi-rpc', '--json', *options, node, function, *args],
                          capture_output=True, text=True, timeout=60, input=stdin)


@pytest.mark.parametrize('args, params', [
    ([], '[]'), (['1'], '[1]'), (['1.10', '-0', '"a b"', 'null', 'true'], '[1.10,-0,"a b",null,true]'),
    (['{"x": 1, "y": [ 2 ]}'], '{"x":1,"y":[2]}'), (['[]'], '[]'), ([' [1, 2] '], '[1,2]'),
    (['[[1, 2]]'], '[[1,2]]'), (['[1]', '{}'], '[[1],{}]'), (['"é"'], '["é"]'), (['1'] * 254, str([1] * 254)),
    (['"%s"' % ('x' * 65000)], '["%s"]' % ('x' * 65000))])
def test_arguments(node, args, params):
    done = run(node, 'typed_echo', *args)
    assert (done.returncode, done.stdout, done.stderr) == (OK, params.replace(', ', ',') + '\n', '')


def test_standard_input_is_the_last_argument(node):
    assert run(node, 'typed_echo', options=['--stdin'], stdin='{"a": 1}\n').stdout == '{"a":1}\n'
    assert run(node, 'typed_echo', '1', options=['--stdin'], stdin='{"a": 1}\n').stdout == '[1,{"a":1}]\n'


@pytest.mark.parametrize('arg, code, message', [
    ('text', COMMAND_LINE, 'text: no JSON value; a string stands in quotes'),
    ('', COMMAND_LINE, ': no JSON value; a string stands in quotes'),
    ('1 2', COMMAND_LINE, '1 2: no JSON value; a string stands in quotes'),
    ('{"a":1,"a":2}', COMMAND_LINE, '{"a":1,"a":2}: a member stands twice in an object'),
    ('"%s"' % ('x' * 65532), TOO_LONG, 'typed_echo: an argument is longer than 65535 bytes'),
    ('"%s"' % ('x' * 65531), TOO_LARGE, 'typed_echo: name and arguments do not fit a packet of 65535 bytes')])
def test_wrong_arguments(node, arg, code, message):
    done = run(node, 'typed_echo', arg)
    assert (done.returncode, done.stdout, done.stderr) == (code, '', f'uwsgi-rpc: {message}\n')


@pytest.mark.parametrize('says, code, stdout, stderr', [
    (' {"a" : 1.10}\n', OK, '{"a" : 1.10}\n', ''),
    ('18446744073709551616', OK, '18446744073709551616\n', ''),
    ('error 404 no such user\n{"id": 404}', APPLICATION_ERROR, '',
     '{"code":404,"message":"no such user","data":{"id": 404}}\n'),
    ('error -32602', APPLICATION_ERROR, '', '{"code":-32602,"message":""}\n'),
    ('error', BAD_JSON, '', "uwsgi-rpc: typed_says: the function's result is not JSON\n"),
    ('text', BAD_JSON, '', "uwsgi-rpc: typed_says: the function's result is not JSON\n"),
    ('', BAD_JSON, '', 'uwsgi-rpc: typed_says: the function failed or returned nothing\n')])
def test_results(node, says, code, stdout, stderr):
    quoted = '"%s"' % says.replace('"', '\\"').replace('\n', '\\n')
    done = run(node, 'typed_says', quoted)
    assert (done.returncode, done.stdout, done.stderr) == (code, stdout, stderr)


def test_a_call_that_fails(node):
    assert run(node, 'nosuch').returncode == 4
    assert run(node, 'typed_echo', options=['--gather']).returncode == COMMAND_LINE


def test_output_that_cannot_be_written(node):
    with open('/dev/full', 'wb') as full:
        done = subprocess.run([BUILD / 'uwsgi-rpc', '--json', node, 'typed_echo'], stdout=full,
                              stderr=subprocess.PIPE, timeout=60)
    assert done.returncode == 1 and b'standard output' in done.stderr
