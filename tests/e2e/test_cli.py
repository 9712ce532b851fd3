# SPDX-License-Identifier: MIT
"""uwsgi-rpc, the command-line client, against a real uWSGI server and a few that are not one."""
import fcntl
import os
import pty
import re
import shutil
import signal
import socket
import struct
import subprocess
import tempfile
import termios
import threading
import time

import pytest
from conftest import PLUGIN_DIR, PRELOAD

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
CLI = os.path.join(ROOT, "build", "uwsgi-rpc")
UWSGI = os.environ.get("UWSGI", "uwsgi-core")
READY_SEC = 60

APP = '''
import uwsgi

uwsgi.register_rpc("hello", lambda: b"Hello World")
uwsgi.register_rpc("join", lambda *args: b"|".join(args))
uwsgi.register_rpc("last_len", lambda *args: b"%d" % len(args[-1]))
uwsgi.register_rpc("echo", lambda arg: arg)
uwsgi.register_rpc("bytes", lambda count: bytes(range(256)) * (int(count) // 256))
'''


class CliServer:
    """A server of the functions above on TCP, on a UNIX socket and on an abstract one."""

    def __init__(self, folder):
        self.folder = folder
        self.unix = os.path.join(folder, "node.sock")
        self.abstract = "@rpc-cli-test-%d" % os.getpid()
        self.log = os.path.join(folder, "log")
        with open(os.path.join(folder, "cli_functions.py"), "w") as app:
            app.write(APP)

    def start(self):
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen(
                [UWSGI, "--plugins", "python3", "--plugin", PLUGIN_DIR / "rpc_plugin.so", "--master", "--workers", "2",
                 "--buffer-size", "65535", "--socket", "127.0.0.1:0", "--socket", self.unix,
                 "--socket", self.abstract, "--pythonpath", self.folder,
                 "--import", "cli_functions", "--die-on-term"],
                stdout=log, stderr=subprocess.STDOUT, cwd=self.folder,
                env=dict(os.environ, LD_PRELOAD=PRELOAD))
        deadline = time.monotonic() + READY_SEC
        while not self.answers():
            assert self.process.poll() is None and time.monotonic() < deadline, self.read_log()
            time.sleep(0.02)
        return self

    def read_log(self):
        with open(self.log, errors="replace") as log:
            return log.read()

    def answers(self):
        """Ready is a server whose port is known and that answers a call."""
        port = re.search(r"bound to TCP address (127\.0\.0\.1:\d+)", self.read_log())
        if not port:
            return False
        self.tcp = port.group(1)
        return subprocess.run([CLI, "--timeout", "1", self.tcp, "hello"],
                              capture_output=True).stdout == b"Hello World"

    def stop(self):
        self.process.send_signal(signal.SIGINT)
        self.process.wait(20)


@pytest.fixture(scope="module")
def cli_server():
    assert os.path.exists(CLI), "build it first: make cli"
    folder = tempfile.mkdtemp(prefix="rpc-cli-")
    server = CliServer(folder)
    try:
        yield server.start()
    finally:
        server.stop()
        shutil.rmtree(folder)


@pytest.fixture
def cli_fake_node():
    """Returns a function: a node that answers each connection with the bytes given, then closes."""
    listeners = []

    def open_node(reply, keep_open=False):
        listener = socket.create_server(("127.0.0.1", 0))
        listeners.append(listener)
        held = []

        def serve():
            try:
                while True:
                    peer, _ = listener.accept()
                    peer.recv(65540)
                    peer.sendall(reply)
                    if keep_open:
                        held.append(peer)
                    else:
                        peer.close()
            except OSError:
                pass

        threading.Thread(target=serve, daemon=True).start()
        return "127.0.0.1:%d" % listener.getsockname()[1]

    yield open_node
    for listener in listeners:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()


def run_cli(*args, **kwargs):
    return subprocess.run([CLI, *args], capture_output=True, timeout=60, **kwargs)


def closed_port():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return "127.0.0.1:%d" % listener.getsockname()[1]


# --- results ------------------------------------------------------------------------------------

@pytest.mark.parametrize("address", ["tcp", "unix", "abstract", "name"])
def test_cli_result_and_nothing_else(cli_server, address):
    node = (cli_server.tcp.replace("127.0.0.1", "localhost") if address == "name"
            else getattr(cli_server, address))
    done = run_cli(node, "hello")
    assert (done.returncode, done.stdout, done.stderr) == (0, b"Hello World", b"")


def test_cli_relative_path(cli_server):
    assert run_cli("./node.sock", "hello", cwd=cli_server.folder).stdout == b"Hello World"


@pytest.mark.parametrize("count", [256, 65280, 65536, 5 * 1024 * 1024])
def test_cli_binary_result(cli_server, count):
    assert run_cli(cli_server.tcp, "bytes", str(count)).stdout == bytes(range(256)) * (count // 256)


def test_cli_large_result_is_held_once(cli_server):
    """64 MB of result, 64 MB and a little of memory."""
    with open(os.devnull, "wb") as nowhere:
        child = subprocess.Popen([CLI, cli_server.unix, "bytes", str(64 << 20)], stdout=nowhere)
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = status
    small = subprocess.Popen([CLI, "--version"], stdout=subprocess.DEVNULL)
    _, _, floor = os.wait4(small.pid, 0)
    small.returncode = 0
    assert status == 0
    assert usage.ru_maxrss - floor.ru_maxrss < 65 * 1024  # KiB


def test_cli_arguments(cli_server):
    args = ["a", "\u00e4", "with blank", "-5", "-x"]
    assert run_cli(cli_server.tcp, "join", *args).stdout.decode() == "|".join(args)
    many = ["%d" % i for i in range(254)]
    assert run_cli(cli_server.tcp, "join", *many).stdout.decode() == "|".join(many)
    too_many = run_cli(cli_server.tcp, "join", *many, "x")
    assert too_many.returncode == 64 and b"more than 254 arguments" in too_many.stderr


def test_cli_empty_argument_is_left_out(cli_server):
    done = run_cli(cli_server.tcp, "join", "a", "", "b")
    assert done.stdout == b"a|b"
    assert b"left out" in done.stderr


def test_cli_stdin(cli_server):
    data = bytes(range(256)) * 255
    assert run_cli("--stdin", cli_server.tcp, "echo", input=data).stdout == data
    assert run_cli("--stdin", cli_server.tcp, "join", "x", input=b"y\n").stdout == b"x|y\n"
    assert run_cli("--stdin", cli_server.tcp, "last_len", input=b"x" * 65000).stdout == b"65000"


def test_cli_sizes(cli_server):
    # a packet has 65535 bytes: a u16 length and the name, a u16 length and the argument
    most = 65535 - 2 - len("last_len") - 2
    assert run_cli("--stdin", cli_server.tcp, "last_len", input=b"x" * most).stdout == b"%d" % most
    too_large = run_cli("--stdin", cli_server.tcp, "last_len", input=b"x" * (most + 1))
    assert (too_large.returncode, too_large.stdout) == (7, b"")
    too_long = run_cli("--stdin", cli_server.tcp, "last_len", input=b"x" * 65536)
    assert (too_long.returncode, too_long.stdout) == (8, b"")
    assert run_cli(cli_server.tcp, "last_len", "x" * 65536).returncode == 8


def test_cli_raw(cli_server):
    assert run_cli("--raw", cli_server.tcp, "hello").stdout == b"Hello World"
    assert run_cli("--raw", cli_server.tcp, "bytes", "1048576").stdout == bytes(range(256)) * 4096


# --- failures -----------------------------------------------------------------------------------

def test_cli_unknown_function(cli_server):
    done = run_cli(cli_server.tcp, "nosuch")
    assert (done.returncode, done.stdout) == (4, b"")
    assert done.stderr.decode() == ("uwsgi-rpc: %s: the node closed the connection without an "
                                    "answer\n" % cli_server.tcp)


def test_cli_unreachable():
    node = closed_port()
    done = run_cli(node, "hello")
    assert (done.returncode, done.stdout) == (2, b"")
    assert done.stderr.decode() == ("uwsgi-rpc: %s: the node is unreachable: Connection refused\n"
                                    % node)
    assert run_cli("/nonexistent/x.sock", "hello").returncode == 2
    assert run_cli("@no-such-abstract-socket", "hello").returncode == 2


def test_cli_next_node(cli_server):
    assert run_cli(closed_port() + "," + cli_server.tcp, "hello").stdout == b"Hello World"


def test_cli_timeout(cli_fake_node):
    node = cli_fake_node(b"\xad\5\0\0hell", keep_open=True)
    start = time.monotonic()
    done = run_cli("--timeout", "0.3", node, "hello")
    assert (done.returncode, done.stdout) == (3, b"")
    assert 0.3 <= time.monotonic() - start < 15


@pytest.mark.parametrize("reply, code", [
    (b"", 4), (b"\xad\3\0\0he", 4), (b"HTTP/1.0 200 OK\r\n\r\n", 5), (b"\xad\5\0\0hello", 6),
    (b"\xad\4\0\0hell", 0)])
def test_cli_bad_nodes(cli_fake_node, reply, code):
    done = run_cli("--max-response", "4", cli_fake_node(reply), "hello")
    assert (done.returncode, done.stdout) == (code, b"hell" if code == 0 else b"")
    assert bool(done.stderr) == bool(code)


def test_cli_output_cannot_be_written(cli_server):
    with open("/dev/full", "wb") as full:
        done = subprocess.run([CLI, cli_server.tcp, "hello"], stdout=full, stderr=subprocess.PIPE)
    assert done.returncode == 1
    assert b"standard output" in done.stderr


# --- the command line ---------------------------------------------------------------------------

@pytest.mark.parametrize("args", [
    [], ["@node"], ["--nosuch", "@node", "f"], ["--timeout", "0", "@node", "f"],
    ["--timeout", "x", "@node", "f"], ["--timeout", "nan", "@node", "f"], ["--timeout"],
    ["--timeout", "1e9", "@node", "f"], ["--connect-timeout", "-1", "@node", "f"],
    ["-c", "5", "@node", "f"], ["--keepalive", "@node", "f"], ["--bench", "-c", "0", "@node", "f"],
    ["--bench", "-n", "0", "@node", "f"], ["--bench", "--raw", "--keepalive", "@node", "f"],
    ["@node", ""], ["@node", "f" * 256], ["nocolon", "f"], ["127.0.0.1:0", "f"],
    ["@node", "f", "--stdin"], ["@node", "f", "--timeout=5"], ["--max-response", "0", "@node", "f"]])
def test_cli_wrong_command_line(args):
    done = run_cli(*args)
    assert (done.returncode, done.stdout) == (64, b"")
    assert done.stderr.startswith(b"uwsgi-rpc: ") or CLI.encode() in done.stderr


def test_cli_double_dash(cli_server):
    assert run_cli("--", cli_server.tcp, "join", "--stdin", "--raw").stdout == b"--stdin|--raw"


def test_cli_help_and_version():
    assert run_cli("--help").stdout.startswith(b"Usage: uwsgi-rpc ")
    assert re.fullmatch(rb"uwsgi-rpc \d+\.\d+\.\d+\n", run_cli("--version").stdout)


def test_cli_help_and_man_page_tell_all_options():
    with open(os.path.join(ROOT, "cli", "uwsgi-rpc.1")) as page:
        manual = page.read()
    for option in re.findall(r"--([a-z-]+)", run_cli("--help").stdout.decode()):
        assert re.search(r"^\.It .*Fl -%s\b" % option, manual, re.MULTILINE), option


@pytest.mark.skipif(not shutil.which("groff"), reason="groff is not installed")
def test_cli_man_page_is_clean():
    done = subprocess.run(["groff", "-mandoc", "-Tutf8", "-ww", "cli/uwsgi-rpc.1"], cwd=ROOT,
                          capture_output=True)
    assert (done.returncode, done.stderr) == (0, b"")


# --- bench --------------------------------------------------------------------------------------

def test_cli_bench(cli_server):
    done = run_cli("--bench", "-c", "20", "-n", "2000", cli_server.tcp, "hello")
    assert (done.returncode, done.stderr) == (0, b"")  # no progress bar: this is no terminal
    assert re.search(rb"^calls +2000 in [\d.]+ s over 20 connections$", done.stdout, re.MULTILINE)
    assert re.search(rb"^per second +\d+ calls", done.stdout, re.MULTILINE)
    found = re.search(rb"p50 ([\d.]+)  p90 ([\d.]+)  p99 ([\d.]+)  max ([\d.]+)", done.stdout)
    latencies = [float(latency) for latency in found.groups()]
    assert latencies == sorted(latencies) and latencies[0] > 0
    assert re.search(rb"^failures +0$", done.stdout, re.MULTILINE)


def test_cli_bench_counts_failures_by_kind(cli_server):
    done = run_cli("--bench", "-c", "3", "-n", "50", cli_server.tcp, "nosuch")
    assert done.returncode == 4
    assert re.search(rb"^failures +50  node-closed 50$", done.stdout, re.MULTILINE)


def test_cli_bench_keepalive_to_a_node_that_closes(cli_server):
    """No call is lost on a connection that the node is about to close."""
    done = run_cli("--bench", "--keepalive", "-c", "4", "-n", "2000", cli_server.tcp, "hello")
    assert done.returncode == 0, done.stdout


def test_cli_bench_progress_bar_on_a_terminal(cli_server):
    terminal, other = pty.openpty()
    done = subprocess.run([CLI, "--bench", "-c", "2", "-n", "300", cli_server.tcp, "hello"],
                          stdout=subprocess.PIPE, stderr=other, timeout=60)
    os.close(other)
    drawn = os.read(terminal, 65536)
    os.close(terminal)
    assert done.returncode == 0
    assert b"of 300" in drawn
    assert b"of 300" not in done.stdout


# --- standard input and output that do not block --------------------------------------------------


def waiting_bytes(pipe):
    return struct.unpack("i", fcntl.ioctl(pipe, termios.FIONREAD, b"\0" * 4))[0]


def wait_until(condition):
    deadline = time.monotonic() + READY_SEC
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.001)


def test_cli_output_that_does_not_block(cli_server):
    """To a reader that begins when the pipe is full."""
    end, pipe = os.pipe2(os.O_NONBLOCK)
    full = fcntl.fcntl(pipe, fcntl.F_GETPIPE_SZ)
    process = subprocess.Popen([CLI, cli_server.tcp, "bytes", "999936"], stdout=pipe)
    os.close(pipe)
    wait_until(lambda: waiting_bytes(end) == full)
    os.set_blocking(end, True)
    with open(end, "rb") as result:
        assert result.read() == bytes(range(256)) * (999936 // 256)
    assert process.wait(READY_SEC) == 0


def test_cli_input_that_does_not_block(cli_server):
    """From a writer that waits until each piece has been read."""
    pipe, end = os.pipe2(os.O_NONBLOCK)
    process = subprocess.Popen([CLI, "--stdin", cli_server.tcp, "echo"], stdin=pipe,
                               stdout=subprocess.PIPE)
    for number in range(50):
        os.write(end, b"%d," % number)
        wait_until(lambda: waiting_bytes(pipe) == 0 or process.poll() is not None)
    os.close(end)
    assert process.communicate(timeout=READY_SEC)[0] == b"".join(b"%d," % i for i in range(50))
    assert process.returncode == 0
    os.close(pipe)
