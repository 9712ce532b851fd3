# SPDX-License-Identifier: MIT
"""A real uWSGI for each test: started in a temporary directory, polled until ready, stopped by pid."""
import contextlib
import http.client
import itertools
import json
import os
import random
import re
import select
import shutil
import signal
import socket
import struct
import subprocess
import time
from pathlib import Path

import matrix
import pytest
from matrix import (cell, pytest_runtest_logreport, pytest_sessionfinish,  # noqa: F401
                    pytest_terminal_summary)

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
UWSGI = os.environ.get('UWSGI', 'uwsgi-core')
PLUGIN_DIR = Path(os.environ.get('RPC_PLUGIN_DIR', ROOT))
BUILD = Path(os.environ.get('RPC_BUILD', ROOT / 'build'))
# Libraries loaded before uWSGI, for an instrumented plugin.
PRELOAD = os.environ.get('RPC_PRELOAD', '')
# Libraries the plugin was built without: the bridge of each answers 501.
WITHOUT = os.environ.get('RPC_WITHOUT', '').split()
SUPPRESSIONS = f'suppressions={HERE.parent}/suppressions/asan.supp'
START_SEC = 60
# Characters: of a value in a test's name, and of the name.
ID_MAX, NAME_MAX = 120, 4096
PLUGINS, PLUGIN_SOURCES = '/usr/lib/uwsgi/plugins', '/usr/src/uwsgi/plugins'
READY = re.compile(r'spawned uWSGI (?:worker \d+|worker 1 \(and the only\))')
# The master spawns its workers first.
READY_WITH_STATS = re.compile('Stats server enabled')
SANITIZED = re.compile(r'ERROR: AddressSanitizer|runtime error:')
REPORTS = re.compile(SANITIZED.pattern + r'|got Segmentation Fault')


def free_port():
    """A port nobody listens on, outside the range from which the system gives out its own."""
    while True:
        port = random.randrange(10000, 32000)
        with socket.socket() as sock:
            try:
                sock.bind(('127.0.0.1', port))
                return port
            except OSError:
                continue


def pytest_configure(config):
    config.addinivalue_line('markers', 'alone(reason): not beside other tests')
    config.addinivalue_line('markers', 'uninstrumented(reason): not with an instrumented plugin')


def pytest_make_parametrize_id(val):
    """What a long value adds to a test's name. pytest has the name in the environment, and no program can
    be started with a variable of more than 128 KiB."""
    if isinstance(val, (str, bytes)) and len(val) > ID_MAX:
        return f'{len(val)}:{ascii(val[:ID_MAX // 2])}'
    return None


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    matrix.number(items)
    for item in items:
        group = sharers(item)
        if group and not item.get_closest_marker('xdist_group'):
            item.add_marker(pytest.mark.xdist_group(group))
        marker = item.get_closest_marker('uninstrumented')
        if marker and PRELOAD:
            item.add_marker(pytest.mark.skip(reason=marker.args[0]))
    assert all(len(item.nodeid) < NAME_MAX for item in items)
    # Those that share a server are run by one process, and first: what is left then is of one test each.
    items.sort(key=lambda item: item.get_closest_marker('xdist_group') is None)


def sharers(item):
    """A name for the tests that share fixtures of their module with this one, each for the same
    parameters; empty when it shares nothing."""
    shared = [name for name, found in item._fixtureinfo.name2fixturedefs.items() if found[-1].scope == 'module']
    places = item.callspec.indices if hasattr(item, 'callspec') else {}
    return '-'.join([item.path.stem, *(f'{name}{places[name]}' for name in shared if name in places)]) if shared else ''


def copies_stacks(plugins):
    """Whether one of these has the green threads that do, with a sanitizer's red zones in them, which it
    then takes for those of another one."""
    return any(word in str(plugin) for plugin in plugins for word in ('gevent', 'greenlet'))


def poll(condition, seconds=20, what='condition'):
    """Waits until condition() is true and returns its value."""
    end = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        assert time.monotonic() < end, f'{what}: not within {seconds} s'
        select.select([], [], [], 0.01)


def array(*items):
    """The body of a uwsgi packet: items of a 16 bit length and their bytes."""
    return b''.join(struct.pack('<H', len(item)) + item for item in map(to_bytes, items))


def to_bytes(item):
    return item if isinstance(item, bytes) else str(item).encode()


def packet(*items, modifier1=173, modifier2=0):
    body = array(*items)
    return struct.pack('<BHB', modifier1, len(body), modifier2) + body


def connect(address, timeout=20):
    """address is a (host, port) pair or a path; '@name' is an abstract one of uWSGI, NUL at its end."""
    if isinstance(address, tuple):
        return socket.create_connection(address, timeout)
    address = str(address)
    sock = socket.socket(socket.AF_UNIX)
    sock.settimeout(timeout)
    sock.connect('\0' + address[1:] + '\0' if address.startswith('@') else address)
    return sock


def listens(address):
    """Whether a port, or a path, takes connections: a path is there before it does."""
    try:
        connect(('127.0.0.1', address) if isinstance(address, int) else address, 1).close()
        return True
    except OSError:
        return False


def node_name(address):
    return '%s:%d' % address if isinstance(address, tuple) else address


def read_all(sock):
    """Everything up to the end of the connection; a reset ends it too."""
    data = bytearray()
    while True:
        try:
            chunk = sock.recv(1 << 16)
        except ConnectionResetError:
            return bytes(data)
        if not chunk:
            return bytes(data)
        data += chunk


def exchange(address, data, timeout=20):
    """Sends data and returns everything that comes back until the server closes."""
    with connect(address, timeout) as sock:
        sock.sendall(data)
        return read_all(sock)


def framed(reply):
    """The result in a framed reply; None when the connection was closed without one."""
    if not reply:
        return None
    modifier1, size, modifier2 = struct.unpack('<BHB', reply[:4])
    assert modifier1 == 173
    if modifier2 == 0:
        assert len(reply) == 4 + size
        return reply[4:]
    assert modifier2 == 5
    head = b'\x0e\0CONTENT_LENGTH'
    assert reply[4:20] == head
    digits, = struct.unpack('<H', reply[20:22])
    length = int(reply[22:22 + digits])
    assert size == 16 + 2 + digits and len(reply) == 4 + size + length
    return reply[4 + size:]


class UnixHTTPConnection(http.client.HTTPConnection):
    def __init__(self, path, timeout=20):
        super().__init__('localhost', timeout=timeout)
        self.path = path

    def connect(self):
        self.sock = connect(self.path, self.timeout)


def children(pid):
    with contextlib.suppress(OSError):
        return [int(child) for child in Path(f'/proc/{pid}/task/{pid}/children').read_text().split()]
    return []


def interrupt(process, log, patience=1):
    """Stops a uWSGI. A master that is still starting misses a signal, and one that waits looks for
    workers that have ended once a second or at a signal: it is sent again while there are workers.
    Those miss it, too, while they start, and have it again after patience seconds."""
    for turn in range(1600):
        workers = children(process.pid)
        if workers or turn % 100 == 0:
            send_signal(process.pid)
        if turn % 100 == patience * 20 % 100 and turn >= patience * 20:
            for pid in workers:
                send_signal(pid)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(0.05)
            return
    process.kill()
    process.wait()
    raise AssertionError(f'uWSGI did not stop: {log()}')


def send_signal(pid):
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGINT)


class Server:
    """One uWSGI. options are (name, value) pairs of its ini file, after the ones all tests share."""

    patience = 1
    reports = REPORTS  # what its log may not say in the end

    def __init__(self, directory, options, plugins=('python3', 'rpc'), app='functions.py', env=None):
        self.directory = Path(directory)
        self.directory.mkdir(exist_ok=True)
        self.logfile = self.directory / 'uwsgi.log'
        lines = [('plugin-dir', PLUGIN_DIR)]
        lines += [('plugin', plugin) for plugin in plugins]
        # With threads on a persistent socket, uWSGI at times forgets to stop a worker.
        # uWSGI's own 4 s are short for a client that waits for a processor, and end what the plugin has to.
        lines += [('buffer-size', 65535), ('master', 'true'), ('worker-reload-mercy', 5), ('socket-timeout', 60)]
        if app:
            lines += [('wsgi-file', HERE / app), ('need-app', 'true')]
        lines += options
        self.ready = READY_WITH_STATS if 'stats' in dict(options) else READY
        self.ini = self.directory / 'uwsgi.ini'
        self.ini.write_text('[uwsgi]\n' + ''.join(f'{name} = {value}\n' for name, value in lines))
        self.environment = {**os.environ, 'LD_PRELOAD': PRELOAD, **(env or {})}
        # The sanitizer would free the signal stacks that Ruby gives its threads.
        self.environment.setdefault('ASAN_OPTIONS', f'detect_leaks=0:{SUPPRESSIONS}:use_sigaltstack=0')
        if self.environment['LD_PRELOAD'] and copies_stacks(value for name, value in lines if name == 'plugin'):
            pytest.skip('not with an instrumented plugin: greenlets copy their stacks')
        self.process = None

    def spawn(self, wrapper=()):
        with open(self.logfile, 'ab') as log:
            self.process = subprocess.Popen([*wrapper, UWSGI, '--ini', str(self.ini)], stdout=log,
                                            stderr=log, stdin=subprocess.DEVNULL,
                                            cwd=self.directory, env=self.environment)
        return self

    def start(self, wrapper=()):
        self.spawn(wrapper)
        poll(self._ready, START_SEC, f'start of uWSGI, see {self.logfile}')
        bound = re.findall(r'uwsgi socket (\d+) bound to (?:TCP|UNIX) address (\S+)', self.log)
        self.sockets = [self._address(text) for _, text in sorted(bound, key=lambda pair: int(pair[0]))]
        return self

    def _ready(self):
        assert self.process.poll() is None, self.log
        return self.ready.search(self.log)

    @staticmethod
    def _address(text):
        if text.startswith(('/', '@')) or ':' not in text:
            return text
        host, port = text.rsplit(':', 1)
        return host.strip('[]') or '127.0.0.1', int(port)

    @property
    def log(self):
        return self.logfile.read_text(errors='replace') if self.logfile.exists() else ''

    @property
    def node(self):
        """Its first socket as remote calls name it."""
        return node_name(self.sockets[0])

    def wait_log(self, pattern, seconds=20):
        return poll(lambda: re.search(pattern, self.log), seconds, f'{pattern} in {self.logfile}')

    def exchange(self, data, socket=0, timeout=20):
        return exchange(self.sockets[socket], data, timeout)

    def call(self, *items, socket=0, modifier2=0, timeout=20):
        """A call by packet: the result, or None when the connection was closed without one."""
        reply = self.exchange(packet(*items, modifier2=modifier2), socket, timeout)
        return framed(reply) if modifier2 == 0 else reply

    def connection(self, socket=1, timeout=20):
        address = self.sockets[socket]
        if isinstance(address, tuple):
            return http.client.HTTPConnection(*address, timeout=timeout)
        return UnixHTTPConnection(address, timeout)

    def http(self, path, method='GET', body=None, headers=None, socket=1, timeout=20):
        """An HTTP request; the response has .body too."""
        connection = self.connection(socket, timeout)
        try:
            connection.request(method, path, body, headers or {})
            response = connection.getresponse()
            response.body = response.read()
            return response
        finally:
            connection.close()

    def stats(self):
        """What its stats server, the option ('stats', 'stats.sock'), tells. It is asked again when it
        says nothing: before a plugin has seen an array packet, uWSGI takes it for broken variables."""
        def ask():
            with connect(str(self.directory / 'stats.sock')) as sock:
                return read_all(sock)

        return json.loads(poll(ask, what='stats'))

    def worker_pids(self):
        return [int(pid) for pid in re.findall(r'spawned uWSGI worker \d+ .*?\(?pid: (\d+)', self.log)]

    def descriptors(self):
        """How many its workers have open."""
        return sum(len(os.listdir(f'/proc/{pid}/fd')) for pid in self.worker_pids())

    def stop(self):
        """Stops it and checks that nothing in it has complained about memory."""
        if self.process and self.process.poll() is None:
            interrupt(self.process, lambda: self.log, self.patience)
        report = self.reports.search(self.log)
        assert not report, self.log


TCP = ('socket', '127.0.0.1:0')
HTTP = ('http-socket', '127.0.0.1:0')
HTTP11 = ('http11-socket', '127.0.0.1:0')
# Longer than any test waits: a connection that should be closed is not closed by this.
PATIENT = ('socket-timeout', 100)


@contextlib.contextmanager
def starter(directory):
    """start(option, ..., plugins=, app=, env=) starts a server in a directory() of its own; all are
    stopped in the end, whatever the stop of one finds."""
    with contextlib.ExitStack() as servers:
        def start(*options, wrapper=(), **kwargs):
            server = Server(directory(), list(options), **kwargs)
            servers.callback(server.stop)
            return server.start(wrapper)

        yield start


@pytest.fixture
def uwsgi(tmp_path):
    """starter() of servers that are stopped after the test."""
    numbers = itertools.count()
    with starter(lambda: tmp_path / f'uwsgi{next(numbers)}') as start:
        start.directory = tmp_path / 'other'
        yield start


@pytest.fixture(scope='module')
def shared_uwsgi(tmp_path_factory):
    """The same for one server that a whole module of tests uses."""
    with starter(lambda: tmp_path_factory.mktemp('uwsgi')) as start:
        yield start


@pytest.fixture(scope='session')
def coroae(tmp_path_factory):
    """The plugin for Coro::AnyEvent, which Debian 12 ships as source only."""
    if Path(f'{PLUGINS}/coroae_plugin.so').exists():
        return 'coroae'
    directory = tmp_path_factory.mktemp('coroae')
    shutil.copytree(f'{PLUGIN_SOURCES}/coroae', directory / 'coroae')
    (directory / 'psgi').symlink_to(f'{PLUGIN_SOURCES}/psgi')
    built = subprocess.run([UWSGI, '--build-plugin', 'coroae'], cwd=directory, text=True,
                           stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                           env=dict(os.environ, PYTHON='/usr/bin/python3'))
    assert built.returncode == 0, built.stdout
    return directory / 'coroae_plugin.so'
