#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""soak.py [SECONDS]: good and hostile traffic at full speed, for SECONDS (default 600).

Four servers whose functions are C's: a node; a steady one in front of it and one of green threads
(gevent), whose workers' memory and descriptors are watched; and a troubled one, whose workers are
killed (SIGKILL) and which is reloaded (SIGHUP to the master) again and again. Every good call has to be
answered, and rightly. Each server may lose, of a hundred, one that it asks a node for which closes after
its answer: a connection to it may be kept too early, until that is learnt (client/kept.h). The troubled
one may lose these, too:

  - one that a killed worker was serving;
  - one sent on a kept connection, while it was being closed: by a worker that a reload or
    max-requests ends. No byte of an answer arrives then, and whether the call was made is not known.
    A client that keeps connections has to expect that of any server;
  - one that a worker was just taking when a reload ended it: uWSGI's own signal handler exits between
    accept() and the request, with any application (1 of some 1,000 signals). No byte of an answer
    arrives.

Ends with 1 when a call is lost otherwise, when memory or descriptors grow, or when a worker dies
that nobody has killed.
"""
import contextlib
import multiprocessing
import os
import queue
import random
import re
import select
import signal
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / 'e2e'))
import drive  # noqa: E402
import transports  # noqa: E402
from certificates import Certificates  # noqa: E402
from conftest import PLUGIN_DIR, Server, connect, framed, free_port, packet, poll  # noqa: E402

CALLERS = 2  # of each server
GREEN_THREADS = 40
ATTACKERS = 2
KILL_EVERY_SEC = 1.5
RELOAD_EVERY_SEC = 8
MAX_REQUESTS = 500
# A process that is killed is gone only when the system has had time for it.
DYING_SEC = 0.5
# What there is of a call without a byte of an answer.
NOTHING = ('ConnectionResetError', 'BrokenPipeError', 'Lost closed', 'Lost no answer', 'LostAtNode None',
           'AssertionError no answer')
# The share of good calls that may be lost at a node that closes after its answer.
LOST_AT_NODE_MAX = 0.01
# Memory is compared with that after this share of the time, and descriptors with the most there were
# at once until twice as much: how many a worker keeps in the end changes with what came last.
WARM_UP = 0.3
GROWTH_MAX = 1 << 20  # bytes
CLIENT_TIMEOUT_SEC = 60
SERVER_TIMEOUT_SEC = 4
# What a busy machine has to let go of what was kept open.
CLOSING_SEC = 30
# A client that keeps connections stays clear of the server's own timeout.
IDLE_MAX_SEC = SERVER_TIMEOUT_SEC / 8

# malloc returns what is freed, so that resident memory tells what is in use.
MALLOC = {'MALLOC_ARENA_MAX': '1', 'MALLOC_MMAP_THRESHOLD_': '65536', 'MALLOC_TRIM_THRESHOLD_': '65536'}


# --- good calls -------------------------------------------------------------------------------------

class Lost(Exception):
    pass


class LostAtNode(Lost):
    """In what a server asks a node for that closes after its answer."""


def check(holds, what):
    if not holds:
        raise Lost(what)


def check_same(answer, data):
    check(answer == data, f'wrong answer: {answer and answer[:40]} for {data[:40]}')


def check_packet(answer, data):
    """None is what came of a connection that was closed without a byte."""
    check(answer is not None, 'no answer')
    check_same(answer, data)


def check_from_node(got, answer, lost):
    """lost() tells, by what has come of a node that closes, that the call was lost."""
    if lost(got):
        raise LostAtNode(str(got)[:80])
    check(got == answer, f'wrong answer: {str(got)[:80]}')


class Kept:
    """A persistent connection, opened again when it is gone or was idle for long."""

    def __init__(self, address):
        self.address, self.sock, self.used = address, None, 0

    def call(self, data):
        idle = time.monotonic() - self.used
        if self.sock and (idle > IDLE_MAX_SEC or select.select([self.sock], [], [], 0)[0]):
            self.close()
        if not self.sock:
            self.sock = connect(self.address, CLIENT_TIMEOUT_SEC)
        try:
            self.sock.sendall(packet('first', data))
            reply = b''
            while len(reply) < 4 + len(data):
                chunk = self.sock.recv(1 << 16)
                if not chunk:
                    raise Lost('closed' if not reply else 'cut')
                reply += chunk
            check_same(framed(reply), data)
            self.used = time.monotonic()
        except (OSError, Lost):
            self.close()
            raise

    def close(self):
        if self.sock:
            self.sock.close()
        self.sock = None


class Caller:
    """Makes good calls to one server, of one kind after the other."""

    def __init__(self, server):
        self.server, self.kept = server, Kept(server.sockets[-1])

    def data(self):
        return bytes(random.randbytes(random.choice((1, 20, 300, 5000)))).replace(b'\0', b'0')

    def packet(self):
        data = self.data()
        check_packet(transports.framed_packet(self.server, 'first', data), data)

    def raw(self):
        data = self.data()
        check_packet(transports.raw_packet(self.server, 'first', data) or None, data)

    def large(self):
        check_packet(transports.framed_packet(self.server, 'big', 300000), b'x' * 300000)

    def persistent(self):
        for _ in range(10):
            self.kept.call(self.data())

    def path(self):
        check_same(transports.path_info(self.server, 'first', b'text'), b'text')

    def xmlrpc(self):
        data = self.data()
        check_same(transports.xml_rpc(self.server, 'first', data), data)

    def jsonrpc(self):
        data = self.data()
        check_same(transports.json_rpc(self.server, 'first', data), data)

    def remote(self):
        data = self.data()
        check_from_node(transports.framed_packet(self.server, 'away', data), data, drive.no_result)

    def remote_kept(self):
        data = self.data()
        check_packet(transports.framed_packet(self.server, 'kept', data), data)

    def remote_tls(self):
        data = self.data()
        check_from_node(transports.framed_packet(self.server, 'tls', data), data, drive.no_result)

    def route(self):
        outcome = drive.outcome(self.server, '/route/rpc/local/tail', ARG='text')
        check(outcome == (200, b'texttail'), str(outcome))

    def route_node(self):
        outcome = drive.outcome(self.server, '/route/rpc/both/tail', ARG='text')
        check_from_node(outcome, (200, b'texttail'), drive.bad_gateway)

    def gather(self):
        outcome = drive.outcome(self.server, '/route/gather/tail', ARG='text')
        check_from_node(outcome, (200, b'texttail' * 4), drive.bad_gateway)

    def client(self):
        outcome = drive.outcome(self.server, '/route/client/tail', ARG='text')
        check_from_node(outcome, (200, b'texttail'), drive.empty)

    def client_gather(self):
        outcome = drive.outcome(self.server, '/route/client-gather')
        check_from_node(outcome, (200, drive.CLIENT_GATHERED.encode()), drive.one_more_is_closed)

    KINDS = (packet, raw, large, persistent, path, xmlrpc, jsonrpc, remote, remote_kept, remote_tls,
             route, route_node, gather, client, client_gather)


def call_until(stop, caller, results):
    """Calls until the time is over; puts (calls made, failures) into results."""
    random.seed()
    made, failures = Counter(), []
    while time.monotonic() < stop:
        kind = random.choice(Caller.KINDS)
        start = time.monotonic()
        try:
            kind(caller)
            made[kind.__name__] += 1
        except Exception as error:  # an answer cut short breaks what parses it in many ways
            what = f'{type(error).__name__} {error}'[:100]
            failures.append((caller.server.directory.name, kind.__name__, start, time.monotonic(), what))
    caller.kept.close()
    results.put((made, failures))


# --- hostile traffic ----------------------------------------------------------------------------------

# Not to the last socket of a server: in gevent, clients that leave a puwsgi-socket early, or half, end
# the worker, without any rpc plugin too; and the node's last one takes TLS.
def attack_until(stop, servers, results):
    random.seed()
    made = Counter()
    cases = list(drive.HOSTILE.values()) + [packet('big', 2 << 20), packet('big', 2 << 20, modifier2=1)]
    while time.monotonic() < stop:
        server = random.choice(servers)
        address = random.choice(server.sockets[:-1])
        data = random.choice(cases)
        if random.random() < 0.3 and data:
            mutable = bytearray(data)
            mutable[random.randrange(len(data))] = random.randrange(256)
            data = bytes(mutable)
        with contextlib.suppress(OSError):
            drive.send_and_leave(address, data, reset=random.random() < 0.3,
                                 half_open=random.random() < 0.3)
        made['hostile'] += 1
    results.put((made, []))


# --- trouble ---------------------------------------------------------------------------------------------

def children(pid):
    try:
        return [int(child) for child in Path(f'/proc/{pid}/task/{pid}/children').read_text().split()]
    except FileNotFoundError:
        return []


def happened(times, start, end):
    """Whether one of these can have ended a worker meanwhile."""
    return any(start - DYING_SEC <= after and before <= end for before, after in times)


AT_NODE = 'at a node that closes'


class Trouble:
    def __init__(self, server):
        # Each by the moments before and after it: whoever makes it may be held up in between.
        self.server, self.kills, self.reloads = server, [], []
        self.next_kill = time.monotonic() + KILL_EVERY_SEC
        self.next_reload = time.monotonic() + RELOAD_EVERY_SEC

    def make(self):
        now = time.monotonic()
        if now >= self.next_kill:
            workers = children(self.server.process.pid)
            if workers:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(random.choice(workers), signal.SIGKILL)
                    self.kills.append((now, time.monotonic()))
            self.next_kill = now + KILL_EVERY_SEC
        if now >= self.next_reload:
            os.kill(self.server.process.pid, signal.SIGHUP)
            self.reloads.append((now, time.monotonic()))
            self.next_reload = now + RELOAD_EVERY_SEC

    def excuse(self, failure):
        """Why a call was lost, or None: nothing excuses it."""
        server, kind, start, end, what = failure
        if server == self.server.directory.name:
            if happened(self.kills, start, end):
                return 'in a killed worker'
            if kind == 'persistent' and what.startswith(NOTHING):
                return 'on a kept connection that was being closed'
            if happened(self.reloads, start, end) and what.startswith(NOTHING):
                return 'that a worker was taking when it was reloaded'
        return AT_NODE if what.startswith(LostAtNode.__name__) else None


# --- memory and descriptors ----------------------------------------------------------------------------------

def usage(pid):
    """Resident bytes that are the process's own, and open descriptors."""
    text = Path(f'/proc/{pid}/smaps_rollup').read_text()
    private = sum(int(size) for size in re.findall(r'^Private_\w+:\s+(\d+) kB', text, re.M))
    return private * 1024, descriptors(pid)


def descriptors(pid):
    return len(os.listdir(f'/proc/{pid}/fd'))


def start_servers(directory, stack):
    common = [('listen', 512), ('socket-timeout', SERVER_TIMEOUT_SEC), ('disable-logging', 'true')]

    def start(name, options, engine=()):
        server = Server(directory / name, options, (*engine, PLUGIN_DIR / 'rpc_plugin.so'), None, MALLOC)
        stack.callback(server.stop)
        return server.start()

    def front(name, *more, engine=()):
        # A port of its own choice would be another one after each reload. And uWSGI 2.0 hangs, busy,
        # with kept connections on a second persistent socket: no http11-socket beside puwsgi-socket.
        # In gevent, hostile clients of an http-socket end the worker: uWSGI's own fault.
        left_out = ('log-format', 'http11-socket') if engine else ('log-format',)
        options = [(option.replace('http11', 'http'),
                    f'127.0.0.1:{free_port()}' if value == '127.0.0.1:0' else value)
                   for option, value in drive.front_options(directory) if option not in left_out]
        sockets = [('socket', directory / f'{name}.sock'), ('puwsgi-socket', directory / f'{name}-kept.sock')]
        return start(name, options + sockets + common + list(more), engine)

    certificates = Certificates(directory)
    name, keys = certificates.socket()
    tls = f'127.0.0.1:{free_port()}'
    encrypted = (*certificates.options(), ('rpc-remote', f'tls ssl:{tls} first'))
    node = start('node', drive.node_options(directory) + [(name, keys.replace('127.0.0.1:0', tls))] + common
                 + [('processes', 2), ('threads', 32)])
    steady = front('steady', ('processes', 2), ('threads', 8), *encrypted)
    troubled = front('troubled', ('processes', 8), ('max-requests', MAX_REQUESTS),
                     ('min-worker-lifetime', 2), *encrypted)
    green = front('green', ('gevent', GREEN_THREADS), *encrypted, engine=('python3', 'gevent_python3'))
    return node, steady, green, troubled


class Traffic:
    """The processes that call and attack; they end with this one, whatever happens to it."""

    def __init__(self, stop, servers):
        context = multiprocessing.get_context('fork')
        self.results = context.Queue()
        callers = [Caller(server) for server in servers[1:] for _ in range(CALLERS)]
        self.processes = [context.Process(target=call_until, args=(stop, caller, self.results), daemon=True)
                          for caller in callers]
        self.processes += [context.Process(target=attack_until, args=(stop, servers, self.results), daemon=True)
                           for _ in range(ATTACKERS)]
        for process in self.processes:
            process.start()

    def collect(self):
        """What each has to tell when its time is over; one that tells nothing is a failure too."""
        collected = []
        for _ in self.processes:
            try:
                collected.append(self.results.get(timeout=2 * CLIENT_TIMEOUT_SEC))
            except queue.Empty:
                now = time.monotonic()
                collected.append((Counter(), [('traffic', '', now, now, 'a process of the soak is gone or hangs')]))
                break
        return collected


def of_each(pids, what):
    """what() of those that are still there."""
    found = {}
    for pid in pids:
        with contextlib.suppress(OSError):
            found[pid] = what(pid)
    return found


def observe(seconds, servers):
    """Makes trouble while the traffic flows, and looks at the workers of those that have none."""
    _, steady, green, troubled = servers
    stop = time.monotonic() + seconds
    traffic = Traffic(stop, servers)
    watched, before, most = children(steady.process.pid) + children(green.process.pid), {}, Counter()
    trouble = Trouble(troubled)
    while time.monotonic() < stop:
        done = 1 - (stop - time.monotonic()) / seconds
        if done > WARM_UP:
            before = before or of_each(watched, usage)
        if WARM_UP < done < 2 * WARM_UP:
            most |= Counter(of_each(watched, descriptors))
        trouble.make()
        time.sleep(0.05)
    collected = traffic.collect()
    before = {pid: (memory, max(most[pid], now)) for pid, (memory, now) in before.items()}
    with contextlib.suppress(AssertionError):  # which is reported then
        poll(lambda: all(now <= before[pid][1] for pid, now in of_each(before, descriptors).items()), CLOSING_SEC)
    return trouble, collected, watched, before, of_each(watched, usage)


def run(seconds, directory):
    with contextlib.ExitStack() as stack:
        servers = start_servers(directory, stack)
        seen = observe(seconds, servers)
    return servers, *seen


def report(seconds, servers, trouble, collected, watched, before, after):
    made = sum((counts for counts, _ in collected), Counter())
    failures = [failure for _, failed in collected for failure in failed]
    hostile = made.pop('hostile', 0)
    excuses = Counter(trouble.excuse(failure) or 'for no reason' for failure in failures)
    print(f'soak: {seconds} s, {sum(made.values())} good calls, {hostile} hostile connections, '
          f'{len(trouble.kills)} workers killed, {len(trouble.reloads)} reloads')
    print('  good: ' + ', '.join(f'{kind} {count}' for kind, count in sorted(made.items())))
    print('  lost: ' + (', '.join(f'{count} {why}' for why, count in sorted(excuses.items())) or 'none'))
    problems = [f'lost for no reason: {failure}' for failure in failures if not trouble.excuse(failure)]
    if excuses[AT_NODE] > LOST_AT_NODE_MAX * sum(made.values()):
        problems.append(f'{excuses[AT_NODE]} calls lost {AT_NODE}')
    for pid in watched:
        if pid not in before or pid not in after:
            problems.append(f'worker {pid}, which nobody killed, is gone')
            continue
        (memory, most), (now, open_now) = before[pid], after[pid]
        print(f'  worker {pid}: {memory >> 10} -> {now >> 10} KiB, {most} -> {open_now} descriptors')
        if now - memory > GROWTH_MAX:
            problems.append(f'the memory of worker {pid} grows')
        if open_now > most:
            problems.append(f'worker {pid} keeps descriptors open')
    for server in servers:
        died = re.findall(r'DAMN ! worker .*|.*Segmentation Fault.*', server.log)
        unexplained = [line for line in died if server is not trouble.server or 'signal 9' not in line]
        problems += [f'{server.directory.name}: {line}' for line in unexplained]
    for problem in problems[:20]:
        print('  ' + problem)
    print('soak: ' + (f'FAILED, {len(problems)} problems' if problems else 'ok'))
    return 1 if problems else 0


def main():
    seconds = int(sys.argv[1]) if len(sys.argv) > 1 else 600
    with tempfile.TemporaryDirectory() as name:
        return report(seconds, *run(seconds, Path(name)))


if __name__ == '__main__':
    sys.exit(main())
