# SPDX-License-Identifier: MIT
"""Each folder of examples/ does what its README says: the commands there, and their output."""
import os
import re
import shutil
import signal
import subprocess

import pytest
from conftest import (PLUGIN_DIR, PRELOAD, REPORTS, ROOT, START_SEC, SUPPRESSIONS, UWSGI, free_port,
                      listens, poll)

ADDRESS = re.compile(r'127\.0\.0\.1:(\d+)')
SERVERS = ('uwsgi-core ', 'nginx ')
# What a plugin built without a library answers with 501.
LEFT_OUT = [word for word, package in (('jsonrpc', 'jansson'), ('xmlrpc', 'libxml-2.0'))
            if package in os.environ.get('RPC_WITHOUT', '').split()]


def commands(readme):
    """The commands of a README's console blocks, each with the output that follows it."""
    for block in re.findall(r'```console\n(.*?)```', readme, re.S):
        for command, output in re.findall(r'^\$ (.*)\n((?:(?!\$ ).*\n)*)', block, re.M):
            yield command, output


def comparable(text):
    """Without the time of day, and without a newline at the end, which results need not have."""
    return re.sub(r'\b\d{10}\b', 'TIME', text.removesuffix('\n'))


FOLDERS = sorted(readme.parent.name for readme in (ROOT / 'examples').glob('*/README.md')
                 if any(command.startswith(SERVERS) for command, _ in commands(readme.read_text())))


class Example:
    """A copy of the examples on ports of its own, and the servers started in it."""

    def __init__(self, folder, root):
        self.root = root
        self.ports = {}
        self.servers = []
        self.log = root / 'log'
        shutil.copytree(ROOT / 'examples', root / 'examples')
        (root / 'rpc_plugin.so').symlink_to(PLUGIN_DIR.resolve() / 'rpc_plugin.so')
        for path in (root / 'examples' / folder).iterdir():
            if path.is_file():
                path.write_text(ADDRESS.sub(self._other_port, path.read_text()))
        self.readme = (root / 'examples' / folder / 'README.md').read_text()

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
        return all(map(listens, self.ports.values()))

    def start(self):
        for command, output in commands(self.readme):
            if command.startswith(SERVERS):
                assert not output
                self.serve(command)
        poll(self.ready, START_SEC, f'start of the servers, see {self.log}')

    def output(self, command):
        client = self.shell(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        return client.communicate(timeout=60)[0]

    def stop(self):
        for server in self.servers:
            server.send_signal(signal.SIGINT)
        for server in self.servers:
            server.wait(60)
        assert not REPORTS.search(self.log.read_text(errors='replace')), self.log


@pytest.mark.parametrize('folder', FOLDERS)
def test_readme(folder, tmp_path):
    example = Example(folder, tmp_path)
    try:
        example.start()
        calls = [(command, output) for command, output in commands(example.readme)
                 if not command.startswith(SERVERS)
                 and not any(word in command for word in LEFT_OUT)]
        assert calls
        for command, output in calls:
            assert comparable(example.output(command)) == comparable(output), command
    finally:
        example.stop()
