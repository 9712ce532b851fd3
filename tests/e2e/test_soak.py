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
    (False, 'steady', 'persistent', 300, 'Lost closed'),
    (True, 'steady', 'remote', 300, 'LostAtNode None'),
    (False, 'steady', 'remote', 300, "Lost wrong answer: b'y'")])
def test_excuse(excused, server, kind, start, what):
    trouble = soak.Trouble(SimpleNamespace(directory=SimpleNamespace(name='troubled')))
    trouble.kills, trouble.reloads = [(KILL, KILL)], [(RELOAD, RELOAD)]
    assert bool(trouble.excuse((server, kind, start, start + 0.2, what))) == excused


def test_trouble_that_takes_a_while_excuses_what_it_meets():
    trouble = soak.Trouble(SimpleNamespace(directory=SimpleNamespace(name='troubled')))
    trouble.kills = [(KILL, KILL + 5)]
    excused = [bool(trouble.excuse(('troubled', 'packet', start, start + 0.2, 'Lost no answer')))
               for start in (KILL - 1, KILL + 1, KILL + 5.4, KILL + 6)]
    assert excused == [False, True, True, False]


def test_what_came_instead_of_an_answer():
    for answer, what in (None, 'no answer'), (b'', 'wrong answer'), (b'y', 'wrong answer'):
        with pytest.raises(soak.Lost, match=what):
            soak.check_packet(answer, b'x')
    soak.check_packet(b'x', b'x')


@pytest.mark.parametrize('kind, lost, wrong', [
    ('remote', None, b'y'), ('remote_tls', None, b'y'), ('route_node', (502, b''), (200, b'y')),
    ('gather', (502, b''), (200, b'texttail' * 3)), ('client', (200, b''), (500, b'')),
    ('client_gather', (200, soak.drive.CLIENT_GATHERED.replace('2:ok,4:text', '11:node-closed,0:', 1).encode()),
     (200, b''))])
def test_what_is_lost_at_a_node_that_closes(monkeypatch, kind, lost, wrong):
    """Each of its kinds tells it from a wrong answer, which nothing excuses."""
    caller = soak.Caller(SimpleNamespace(sockets=[('127.0.0.1', 1)]))
    for answer, error in (lost, soak.LostAtNode), (wrong, soak.Lost):
        monkeypatch.setattr(soak.transports, 'framed_packet', lambda *_, answer=answer: answer)
        monkeypatch.setattr(soak.drive, 'outcome', lambda *_, answer=answer, **variables: answer)
        with pytest.raises(soak.Lost) as raised:
            getattr(caller, kind)()
        assert raised.type is error


def test_a_lost_call_is_not_taken_for_a_node_s_that_trouble_explains():
    trouble = soak.Trouble(SimpleNamespace(directory=SimpleNamespace(name='troubled')))
    trouble.kills, trouble.reloads = [(KILL, KILL)], [(RELOAD, RELOAD)]
    for start in KILL, RELOAD:
        assert trouble.excuse(('troubled', 'remote', start, start, 'LostAtNode None')) != soak.AT_NODE


@pytest.mark.parametrize('lost, status', [(0, 0), (10, 0), (11, 1)])
def test_more_than_one_of_a_hundred_is_lost_at_a_node(capsys, lost, status):
    failures = [('steady', 'remote', 300, 301, 'LostAtNode None')] * lost
    trouble = soak.Trouble(SimpleNamespace(directory=SimpleNamespace(name='troubled')))
    assert soak.report(20, (), trouble, [(soak.Counter(remote=1000), failures)], [], {}, {}) == status
    assert (f'{lost} calls lost at a node that closes' in capsys.readouterr().out) == (status == 1)
