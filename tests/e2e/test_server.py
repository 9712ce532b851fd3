# SPDX-License-Identifier: MIT
"""What the server of the tests notices by itself, in whatever test it is."""
import os
import signal

import pytest
from conftest import TCP, Server


def test_a_crash_that_no_test_looks_for(tmp_path):
    server = Server(tmp_path / 'uwsgi', [TCP]).start()
    worker, = server.worker_pids()
    os.kill(worker, signal.SIGSEGV)
    server.wait_log('DAMN ! worker 1 ')
    with pytest.raises(AssertionError, match='getting INI configuration'):
        server.stop()
    assert server.process.poll() is not None
