# SPDX-License-Identifier: MIT
"""The interoperability matrix: tests say which cells they prove, and MATRIX.md is what a whole run
has proved. A run that finds something else than MATRIX.md says fails; RPC_MATRIX=write (make matrix)
rewrites it instead."""
import os
import re
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
DOCUMENT = ROOT / 'MATRIX.md'
GENERATED = ROOT / 'build' / 'matrix.md'
BEGIN, END = '<!-- begin: written by "make matrix" -->\n', '<!-- end -->\n'
CELLS = pytest.StashKey()

# {table: {row: {column: Cell}}}
tables = {}


class Cell:
    def __init__(self):
        self.reason = ''
        self.outcomes = set()


@pytest.fixture
def cell(request):
    """cell(table, row, column[, reason]): this test proves that cell of the matrix. With a reason it
    proves a refusal, and says why there is one."""
    declared = request.node.stash.setdefault(CELLS, [])

    def declare(table, row, column, reason=''):
        found = tables.setdefault(table, {}).setdefault(row, {}).setdefault(column, Cell())
        assert not (reason and found.reason) or reason == found.reason
        found.reason = found.reason or reason
        declared.append(found)

    return declare


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item):
    report = (yield).get_result()
    for found in item.stash.get(CELLS, []):
        if report.when == 'call' or not report.passed:
            found.outcomes.add(report.outcome)


def render():
    lines, notes = [], {}
    for table, rows in tables.items():
        columns = list(dict.fromkeys(column for row in rows.values() for column in row))
        lines += [f'## {table}', '', f'| | {" | ".join(columns)} |', '|---' * (len(columns) + 1) + '|']
        for row, cells in rows.items():
            values = [text_of(cells.get(column), notes) for column in columns]
            lines.append(f'| {row} | {" | ".join(values)} |')
        lines.append('')
    lines += [f'{number}. {reason}' for reason, number in notes.items()]
    return '\n'.join(lines) + '\n'


def text_of(found, notes):
    if found is None:
        return ''
    if found.outcomes != {'passed'}:
        return '**not shown**'
    if found.reason:
        return f'no ({notes.setdefault(found.reason, len(notes) + 1)})'
    return 'yes'


def whole_run(config):
    """Whether every test that proves a cell was there to be run."""
    option = config.option
    chosen = [Path(arg).resolve() for arg in config.args]
    owners = [path for path in HERE.glob('test_*.py') if re.search(r'\bcell\b', path.read_text())]
    return (not (option.keyword or option.markexpr or option.deselect) and
            all(any(owner.is_relative_to(path) for path in chosen) for owner in owners))


def pytest_sessionfinish(session, exitstatus):
    if not tables or hasattr(session.config, 'workerinput'):
        return
    generated = render()
    GENERATED.parent.mkdir(exist_ok=True)
    GENERATED.write_text(generated)
    if not whole_run(session.config) or exitstatus != pytest.ExitCode.OK:
        return
    if '**not shown**' in generated:
        session.config.matrix_verdict = f'not compared with {DOCUMENT.name}: tests were skipped'
        return
    document = DOCUMENT.read_text()
    head, rest = document.split(BEGIN)
    written, tail = rest.split(END)
    if written == generated:
        return
    if os.environ.get('RPC_MATRIX') == 'write':
        DOCUMENT.write_text(head + BEGIN + generated + END + tail)
        session.config.matrix_verdict = f'{DOCUMENT.name} rewritten'
    else:
        session.config.matrix_verdict = (f'{DOCUMENT.name} is not what this run has shown, see '
                                         f'{GENERATED.relative_to(ROOT)}; "make matrix" rewrites it')
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter, config):
    verdict = getattr(config, 'matrix_verdict', None)
    if verdict:
        terminalreporter.write_line(f'matrix: {verdict}')
