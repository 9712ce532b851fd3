# SPDX-License-Identifier: MIT
"""README.md says what there is: the quickstart's files, every option, every outcome."""
import os
import re
import subprocess

import pytest
from conftest import PLUGIN_DIR, PRELOAD, ROOT, UWSGI

README = (ROOT / 'README.md').read_text()


@pytest.mark.parametrize('name', ['quickstart.ini', 'quickstart.py'])
def test_quickstart_is_the_example(name):
    assert f'\n{(ROOT / "examples/quickstart" / name).read_text()}```' in README


def test_quickstart_call_is_the_examples():
    example = (ROOT / 'examples/quickstart/README.md').read_text()
    for block in re.findall(r'```console\n(\$ (?:uwsgi-core --ini|python3).*?)```', README, re.S):
        assert block in example


def test_options():
    """Those of uwsgi --help, as syntax and in an example."""
    text = subprocess.run([UWSGI, '--plugin', PLUGIN_DIR.resolve() / 'rpc_plugin.so', '--help'],
                          stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
                          env=dict(os.environ, LD_PRELOAD=PRELOAD)).stdout
    table = {row[0]: row for row in
             (line.strip('| ').split(' | ') for line in README.splitlines()
              if line.startswith('| `rpc-'))}
    options = set(re.findall(r'^\s+--(rpc-[a-z-]+)', text, re.M)) - {'rpc-max'}
    assert {re.match('`(rpc-[a-z-]+)', syntax).group(1) for syntax in table} == options
    for syntax, row in table.items():
        assert len(row) == 4
        assert row[3].startswith(re.match('`rpc-[a-z-]+', syntax).group()), row


def test_outcomes():
    table = re.search(r'#define RPC_STATUS_TABLE.*?\n\n', (ROOT / 'rpc.h').read_text(), re.S).group()
    outcomes = re.findall(r'X\(\w+, "([a-z0-9-]+)"', table)
    assert len(outcomes) > 20
    section = README.split('\n## Outcomes\n')[1].split('\n## ')[0]
    assert re.findall(r'^\| `([a-z0-9-]+)`', section, re.M) == outcomes[1:]


def test_links_lead_somewhere():
    headings = {re.sub(r'[^a-z0-9 _-]', '', line.lstrip('# ').lower()).replace(' ', '-')
                for line in README.splitlines() if line.startswith('#')}
    for target in re.findall(r'\]\(([^)]+)\)', README):
        if target.startswith('#'):
            assert target[1:] in headings
        else:
            assert (ROOT / target).exists()
