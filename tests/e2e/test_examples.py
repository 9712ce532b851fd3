# SPDX-License-Identifier: MIT
"""The folders of examples/ do what their READMEs and the pages of doc/ say: the commands there, their
output, and the lines they leave in the log."""
import os
import re
import shutil
import subprocess

import pytest
from conftest import (BUILD, PLUGIN_DIR, PRELOAD, REPORTS, ROOT, START_SEC, SUPPRESSIONS, UWSGI,
                      free_port, interrupt, listens, poll)

ADDRESS = re.compile(r'127\.0\.0\.1:(\d+)')
SERVERS = ('uwsgi-core ', 'nginx ')
# What a plugin built without a library answers with 501.
LEFT_OUT = ['xmlrpc'] if 'libxml-2.0' in os.environ.get('RPC_WITHOUT', '').split() else []


def commands(readme):
    """The commands of a README's console blocks, each with the output that follows it."""
    for block in re.findall(r'```console\n(.*?)```', readme, re.S):
        for command, output in re.findall(r'^\$ (.*)\n((?:(?!\$ ).*\n)*)', block, re.M):
            yield command, output


def comparable(text):
    """Without the time of day, and without a newline at the end, which results need not have."""
    return re.sub(r'\b\d{10}\b', 'TIME', text.removesuffix('\n'))


def starts(page):
    """The commands that start servers."""
    return [command for command, _ in commands(page) if command.startswith(SERVERS)]


PAGES = sorted(path.relative_to(ROOT) for pattern in ('examples/*/README.md', 'doc/*.md')
               for path in ROOT.glob(pattern) if starts(path.read_text()))


def files(path):
    """A file, or those of a folder; what they say of themselves apart."""
    return [file for file in (path.iterdir() if path.is_dir() else [path])
            if file.is_file() and file.suffix != '.md']


class Example:
    """A copy of the examples on ports of its own, and the servers started in it."""

    def __init__(self, page, root):
        self.root = root
        self.ports = {}
        self.servers = []
        self.log = root / 'log'
        shutil.copytree(ROOT / 'examples', root / 'examples')
        (root / 'rpc_plugin.so').symlink_to(PLUGIN_DIR.resolve() / 'rpc_plugin.so')
        (root / 'build').symlink_to(BUILD.resolve())
        named = [root / name for name in re.findall(r'examples/[\w./-]+', ' '.join(starts(page)))]
        for folder in {path if path.is_dir() else path.parent for path in named}:
            for path in files(folder):
                path.write_text(ADDRESS.sub(self._other_port, path.read_text()))
        self.awaited = {int(port) for path in named for file in files(path)
                        for port in ADDRESS.findall(file.read_text())}
        self.page = ADDRESS.sub(self._other_port, page)

    def _other_port(self, match):
        return f'127.0.0.1:{self.ports.setdefault(match.group(1), free_port())}'

    def shell(self, command, **kwargs):
        env = dict(os.environ, PWD=str(self.root), TMPDIR=str(self.root))
        env.setdefault('ASAN_OPTIONS', f'detect_leaks=0:{SUPPRESSIONS}')
        return subprocess.Popen(command, shell=True, cwd=self.root, env=env,
                                stdin=subprocess.DEVNULL, **kwargs)

    def serve(self, command):
        if command.startswith('uwsgi-core'):
            command = f'LD_PRELOAD="{PRELOAD}" exec {UWSGI}' + command[len('uwsgi-core'):]
        else:
            command = 'exec ' + command
        with open(self.log, 'ab') as log:
            self.servers.append(self.shell(command, stdout=log, stderr=log))

    def ready(self):
        for server in self.servers:
            assert server.poll() is None, self.log.read_text()
        return all(map(listens, self.awaited))

    def start(self):
        for command in starts(self.page):
            self.serve(command)
        poll(self.ready, START_SEC, f'start of the servers, see {self.log}')

    def output(self, command):
        client = self.shell(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        return client.communicate(timeout=60)[0]

    def wait_log(self, lines):
        poll(lambda: set(lines) <= set(self.log.read_text(errors='replace').splitlines()),
             what=f'{lines} in {self.log}')

    def stop(self):
        for server in self.servers:
            interrupt(server, lambda: self.log.read_text(errors='replace'))
        assert not REPORTS.search(self.log.read_text(errors='replace')), self.log


@pytest.mark.parametrize('path', PAGES, ids=str)
def test_page(path, tmp_path):
    example = Example((ROOT / path).read_text(), tmp_path)
    try:
        example.start()
        calls = [(command, output) for command, output in commands(example.page)
                 if command not in starts(example.page)
                 and not any(word in command for word in LEFT_OUT)]
        assert calls
        for command, output in calls:
            assert comparable(example.output(command)) == comparable(output), command
        for lines in re.findall(r'```log\n(.*?)```', example.page, re.S):
            example.wait_log(lines.splitlines())
    finally:
        example.stop()
