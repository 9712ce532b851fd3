#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""
User instructions per call, the plugin and everything it calls, by valgrind's callgrind.

Each case runs twice, with two request counts; the difference, divided by the difference of the
counts, is free of everything that happens once, and repeats exactly. What counts as the plugin's is
read from callgrind's call graph: the inclusive cost of every call that enters its .so from outside,
so neither build needs symbols and hooks that only one of them has are counted too.

Ends with 1 when a case is more than 3 % dearer than the figure accepted for the system's release in
bench/instructions.json; with ACCEPT=1 the figures of this run are accepted instead.
"""
import json
import os
import re
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import bench

COUNTS = (40, 140)
TCP = ('socket', '127.0.0.1:0')
HTTP = ('http-socket', '127.0.0.1:0')
FUNCTIONS = [('symcall-register-rpc', f'f{i:04} bench_hello') for i in range(998)]
ROUTE = ('route', '^/(.+)/(.+) rpc:chello $1 $2 ${REMOTE_ADDR}')


ACCEPTED = bench.HERE / 'instructions.json'
GROWTH = 1.03


class Case:
    def __init__(self, name, request, options=(TCP,), target=None, null=False,
                 result=bench.HELLO):
        self.name, self.request, self.options, self.target = name, request, list(options), target
        self.plugins = ('stock', 'ours', 'null') if null else ('stock', 'ours')
        self.result = result


CASES = [
    Case('packet, modifier2 0, 2 arguments', bench.packet('chello', 'a', 'b'), target=550,
         null=True),
    Case('packet, modifier2 1, 2 arguments', bench.packet('chello', 'a', 'b', modifier2=1)),
    Case('packet, modifier2 0, no argument', bench.packet('chello')),
    Case('packet, modifier2 0, 254 arguments', bench.packet('chello', *['a'] * 254)),
    Case('254 arguments, their lengths added up', bench.packet('sum', *['a'] * 254),
         [TCP, ('symcall-register-rpc', 'sum bench_sum')], target=7000, result=b'254'),
    Case('1 function more, 2 arguments', bench.packet('f0000', 'a', 'b'),
         [TCP, ('rpc-max', 1000), FUNCTIONS[0]]),
    Case('1,000 functions, the last one', bench.packet('f0997', 'a', 'b'),
         [TCP, ('rpc-max', 1000), *FUNCTIONS], target='as with 1'),
    Case('modifier2 2, GET /chello/a/b', bench.http('/chello/a/b', keepalive=False),
         [HTTP, ('http-socket-modifier1', 173), ('http-socket-modifier2', 2)], target=4500,
         null=True),
    Case('route rpc: with 3 translated arguments', bench.http('/a/b', keepalive=False),
         [HTTP, ROUTE], target=5500),
]


def entering_cost(path, shared_object):
    """The summed inclusive cost of the calls that enter an object, from callgrind's output."""
    names = {}

    def full(text):
        """Names are given in full once, as "(1) name", then as "(1)"."""
        number, name = re.match(r'\((\d+)\)(?: (.*))?', text).groups()
        if name is not None:
            names[number] = name
        return names[number]

    caller = callee = ''
    cost, enters = 0, False
    for line in path.read_text().splitlines():
        if enters:
            cost += int(line.split()[1])
            enters = False
        elif line.startswith('ob='):
            caller = callee = full(line[3:])
        elif line.startswith('cob='):
            callee = full(line[4:])
        elif line.startswith('calls='):
            enters = callee.endswith(shared_object) and not caller.endswith(shared_object)
            callee = caller
    return cost


def run(case, plugin, count):
    server = bench.Uwsgi(plugin, case.options)
    out = server.path / 'callgrind.out'
    server.start(['valgrind', '--tool=callgrind', f'--callgrind-out-file={out}', '-q'])
    try:
        for _ in range(count):
            reply = bench.exchange(server.sockets[0], case.request)
            assert reply.endswith(case.result), (case.name, plugin, reply)
        server.process.send_signal(bench.signal.SIGINT)
        server.process.wait(60)
        return entering_cost(out, 'rpc_plugin.so')
    finally:
        server.stop()


def release():
    """The system's name in bench/instructions.json: "bookworm"."""
    return re.search(r'(?m)^VERSION_CODENAME=(.*)$', Path('/etc/os-release').read_text()).group(1)


def grown(figures, accepted):
    """A line for each case that has become too dear; cases nobody has accepted yet are not compared."""
    return [f'{name}: {ours:,.0f} instructions, {accepted[name]:,.0f} were accepted'
            for name, ours in figures.items() if ours > accepted.get(name, ours) * GROWTH]


def judge(figures):
    """Compares with the accepted figures of this release, or accepts these."""
    accepted = json.loads(ACCEPTED.read_text())
    if os.environ.get('ACCEPT'):
        accepted.setdefault(release(), {}).update(figures)
        ACCEPTED.write_text(json.dumps(accepted, indent=1, sort_keys=True) + '\n')
        return
    if release() not in accepted:
        print(f'nothing to compare with: no figures were accepted for {release()}', file=sys.stderr)
    lines = grown(figures, accepted.get(release(), {}))
    if lines:
        sys.exit('dearer than accepted (make instructions ACCEPT=1 accepts it):\n' + '\n'.join(lines))


def per_call(pool, case, plugin):
    few, many = [pool.submit(run, case, plugin, count) for count in COUNTS]
    return lambda: (many.result() - few.result()) / (COUNTS[1] - COUNTS[0])


def main():
    wanted = sys.argv[1] if len(sys.argv) > 1 else ''
    cases = [case for case in CASES if wanted in case.name]
    start = time.monotonic()
    with ThreadPoolExecutor(2) as pool:
        pending = [[per_call(pool, case, plugin) for plugin in case.plugins] for case in cases]
        figures = [[get() for get in row] for row in pending]
    rows = [(case.name, f'{stock:,.0f}', f'{ours:,.0f}', f'{ours / stock:.2f}',
             f'{null[0]:,.0f}' if null else '',
             f'{case.target:,}' if isinstance(case.target, int) else case.target or '')
            for case, (stock, ours, *null) in zip(cases, figures)]
    print(bench.table(('instructions per call', 'stock', 'ours', 'ratio', 'null', 'target'), rows))
    results = bench.HERE / 'results'
    results.mkdir(exist_ok=True)
    if not wanted:
        (results / 'instructions.json').write_text(json.dumps(
            {case.name: dict(zip(case.plugins, row)) for case, row in zip(cases, figures)}, indent=1) + '\n')
    print(f'{time.monotonic() - start:.0f} s', file=sys.stderr)
    judge({case.name: row[1] for case, row in zip(cases, figures)})


if __name__ == '__main__':
    main()
