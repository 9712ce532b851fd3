# SPDX-License-Identifier: MIT
"""The clients of examples/clients, against a real uWSGI and against a node that misbehaves."""
import re
import shutil
import socket
import struct
import subprocess
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from conftest import PATIENT, ROOT, TCP, free_port

CLIENTS = ROOT / 'examples' / 'clients'
ALL_BYTES = bytes(range(256))
LINES_MAX = 40
PATIENCE_SEC = 120

FUNCTIONS = """
import uwsgi

def register(function):
    uwsgi.register_rpc(function.__name__, function)

@register
def hello(name=b'nobody'):
    return b'hello ' + name

@register
def echo(data):
    return data

@register
def empty():
    return b''

@register
def every_byte():
    return bytes(range(256))

@register
def join(*args):
    return b'%d:' % len(args) + b','.join(args)

@register
def repeat(data, count):
    return data * int(count)

@register
def boom():
    raise ValueError('boom')
"""

# How each is run as a command, and how its function is called from a program (code, which gets the
# node as its argument) with all byte values, NUL among them.
PERL = 'binmode STDOUT; print uwsgi_rpc($ARGV[0], "echo", pack "C*", 0 .. 255)'
CLIENT = {
    'rpc.py': (['/usr/bin/python3', 'rpc.py'], ['/usr/bin/python3', '-c', '''
import rpc, sys
sys.stdout.buffer.write(rpc.uwsgi_rpc(sys.argv[1], b"echo", bytes(range(256))))''']),
    'rpc.pl': (['perl', '-w', 'rpc.pl'], ['perl', '-we', 'require "./rpc.pl"; ' + PERL]),
    'NetUwsgi.pm': (['perl', '-w', '-I.', '-MNetUwsgi', '-e',
                     'binmode STDOUT; print uwsgi_rpc(@ARGV)'],
                    ['perl', '-w', '-I.', '-MNetUwsgi', '-e', PERL]),
    'rpc.rb': (['ruby', '-w', 'rpc.rb'], ['ruby', '-we', '''
require "./rpc.rb"
$stdout.binmode.write uwsgi_rpc(ARGV[0], "echo", (0..255).to_a.pack("C*"))''']),
    'rpc.php': (['php', 'rpc.php'], ['php', '-r', '''
require "rpc.php"; echo uwsgi_rpc($argv[1], "echo", pack("C*", ...range(0, 255)));''']),
    'rpc.js': (['node', 'rpc.js'], ['node', '-e', '''
require("./rpc.js")(process.argv[1], "echo", Buffer.from([...Array(256).keys()]))
  .then((result) => process.stdout.write(result))''']),
    'rpc.sh': (['bash', 'rpc.sh'], ['bash', '-c', '''
. ./rpc.sh; uwsgi_rpc "$0" every_byte; [ "$(uwsgi_rpc "$0" hello me)" = "hello me" ]''']),
}


@pytest.fixture(params=CLIENT)
def client(request):
    name = request.param
    if not shutil.which(CLIENT[name][0][0]):
        pytest.skip(f'{CLIENT[name][0][0]} is not installed')
    return name


@pytest.fixture(scope='module')
def clients_server(shared_uwsgi, tmp_path_factory):
    directory = tmp_path_factory.mktemp('clients_server')
    (directory / 'functions.py').write_text(FUNCTIONS)
    return shared_uwsgi(TCP, PATIENT, ('processes', 2), ('import', directory / 'functions.py'), app=None)


def run(command, *args, stdout=subprocess.PIPE):
    return subprocess.run([*command, *args], cwd=CLIENTS, stdout=stdout, stderr=subprocess.PIPE,
                          timeout=PATIENCE_SEC, check=False)


def output(client, node, *args):
    done = run(CLIENT[client][0], node, *args)
    assert (done.returncode, done.stderr) == (0, b'')
    return done.stdout


def assert_fails(client, node, *args):
    done = run(CLIENT[client][0], node, *args)
    assert done.returncode not in (0, -6, -11)
    assert done.stderr.strip()
    return done


# --- a real server --------------------------------------------------------------------------------

def test_client_hello(client, clients_server):
    assert output(client, clients_server.node, 'hello') == b'hello nobody'
    assert output(client, clients_server.node, 'hello', 'w\u00f6rld \u20ac') == \
        'hello w\u00f6rld \u20ac'.encode()


def test_client_resolves_names(client, clients_server):
    assert output(client, f'localhost:{clients_server.sockets[0][1]}', 'hello') == b'hello nobody'


def test_client_binary_argument(client, clients_server):
    data = '\u0001\n\r\u007f\u00ff\ud7ff\U0001f600 %s \\n $x'.encode()
    if client != 'rpc.js':  # whose command line is text; its function takes a Buffer
        data += ALL_BYTES[1:]
    assert output(client, clients_server.node, 'echo', data) == data


def test_client_binary_result(client, clients_server):
    assert output(client, clients_server.node, 'every_byte') == ALL_BYTES


def test_client_function_takes_every_byte(client, clients_server):
    done = run(CLIENT[client][1], clients_server.node)
    assert (done.returncode, done.stderr, done.stdout) == (0, b'', ALL_BYTES)


def test_client_254_arguments(client, clients_server):
    args = [f'{i}' for i in range(254)]
    assert output(client, clients_server.node, 'join', *args) == \
        b'254:' + ','.join(args).encode()


def test_client_leaves_empty_arguments_out(client, clients_server):
    assert output(client, clients_server.node, 'join', '', 'a', '', 'b', '') == b'2:a,b'


def test_client_largest_packet(client, clients_server):
    data = b'x' * (65535 - 2 - len('echo') - 2)
    assert output(client, clients_server.node, 'echo', data) == data
    assert_fails(client, clients_server.node, 'echo', data + b'x')
    assert_fails(client, clients_server.node, 'join', b'x' * 40000, b'y' * 40000)
    assert_fails(client, clients_server.node, 'echo', b'x' * 65536)


@pytest.mark.parametrize('size', [1, 10, 65535, 65536, 70000, 102400])
def test_client_result_sizes(client, clients_server, size):
    assert output(client, clients_server.node, 'repeat', 'z', str(size)) == b'z' * size


def test_client_writes_to_a_file(client, clients_server, tmp_path):
    with open(tmp_path / 'result', 'ab') as file:
        file.write(b'before ')
        file.flush()
        assert run(CLIENT[client][0], clients_server.node, 'repeat', 'z', '70000',
                   stdout=file).returncode == 0
    assert (tmp_path / 'result').read_bytes() == b'before ' + b'z' * 70000


def test_client_empty_result(client, clients_server):
    assert output(client, clients_server.node, 'empty') == b''


def test_client_unknown_function_fails(client, clients_server):
    assert assert_fails(client, clients_server.node, 'nobody', 'x').stdout == b''


def test_client_255_arguments_fail_or_lose_one(client, clients_server):
    """Which of them is the plugin's affair: stock drops the last, others refuse the call."""
    done = run(CLIENT[client][0], clients_server.node, 'join', *['x'] * 255)
    assert done.returncode or done.stdout.startswith(b'254:')


def test_client_nobody_listening(client):
    assert assert_fails(client, f'127.0.0.1:{free_port()}', 'hello').stdout == b''


def test_client_without_arguments_fails(client):
    done = run(CLIENT[client][0])
    assert done.returncode not in (0, -6, -11) and done.stderr.strip()


# --- a node that answers what we want ---------------------------------------------------------------

def framed(result, modifier1=173, modifier2=0):
    return struct.pack('<BHB', modifier1, len(result), modifier2) + result


def long_framed(result, length=None, key=b'CONTENT_LENGTH', **header):
    digits = str(len(result) if length is None else length).encode()
    items = struct.pack('<H', len(key)) + key + struct.pack('<H', len(digits)) + digits
    return framed(items, **{'modifier2': 5, **header}) + result


class Node:
    """Takes one call and answers it with the given bytes, one send for each of pieces."""

    def __init__(self, pieces, stay_open=False, host='127.0.0.1'):
        self.pieces, self.stay_open = pieces, stay_open
        self.listener = socket.create_server((host, 0), family=socket.AF_INET6 if ':' in host
                                             else socket.AF_INET)
        self.listener.settimeout(PATIENCE_SEC)
        self.port = self.listener.getsockname()[1]
        self.packet = b''
        self.thread = threading.Thread(target=self.serve)

    def serve(self):
        connection, _ = self.listener.accept()
        with connection, connection.makefile('rb') as stream:
            connection.settimeout(PATIENCE_SEC)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.packet = stream.read(4)
            self.packet += stream.read(struct.unpack('<BHB', self.packet)[1])
            try:
                for piece in self.pieces:
                    connection.sendall(piece)
                while self.stay_open and stream.read(1):
                    pass
            except OSError:  # the client has seen enough
                pass

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.thread.join()
        self.listener.close()


def bytewise(data):
    return [data[i:i + 1] for i in range(len(data))]


def test_client_packet_is_as_the_protocol_has_it(client):
    with Node([framed(b'answer')]) as node:
        assert output(client, f'127.0.0.1:{node.port}', 'hello', 'one', 'three') == b'answer'
    assert node.packet == bytes.fromhex('ad 1300 00 0500 68656c6c6f 0300 6f6e65 0500 7468726565')


@pytest.mark.parametrize('reply, result', [
    (framed(b''), b''),
    (framed(ALL_BYTES), ALL_BYTES),
    (long_framed(b''), b''),
    (long_framed(ALL_BYTES), ALL_BYTES),
    (long_framed(b'0123456789'), b'0123456789'),
], ids=['empty', 'short', 'long-empty', 'long', 'ten-bytes'])
def test_client_reply_one_byte_at_a_time(client, reply, result):
    with Node(bytewise(reply)) as node:
        assert output(client, f'127.0.0.1:{node.port}', 'hello') == result


@pytest.mark.parametrize('reply', [framed(b'answer'), framed(b''), long_framed(b'y' * 70000)],
                         ids=['short', 'empty', 'long'])
def test_client_does_not_wait_for_the_end_of_the_connection(client, reply):
    # Net::uwsgi's convention is to read until the server closes.
    with Node([reply], stay_open=client != 'NetUwsgi.pm') as node:
        assert output(client, f'127.0.0.1:{node.port}', 'hello') == \
            (reply[4:] if reply[3] == 0 else b'y' * 70000)


@pytest.mark.parametrize('reply', [
    b'', b'\xad', b'\xad\x05\x00', framed(b'answer')[:-1], framed(b'x' * 60000)[:-1],
    framed(b'answer')[:4], long_framed(b'')[:-1], long_framed(b'answer')[:-1],
    long_framed(b'y' * 70000)[:-1], long_framed(b'', length=10),
], ids=['nothing', 'modifier', 'no-modifier2', 'short', 'large', 'header', 'dictionary', 'long',
        'long-large', 'long-none'])
def test_client_truncated_reply_fails(client, reply):
    with Node([reply]) as node:
        assert_fails(client, f'127.0.0.1:{node.port}', 'hello')


@pytest.mark.parametrize('reply', [
    b'HTTP/1.1 400 Bad Request\r\n\r\n' + b'x' * 32000, framed(b'answer', modifier1=0),
    framed(b'answer', modifier2=1), framed(b'', modifier2=5), long_framed(b'answer', key=b'LENGTH'),
    long_framed(b'answer', modifier1=172), long_framed(b'answer', length='six'),
], ids=['http', 'modifier1', 'modifier2', 'no-dictionary', 'no-length', 'long-modifier1', 'no-number'])
def test_client_garbled_reply_fails(client, reply):
    with Node([reply]) as node:
        assert assert_fails(client, f'127.0.0.1:{node.port}', 'hello').stdout == b''


def test_client_ipv6(client):
    try:
        socket.create_server(('::1', 0), family=socket.AF_INET6).close()
    except OSError:
        pytest.skip('no IPv6 loopback here')
    with Node([framed(b'six')], host='::1') as node:
        assert output(client, f'[::1]:{node.port}', 'hello') == b'six'


def test_netuwsgi_over_a_unix_socket(tmp_path):
    if not shutil.which('perl'):
        pytest.skip('perl is not installed')
    path = tmp_path / 'node.sock'
    with socket.socket(socket.AF_UNIX) as listener, ThreadPoolExecutor() as pool:
        listener.bind(str(path))
        listener.listen()
        done = pool.submit(run, CLIENT['NetUwsgi.pm'][0], str(path), 'hello')
        listener.settimeout(PATIENCE_SEC)
        with listener.accept()[0] as connection:
            assert connection.recv(11, socket.MSG_WAITALL) == bytes.fromhex('ad070000050068656c6c6f')
            connection.sendall(framed(b'unix'))
        assert done.result().stdout == b'unix'


# --- the folder -----------------------------------------------------------------------------------

def test_clients_are_short_and_listed():
    readme = (CLIENTS / 'README.md').read_text()
    files = {path.name for path in CLIENTS.iterdir() if path.is_file()} - {'README.md'}
    assert files == set(CLIENT)
    assert set(re.findall(r'^\| \[`([^`]+)`\]\(\1\) \|', readme, re.MULTILINE)) == files
    for name in files:
        text = (CLIENTS / name).read_text()
        assert len(text.splitlines()) <= LINES_MAX, name
        assert 'SPDX-License-Identifier: MIT' in text
