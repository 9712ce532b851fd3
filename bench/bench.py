# SPDX-License-Identifier: MIT
"""What the benchmarks share: one uWSGI with either plugin, the requests sent to it, its clocks."""
import os
import re
import signal
import socket
import struct
import subprocess
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
BUILD = ROOT / 'build'
UWSGI = os.environ.get('UWSGI', 'uwsgi-core')
STOCK_DIR = Path(os.environ.get('STOCK_DIR', '/usr/lib/uwsgi/plugins'))
PLUGIN_DIRS = {'stock': STOCK_DIR, 'ours': ROOT, 'null': BUILD / 'null'}
HELLO = b'hello world'
START_SEC = 60


def array(*items):
    """The body of a uwsgi packet: items of a 16 bit length and their bytes."""
    items = [item if isinstance(item, bytes) else str(item).encode() for item in items]
    return b''.join(struct.pack('<H', len(item)) + item for item in items)


def packet(*items, modifier2=0):
    body = array(*items)
    return struct.pack('<BHB', 173, len(body), modifier2) + body


def http(path, method='GET', headers=(), body=b'', keepalive=True):
    """An HTTP/1.1 request as curl sends it, with the headers of the caller in place of its own."""
    lines = [f'{method} {path} HTTP/1.1', 'Host: 127.0.0.1', 'User-Agent: bench', 'Accept: */*']
    lines += [f'{name}: {value}' for name, value in headers]
    if body:
        lines.append(f'Content-Length: {len(body)}')
    if not keepalive:
        lines.append('Connection: close')
    return '\r\n'.join(lines).encode() + b'\r\n\r\n' + body


def connect(address, timeout=60):
    if isinstance(address, tuple):
        return socket.create_connection(address, timeout)
    sock = socket.socket(socket.AF_UNIX)
    sock.settimeout(timeout)
    sock.connect(str(address))
    return sock


def exchange(address, request):
    """One request on a connection of its own; everything that comes back until it is closed."""
    with connect(address) as sock:
        sock.sendall(request)
        return read_to_end(sock)


def read_to_end(sock):
    chunks = []
    while chunk := sock.recv(1 << 20):
        chunks.append(chunk)
    return b''.join(chunks)


def is_open(sock):
    """Whether the other side has neither closed an idle connection nor sent anything more."""
    sock.setblocking(False)
    try:
        sock.recv(1, socket.MSG_PEEK)
    except BlockingIOError:
        return True
    except OSError:
        pass
    return False


def answer_len(data):
    """The length of the answer that begins with these bytes; None: they do not tell yet."""
    if data.startswith(b'HTTP/'):
        head, end, _ = data.partition(b'\r\n\r\n')
        length = end and re.search(rb'\r\ncontent-length: *(\d+)', head, re.I)
        return len(head + end) + int(length.group(1)) if length else None
    if data.startswith(b'{') and b'\n' in data:  # Go's line of JSON
        return data.index(b'\n') + 1
    if data.startswith(b'\0') and len(data) >= 4:  # Thrift's frame
        return 4 + struct.unpack('>I', data[:4])[0]
    if data.startswith(b'\xad') and len(data) >= 4:
        _, size, modifier2 = struct.unpack('<BHB', data[:4])
        if modifier2 != 5 or len(data) < 4 + size:
            return None if modifier2 == 5 else 4 + size
        return 4 + size + int(re.search(rb'CONTENT_LENGTH..(\d+)', data[4:4 + size], re.S).group(1))
    return None


def read_answer(sock):
    """One answer on a connection that stays open: HTTP with a Content-Length, or framed."""
    data = b''
    while (length := answer_len(data)) is None or len(data) < length:
        chunk = sock.recv(1 << 20)
        if not chunk:
            break
        data += chunk
    return data


class Uwsgi:
    """
    One uWSGI, without master where one worker is enough; options are (name, value). node
    to be called: it is started before, and its address replaces <node> in the options.
    """

    def __init__(self, plugin, options, plugins=('symcall', 'rpc'), node=None):
        self.directory = tempfile.TemporaryDirectory(prefix='rpc-bench-')
        self.path = Path(self.directory.name)
        self.options = [('plugin-dir', PLUGIN_DIRS[plugin]), ('plugin-dir', STOCK_DIR)]
        self.options += [('plugin', name) for name in plugins]
        self.options += [('buffer-size', 65535), ('disable-logging', 'true'), ('need-app', 'false'),
                         ('socket-timeout', 120), ('listen', 1024),
                         ('symcall-register-rpc', 'chello bench_hello'),
                         ('symcall-register-rpc', 'blob bench_blob')]
        self.workers = dict(options).get('processes', 1)
        self.options += [('master', 'true')] * (self.workers > 1)
        self.options += options
        self.node = node() if node else None
        self.logfile = self.path / 'uwsgi.log'
        self.process = None
        self.sockets = []

    def _write_ini(self):
        node = '{}:{}'.format(*self.node.sockets[0]) if self.node else ''
        ini = self.path / 'uwsgi.ini'
        lines = ''.join(f'{name} = {value}\n' for name, value in self.options)
        ini.write_text('[uwsgi]\n' + lines.replace('<node>', node))
        return ini

    def start(self, wrapper=()):
        if self.node:
            self.node.start()
        # whoever runs this, the server's environment is the same
        env = {'PATH': '/usr/local/bin:/usr/bin:/bin', 'LC_ALL': 'C', 'LD_PRELOAD': str(BUILD / 'bench_functions.so')}
        with open(self.logfile, 'wb') as log:
            self.process = subprocess.Popen(
                [*wrapper, UWSGI, '--ini', str(self._write_ini())], cwd=self.path, env=env,
                stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        end = time.monotonic() + START_SEC
        while len(re.findall(r'spawned uWSGI worker \d+ \(', self.log)) < self.workers:
            if self.process.poll() is not None or time.monotonic() > end:
                raise RuntimeError(f'uWSGI did not start:\n{self.log}')
            time.sleep(0.01)
        bound = re.findall(r'uwsgi socket \d+ bound to (?:TCP|UNIX) address (\S+)', self.log)
        self.sockets = [self._address(text) for text in bound]
        return self

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.stop()

    def _address(self, text):
        if ':' not in text:
            return str(self.path / text)
        host, port = text.rsplit(':', 1)
        return host, int(port)

    @property
    def log(self):
        return self.logfile.read_text(errors='replace')

    @property
    def pid(self):
        return self.process.pid

    def stop(self):
        stop_process(self.process)
        if self.node:
            self.node.stop()
        self.directory.cleanup()


def stop_process(process):
    if process and process.poll() is None:
        process.send_signal(signal.SIGINT)
        try:
            process.wait(60)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def processes(pid):
    """A server's process and its workers."""
    children = Path(f'/proc/{pid}/task/{pid}/children').read_text().split()
    return [pid, *map(int, children)]


def cpu_seconds(pid):
    """User and system time of a server, from its processes' CPU clocks (clock_getcpuclockid(3))."""
    return sum(time.clock_gettime((~process << 3) | 2) for process in processes(pid))


def wakeups(pid):
    """How often each thread of a server has waited and gone on: {thread: times}."""
    threads = [int(task) for process in processes(pid) for task in os.listdir(f'/proc/{process}/task')]
    return {thread: int(re.search(r'\bvoluntary_ctxt_switches:\s+(\d+)',
                                  Path(f'/proc/{thread}/status').read_text()).group(1)) for thread in threads}


def status_kib(pid, name):
    return int(re.search(rf'{name}:\s+(\d+)', Path(f'/proc/{pid}/status').read_text()).group(1))


def rss_kib(pid):
    return status_kib(pid, 'VmRSS')


def peak_kib(pid):
    """The largest resident size since peak_reset."""
    return status_kib(pid, 'VmHWM')


def peak_reset(pid):
    Path(f'/proc/{pid}/clear_refs').write_text('5')


def table(header, rows):
    """Rows of text as a Markdown table."""
    rows = [[str(cell) for cell in row] for row in (header, *rows)]
    widths = [max(map(len, column)) for column in zip(*rows)]
    lines = ['| ' + ' | '.join(cell.ljust(width) for cell, width in zip(row, widths)) + ' |' for row in rows]
    lines.insert(1, '|' + '|'.join('-' * (width + 2) for width in widths) + '|')
    return '\n'.join(lines)
