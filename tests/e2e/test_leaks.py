# SPDX-License-Identifier: MIT
"""Every kind of request, good and bad, against a server without an interpreter, which is then
stopped: what nothing points to any more has leaked. With LeakSanitizer always, with Valgrind, which
sees uninitialised memory too, when RPC_VALGRIND is set (make valgrind)."""
import os
import re
import subprocess

import pytest
from conftest import BUILD, ROOT, SUPPRESSIONS
from drive import drive, front_options, node_options

INSTRUMENTED = BUILD / 'asan' / 'rpc_plugin.so'
# uWSGI keeps most of its own in shared memory, where LeakSanitizer does not look: a leak counts when
# one of these has asked for the memory, whoever has allocated it for them.
OURS = ('rpc_plugin.so', 'robust.so')
ALLOCATORS = re.compile(r'libasan|libubsan|libc\.so|libxml2|uwsgi-core')
FRAME = re.compile(r'^\s+#\d+ (.*)$', re.M)


class Sanitizer:
    """Frames enough for the deepest chain of allocators; the exit code stays uWSGI's."""

    def __init__(self, directory):
        libraries = [subprocess.check_output(['gcc', f'-print-file-name={name}'], text=True).strip()
                     for name in ('libasan.so', 'libubsan.so')]
        self.plugin, self.wrapper = INSTRUMENTED, ()
        self.env = {'LD_PRELOAD': ':'.join(libraries),
                    'ASAN_OPTIONS': f'detect_leaks=1:exitcode=0:log_path={directory}/report:{SUPPRESSIONS}:'
                                    'fast_unwind_on_malloc=0:malloc_context_size=12:'
                                    'stack_trace_format="    #%n %f %m"'}

    @staticmethod
    def complaints(text):
        if 'LeakSanitizer has encountered a fatal error' in text:
            pytest.skip('LeakSanitizer needs ptrace, which is not allowed here')
        assert 'LeakSanitizer: detected' in text and 'ERROR: AddressSanitizer' not in text, text
        for leak in re.split(r'(?=(?:Direct|Indirect) leak of )', text)[1:]:
            leak = leak.split('\n\n')[0]
            asked = next((frame for frame in FRAME.findall(leak) if not ALLOCATORS.search(frame)), '')
            if any(name in asked for name in OURS):
                yield leak


class Valgrind:
    def __init__(self, directory):
        self.plugin, self.env = 'rpc', {}
        self.wrapper = ('valgrind', '--leak-check=full', '--show-leak-kinds=definite',
                        '--errors-for-leak-kinds=definite', f'--log-file={directory}/report.%p',
                        f'--suppressions={ROOT}/tests/suppressions/valgrind.supp', '--gen-suppressions=all')

    @staticmethod
    def complaints(text):
        assert 'ERROR SUMMARY' in text, text
        if not re.search(r'ERROR SUMMARY: 0 errors', text):
            yield text


@pytest.fixture(params=[Sanitizer, Valgrind])
def watched(request, uwsgi, tmp_path):
    """watched(options) starts a server; watched.complaints(server, pids) stops it and returns what
    these processes, or all of its own, had to report."""
    if request.param is Valgrind and not os.environ.get('RPC_VALGRIND'):
        pytest.skip('takes minutes: make valgrind')
    if request.param is Sanitizer and not INSTRUMENTED.exists():
        pytest.skip('takes an instrumented plugin: make e2e')
    watcher = request.param(tmp_path)

    def start(options):
        # looking for leaks takes a worker its time when it ends
        server = uwsgi(*options, ('worker-reload-mercy', 60), plugins=(watcher.plugin,), app=None,
                       env=watcher.env, wrapper=watcher.wrapper)
        server.patience = 60
        server.wait_log(rf'spawned uWSGI worker {dict(options)["processes"]} ', 60)
        return server

    def complaints(server, pids=None):
        pids = pids or [server.process.pid, *server.worker_pids()]
        server.stop()
        texts = [(tmp_path / f'report.{pid}').read_text(errors='replace') for pid in pids]
        return '\n'.join(complaint for text in texts for complaint in watcher.complaints(text))

    start.complaints = complaints
    return start


def test_nothing_leaks(watched, tmp_path):
    node = watched(node_options(tmp_path))
    front = watched(front_options(tmp_path))
    drive(front, node)
    assert watched.complaints(front) == ''
    assert watched.complaints(node) == ''


def test_a_leak_is_found(watched, tmp_path):
    server = watched(node_options(tmp_path))
    pid = int(server.call('leak'))
    assert 'r_leak' in watched.complaints(server, [pid])
