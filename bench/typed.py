#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""What twice the parameters cost a typed function: user instructions, the plugin and everything it calls,
as bench/instructions.py counts them. Run by hand, after "make instructions" has built what it needs:

    python3 bench/typed.py
"""
import sys

import bench
from instructions import json_case, measure, xml_case

# What a case is compared with, and the case.
PAIRS = [
    (json_case('JSON-RPC, typed, 30,000 bytes', 'jhello', *[1] * 10000),
     json_case('JSON-RPC, typed, 60,000 bytes', 'jhello', *[1] * 20000)),
    (xml_case('XML-RPC, typed, 5,000 values', 'jhello', *['<int>1</int>'] * 5000),
     xml_case('XML-RPC, typed, 10,000 values', 'jhello', *['<int>1</int>'] * 10000)),
]


def main():
    wanted = sys.argv[1] if len(sys.argv) > 1 else ''
    pairs = [pair for pair in PAIRS if wanted in pair[1].name]
    figures = measure([case for pair in pairs for case in pair], 'ours')
    rows = []
    for pair in pairs:
        one, other = (figures[case.name]['ours'] for case in pair)
        rows.append((pair[0].name, f'{one:,.0f}', pair[1].name, f'{other:,.0f}', f'{other / one:.2f}'))
    print(bench.table(('case', 'instructions', 'beside it', 'instructions', 'ratio'), rows))


if __name__ == '__main__':
    main()
