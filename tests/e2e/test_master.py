# SPDX-License-Identifier: MIT
"""What the master sees of a worker that serves packets: harakiri, SIGKILL, a log nobody reads and the
stats server, at the moment a packet is being served. Nothing in the memory they share points into one
process, and what lies there makes sense to whoever looks."""
import contextlib
import fcntl
import json
import os
import re
import select
import signal
import subprocess
import threading
from pathlib import Path

import pytest
from conftest import TCP, UWSGI, Server, connect, packet, poll, read_all
from drive import functions
from test_robust import is_sleeping_in_nap

THREADS = 4
LONG_SEC = 20
PUWSGI = ('puwsgi-socket', '127.0.0.1:0')


@pytest.fixture
def start(uwsgi):
    return lambda *options: uwsgi(*functions(), *options, plugins=['rpc'], app=None)


def stats(server):
    return json.loads(read_all(connect(str(server.directory / 'stats.sock'))))


@contextlib.contextmanager
def sleeping(server, sock=0, modifier2=0):
    """While a function of one caller sleeps."""
    pid, = server.worker_pids()
    with connect(server.sockets[sock], LONG_SEC) as caller:
        caller.sendall(packet('nap', LONG_SEC * 1000, modifier2=modifier2))
        poll(lambda: any(is_sleeping_in_nap(task) for task in tasks(pid)), 10, 'the call')
        yield pid


def tasks(pid):
    return [f'{pid}/task/{task}' for task in os.listdir(f'/proc/{pid}/task')]


# --- the stats server -----------------------------------------------------------------------------------

@pytest.mark.parametrize('modifier2', [0, 1])
@pytest.mark.parametrize('sock', [TCP, PUWSGI], ids=['socket', 'puwsgi-socket'])
def test_stats_while_a_packet_is_served(start, sock, modifier2):
    server = start(sock, ('threads', 2), ('stats', 'stats.sock'), ('harakiri', 2))
    with sleeping(server, modifier2=modifier2):
        core, = [core for core in stats(server)['workers'][0]['cores'] if core['in_request']]
        assert core['vars'] == []
    server.wait_log('HARAKIRI')


def test_the_length_of_a_packet_is_logged(start):
    server = start(TCP, ('log-format', '%(method) %(uri) %(addr) %(pktsize) bytes'))
    assert server.call('first', 'x') == b'x'
    server.wait_log(r'(?m)^RPC first 127\.0\.0\.1 10 bytes$')


def test_several_packets_on_one_connection(start):
    """Its length is what a persistent socket goes by."""
    server = start(PUWSGI, ('threads', 2), ('stats', 'stats.sock'))
    with connect(server.sockets[0]) as sock:
        for number in range(5):
            sock.sendall(packet('first', number))
            assert sock.recv(100) == b'\xad\1\0\0%d' % number
            assert len(stats(server)['workers'][0]['cores']) == 2


# --- harakiri -------------------------------------------------------------------------------------------

def test_harakiri_in_a_thread(start):
    """The master prints what each thread was doing. (Of two calls in one worker the one that ends first
    takes the alarm of both away: uWSGI has one a worker.)"""
    server = start(TCP, ('threads', THREADS), ('harakiri', 1), ('stats', 'stats.sock'))
    for _ in range(THREADS * 2):
        assert server.call('first', 'x') == b'x'
    poll(lambda: not any(core['in_request'] for core in stats(server)['workers'][0]['cores']), what='idle threads')
    server.exchange(packet('nap', LONG_SEC * 1000), timeout=LONG_SEC)
    server.wait_log(r'HARAKIRI \[core \d\]  - \S* nap since')
    assert server.process.poll() is None
    assert server.call('first', 'on') == b'on'


# --- a log that nobody reads ----------------------------------------------------------------------------

class Stalled(Server):
    """A server whose log is a pipe that is read only when told to."""

    def spawn(self, wrapper=()):
        reader, writer = os.pipe()
        fcntl.fcntl(writer, fcntl.F_SETPIPE_SZ, 4096)
        self.reader = os.fdopen(reader, 'rb', buffering=0)
        self.process = subprocess.Popen([UWSGI, '--ini', str(self.ini)], stdout=writer, stderr=writer,
                                        stdin=subprocess.DEVNULL, cwd=self.directory, env=self.environment)
        os.close(writer)
        self.read_until(rb'spawned uWSGI worker 1')
        return self

    def read_until(self, pattern=b'(?!)'):
        """Moves the pipe into the log file until there is such a line, or to its end."""
        read = b''
        while not re.search(pattern, read):
            assert select.select([self.reader], [], [], 60)[0], f'no {pattern} in {self.log}'
            piece = self.reader.read(4096)
            if not piece:
                return False
            read += piece
            with open(self.logfile, 'ab') as log:
                log.write(piece)
        return True


def waiting_for_the_log(pid):
    """Each thread that does, and how often it has slept."""
    def slept(task):
        return re.search(r'voluntary_ctxt_switches:\t(\d+)', Path(f'/proc/{task}/status').read_text())[1]

    return {task: slept(task) for task in tasks(pid) if 'pipe_w' in Path(f'/proc/{task}/wchan').read_text()}


def waits_for_the_log(pid):
    """Whether each thread that serves does, all at one time: one that waits for another to have written
    looks the same, and would then go on."""
    waiting = waiting_for_the_log(pid)
    return len(waiting) == THREADS and waiting_for_the_log(pid) == waiting


def test_a_log_that_stalls(tmp_path):
    """Every thread is about to write its line when harakiri strikes, and the master goes on."""
    options = [TCP, ('threads', THREADS), ('harakiri', 2)]
    server = Stalled(tmp_path, [*functions(), *options], plugins=['rpc'], app=None).start()
    calls, rest = [], threading.Thread(target=server.read_until)
    try:
        pid, = server.worker_pids()
        while not waits_for_the_log(pid):
            calls.append(connect(server.sockets[0]))
            calls[-1].sendall(packet('first', 'x' * 200))
        os.kill(pid, signal.SIGSTOP)  # so that what it was doing is what is printed
        assert server.read_until(rb'Respawned uWSGI worker 1'), server.log
        rest.start()
        assert server.call('first', 'on') == b'on'
        assert 'HARAKIRI ON WORKER' in server.log
    finally:
        for call in calls:
            call.close()
        server.stop()
        rest.join()
