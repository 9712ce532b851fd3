# SPDX-License-Identifier: MIT
"""What the master sees of a worker that serves packets: harakiri, SIGKILL, a log nobody reads and the
stats server, at the moment a packet is being served. Nothing in the memory they share points into one
process, and what lies there makes sense to whoever looks."""
import contextlib
import fcntl
import os
import re
import select
import signal
import subprocess
import threading
from pathlib import Path

import pytest
from conftest import TCP, UWSGI, Server, connect, packet, poll
from drive import functions
from test_robust import is_sleeping_in_nap

THREADS = 4
LONG_SEC = 20
PUWSGI = ('puwsgi-socket', '127.0.0.1:0')


@pytest.fixture
def start(uwsgi):
    return lambda *options: uwsgi(*functions(), *options, plugins=['rpc'], app=None)


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
    server = start(sock, ('threads', 2), ('stats', 'stats.sock'), ('harakiri', 8))
    with sleeping(server, modifier2=modifier2):
        core, = [core for core in server.stats()['workers'][0]['cores'] if core['in_request']]
        assert core['vars'] == []
    server.wait_log('HARAKIRI', 60)


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
            assert len(server.stats()['workers'][0]['cores']) == 2


# --- harakiri -------------------------------------------------------------------------------------------

def test_harakiri_in_a_thread(start):
    """The master prints what each thread was doing. (Of two calls in one worker the one that ends first
    takes the alarm of both away: uWSGI has one a worker.)"""
    server = start(TCP, ('threads', THREADS), ('harakiri', 1), ('stats', 'stats.sock'))
    for _ in range(THREADS * 2):
        assert server.call('first', 'x') == b'x'
    poll(lambda: not any(core['in_request'] for core in server.stats()['workers'][0]['cores']), what='idle threads')
    server.exchange(packet('nap', LONG_SEC * 1000), timeout=LONG_SEC)
    server.wait_log(r'HARAKIRI \[core \d\]  - \S* nap since')
    assert server.process.poll() is None
    assert server.call('first', 'on') == b'on'


# --- a log that nobody reads ----------------------------------------------------------------------------

class Stalled(Server):
    """A server with a stats socket whose log is a pipe that is read only when told to."""

    def spawn(self, wrapper=()):
        reader, writer = os.pipe()
        fcntl.fcntl(writer, fcntl.F_SETPIPE_SZ, 4096)
        self.reader = os.fdopen(reader, 'rb', buffering=0)
        self.process = subprocess.Popen([UWSGI, '--ini', str(self.ini)], stdout=writer, stderr=writer,
                                        stdin=subprocess.DEVNULL, cwd=self.directory, env=self.environment)
        os.close(writer)
        # the last that the master has to say: it would wait for the log, too
        self.read_until(rb'Stats server enabled')
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


def is_stopped(task):
    return Path(f'/proc/{task}/stat').read_text().rpartition(')')[2].split()[0] == 'T'


def stopped_while_all_wait(server, pid):
    """Stops the worker, so that what it was doing is what is printed, if each thread has a request: one
    that waited for another to have written may have gone on, and ended it."""
    if not waits_for_the_log(pid):
        return False
    os.kill(pid, signal.SIGSTOP)
    # it tells one thread, which has to run to stop the others
    poll(lambda: all(is_stopped(task) for task in tasks(pid)), what='all threads stopped')
    if all(core['in_request'] for core in server.stats()['workers'][0]['cores']):
        return True
    os.kill(pid, signal.SIGCONT)
    return False


# Those of no function: the worker is about to say so.
NAMES = {'a function': b'first', 'quotes': b'no"such\'one\\', 'control bytes': bytes(range(1, 32)),
         'long': b'x' * 255, 'no UTF-8': b'\xff\xfe\xc3'}


# Fewer than wait in the listen queue, and more than fill the log.
CALLS_MAX = 60


@contextlib.contextmanager
def stalled(directory, name, *options):
    """A server whose threads all wait for the log, each behind a packet with this name."""
    options = [TCP, ('threads', THREADS), ('stats', 'stats.sock'), *options]
    server = Stalled(directory, [*functions(), *options], plugins=['rpc'], app=None).start()
    calls, rest = [], threading.Thread(target=server.read_until)
    try:
        pid, = server.worker_pids()
        while not stopped_while_all_wait(server, pid):
            if len(calls) == CALLS_MAX:
                select.select([], [], [], 0.01)
                continue
            calls.append(connect(server.sockets[0]))
            calls[-1].sendall(packet(name, 'x' * 200))
        yield server, pid
        rest.start()
        assert server.call('first', 'on') == b'on'
    finally:
        if not rest.ident:
            rest.start()
        for call in calls:
            call.close()
        server.stop()
        rest.join()
    assert not set(server.logfile.read_bytes()) - {10, *range(32, 127)}


@pytest.mark.parametrize('name', NAMES.values(), ids=NAMES)
def test_a_log_that_stalls(tmp_path, name):
    """Every thread is about to write its line when harakiri strikes, and the master goes on. It says so
    in the log: on a busy machine it must not before they wait."""
    with stalled(tmp_path, name, ('harakiri', 12)) as (server, _):
        assert server.read_until(rb'Respawned uWSGI worker 1'), server.log
    assert 'HARAKIRI ON WORKER' in server.log


@pytest.mark.parametrize('name', NAMES.values(), ids=NAMES)
def test_a_worker_killed_while_its_log_stalls(tmp_path, name):
    with stalled(tmp_path, name) as (server, pid):
        os.kill(pid, signal.SIGKILL)
        assert server.read_until(rb'Respawned uWSGI worker 1'), server.log
    assert 'killed by signal 9' in server.log


@pytest.mark.parametrize('name', NAMES.values(), ids=NAMES)
def test_stats_while_the_log_stalls(tmp_path, name):
    """Of the packet itself it tells nothing, and what it tells is JSON."""
    with stalled(tmp_path, name) as (server, pid):
        cores = server.stats()['workers'][0]['cores']
        assert len(cores) == THREADS
        assert all(set(''.join(core['vars'])) <= set('=-') for core in cores), cores
        os.kill(pid, signal.SIGKILL)


# --- SIGKILL --------------------------------------------------------------------------------------------

def test_a_worker_killed_while_its_threads_serve(start):
    """Its callers alone lose their calls, while somebody reads the stats all the time."""
    server = start(TCP, ('threads', THREADS), ('processes', 2), ('stats', 'stats.sock'))
    ends, readings, done = [], [], threading.Event()
    server.wait_log('spawned uWSGI worker 2')

    def read_stats():
        while not done.is_set():
            readings.append(len(server.stats()['workers']))

    calls = [threading.Thread(target=lambda: ends.append(server.exchange(packet('nap', 8000), timeout=60)))
             for _ in range(3)]
    reader = threading.Thread(target=read_stats)
    for thread in [reader, *calls]:
        thread.start()
    try:
        busy = poll(lambda: [task for pid in server.worker_pids() for task in tasks(pid) if is_sleeping_in_nap(task)]
                    or None, what='a call')
        killed = int(busy[0].split('/')[0])
        os.kill(killed, signal.SIGKILL)
        server.wait_log('Respawned uWSGI worker')
        assert all(server.call('first', 'x') == b'x' for _ in range(20))
    finally:
        for thread in calls:
            thread.join()
        done.set()
        reader.join()
    assert b'' in ends and all(end == b'' or b'%d' % killed not in end for end in ends)
    assert set(readings) == {2}
