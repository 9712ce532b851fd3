# SPDX-License-Identifier: MIT
"""README.md and the pages of doc/ say what there is: the examples' files, every option, routing
action and outcome. What their commands print, test_examples.py and test_make.py look at."""
import json
import os
import re
import subprocess

import pytest
from conftest import PLUGIN_DIR, PRELOAD, ROOT, UWSGI, packet

README = (ROOT / 'README.md').read_text()
PAGES = {path.name: path.read_text() for path in [ROOT / 'README.md', *sorted(ROOT.glob('doc/*.md'))]}
DOCUMENTS = [path for folder in ('.', 'doc', 'bench', 'examples/*') for path in ROOT.glob(f'{folder}/*.md')]


def section(text, heading):
    return re.split(r'\n## ', text.split(f'\n## {heading}\n', 1)[1], maxsplit=1)[0]


def table(text):
    """The cells of a table's rows, without its head."""
    rows = re.findall(r'^\| (.*) \|$', text, re.M)
    return [[cell.strip() for cell in row.split(' | ')] for row in rows[1:]]


def source(name):
    return (ROOT / name).read_text()


@pytest.mark.parametrize('page', PAGES)
def test_page_opens_with_a_whole_example(page):
    """Files as they are in examples/, the commands that start and call them, before all else."""
    opening = PAGES[page].split('\n## ')[0]
    files = re.findall(r'`(examples/[^`]+)`:\n\n```(\w+)\n(.*?)```', PAGES[page], re.S)
    assert 'ini' in [kind for _, kind, _ in files]
    for name, _, text in files:
        assert text == source(name), name
        assert text in opening, name
    assert re.search(r'^\$ uwsgi-core --(?:ini|emperor) examples/', opening, re.M)
    assert re.search(r'^\$ (?!uwsgi-core)', opening, re.M)


def test_readme_is_a_front_page():
    assert len(README.splitlines()) <= 250
    first = re.search(r'```sh\n(.*?)```', README, re.S).group(1).splitlines()
    assert [line.split('#')[0].strip() for line in first[:2]] == ['make demo', 'make check']


def test_readme_call_is_the_examples():
    example = source('examples/quickstart/README.md')
    for block in re.findall(r'```console\n(\$ (?:uwsgi-core --ini|python3).*?)```', README, re.S):
        assert block in example


def plugin_options():
    text = subprocess.run([UWSGI, '--plugin', PLUGIN_DIR.resolve() / 'rpc_plugin.so', '--help'],
                          stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
                          env=dict(os.environ, LD_PRELOAD=PRELOAD)).stdout
    return set(re.findall(r'^\s+--(rpc-[a-z-]+)', text, re.M)) - {'rpc-max'}


def test_options():
    """Those of uwsgi --help: a row of the README, and a section with syntax, default and example."""
    page = PAGES['options.md']
    rows = {syntax: default for syntax, default, _ in table(section(README, 'Options'))}
    sections = re.findall(r'^## (rpc-[a-z-]+)$', page, re.M)
    assert set(sections) == plugin_options()
    assert len(rows) == len(sections) == len(set(sections))
    for name, (row, default) in zip(sections, rows.items()):
        syntax, = re.fullmatch(fr'\[`({name}(?: = .+)?)`\]\(doc/options\.md#{name}\)', row).groups()
        head = ' '.join(section(page, name).lstrip('\n').split('\n\n')[0].split())
        assert re.match(fr'`{re.escape(syntax)}`(?:, repeatable)?\. Default: {re.escape(default)}\. '
                        fr'Example: `{name} = \S.*`$', head), head


def test_routing_actions():
    """Those of the source: a row of the README, and a section."""
    actions = re.findall(r'^    X\((rpc\w*|call), ', source('rpc_routing.c'), re.M)
    assert len(actions) > 5
    headings = re.findall(r'^## ((?:rpc|call)[a-z, ]*)$', PAGES['routing.md'], re.M)
    assert [name for heading in headings for name in heading.split(', ')] == actions
    rows = [row[0] for row in table(section(README, 'Routing actions'))]
    assert [re.findall('`([a-z]+)`', row) for row in rows] == [head.split(', ') for head in headings]


def test_outcomes():
    """Each row of the status table, with its codes and its message."""
    rows = re.search(r'#define RPC_STATUS_TABLE.*?\n\n', source('rpc.h'), re.S).group()
    outcomes = re.findall(r'X\(\w+, "([a-z0-9-]+)", (\d+), (\d+), (-?\d+), (-?\d+),[\s\\]*"([^"]+)"\)',
                          rows)
    assert len(outcomes) == len(re.findall(r'\bX\(\w+, "', rows)) > 20
    assert [[cells[0].strip('`'), *cells[1:]] for cells in table(section(PAGES['outcomes.md'], 'Outcomes'))] \
        == [list(row) for row in outcomes[1:]]


def test_speed():
    """The figures are those that make instructions has left in bench/results."""
    measured = {case: [f'{row[who]:,.0f}' if who in row else '' for who in ('stock', 'ours')]
                for case, row in json.loads(source('bench/results/instructions.json')).items()}
    rows = table(section(README, 'Speed'))
    assert len(rows) > 2
    for case, *figures in rows + table(section(source('bench/README.md'), 'Instructions per call')):
        assert figures == measured[case]


def test_packet_by_hand():
    """The bytes that the page annotates are those of its example's call and answer."""
    call, answer = (bytes.fromhex(' '.join(re.findall(r'^((?:[0-9a-f]{2} ?)+)(?:  |$)', block, re.M)))
                    for block in re.findall(r'```\n(ad .*?)```', PAGES['packets.md'], re.S)[:2])
    assert call == packet('hellolua', 'foo', 'bar')
    assert answer == packet()[:1] + b'\x10\0\0' + b'args are foo bar'


def anchors(path):
    return {re.sub(r'[^a-z0-9 _-]', '', line.lstrip('# ').lower()).replace(' ', '-')
            for line in path.read_text().splitlines() if line.startswith('#')}


@pytest.mark.parametrize('path', DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_somewhere(path):
    for target in re.findall(r'\]\(([^)\s]+)\)', path.read_text()):
        if '://' in target:
            continue
        name, _, anchor = target.partition('#')
        file = path.parent / name if name else path
        assert file.exists(), target
        assert not anchor or anchor in anchors(file), target


def test_the_house_is_as_drawn():
    """Every name in CONTRIBUTING.md's picture exists, and no folder is missing from it."""
    picture = re.search(r'```\n(.*?)```', source('CONTRIBUTING.md'), re.S).group(1)
    assert len(picture.splitlines()) == 10
    drawn = re.findall(r'^[\w./]+(?: [\w.]+/)*', picture, re.M)
    names = {name for line in drawn for name in line.split()}
    assert all((ROOT / name).exists() for name in names), names
    folders = {f'{path.name}/' for path in ROOT.iterdir() if path.is_dir() and path.name[0] != '.'}
    assert folders - {'build/', '__pycache__/'} <= names
    for name in re.findall(r'`((?:tests|server|client|parse|tools)/[\w/.]+)`', source('CONTRIBUTING.md')):
        assert 'NAME' in name or (ROOT / name).exists(), name
