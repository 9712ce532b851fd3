# SPDX-License-Identifier: MIT
"""The harness of tests/livefuzz, with a fault for it to find: it says so, keeps what breaks the server,
and nothing else, and can send it again."""
import json
import os
import re
import subprocess
from pathlib import Path

import pytest
from conftest import BUILD, ROOT, WITHOUT


# It ends with the first fault; what one engine has of it is enough on a busy machine, too.
SECONDS = 400


def livefuzz(tests, **env):
    return subprocess.run(['make', '-s', 'livefuzz', f'LIVEFUZZ_TIME={SECONDS}'], cwd=ROOT, text=True, timeout=500,
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          env={**os.environ, 'PYTEST_ADDOPTS': f'-k "{tests}"', 'LIVEFUZZ_SEED': '5',
                               'LIVEFUZZ_LEAST': '3', **env})


@pytest.mark.uninstrumented('it is, by itself')
@pytest.mark.skipif(bool(WITHOUT), reason='the traffic is for every bridge')
def test_a_fault_is_found_and_kept():
    found = livefuzz('preforking and puwsgi', LIVEFUZZ_FAULT='1')
    assert found.returncode == 2 and '1 failed' in found.stdout, found.stdout
    assert re.search(r'(?m)^livefuzz: 0 requests, 0 engines, \d+ s, seed 5: FAILED$', found.stdout), found.stdout
    path = Path(re.search(r'kept in (\S+\.json)', found.stdout)[1])
    assert path.parent == BUILD / 'livefuzz' / 'found'
    kept = json.loads(path.read_text())
    assert kept['kind'] == 'died' and len(kept['requests']) == 1

    again = livefuzz('test_replay', LIVEFUZZ_REPLAY=str(path), LIVEFUZZ_FAULT='1')
    assert again.returncode == 2 and 'died' in again.stdout, again.stdout
    mended = livefuzz('test_replay', LIVEFUZZ_REPLAY=str(path))
    assert mended.returncode == 0 and '1 passed' in mended.stdout, mended.stdout
    path.unlink()
