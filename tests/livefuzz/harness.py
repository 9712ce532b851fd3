# SPDX-License-Identifier: MIT
"""A running server under generated traffic, and what has to hold whatever it is."""
import contextlib
import json
import os
import random
import re
import select
import socket
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import traffic
from answers import wrong
from conftest import BUILD, REPORTS, ROOT, SUPPRESSIONS, connect, interrupt, poll

LIBRARY = BUILD / 'livefuzz' / 'marks.so'
FOUND = BUILD / 'livefuzz' / 'found'
CLIENTS, ROUND = 12, 120
# Longer than any answer takes, on a machine that has other work, too.
PATIENCE_SEC = 60
# What a worker's memory may grow by between two looks at it, at these shares of the time, and again after
# the second: what the dearest requests needed at once is kept, and may come late, but only once.
GROWTH_MAX, LOOKS = 16 << 20, (0.4, 0.7)
TRIALS_MAX, MINIMISE_SEC = 60, 300
# What kills a server of this kind without the plugin, too: such sockets are left out, see SECURITY.md.
NOT_OURS = {'gevent': ('http', 'http11')}
# Reads without a time limit, see SECURITY.md: no client stays with half a request there.
READS_FOREVER = 'tornado',
# Where libgcc faults as it walks the stack to tell which function of uWSGI has written a line too long.
OWN_STACKS = 'Coro::AnyEvent',
NO_UNWINDING = f'suppressions={ROOT}/tests/suppressions/asan-own-stacks.supp'

EXITING = 0x4  # PF_EXITING of the kernel's include/linux/sched.h
DEATHS = re.compile(REPORTS.pattern + r'|DAMN ! worker')


DIED, SILENT = 'died', 'neither answered nor closed'
OPEN_DESCRIPTORS, GROWS = 'descriptors are left open', 'memory grows'
# What a server without the plugin can do, too.
OF_ANY_SERVER = DIED, SILENT, OPEN_DESCRIPTORS, GROWS


class Broken(Exception):
    """Something that has to hold does not; the kind tells two of them apart. A run tells what it has
    sent last, and for how long it had gone well, unless that was to its end."""

    def __init__(self, kind, detail=''):
        super().__init__(f'{kind}: {detail}')
        self.kind, self.requests, self.seconds = kind, [], 0


def sockets_of(engine, persistent):
    return tuple(kind for kind in traffic.SOCKETS[persistent] if kind not in NOT_OURS.get(engine, ()))


def options(directory, sockets, with_plugin):
    names = {'uwsgi': 'socket'}
    found = [(names.get(kind, f'{kind}-socket'), f'{directory}/{kind}.sock') for kind in sockets]
    found += [('listen', 100), ('disable-logging', 'true'), ('need-app', 'false'),
             ('plugin', 'symcall'), ('dlopen', LIBRARY), ('plugin', 'router_uwsgi'),
             ('route', '^/xmlrpc uwsgi:,173,3'), ('route', '^/jsonrpc uwsgi:,173,4'),
             ('route', '^/path uwsgi:,173,2')]
    found += [('symcall-register-rpc', f'{name.decode()} mark_{letter}')
              for letter, name in {**traffic.NAMES, **traffic.UNNAMED}.items()]
    if with_plugin:
        found += [('rpc-http-prefix', '/path'), ('rpc-max-body', 200000), ('rpc-max-batch', 10)]
        found += [('rpc-json', name.decode()) for name in traffic.TYPED.values()]
    return found


def environment(directory, engine, instrumented):
    suppressions = NO_UNWINDING if engine in OWN_STACKS else SUPPRESSIONS
    found = {'LIVEFUZZ_MARKS': f'{directory}/marks',
             'ASAN_OPTIONS': f'detect_leaks=0:{suppressions}:quarantine_size_mb=1:malloc_context_size=5'}
    return found if instrumented else {**found, 'LD_PRELOAD': ''}


def plugin(instrumented):
    return 'rpc' if instrumented else ROOT / 'rpc_plugin.so'


def is_dead(pid):
    """Also what is still on its way out: its connections are closed before it is a zombie."""
    with contextlib.suppress(OSError):
        state, *_, flags = Path(f'/proc/{pid}/stat').read_text().rpartition(')')[2].split()[:7]  # proc_pid_stat(5)
        return state in 'ZX' or bool(int(flags) & EXITING)
    return True


class Live:
    """One server and its bookkeeping."""

    def __init__(self, server, directory, engine, sockets, processes, with_plugin=True):
        self.server, self.marks, self.with_plugin = server, Path(directory) / 'marks', with_plugin
        self.reads_forever = engine in READS_FOREVER
        self.mentioned, self.sent, self.lock = Counter(), 0, threading.Lock()
        self.address = {kind: f'{directory}/{kind}.sock' for kind in sockets}
        poll(lambda: len(server.worker_pids()) == processes, PATIENCE_SEC, 'all workers')
        self.workers = set(server.worker_pids())

    def _dead(self):
        """Workers that have ended: the master may not have looked after them yet."""
        return [pid for pid in self.workers if is_dead(pid)]

    def usage(self):
        """Descriptors and memory of all workers, also what each has in common with the master: when that
        gives it back, it becomes private, and nothing has grown."""
        descriptors = memory = 0
        try:
            for pid in self.workers:
                text = Path(f'/proc/{pid}/smaps_rollup').read_text()
                memory += sum(int(size) << 10 for size in re.findall(r'^Anonymous:\s+(\d+) kB', text, re.M))
                descriptors += len(os.listdir(f'/proc/{pid}/fd'))
        except OSError as error:
            raise Broken(DIED, error) from error
        return descriptors, memory

    def exchange(self, request):
        """Sends it and returns what came back until the server closed; None when it never did."""
        data, mentions = b'', traffic.mentions(request.data)
        with self.lock:
            self.mentioned.update(mentions)
        try:
            with connect(self.address[request.socket], PATIENCE_SEC) as sock:
                data = self._converse(sock, request)
        except TimeoutError:
            return None
        except OSError:
            pass
        return data

    def _converse(self, sock, request):
        data = b''
        with contextlib.suppress(ConnectionError):
            sock.sendall(request.data)
        if request.end == traffic.LEFT:
            return data
        if request.end == traffic.HALF_CLOSED or self.reads_forever:
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_WR)
        end = time.monotonic() + PATIENCE_SEC
        while time.monotonic() < end:
            sock.settimeout(max(0.01, end - time.monotonic()))
            try:
                received = sock.recv(1 << 16)
            except ConnectionError:
                return data
            if not received:
                return data
            data += received
        raise TimeoutError

    def check_request(self, request):
        data = self.exchange(request)
        if data is None:
            raise Broken(SILENT, request)
        found = self.with_plugin and request.end != traffic.LEFT and wrong(request, data)
        if found:
            raise Broken(found, (request, data[:500]))

    def check_server(self):
        """The master, its workers and what they have done."""
        log = self.server.log
        died = DEATHS.search(log)
        if died:
            if REPORTS.match(died[0]):  # which takes a while to be written
                with contextlib.suppress(AssertionError):
                    poll(lambda: 'SUMMARY' in self.server.log, 5)
            log = self.server.log
            raise Broken(DIED, log[died.start():][:3000])
        if self.server.process.poll() is not None or self._dead():
            raise Broken(DIED, f'{self._dead()} of {self.workers}')
        done = Counter(self.marks.read_text() if self.marks.exists() else '')
        for letter, count in done.items():
            if count > self.mentioned[letter]:
                raise Broken('a function was called that no request names',
                             f'{letter}: {count} calls, named {self.mentioned[letter]} times')

    def round(self, requests, pool):
        self.sent += len(requests)
        failures = []
        for future in [pool.submit(self.check_request, request) for request in requests]:
            try:
                future.result()
            except Broken as broken:
                failures.append(broken)
        self.check_server()
        if failures:
            raise failures[0]

    def check_well(self):
        """An answer to a plain call on every socket."""
        for kind in self.address:
            request = traffic.plain(kind)
            poll(lambda request=request: b'well' in (self.exchange(request) or b''), PATIENCE_SEC,
                 f'an answer on {kind}')

    def kill(self):
        """Ends it at once, unless it has ended."""
        self.server.process.kill()
        self.server.process.wait()

    def stop(self):
        """Ends it; what its log says of memory has been looked at."""
        interrupt(self.server.process, lambda: self.server.log)


def run(live, seed, seconds):
    """Traffic until the time is over; returns what was sent, or raises Broken with the requests of
    the last rounds."""
    rng, end, start = random.Random(seed), time.monotonic() + seconds, time.monotonic()
    seen, requests, last = [], [], []
    with ThreadPoolExecutor(CLIENTS) as pool:
        try:
            while time.monotonic() < end:
                last, requests = requests, [traffic.request(rng, tuple(live.address)) for _ in range(ROUND)]
                live.round(requests, pool)
                if len(seen) < len(LOOKS) and time.monotonic() - start > seconds * LOOKS[len(seen)]:
                    seen.append(settled(live))
        except Broken as broken:
            broken.requests, broken.seconds = last + requests, time.monotonic() - start
            raise
    seen += [settled(live) for _ in LOOKS[len(seen):]]
    check_flat(*seen, live)
    return live.sent


def settled(live):
    """Usage once nothing changes any more: idle connections have run into their time limit."""
    usage = live.usage()
    while True:
        select.select([], [], [], 0.5)
        now = live.usage()
        if now[0] == usage[0]:
            return now
        usage = now


def check_flat(first, second, live):
    """What is left open stays open; a busy machine closes late."""
    try:
        poll(lambda: live.usage()[0] <= first[0], PATIENCE_SEC)
    except AssertionError:
        raise Broken(OPEN_DESCRIPTORS, f'{first[0]} -> {live.usage()[0]}') from None
    memory = [usage[1] for usage in (first, second, live.usage())]
    if min(memory[1] - memory[0], memory[2] - memory[1]) > GROWTH_MAX * len(live.workers):
        raise Broken(GROWS, ' -> '.join(f'{size >> 10} KiB' for size in memory))


# --- what was found -------------------------------------------------------------------------------


def breaks(start, requests, kind):
    """Whether a fresh server breaks in the same way, in two tries."""
    for _ in range(2):
        live = start()
        try:
            with ThreadPoolExecutor(CLIENTS) as pool:
                live.round(requests, pool)
            live.check_well()
            live.check_server()
        except Broken as broken:
            if broken.kind == kind:
                return True
        finally:
            live.kill()
    return False


def minimised(start, requests, kind):
    """The fewest of these requests that still break a fresh server so, found by leaving out parts."""
    trials, parts, end = 0, 2, time.monotonic() + MINIMISE_SEC
    if not breaks(start, requests, kind):
        return requests
    while len(requests) > 1 and trials < TRIALS_MAX and time.monotonic() < end:
        size = -(-len(requests) // parts)
        for at in range(0, len(requests), size):
            trials += 1
            fewer = requests[:at] + requests[at + size:]
            if fewer and breaks(start, fewer, kind):
                requests, parts = fewer, max(parts - 1, 2)
                break
        else:
            if size == 1:
                break
            parts = min(len(requests), parts * 2)
    return requests


def keep(engine, sockets, kind, requests):
    """Writes the requests into a file, for LIVEFUZZ_REPLAY."""
    FOUND.mkdir(parents=True, exist_ok=True)
    word = re.sub(r'\W+', '-', f'{engine} {kind}').strip('-')
    path = FOUND / f'{word}-{os.getpid()}.json'
    path.write_text(json.dumps({'engine': engine, 'sockets': sockets, 'kind': kind,
                                'requests': [request.as_json() for request in requests]}, indent=1))
    return path


def kept(path):
    found = json.loads(Path(path).read_text())
    return found['engine'], found['sockets'], [traffic.from_json(item) for item in found['requests']]
