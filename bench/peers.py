# SPDX-License-Identifier: MIT
"""Servers to compare with, see the folder peers."""
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import bench

SOURCES = bench.HERE / 'peers'
BUILT = bench.BUILD / 'peers'


class Peer:
    """A server that is given its port as the last argument."""

    def __init__(self, *command):
        self.command = list(map(str, command))
        self.directory = tempfile.TemporaryDirectory(prefix='rpc-bench-')
        self.path = Path(self.directory.name)
        self.process = None

    def start(self):
        with socket.socket() as sock:
            sock.bind(('127.0.0.1', 0))
            self.sockets = [sock.getsockname()]
        self.process = subprocess.Popen([*self.command, str(self.sockets[0][1])], cwd=self.path,
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


def grpc():
    return Peer(BUILT / 'grpc', 'server')


def grpc_load(address, callers, calls):
    return [BUILT / 'grpc', 'load', address, callers, calls]
