#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""
User instructions per call, the plugin and everything it calls, by valgrind's callgrind.

Each case runs twice, with two request counts; the difference, divided by the difference of the
counts, is free of everything that happens once, and repeats exactly. What counts as the plugin's is
read from callgrind's call graph: the inclusive cost of every call that enters its .so from outside,
so neither build needs symbols and hooks that only one of them has are counted too. Under gevent, which
changes stacks within such a call, it is what the whole server runs.

The figures do not depend on the machine: the environment is the same, the C library is told to leave aside what only some
processors have (of memcpy and the like it has one for each), and Python to hash as always.

Ends with 1 when a case is more than 3 % dearer than the figure accepted for the system's release and
architecture in bench/instructions.json; with ACCEPT=1 the figures of this run are accepted instead.
With ONLY=ours the stock plugin and the limit are not measured.
"""
import json
import os
import platform
import re
import socket
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import bench
import page
from scenarios import FRAMED, GEVENT, HTTP, NODE, PUWSGI, TCP, bridge, json_call, post, xml_call

COUNTS = (40, 140)
# What glibc would choose its memcpy and the like by. Names that it does not know do no harm.
PROCESSOR = ('AVX512F AVX512VL AVX512BW AVX2 AVX AVX_Fast_Unaligned_Load ERMS FSRM SSSE3 SSE4_1 SSE4_2 BMI1 BMI2 '
             'LZCNT MOVBE POPCNT RTM EVEX Fast_Copy_Backward Fast_Unaligned_Copy Slow_BSF')
STEADY = {'GLIBC_TUNABLES': 'glibc.cpu.hwcaps=' + ','.join(f'-{name}' for name in PROCESSOR.split()),
          'PYTHONHASHSEED': '0'}
FUNCTIONS = [('symcall-register-rpc', f'f{i:04} bench_hello') for i in range(998)]
ROUTE = ('route', '^/(.+)/(.+) rpc:chello $1 $2 ${REMOTE_ADDR}')


ACCEPTED = bench.HERE / 'instructions.json'
GROWTH = 1.03


class Case:
    """
    A request, and the server it is for. target is what was wanted; plugins are who can do it; result
    ends the answer; keep: all over one connection, whole: what the whole server runs.
    """

    def __init__(self, name, request, options=(TCP,), target=None, plugins=('stock', 'ours'),
                 result=bench.HELLO, keep=False, whole=False, loaded=('symcall', 'rpc'), node=None):
        self.name, self.request, self.options, self.target = name, request, list(options), target
        self.plugins, self.result, self.keep, self.whole = plugins, result, keep, whole
        self.loaded, self.node = loaded, node

    def send_all(self, address, count):
        if self.keep:
            with bench.connect(address) as sock:
                for _ in range(count):
                    sock.sendall(self.request)
                    self.check(bench.read_answer(sock))
        else:
            for _ in range(count):
                self.check(bench.exchange(address, self.request))

    def check(self, answer):
        assert answer.endswith(self.result), (self.name, answer)


class Node:
    """
    A node for calls that are made all at once. It answers one only when the caller has closed the one
    before, so that the caller always waits as often.
    """

    def __init__(self, calls):
        self.calls = calls
        self.listener = socket.create_server(('127.0.0.1', 0))
        self.sockets = [self.listener.getsockname()]

    def start(self):
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self):
        while True:
            try:
                callers = [self.listener.accept()[0] for _ in range(self.calls)]
            except OSError:  # stopped
                return
            for caller in callers:
                assert caller.recv(1 << 16)
            for caller in callers:
                caller.sendall(FRAMED)
                caller.shutdown(socket.SHUT_WR)
                assert not caller.recv(1)
                caller.close()

    def stop(self):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()


OURS = ('ours',)
TYPED = [('symcall-register-rpc', 'jhello bench_json'), ('rpc-json', 'jhello')]
STRINGS = [f'<string>{text}</string>' for text in ('foo', 'bar')]


def json_case(title, name, *params):
    document = json.dumps(json_call(*params) | {'method': name}).encode()
    return Case(title, post('application/json', document, keepalive=False), [*bridge(HTTP, 4), *TYPED],
                plugins=OURS, result=b'"hello world","id":1}')


def xml_case(title, name, *values):
    return Case(title, post('text/xml', xml_call(name, *values), keepalive=False), [*bridge(HTTP, 3), *TYPED],
                plugins=OURS, result=b'</params></methodResponse>\n')


CASES = [
    Case('packet, modifier2 0, 2 arguments', bench.packet('chello', 'a', 'b'), target=550,
         plugins=('stock', 'ours', 'null')),
    Case('packet, modifier2 1, 2 arguments', bench.packet('chello', 'a', 'b', modifier2=1)),
    Case('packet, modifier2 0, no argument', bench.packet('chello')),
    Case('packet, modifier2 0, 254 arguments', bench.packet('chello', *['a'] * 254)),
    Case('254 arguments, their lengths added up', bench.packet('sum', *['a'] * 254),
         [TCP, ('symcall-register-rpc', 'sum bench_sum')], target=7000, result=b'254'),
    Case('1 function more, 2 arguments', bench.packet('f0000', 'a', 'b'),
         [TCP, ('rpc-max', 1000), FUNCTIONS[0]]),
    Case('1,000 functions, the last one', bench.packet('f0997', 'a', 'b'),
         [TCP, ('rpc-max', 1000), *FUNCTIONS], target='as with 1'),
    Case('modifier2 2, GET /chello/a/b', bench.http('/chello/a/b', keepalive=False), bridge(HTTP, 2),
         target=4500, plugins=('stock', 'ours', 'null')),
    Case('route rpc: with 3 translated arguments', bench.http('/a/b', keepalive=False),
         [HTTP, ROUTE], target=5500),
    Case('PATH_INFO, typed', bench.http('/jhello/foo/bar', keepalive=False), [*bridge(HTTP, 2), *TYPED],
         plugins=OURS, result=b'\r\n\r\n"hello world"'),
    json_case('JSON-RPC, 2 strings', 'chello', 'foo', 'bar'),
    json_case('JSON-RPC, 2 strings, typed', 'jhello', 'foo', 'bar'),
    xml_case('XML-RPC, 2 strings', 'chello', *STRINGS),
    xml_case('XML-RPC, 2 strings, typed', 'jhello', *STRINGS),
    Case('route rpcgather: of 4 calls', bench.http('/', keepalive=False),
         [HTTP, ('route', '^/ rpcgather:' + ' '.join([f'chello@{NODE}'] * 4))], plugins=OURS,
         result=bench.HELLO * 4, node=lambda: Node(4)),
    Case('gevent, a kept connection, the server', bench.packet('chello', 'a', 'b'), [PUWSGI, ('gevent', 4)],
         plugins=OURS, keep=True, whole=True, loaded=GEVENT),
]


def calls_and_costs(path):
    """
    What callgrind's output says, as (object, object called or None, instructions): what an object runs
    itself, or an inclusive cost. Names are given in full once, as "(1) name", then as "(1)".
    """
    names = {}

    def full(text):
        number, name = re.match(r'\((\d+)\)(?: (.*))?', text).groups()
        if name is not None:
            names[number] = name
        return names[number]

    caller = callee = called = None
    for line in path.read_text().splitlines():
        if line.startswith('ob='):
            caller = callee = full(line[3:])
        elif line.startswith('cob='):
            callee = full(line[4:])
        elif line.startswith('calls='):
            called, callee = callee, caller
        elif re.match(r'[+*\d-]', line):
            yield caller, called, int(line.split()[1])
            called = None


def cost(path, whole):
    """Of the whole server, or of the plugin: the inclusive cost of the calls that enter it."""
    def is_ours(name):
        return name is not None and name.endswith('rpc_plugin.so')
    return sum(instructions for caller, called, instructions in calls_and_costs(path)
               if (called is None if whole else is_ours(called) and not is_ours(caller)))


def run(case, plugin, count):
    server = bench.Uwsgi(plugin, case.options, case.loaded, case.node)
    out = server.path / 'callgrind.out'
    try:
        server.start(['env', *(f'{name}={value}' for name, value in STEADY.items()),
                      'valgrind', '--tool=callgrind', f'--callgrind-out-file={out}', '-q'])
        case.send_all(server.sockets[0], count)
        server.process.send_signal(bench.signal.SIGINT)
        server.process.wait(60)
        return cost(out, case.whole)
    finally:
        server.stop()


def release():
    """The system's name in bench/instructions.json: "bookworm x86_64"."""
    name = re.search(r'(?m)^VERSION_CODENAME=(.*)$', Path('/etc/os-release').read_text()).group(1)
    return f'{name} {platform.machine()}'


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


def measure(cases, only):
    """{case: {plugin: instructions}}"""
    with ThreadPoolExecutor(2) as pool:
        pending = {case.name: {plugin: per_call(pool, case, plugin)
                               for plugin in case.plugins if only in ('', plugin)} for case in cases}
        return {name: {plugin: get() for plugin, get in row.items()} for name, row in pending.items()}


def main():
    wanted = sys.argv[1] if len(sys.argv) > 1 else ''
    only = os.environ.get('ONLY', '')
    cases = [case for case in CASES if wanted in case.name]
    start = time.monotonic()
    figures = measure(cases, only)
    plugins = [plugin for plugin in ('stock', 'ours', 'null') if only in ('', plugin)]
    rows = [(case.name, *(f'{figures[case.name][plugin]:,.0f}' if plugin in figures[case.name] else ''
                          for plugin in plugins), case.target or '') for case in cases]
    print(bench.table(('instructions per call', *plugins, 'target'), rows))
    if not wanted and not only:
        page.save('instructions', figures)
        page.write()
    print(f'instructions: {len(cases)} cases, {time.monotonic() - start:.0f} s')
    judge({name: row['ours'] for name, row in figures.items() if 'ours' in row})


if __name__ == '__main__':
    main()
