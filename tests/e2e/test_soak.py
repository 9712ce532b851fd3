# SPDX-License-Identifier: MIT
"""What the soak takes for uWSGI's own loss of a call, and what it does not."""
import sys
from types import SimpleNamespace

import pytest
from conftest import HERE

sys.path.insert(0, str(HERE.parent / 'soak'))
import soak  # noqa: E402

KILL, RELOAD = 100, 200


@pytest.mark.parametrize('excused, server, kind, start, what', [
    (True, 'troubled', 'packet', KILL - 0.1, 'Lost wrong answer: None'),
    (True, 'troubled', 'packet', KILL + 0.4, 'Lost no answer'),
    (False, 'troubled', 'packet', KILL + 0.6, 'Lost no answer'),
    (False, 'steady', 'packet', KILL, 'Lost no answer'),
    (True, 'troubled', 'remote_kept', RELOAD - 0.1, 'Lost no answer'),
    (True, 'troubled', 'path', RELOAD + 0.4, 'AssertionError no answer'),
    (False, 'troubled', 'path', RELOAD + 0.6, 'AssertionError no answer'),
    (False, 'troubled', 'remote_kept', RELOAD, "Lost wrong answer: b'' for b'x'"),
    (False, 'troubled', 'jsonrpc', RELOAD, 'Lost wrong answer: None'),
    (False, 'troubled', 'packet', RELOAD, 'TimeoutError'),
    (False, 'steady', 'packet', RELOAD, 'Lost no answer'),
    (True, 'troubled', 'persistent', 300, 'Lost closed'),
    (False, 'troubled', 'persistent', 300, "Lost wrong answer: b'' for b'x'"),
    (False, 'steady', 'persistent', 300, 'Lost closed')])
def test_excuse(excused, server, kind, start, what):
    trouble = soak.Trouble(SimpleNamespace(directory=SimpleNamespace(name='troubled')))
    trouble.kills, trouble.reloads = [KILL], [RELOAD]
    assert bool(trouble.excuse((server, kind, start, start + 0.2, what))) == excused


def test_what_came_instead_of_an_answer():
    for answer, what in (None, 'no answer'), (b'', 'wrong answer'), (b'y', 'wrong answer'):
        with pytest.raises(soak.Lost, match=what):
            soak.check_packet(answer, b'x')
    soak.check_packet(b'x', b'x')
