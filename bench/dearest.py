# SPDX-License-Identifier: MIT
"""Prints what the dear requests of tests/e2e/dear.py cost: CPU seconds of a worker per MiB, the
dearest of each bridge first.

usage: dearest.py [HOW_MANY_OF_EACH]
"""
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / 'tests' / 'e2e'))

import dear  # noqa: E402
from conftest import TCP, Server  # noqa: E402

# A path has to fit a packet.
SIZES = {'path': 60000, 'xmlrpc': 4 << 20, 'jsonrpc': 4 << 20}


def cpu_sec(pid):
    """What a process has run so far."""
    with open(f'/proc/{pid}/schedstat') as stat:
        return int(stat.read().split()[0]) / 1e9


def cost(server, bridge, data, times=3):
    """CPU seconds of the server's one worker for this request: the least of some times."""
    pid, = server.worker_pids()
    costs = []
    for _ in range(times):
        before = cpu_sec(pid)
        dear.send(server, bridge, data)
        costs.append(cpu_sec(pid) - before)
    return min(costs)


def measured(directory):
    """{bridge: [(seconds per MiB, name)]}, the dearest first."""
    server = Server(directory, [TCP, ('disable-logging', 'true')], plugins=('rpc',), app=None).start()
    costs = {}
    try:
        for bridge, name, make in dear.REQUESTS:
            data = make(SIZES[bridge])
            seconds = cost(server, bridge, data)
            costs.setdefault(bridge, []).append((seconds / (len(data) / (1 << 20)), name))
    finally:
        server.stop()
    return {bridge: sorted(found, reverse=True) for bridge, found in costs.items()}


def main():
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 1
    with tempfile.TemporaryDirectory() as directory:
        for bridge, found in measured(Path(directory) / 'uwsgi').items():
            for seconds, name in found[:count]:
                print(f'{bridge:8} {seconds:.4f} s/MiB  {name}')


if __name__ == '__main__':
    main()
