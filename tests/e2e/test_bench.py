# SPDX-License-Identifier: MIT
"""What the benchmarks say of figures that grew."""
import json
import sys

import pytest
from conftest import ROOT

sys.path.insert(0, str(ROOT / 'bench'))
import instructions  # noqa: E402

ACCEPTED = {'call': 500.0, 'document': 4000.0}


@pytest.fixture
def accepted(tmp_path, monkeypatch):
    file = tmp_path / 'instructions.json'
    file.write_text(json.dumps({'other': {'call': 1.0}, instructions.release(): ACCEPTED}))
    monkeypatch.setattr(instructions, 'ACCEPTED', file)
    monkeypatch.delenv('ACCEPT', raising=False)
    return file


@pytest.mark.parametrize('figures', [ACCEPTED, {'call': 515.0}, {'call': 1.0, 'new': 9.0}])
def test_instructions_within_what_was_accepted(accepted, figures):
    instructions.judge(figures)


def test_instructions_that_grew(accepted):
    with pytest.raises(SystemExit) as ended:
        instructions.judge({'call': 516.0, 'document': 4000.0})
    assert 'call: 516 instructions, 500 were accepted' in ended.value.code
    assert 'document' not in ended.value.code


def test_instructions_that_are_accepted(accepted, monkeypatch):
    monkeypatch.setenv('ACCEPT', '1')
    instructions.judge({'call': 600.0})
    assert json.loads(accepted.read_text()) == {
        'other': {'call': 1.0}, instructions.release(): {'call': 600.0, 'document': 4000.0}}
    monkeypatch.delenv('ACCEPT')
    instructions.judge({'call': 600.0})


def test_a_release_without_figures(accepted, capsys):
    accepted.write_text('{}')
    instructions.judge({'call': 600.0})
    assert 'no figures were accepted' in capsys.readouterr().err


@pytest.mark.parametrize('name', ['bookworm x86_64', 'trixie x86_64'])
def test_every_case_has_been_accepted(name):
    figures = json.loads((ROOT / 'bench/instructions.json').read_text())[name]
    assert set(figures) == {case.name for case in instructions.CASES}


def test_costs_of_a_call_graph(tmp_path):
    """What enters the plugin counts with all it calls, what it runs itself all that runs."""
    graph = tmp_path / 'callgrind.out'
    graph.write_text('ob=(1) /x/uwsgi\nfn=(1)\n1 5\ncob=(2) /x/rpc_plugin.so\ncfn=(2)\ncalls=1 2\n+1 300\n'
                     'ob=(2)\nfn=(2)\n2 100\ncfn=(3)\ncalls=1 3\n* 50\ncob=(1)\ncfn=(4)\ncalls=1 4\n-1 150\n')
    assert instructions.cost(graph, whole=False) == 300
    assert instructions.cost(graph, whole=True) == 105
