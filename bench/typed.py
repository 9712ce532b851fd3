#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""What it costs a call that its function is typed: user instructions, the plugin and everything it
calls, as bench/instructions.py counts them, of two functions of C that return the same constant. Run
by hand, after "make bench BENCH=typed" has built what it needs:

    python3 bench/typed.py
"""
import json
import sys
from concurrent.futures import ThreadPoolExecutor

import bench
from instructions import HTTP, Case, per_call
from scenarios import bridge, json_call, post, xml_call

OPTIONS = [('symcall-register-rpc', 'jhello bench_json'), ('rpc-json', 'jhello')]
STRINGS = [f'<string>{text}</string>' for text in ('foo', 'bar')]


def case(title, request, modifier2, end):
    one = Case(title, request, [*bridge(HTTP, modifier2), *OPTIONS])
    one.result = end
    return one


def json_case(title, name, *params):
    document = json.dumps(json_call(*params) | {'method': name}).encode()
    return case(title, post('application/json', document, keepalive=False), 4, b'"hello world","id":1}')


def xml_case(title, name, *values):
    request = post('text/xml', xml_call(name, *values), keepalive=False)
    return case(title, request, 3, b'</params></methodResponse>\n')


def path_case(title, name, end):
    return case(title, bench.http(f'/{name}/foo/bar', keepalive=False), 2, end)


# What a case is compared with, and the case.
PAIRS = [
    (json_case('JSON-RPC', 'chello', 'foo', 'bar'), json_case('JSON-RPC, typed', 'jhello', 'foo', 'bar')),
    (xml_case('XML-RPC', 'chello', *STRINGS), xml_case('XML-RPC, typed', 'jhello', *STRINGS)),
    (path_case('PATH_INFO', 'chello', b'\r\n\r\nhello world'),
     path_case('PATH_INFO, typed', 'jhello', b'\r\n\r\n"hello world"')),
    (json_case('JSON-RPC, typed, 30,000 bytes', 'jhello', *[1] * 10000),
     json_case('JSON-RPC, typed, 60,000 bytes', 'jhello', *[1] * 20000)),
    (xml_case('XML-RPC, typed, 5,000 values', 'jhello', *['<int>1</int>'] * 5000),
     xml_case('XML-RPC, typed, 10,000 values', 'jhello', *['<int>1</int>'] * 10000)),
]


def main():
    wanted = sys.argv[1] if len(sys.argv) > 1 else ''
    pairs = [pair for pair in PAIRS if wanted in pair[1].name]
    with ThreadPoolExecutor(2) as pool:
        pending = [[per_call(pool, case, 'ours') for case in pair] for pair in pairs]
        figures = [[get() for get in row] for row in pending]
    rows = [(base.name, f'{one:,.0f}', case.name, f'{other:,.0f}', f'{other / one:.2f}')
            for (base, case), (one, other) in zip(pairs, figures)]
    print(bench.table(('case', 'instructions', 'beside it', 'instructions', 'ratio'), rows))


if __name__ == '__main__':
    main()
