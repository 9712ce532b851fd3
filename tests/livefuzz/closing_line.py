# SPDX-License-Identifier: MIT
"""The one line that a run of tests/livefuzz ends with."""
import os
import time

START = time.monotonic()
SEED = int(os.environ.get('LIVEFUZZ_SEED', time.time()))


def pytest_terminal_summary(terminalreporter):
    """Of runs with a property 'live', which is an engine and the requests it has had."""
    stats = terminalreporter.stats
    passed = [value for report in stats.get('passed', ()) for name, value in report.user_properties
              if name == 'live' and report.when == 'call']
    failed = len(stats.get('failed', ())) + len(stats.get('error', ()))
    if not passed and not failed:
        return
    left = len(stats.get('xfailed', ()))
    terminalreporter.write_line(
        f'livefuzz: {sum(sent for _, sent in passed)} requests, {len({engine for engine, _ in passed})} engines, '
        f'{time.monotonic() - START:.0f} s, seed {SEED}: ' +
        ('FAILED' if failed else 'ok' + (f', but for {left} that uWSGI itself does not live through' if left else '')))
