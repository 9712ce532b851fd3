# SPDX-License-Identifier: MIT
"""Options: each value is checked when uWSGI starts, and what makes no sense ends the start with one
line that says what is expected. Nothing is taken for no limit, or for nothing allowed, by mistake."""
import os
import re
import subprocess

import pytest
from conftest import HTTP, PLUGIN_DIR, PRELOAD, TCP, UWSGI

FLAGS = ('rpc-empty-is-error', 'rpc-introspection')
GLOBS = ('rpc-allow', 'rpc-bridge-allow')
SIZES = ('rpc-max-body', 'rpc-max-response')
SECONDS = ('rpc-timeout', 'rpc-connect-timeout')
COUNTS = ('rpc-max-batch',)
# What each kind of value is not, and what of the line says what it is.
NO_NUMBER = ('', '-1', '+1', '1.5', '1e3', '0x10', '1 ', ' 1', '1,000', 'abc', 'none', 'unlimited', '1s',
             '99999999999999999999')
MALFORMED = [
    (FLAGS, ('maybe', 'flase', '2', 'none'), 'true or false'),
    (GLOBS, ('', ' ', 'a b', '[', 'a[bc', 'a\\'), 'one glob of function names'),
    (('rpc-allow-from',), ('', 'localhost', '127.0.0', '127.0.0.1/', '127.0.0.1/33', '127.0.0.1/-1', '127.0.0.1/8x',
                           '127.0.0.1 ', '::1/129', ':::', '[::1]', '1.2.3.4/5/6', '/8'), 'an address or CIDR range'),
    (('rpc-http-prefix',), ('', 'rpc', '?', '/a?b', '/a#b', '/a b', 'http://x/'), 'a path'),
    (SIZES, (*NO_NUMBER, '0', '0K', '16MB', 'M', '1T', '9223372036854775808', '8589934592G'), 'bytes from 1'),
    (SECONDS, (*NO_NUMBER, '0', '1K', '2147483648'), 'seconds from 1 to 2147483647'),
    (COUNTS, (*NO_NUMBER, '0', '1K', '2147483648'), 'calls from 1 to 2147483647'),
    (('rpc-keepalive',), (*NO_NUMBER, '2147483648'), 'connections from 0 to 2147483647'),
    (('rpc-metric',), ('', 'n' * 256), 'the name of a function'),
    (('rpc-remote',), ('',), 'NAME NODE'),
    (('rpc-client',), ('', ' ', 'a b', 'a\t', 'n' * 248), 'the beginning of a function'),
    (('rpc-tls-ca', 'rpc-tls-cert', 'rpc-tls-key'), ('', '/nonexistent', '/dev/null', '/'), 'a PEM file of'),
]
CASES = [(option, value, expected) for options, values, expected in MALFORMED for option in options for value in values]
EVERY = sorted({option for option, _, _ in CASES})
# The largest value of each, and what is not refused although it looks odd.
SENSIBLE = {
    'rpc-empty-is-error': ('true', 'false', 'on', 'off', 'YES', 'no', '1', '0'),
    'rpc-allow': ('*', '!', '[!a]*', '[]]', 'a\\*'), 'rpc-bridge-allow': ('!',),
    'rpc-allow-from': ('0.0.0.0/0', '::/0', '10.0.0.1'), 'rpc-http-prefix': ('/', '/a/b/'),
    'rpc-max-body': ('1', '16M', '9223372036854775807'), 'rpc-max-response': ('1k', '2G'),
    'rpc-timeout': ('2147483647',), 'rpc-connect-timeout': ('1',), 'rpc-max-batch': ('2147483647',),
    'rpc-keepalive': ('0',), 'rpc-metric': ('a.b', 'n' * 255), 'rpc-client': ('net', 'n' * 247),
}


def run(*arguments):
    return subprocess.run([UWSGI, '--plugin-dir', PLUGIN_DIR, '--plugin', 'rpc', *arguments], capture_output=True,
                          text=True, timeout=60, env=dict(os.environ, LD_PRELOAD=PRELOAD))


@pytest.mark.parametrize('option', EVERY)
def test_malformed_values_end_the_start(tmp_path, option):
    """The line names the option, the value and what is expected. On the command line, where blanks are
    kept; flags take no value there, so they stand in a file."""
    ini = tmp_path / 'uwsgi.ini'
    for value, expected in ((value, expected) for name, value, expected in CASES if name == option):
        ini.write_text(f'[uwsgi]\n{option} = {value}\n')
        arguments = ['--ini', ini] if option in FLAGS else [f'--{option}={value}']
        result = run('--socket', '127.0.0.1:0', *arguments)
        assert result.returncode == 1, value
        lines = [line for line in result.stderr.splitlines() if line.startswith('[rpc]')]
        assert len(lines) == 1, lines
        assert lines[0].startswith(f'[rpc] {option}: "{value}": expected ') and expected in lines[0]


def test_sensible_values_start(uwsgi):
    options = [(option, value) for option, values in SENSIBLE.items() for value in values]
    server = uwsgi(TCP, *options)
    assert server.call('hello') == b'hello'
    assert '[rpc]' not in server.log


def test_sizes_have_units(uwsgi):
    server = uwsgi(TCP, HTTP, ('http-socket-modifier1', 173), ('http-socket-modifier2', 2), ('rpc-max-body', '3k'))
    assert server.http('/first', 'POST', b'x' * 3072).status == 200
    assert server.http('/first', 'POST', b'x' * 3073).status == 413


def test_flags_can_be_off(uwsgi):
    server = uwsgi(TCP, ('rpc-empty-is-error', 'true'), ('rpc-empty-is-error', 'off'))
    assert server.call('empty') == b''


def test_a_timeout_beyond_32_bits_of_milliseconds(uwsgi):
    """It is not a short one."""
    node = uwsgi(TCP)
    server = uwsgi(TCP, ('rpc-timeout', 4294968), ('rpc-connect-timeout', 4294968),
                   ('rpc-remote', 'away %s:%d nap' % node.sockets[0]))
    assert server.call('away', '1.5') == b'slept'


def test_help_lists_every_option():
    text = run('--help').stdout
    for option in EVERY:
        assert re.search(rf'(?m)^\s+--{option}\s+\S', text), option


@pytest.mark.parametrize('option', [option for option in EVERY if option not in FLAGS])
def test_an_option_without_its_value_refuses_the_start(option):
    assert run('--' + option).returncode != 0
