# SPDX-License-Identifier: MIT
"""TLS on the command line of uwsgi-rpc, and a plugin that was built without OpenSSL."""
import os
import subprocess

import pytest
from certificates import certificates, node_of  # noqa: F401
from conftest import BUILD, TCP, UWSGI

CLI = BUILD / 'uwsgi-rpc'


@pytest.fixture(scope='module')
def node(shared_uwsgi, certificates):
    return shared_uwsgi(certificates.socket(), TCP, certificates.socket(client_ca='ca'), ('processes', 2))


def run(*arguments, stdin=b''):
    return subprocess.run([CLI, '--timeout', '20', *map(str, arguments)], input=stdin, capture_output=True, timeout=60)


def test_a_call(node, certificates):
    got = run('--ca', certificates.pem('ca'), node_of(node, host='localhost'), 'echo', 'a', 'b')
    assert (got.returncode, got.stdout, got.stderr) == (0, b'1:a,1:b,', b'')


def test_a_large_one_both_ways(node, certificates):
    ca = '--ca', certificates.pem('ca')
    got = run(*ca, '--stdin', node_of(node), 'echo', stdin=b'y' * 65000)
    assert got.stdout == b'65000:' + b'y' * 65000 + b','
    got = run(*ca, node_of(node), 'big', 5000000)
    assert (got.returncode, len(got.stdout)) == (0, 5000000)


def test_gather(node, certificates):
    lines = f'{node_of(node)} echo a\n{"%s:%d" % node.sockets[1]} echo b\nssl:{"%s:%d" % node.sockets[1]} echo c\n'
    got = run('--ca', certificates.pem('ca'), '--gather', stdin=lines.encode())
    assert (got.returncode, got.stdout) == (2, b'1:a,\n1:b,\n\n')
    assert b'closed in the handshake' in got.stderr


def test_a_certificate_to_show(node, certificates):
    ca = '--ca', certificates.pem('ca')
    shown = '--cert', certificates.pem('caller'), '--key', certificates.key('caller')
    assert run(*ca, *shown, node_of(node, 2), 'echo', 'a').stdout == b'1:a,'
    assert run(*ca, node_of(node, 2), 'echo', 'a').returncode in (2, 4)


def test_bench_resumes_sessions(node, certificates):
    got = run('--ca', certificates.pem('ca'), '--bench', '-n', 50, '-c', 2, '--keepalive', node_of(node), 'hello')
    assert got.returncode == 0 and b'failures     0' in got.stdout


def test_the_reason_is_said(node, certificates):
    for arguments, reason in (([], b'certificate'), (['--ca', certificates.pem('other')], b'certificate')):
        got = run(*arguments, node_of(node), 'echo')
        assert (got.returncode, got.stdout) == (2, b'')
        assert got.stderr.startswith(b'uwsgi-rpc: ' + node_of(node).encode()) and reason in got.stderr


def test_a_raw_result_is_never_cut_unnoticed(node, certificates):
    """uWSGI does not announce the end of a connection in TLS."""
    assert run('--ca', certificates.pem('ca'), '--raw', node_of(node), 'echo', 'a').returncode == 4


@pytest.mark.parametrize('arguments, complaint', [
    (['--ca', '/nonexistent'], 'No such file'), (['--ca', '/dev/null'], '/dev/null'), (['--cert', '/dev/null'], '/dev/null'),
    (['--cert', 'caller.pem'], '--cert and --key'), (['--key', 'caller.key'], '--cert and --key'),
    (['--cert', 'caller.pem', '--key', 'good.key'], 'good.key'), (['--key', 'caller.pem'], 'caller.pem'),
])
def test_files_that_make_no_sense(certificates, arguments, complaint):
    """Nothing is called, and one line says what is wrong."""
    words = [certificates.directory / word if word.endswith(('.pem', '.key')) else word for word in arguments]
    got = run(*words, 'ssl:localhost:1', 'f')
    assert got.returncode == 64
    line, = got.stderr.decode().splitlines()
    assert complaint in line


def test_built_without_openssl():
    """It says so, and takes neither nodes nor files for TLS."""
    lacking = BUILD / 'lacking'
    assert 'without OpenSSL' in (lacking / 'plugin.log').read_text()
    for option, value in (('rpc-remote', 'f ssl:localhost:1'), ('rpc-tls-ca', '/etc/passwd')):
        result = subprocess.run([UWSGI, '--plugin', lacking / 'rpc_plugin.so', f'--{option}={value}', '--socket',
                                 '127.0.0.1:0'], env=dict(os.environ, LD_PRELOAD=''), text=True, capture_output=True, timeout=60)
        lines = [line for line in result.stderr.splitlines() if line.startswith('[rpc]') and 'OpenSSL' in line]
        assert result.returncode == 1 and len(lines) == 1, result.stderr
