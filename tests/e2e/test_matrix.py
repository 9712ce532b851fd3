# SPDX-License-Identifier: MIT
"""Which runs are compared with MATRIX.md: those in which every test was there to prove its part."""
from types import SimpleNamespace

import matrix
import pytest
from conftest import HERE


@pytest.mark.parametrize('whole, preload, option, args', [
    (True, None, {}, [HERE]), (True, None, {'markexpr': 'not alone'}, [HERE]),
    (False, None, {'markexpr': 'alone'}, [HERE]), (False, None, {'keyword': 'engines'}, [HERE]),
    (False, None, {'deselect': ['test_tls.py']}, [HERE]), (False, None, {}, [HERE / 'test_engines.py']),
    (False, 'libasan.so', {}, [HERE])])
def test_whole_run(monkeypatch, whole, preload, option, args):
    monkeypatch.delenv('RPC_PRELOAD', raising=False)
    if preload:
        monkeypatch.setenv('RPC_PRELOAD', preload)
    option = SimpleNamespace(**{'keyword': '', 'deselect': None, 'markexpr': '', **option})
    assert matrix.whole_run(SimpleNamespace(option=option, args=args)) == whole
