#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""
Runs the scenarios, all or a group: the variants of each side by side, in turn, for several rounds.

A figure of a round is only ever compared with the same round's figure of the variant it is measured
against, so whatever else the machine does weighs on both; what is printed is the median of those
ratios with their quartiles. Server CPU is the process clock of the server and its workers.
"""
import json
import os
import platform
import re
import subprocess
import sys
import time
from pathlib import Path

import bench
import page
import scenarios

# Groups whose server and load generator share one processor. Where the scheduler chooses, rounds that follow
# each other differ by more than the variants.
ON_ONE_PROCESSOR = ('packets', 'arguments', 'typed')
# After the first call: a kept connection to a node is used again once it has stayed open a while.
PAUSE_SEC = 0.1


class Running:
    """A variant's server, started, with what the load generator needs to call it."""

    def __init__(self, scenario, variant):
        self.scenario, self.variant = scenario, variant
        self.server = variant.server()
        self.rounds = []
        self.idle = []

    def start(self):
        self.server.start()
        self.processors = os.sched_getaffinity(0)
        if self.scenario.group in ON_ONE_PROCESSOR:
            self.processors = {min(self.processors)}
        for pid in bench.processes(self.server.pid):
            os.sched_setaffinity(pid, self.processors)
        self.base_kib = self._kib(bench.rss_kib)
        for pid in bench.processes(self.server.pid):
            bench.peak_reset(pid)
        address = self.server.sockets[0]
        self.address = '{}:{}'.format(*address) if isinstance(address, tuple) else address
        if self.variant.load:
            return self
        answer = self._first_answer(address)
        body = answer.partition(b'\r\n\r\n')[2] if answer.startswith(b'HTTP/') else answer
        self.files = [self.server.path / 'request', self.server.path / 'answer']
        self.files[0].write_bytes(self.variant.request)
        self.files[1].write_bytes(answer)
        self.tail = len(body)
        time.sleep(PAUSE_SEC)
        self._load(max(1, self.scenario.calls // 20))
        self._open_idle()
        return self

    def _first_answer(self, address):
        with bench.connect(address) as sock:
            sock.sendall(self.variant.request)
            answer = bench.read_answer(sock) if self.variant.keep else bench.read_to_end(sock)
        if self.variant.expect not in answer:
            raise RuntimeError(f'{self.scenario.name}, {self.variant.name}: {answer[:300]!r}')
        return answer

    def _open_idle(self):
        """Connections to the server's last socket that have had one answer and then stay idle."""
        before = self._kib(bench.rss_kib)
        for _ in range(self.scenario.idle):
            self.idle.append(bench.connect(self.server.sockets[-1]))
            self.idle[-1].sendall(self.variant.request)
            bench.read_answer(self.idle[-1])
        self.idle_kib = self._kib(bench.rss_kib) - before

    def _kib(self, of_process):
        return sum(map(of_process, bench.processes(self.server.pid)))

    def _load(self, calls):
        scenario = self.scenario
        if self.variant.load:
            command = self.variant.load(self.address, scenario.callers, calls)
        else:
            command = [bench.BUILD / 'load', *(['-k'] if self.variant.keep else []), '-t', self.tail,
                       self.address, scenario.callers, calls, *self.files]
        return json.loads(subprocess.run(list(map(str, command)), check=True, stdout=subprocess.PIPE,
                                         preexec_fn=lambda: os.sched_setaffinity(0, self.processors)).stdout)

    def measure(self):
        before, waited = bench.cpu_seconds(self.server.pid), bench.wakeups(self.server.pid)
        load = self._load(self.scenario.calls)
        cpu = load.get('cpu_s', bench.cpu_seconds(self.server.pid) - before)
        self.rounds.append({'cpu_us': cpu / load['calls'] * 1e6,
                            'calls_s': load['calls'] / load['seconds'],
                            'latency_ms': load['seconds'] / load['calls'] * self.scenario.callers * 1e3,
                            'wakeups': self._wakeups(waited) / load['calls'],
                            **{name: load.get(name) for name in ('reconnects', *page.PERCENTILES)}})

    def _wakeups(self, before):
        """Of the threads that have been there all along."""
        return sum(times - before.get(thread, times) for thread, times in bench.wakeups(self.server.pid).items())

    def result(self):
        found = {'variant': self.variant.name, 'rounds': self.rounds,
                 'growth_kib': self._kib(bench.peak_kib) - self.base_kib}
        if self.idle:
            found |= {'idle_open': sum(map(bench.is_open, self.idle)), 'idle_kib': self.idle_kib}
        return found

    def stop(self):
        for sock in self.idle:
            sock.close()
        self.server.stop()


def run(scenario):
    running = [Running(scenario, variant) for variant in scenario.variants]
    try:
        for one in running:
            one.start()
        for number in range(scenario.rounds):
            for one in running if number % 2 else reversed(running):
                one.measure()
        return {'name': scenario.name, 'x': scenario.x, 'callers': scenario.callers,
                'calls': scenario.calls, 'idle': scenario.idle,
                'variants': [one.result() for one in running]}
    finally:
        for one in running:
            one.stop()


def machine():
    """What the figures were measured on, and when."""
    model = re.search(r'model name\s*: (.*)', Path('/proc/cpuinfo').read_text())
    system = re.search(r'PRETTY_NAME="(.*?)"', Path('/etc/os-release').read_text()).group(1)
    uwsgi = subprocess.run([bench.UWSGI, '--version'], check=True, stdout=subprocess.PIPE, text=True)
    return (f'{time.strftime("%Y-%m-%d")}, {model.group(1) if model else platform.machine()}, '
            f'{os.cpu_count()} cores, Linux {platform.release().split("-")[0]}, {system}, '
            f'uWSGI {uwsgi.stdout.strip()}')


def main():
    wanted = sys.argv[1] if len(sys.argv) > 1 else ''
    chosen = scenarios.scenarios(wanted)
    if not chosen:
        names = ' '.join(group.__name__ for group in scenarios.GROUPS)
        sys.exit(f'no group "{wanted}"; there are: {names}')
    start = time.monotonic()
    for group in dict.fromkeys(scenario.group for scenario in chosen):
        page.save(group, {'machine': machine(), 'scenarios': [
            run(scenario) for scenario in chosen if scenario.group == group]})
        print(f'\n{group}\n\n{page.table(group)}', flush=True)
    page.write()
    print(f'\n{time.monotonic() - start:.0f} s')


if __name__ == '__main__':
    main()
