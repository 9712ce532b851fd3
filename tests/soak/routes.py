#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Routed calls with three arguments, COUNT (default 200000) of each kind: is the worker's memory flat?

Prints the resident memory of the worker before and after; growth beyond a few bytes a call ends the
program with 1. The stock plugin is measured beside it, for comparison.
"""
import re
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / 'e2e'))
from conftest import BUILD, HTTP11, PLUGIN_DIR, Server  # noqa: E402

STOCK = '/usr/lib/uwsgi/plugins/rpc_plugin.so'
ARGUMENTS = '$1 ${REQUEST_METHOD} constant'
WARM_UP = 2000
# The smallest block that malloc can lose takes 32 bytes.
LEAK_PER_CALL = 8


def rules(node):
    return {'rpc': [f'rpc:cstrlen {ARGUMENTS}'],
            'rpcvar': [f'rpcvar:RESULT cstrlen {ARGUMENTS}', 'rpc:cstrlen ${RESULT}'],
            'rpcret': ['rpcret:cnext ' + ARGUMENTS, 'rpc:chello'],
            'node': [f'rpc:cstrlen@{node} {ARGUMENTS}']}


def resident(pid):
    return int(re.search(r'VmRSS:\s+(\d+)', Path(f'/proc/{pid}/status').read_text()).group(1)) * 1024


def functions():
    return [('plugin', 'symcall'), ('dlopen', BUILD / 'functions.so'),
            *[('symcall-register-rpc', f'c{name} c_{name}') for name in ('strlen', 'hello', 'next')],
            ('disable-logging', 'true')]


def measure(directory, plugin, count):
    node = Server(directory / 'node', [('socket', directory / 'node.sock'), ('processes', 2), *functions()],
                  plugins=(PLUGIN_DIR / 'rpc_plugin.so',), app=None).start()
    routes = [('route', f'^/{kind}/(.*)$ {rule}') for kind, calls in rules(directory / 'node.sock').items()
              for rule in calls]
    server = Server(directory / 'server', [HTTP11, *functions(), *routes], plugins=(plugin,), app=None).start()
    growth = {}
    try:
        for kind in rules(''):
            before = after = None
            for calls in (WARM_UP, count):
                before = after
                subprocess.run([BUILD / 'http_loop', str(server.sockets[0][1]), f'/{kind}/some-text', str(calls)],
                               check=True)
                after = resident(server.worker_pids()[0])
            growth[kind] = (after - before) / count
            print(f'  {kind:8} {count} calls: {before >> 10} KiB before, {after >> 10} KiB after', flush=True)
    finally:
        server.stop()
        node.stop()
    return growth


def main():
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 200000
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        for title in ('ours', 'stock'):
            (directory / title).mkdir()
        print('this plugin')
        growth = measure(directory / 'ours', PLUGIN_DIR / 'rpc_plugin.so', count)
        if Path(STOCK).exists():
            print('the stock plugin')
            measure(directory / 'stock', STOCK, count // 20)  # it leaks 4 KiB a call
    leaking = [kind for kind, bytes_per_call in growth.items() if bytes_per_call > LEAK_PER_CALL]
    if leaking:
        sys.exit('memory grows: ' + ', '.join(leaking))


if __name__ == '__main__':
    main()
