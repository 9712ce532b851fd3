# SPDX-License-Identifier: MIT
"""The interoperability matrix: tests say which cells they prove, and MATRIX.md is what a whole run has
proved, with a part for each release of Debian. A run that finds something else than MATRIX.md says of
its release fails; RPC_MATRIX=write (make matrix) rewrites that part instead.

Cells travel in the reports of the tests, so that a run in several processes collects them too."""
import os
import re
from pathlib import Path

import pytest
from release import RELEASE

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
DOCUMENT = ROOT / 'MATRIX.md'
GENERATED = ROOT / 'build' / 'matrix.md'
BEGIN, END = f'<!-- begin: {RELEASE}, written by "make matrix" -->\n', f'<!-- end: {RELEASE} -->\n'
PROPERTY = 'cell'

# [((place of the test, of the cell in it), table, row, column, reason, outcome)]
proved = []


class Cell:
    def __init__(self):
        self.reason = ''
        self.outcomes = set()


def number(items):
    """The order of the tables is that of the tests, in whatever order they are run."""
    for place, item in enumerate(items):
        item.matrix_place = place


@pytest.fixture
def cell(request):
    """cell(table, row, column[, reason]): this test proves that cell of the matrix. With a reason it
    proves a refusal, and says why there is one."""
    declared = request.node.user_properties

    def declare(table, row, column, reason=''):
        declared.append((PROPERTY, [request.node.matrix_place, len(declared), table, row, column, reason]))

    return declare


def pytest_runtest_logreport(report):
    if report.when == 'call' or not report.passed:
        proved.extend((*value, report.outcome) for name, value in report.user_properties if name == PROPERTY)


def tables():
    """{table: {row: {column: Cell}}}"""
    found = {}
    for _, _, table, row, column, reason, outcome in sorted(proved):
        one = found.setdefault(table, {}).setdefault(row, {}).setdefault(column, Cell())
        assert not (reason and one.reason) or reason == one.reason
        one.reason = one.reason or reason
        one.outcomes.add(outcome)
    return found


def render():
    lines, notes = [], {}
    for table, rows in tables().items():
        columns = list(dict.fromkeys(column for row in rows.values() for column in row))
        lines += [f'### {table}', '', f'| | {" | ".join(columns)} |', '|---' * (len(columns) + 1) + '|']
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
    """Whether every test that proves a cell was there to be run; none of them is to be alone. With an
    instrumented plugin not every engine is."""
    if os.environ.get('RPC_PRELOAD'):
        return False
    option = config.option
    chosen = [Path(arg).resolve() for arg in config.args]
    owners = [path for path in HERE.glob('test_*.py') if re.search(r'\bcell\(', path.read_text())]
    return (not (option.keyword or option.deselect) and option.markexpr in ('', 'not alone') and
            all(any(owner.is_relative_to(path) for path in chosen) for owner in owners))


def pytest_sessionfinish(session, exitstatus):
    if not proved or hasattr(session.config, 'workerinput'):
        return
    generated = render()
    GENERATED.parent.mkdir(exist_ok=True)
    GENERATED.write_text(generated)
    if not whole_run(session.config) or exitstatus != pytest.ExitCode.OK:
        return
    session.config.matrix_verdict, agrees = compare(generated)
    if not agrees:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def compare(generated):
    """What to say of it, and whether the document agrees."""
    document = DOCUMENT.read_text()
    if '**not shown**' in generated:
        return f'not compared with {DOCUMENT.name}: tests were skipped', True
    if BEGIN not in document:
        return f'{DOCUMENT.name} has no part for {RELEASE}', True
    head, rest = document.split(BEGIN)
    written, tail = rest.split(END)
    if written == generated:
        return f'{DOCUMENT.name} is what this run has shown of {RELEASE}', True
    if os.environ.get('RPC_MATRIX') == 'write':
        DOCUMENT.write_text(head + BEGIN + generated + END + tail)
        return f'{DOCUMENT.name} rewritten', True
    return (f'{DOCUMENT.name} is not what this run has shown, see {GENERATED.relative_to(ROOT)}; '
            '"make matrix" rewrites it'), False


def pytest_terminal_summary(terminalreporter, config):
    verdict = getattr(config, 'matrix_verdict', None)
    if verdict:
        terminalreporter.write_line(f'matrix: {verdict}')
