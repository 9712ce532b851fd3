#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""
Runs the scenarios, all or a group: the variants of each side by side, in turn, for several rounds.

A figure of a round is only ever compared with the same round's figure of the variant it is measured
against, so whatever else the machine does weighs on both; what is printed is the median of those
ratios with their quartiles. Server CPU is the process clock of the one worker.
"""
import json
import statistics
import subprocess
import sys
import time

import bench
import plots
import scenarios

ROUNDS = 15
# After the first call: a kept connection to a node is used again once it has stayed open a while.
PAUSE_SEC = 0.1
RESULTS = bench.HERE / 'results'


class Running:
    """A variant's server, started, with what the load generator needs to call it."""

    def __init__(self, scenario, variant):
        self.scenario, self.variant = scenario, variant
        self.server = variant.server()
        self.rounds = []

    def start(self):
        self.server.start()
        self.base_kib = bench.rss_kib(self.server.pid)
        bench.peak_reset(self.server.pid)
        address = self.server.sockets[0]
        self.address = '{}:{}'.format(*address) if isinstance(address, tuple) else address
        if self.variant.load:
            return self
        with bench.connect(address) as sock:
            sock.sendall(self.variant.request)
            answer = bench.read_answer(sock) if self.variant.keep else self._read_to_end(sock)
        if self.variant.expect not in answer:
            raise RuntimeError(f'{self.scenario.name}, {self.variant.name}: {answer[:300]!r}')
        body = answer.partition(b'\r\n\r\n')[2] if answer.startswith(b'HTTP/') else answer
        self.files = [self.server.path / 'request', self.server.path / 'answer']
        self.files[0].write_bytes(self.variant.request)
        self.files[1].write_bytes(answer)
        self.tail = len(body)
        time.sleep(PAUSE_SEC)
        self._load(max(2, self.scenario.calls // 20))
        return self

    @staticmethod
    def _read_to_end(sock):
        chunks = []
        while chunk := sock.recv(1 << 20):
            chunks.append(chunk)
        return b''.join(chunks)

    def _load(self, calls):
        scenario = self.scenario
        if self.variant.load:
            command = self.variant.load(self.address, scenario.callers, calls)
        else:
            command = [bench.BUILD / 'load', *(['-k'] if self.variant.keep else []), '-t', self.tail,
                       self.address, scenario.callers, calls, *self.files]
        return json.loads(subprocess.run(list(map(str, command)), check=True,
                                         stdout=subprocess.PIPE).stdout)

    def measure(self):
        before = bench.cpu_seconds(self.server.pid)
        load = self._load(self.scenario.calls)
        cpu = bench.cpu_seconds(self.server.pid) - before
        self.rounds.append({'cpu_us': cpu / load['calls'] * 1e6,
                            'calls_s': load['calls'] / load['seconds'],
                            'latency_ms': load['seconds'] / load['calls'] * self.scenario.callers * 1e3,
                            'reconnects': load['reconnects']})

    def result(self):
        return {'variant': self.variant.name, 'rounds': self.rounds,
                'growth_kib': bench.peak_kib(self.server.pid) - self.base_kib}


def run(scenario):
    running = [Running(scenario, variant) for variant in scenario.variants]
    try:
        for one in running:
            one.start()
        for number in range(ROUNDS):
            for one in running if number % 2 else reversed(running):
                one.measure()
        return {'group': scenario.group, 'name': scenario.name, 'x': scenario.x, 'figure': scenario.figure,
                'callers': scenario.callers, 'calls': scenario.calls,
                'variants': [one.result() for one in running]}
    finally:
        for one in running:
            one.server.stop()


def median(values):
    return statistics.median(values)


def ratios(base, other, key):
    """other's figure divided by base's, round by round."""
    return [b[key] / a[key] for a, b in zip(base['rounds'], other['rounds'])]


def spread(values):
    low, middle, high = statistics.quantiles(values, n=4)
    return f'{middle:.2f} ({low:.2f}-{high:.2f})'


def rows_of(result):
    base = result['variants'][0]
    for variant in result['variants']:
        first = variant is base
        speed, digits = ('latency_ms', 1) if result['figure'] == 'latency_ms' else ('calls_s', 0)
        yield (result['name'], variant['variant'],
               f'{median([r["cpu_us"] for r in variant["rounds"]]):,.1f}',
               '' if first else spread(ratios(variant, base, 'cpu_us')),
               f'{median([r[speed] for r in variant["rounds"]]):,.{digits}f}',
               '' if first else spread(ratios(base, variant, 'calls_s')),
               f'{median([r["reconnects"] for r in variant["rounds"]]):.0f}',
               f'{variant["growth_kib"]:,}')


HEADER = ('scenario', 'variant', 'CPU µs/call', 'times less CPU', 'calls/s', 'times the calls/s',
          'reconnects', 'peak growth KiB')


def report(group, results):
    """The group's table on the terminal, its data and plot in bench/results."""
    RESULTS.mkdir(exist_ok=True)
    rows = [row for result in results for row in rows_of(result)]
    header = list(HEADER)
    if results[0]['figure'] == 'latency_ms':
        header[4] = 'latency ms'
    print(f'\n{group}\n\n{bench.table(header, rows)}', flush=True)
    (RESULTS / f'{group}.json').write_text(json.dumps(results, indent=1) + '\n')
    (RESULTS / f'{group}.tsv').write_text(
        '\n'.join('\t'.join(row) for row in (header, *rows)) + '\n')
    plots.plot(RESULTS / group, results)


def main():
    wanted = sys.argv[1] if len(sys.argv) > 1 else ''
    chosen = scenarios.scenarios(wanted)
    if not chosen:
        names = ' '.join(group.__name__ for group in scenarios.GROUPS)
        sys.exit(f'no group "{wanted}"; there are: {names}')
    print(f'{ROUNDS} rounds; medians of the ratios, with their quartiles')
    start = time.monotonic()
    for group in dict.fromkeys(scenario.group for scenario in chosen):
        report(group, [run(scenario) for scenario in chosen if scenario.group == group])
    print(f'\n{time.monotonic() - start:.0f} s')


if __name__ == '__main__':
    main()
