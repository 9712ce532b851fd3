# SPDX-License-Identifier: MIT
"""Servers to compare with, see the folder peers."""
import os
import socket
import struct
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import bench

SOURCES = bench.HERE / 'peers'
BUILT = bench.BUILD / 'peers'


class Peer:
    """A server that is given its port as the last argument; answer is what the limit answers."""

    def __init__(self, *command, answer=b''):
        self.command = list(map(str, command))
        self.answer = answer
        self.directory = tempfile.TemporaryDirectory(prefix='rpc-bench-')
        self.path = Path(self.directory.name)
        self.process = None

    def start(self):
        with socket.socket() as sock:
            sock.bind(('127.0.0.1', 0))
            self.sockets = [sock.getsockname()]
        (self.path / 'answer.limit').write_bytes(self.answer)
        env = dict(os.environ, LD_PRELOAD=str(bench.BUILD / 'bench_functions.so'))
        self.process = subprocess.Popen([*self.command, str(self.sockets[0][1])], cwd=self.path, env=env,
                                        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                        stderr=subprocess.DEVNULL)
        end = time.monotonic() + bench.START_SEC
        while True:
            try:
                bench.connect(self.sockets[0]).close()
                return self
            except OSError:
                if self.process.poll() is not None or time.monotonic() > end:
                    raise RuntimeError(f'{self.command} did not start') from None
                time.sleep(0.01)

    @property
    def pid(self):
        return self.process.pid

    def stop(self):
        bench.stop_process(self.process)
        self.directory.cleanup()


def abyss():
    return Peer(BUILT / 'abyss')


def python_xmlrpc():
    return Peer(sys.executable, SOURCES / 'xmlrpc_server.py')


def jsonrpccpp():
    return Peer(BUILT / 'jsonrpccpp')


def python_jsonrpc():
    return Peer(sys.executable, SOURCES / 'jsonrpc_server.py')


def go():
    return Peer(BUILT / 'go')


def grpc():
    return Peer(BUILT / 'grpc', 'server')


def grpc_load(address, callers, calls):
    return [BUILT / 'grpc', 'load', address, callers, calls]


def grpc_load_of(size):
    return lambda address, callers, calls: [*grpc_load(address, callers, calls), size]


def thrift():
    return Peer(BUILT / 'thrift')


def thrift_call(name, *fields):
    """A framed call of the binary protocol, fields (type, bytes)."""
    head = struct.pack('>II', 0x80010001, len(name)) + name.encode() + bytes(4)
    body = b''.join(struct.pack('>BH', kind, number) + data for number, (kind, data) in enumerate(fields, 1))
    return struct.pack('>I', len(head + body) + 1) + head + body + b'\0'


def thrift_string(text):
    return 11, struct.pack('>I', len(text)) + text.encode()


def thrift_int(number):
    return 8, struct.pack('>I', number)


def limit(answer, *options):
    """The bare loop, which answers these bytes."""
    return lambda: Peer(BUILT / 'limit', *options, 'answer.limit', answer=answer)


def gevent(answer, option):
    """gevent's own server, which answers these bytes: once or kept."""
    return lambda: Peer(sys.executable, SOURCES / 'gevent_server.py', option, 'answer.limit', answer=answer)


def tls_certificate():
    """A certificate that signs itself, made on the spot; returns its file and its key's."""
    cert, key = BUILT / 'cert.pem', BUILT / 'key.pem'
    BUILT.mkdir(parents=True, exist_ok=True)
    subprocess.run(['openssl', 'req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes',
                    '-keyout', key, '-out', cert, '-subj', '/CN=node', '-addext', 'subjectAltName=IP:127.0.0.1'],
                   check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return cert, key


def openssl_server(cert, key):
    """OpenSSL's own server, which answers with the file that is asked for."""
    return Peer('openssl', 's_server', '-cert', cert, '-key', key, '-quiet', '-WWW', '-port', answer=bench.HELLO)


def openssl_load(version):
    return lambda address, callers, calls: [sys.executable, SOURCES / 's_time.py', address, version]
