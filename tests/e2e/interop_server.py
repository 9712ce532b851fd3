# SPDX-License-Identifier: MIT
"""Real uWSGI servers for the interoperability tests, and a call spelled out byte by byte."""
import os
import socket
import struct
import subprocess
import time
from pathlib import Path

import conftest

ROOT = Path(__file__).resolve().parents[2]
UWSGI = os.environ.get('UWSGI', 'uwsgi-core')
PLUGIN_DIR = Path('/usr/lib/uwsgi/plugins')
RPC_PLUGIN = str(conftest.PLUGIN_DIR / 'rpc_plugin.so')
PATIENCE_SEC = 120


class Server:
    """A uWSGI server in a directory of its own, on a free port, until stop() or the end of with."""

    def __init__(self, directory, ini, plugins=(), port=None):
        self.log_file = Path(directory) / 'uwsgi.log'
        self.port = port or free_port()
        self.node = f'127.0.0.1:{self.port}'
        lines = ['[uwsgi]', *(f'plugin = {plugin}' for plugin in (RPC_PLUGIN, *plugins)),
                 f'socket = {self.node}', 'buffer-size = 65535', 'master = true',
                 'die-on-term = true', 'need-app = false', 'socket-timeout = 30', *ini]
        config = Path(directory) / 'uwsgi.ini'
        config.write_text('\n'.join(lines) + '\n')
        self.run([UWSGI, '--ini', str(config)], directory)

    def run(self, command, directory):
        with open(self.log_file, 'wb') as log:
            self.process = subprocess.Popen(command, cwd=directory, stdin=subprocess.DEVNULL,
                                            stdout=log, stderr=subprocess.STDOUT,
                                            env=dict(os.environ, LD_PRELOAD=conftest.PRELOAD))

    @property
    def log(self):
        return self.log_file.read_text(errors='replace')

    def call(self, name, *args, modifier2=0):
        return call(self.port, name, *args, modifier2=modifier2)

    def wait_for_log(self, text):
        poll(lambda: text in self.log, f'{text!r} in the log:\n', self)

    def stop(self):
        self.process.terminate()
        try:
            self.process.wait(PATIENCE_SEC)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise AssertionError('uWSGI did not stop:\n' + self.log) from None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()


def start(directory, ini, plugins=()):
    """A server that accepts connections; tries another port when somebody was faster."""
    for _ in range(5):
        server = Server(directory, ini, plugins)
        try:
            poll(lambda: accepts(server.port), 'a connection:\n', server)
            return server
        except AssertionError:
            server.process.kill()
            server.process.wait()
            if 'Address already in use' not in server.log:
                raise
    raise AssertionError('no free port')


def free_port():
    with socket.socket() as sock:
        sock.bind(('127.0.0.1', 0))
        return sock.getsockname()[1]


def accepts(port):
    try:
        socket.create_connection(('127.0.0.1', port), 1).close()
        return True
    except OSError:
        return False


def poll(condition, what, server=None):
    deadline = time.monotonic() + PATIENCE_SEC
    while not condition():
        if server and server.process.poll() is not None:
            raise AssertionError(f'uWSGI ended while waiting for {what}{server.log}')
        if time.monotonic() > deadline:
            raise AssertionError(f'no {what}{server.log if server else ""}')
        time.sleep(0.02)


def call(port, name, *args, modifier2=0):
    """The result of a call, or None when the server closed without an answer."""
    body = b''.join(struct.pack('<H', len(item)) + item for item in (name.encode(), *args))
    with socket.create_connection(('127.0.0.1', port), PATIENCE_SEC) as sock:
        sock.sendall(struct.pack('<BHB', 173, len(body), modifier2) + body)
        reply = bytearray()
        while chunk := sock.recv(65536):
            reply += chunk
    if modifier2:
        return bytes(reply)
    if not reply:
        return None
    modifier1, size, kind = struct.unpack_from('<BHB', reply)
    assert (modifier1, kind in (0, 5)) == (173, True), reply[:4]
    result = bytes(reply[4 + size:] if kind == 5 else reply[4:])
    if kind == 5:
        digits = str(len(result)).encode()
        dictionary = struct.pack('<H', 14) + b'CONTENT_LENGTH' + struct.pack('<H', len(digits))
        assert reply[4:4 + size] == dictionary + digits
    else:
        assert len(result) == size
    return result
