# SPDX-License-Identifier: MIT
"""What a user sees of make: help, install, and the packages that are missing."""
import os
import re
import shutil
import subprocess

import pytest
from conftest import PLUGIN_DIR, PRELOAD, ROOT


def run(*command, **kwargs):
    return subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                          stdin=subprocess.DEVNULL, timeout=300, **kwargs)


def test_help_lists_every_target():
    makefile = ''.join(path.read_text() for path in (ROOT / 'Makefile', *ROOT.glob('*/*.mk')))
    targets = set(re.findall(r'^([a-z0-9]+):(?!=)', makefile, re.M))
    lines = run('make', '-C', ROOT, '--no-print-directory', 'help').stdout.splitlines()
    assert {line.split()[0] for line in lines} == targets
    assert all(len(line) <= 100 for line in lines)


INSTALLED = {'lib/uwsgi/plugins/rpc_plugin.so': 0o644, 'bin/uwsgi-rpc': 0o755,
             'share/man/man1/uwsgi-rpc.1': 0o644,
             'share/bash-completion/completions/uwsgi-rpc': 0o644}


@pytest.fixture
def install(tmp_path):
    """Runs tools/install.sh where what it installs is."""
    (tmp_path / 'build').mkdir()
    (tmp_path / 'cli').mkdir()
    for source, name in ((PLUGIN_DIR, 'rpc_plugin.so'), (ROOT, 'build/uwsgi-rpc'), (ROOT, 'cli/uwsgi-rpc.1'),
                         (ROOT, 'cli/uwsgi-rpc.bash')):
        shutil.copyfile(source / name, tmp_path / name)
    return lambda *arguments: run(ROOT / 'tools/install.sh', *arguments, cwd=tmp_path)


def files(directory):
    return {str(path.relative_to(directory)): path for path in directory.rglob('*') if path.is_file()}


def test_install_prints_the_lines_that_load_it(install, tmp_path):
    result = install('install', str(tmp_path / 'root'), '/opt/x')
    assert result.returncode == 0
    assert result.stdout == 'plugin-dir = /opt/x/lib/uwsgi/plugins\nplugin = rpc\n'
    installed = files(tmp_path / 'root/opt/x')
    assert {name: path.stat().st_mode & 0o777 for name, path in installed.items()} == INSTALLED
    plugin = installed['lib/uwsgi/plugins/rpc_plugin.so']
    assert plugin.read_bytes() == (PLUGIN_DIR / 'rpc_plugin.so').read_bytes()


def test_uninstall_takes_away_what_install_has_put_there(install, tmp_path):
    root = tmp_path / 'root'
    install('install', str(root), '/usr')
    (root / 'usr/bin/other').touch()
    assert install('uninstall', str(root), '/usr').returncode == 0
    assert set(files(root)) == {'usr/bin/other'}
    assert install('uninstall', str(root), '/usr').returncode == 0


@pytest.mark.parametrize('action', ['install', 'uninstall'])
def test_install_never_touches_a_file_of_a_package(install, action):
    stock = '/usr/lib/uwsgi/plugins/rpc_plugin.so'
    if run('dpkg-query', '-S', stock).returncode:
        pytest.skip('no package owns ' + stock)
    before = os.stat(stock)
    result = install(action, '', '/usr')
    assert result.returncode == 1
    assert 'belongs to a package' in result.stderr
    assert os.stat(stock) == before
    assert not os.path.exists('/usr/bin/uwsgi-rpc')


def test_missing_packages_are_named_where_they_cannot_be_installed(tmp_path):
    tools = tmp_path / 'tools'
    tools.mkdir()
    shutil.copy(ROOT / 'tools/packages.sh', tools)
    (tmp_path / 'packages.txt').write_text('demo  no-such-package-1\ncheck  no-such-package-2\n')
    commands = tmp_path / 'bin'  # no apt-get there
    commands.mkdir()
    for name in ('awk', 'dirname', 'dpkg-query', 'id', 'sh'):
        (commands / name).symlink_to(shutil.which(name))
    env = dict(os.environ, PATH=str(commands))
    result = run(tools / 'packages.sh', 'install', 'build', 'demo', env=env)
    assert result.returncode == 1 and result.stdout == ''
    assert 'no-such-package-1' in result.stderr and 'no-such-package-2' not in result.stderr
    (tmp_path / 'packages.txt').write_text('demo awk\n')  # mawk's or gawk's
    assert run(tools / 'packages.sh', 'install', 'build', 'demo', env=env).returncode == 0


@pytest.fixture
def demo():
    """Runs demo.sh, which may stand in a copy of the examples."""
    if PRELOAD:
        pytest.skip('AddressSanitizer stops uWSGI, which reads too far to expand %d')
    env = dict(os.environ, RPC_PLUGIN_DIR=str(PLUGIN_DIR.resolve()))
    return lambda directory: run(directory / 'examples/demo.sh', env=env)


def without_ports(text):
    return re.sub(r'127\.0\.0\.1:\d+', '127.0.0.1:PORT', text)


def test_demo_prints_what_the_readme_says(demo):
    """The README's is of a build with both bridges, whose calls are the last ones."""
    result = demo(ROOT)
    assert result.returncode == 0, result.stdout + result.stderr
    readme = (ROOT / 'README.md').read_text()
    block = re.search(r'```console\n\$ make demo\n(.*?)```', readme, re.S)
    assert without_ports(block.group(1)).startswith(without_ports(result.stdout))


def test_demo_fails_on_a_wrong_answer(demo, tmp_path):
    shutil.copytree(ROOT / 'examples', tmp_path / 'examples')
    functions = tmp_path / 'examples/quickstart/quickstart.py'
    functions.write_text(functions.read_text().replace("b'hello',", "b'bye',"))
    result = demo(tmp_path)
    assert result.returncode == 1
    assert 'expected: hello World' in result.stderr


def test_demo_shows_the_log_when_uwsgi_does_not_start(demo, tmp_path):
    shutil.copytree(ROOT / 'examples', tmp_path / 'examples')
    with open(tmp_path / 'examples/quickstart/quickstart.ini', 'a') as ini:
        ini.write('strict = true\nno-such-option = true\n')
    result = demo(tmp_path)
    assert result.returncode == 1
    assert 'no-such-option' in result.stderr


def test_demo_leaves_nothing_behind_when_nobody_reads_on(tmp_path):
    """As with "make demo | head -1": the pipe is closed while it runs. Nor does it wait for a worker that
    misses its signal, as one does that is still starting; uWSGI's master would, for a minute."""
    if PRELOAD:
        pytest.skip('AddressSanitizer stops uWSGI, which reads too far to expand %d')
    shutil.copytree(ROOT / 'examples', tmp_path / 'examples')
    with open(tmp_path / 'examples/quickstart/quickstart.py', 'a') as functions:
        functions.write('\nimport signal\n'
                        'uwsgi.post_fork_hook = lambda: signal.pthread_sigmask(signal.SIG_BLOCK, range(1, 32))\n')
    temporary = tmp_path / 'tmp'
    temporary.mkdir()
    env = dict(os.environ, RPC_PLUGIN_DIR=str(PLUGIN_DIR.resolve()), TMPDIR=str(temporary))
    process = subprocess.Popen([tmp_path / 'examples/demo.sh'], env=env, stdin=subprocess.DEVNULL,
                               stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    assert process.stdout.readline().startswith(b'a uWSGI')
    process.stdout.close()
    assert process.wait(30) != 0
    assert list(temporary.iterdir()) == []  # removed last, when the server has ended


def test_another_uwsgi_builds_anew(tmp_path):
    """Once for each, with something that notes what it is asked."""
    tree = tmp_path / 'tree'
    tree.mkdir()
    for path in (ROOT / 'Makefile', *ROOT.glob('rpc*.[ch]'), ROOT / 'uwsgiplugin.py'):
        shutil.copy(path, tree)
    for folder in ('parse', 'client', 'server', 'cli', 'tools'):
        shutil.copytree(ROOT / folder, tree / folder)
    (tree / 'tests').mkdir()
    shutil.copy(ROOT / 'tests/checks.mk', tree / 'tests')
    binary = tmp_path / 'uwsgi'
    binary.write_text(f'#!/bin/sh\ncase $1 in --version) echo "$VERSION" ;;\n'
                      f'--build-plugin) echo built >>{tmp_path}/log; touch rpc_plugin.so ;; esac\n')
    binary.chmod(0o755)
    for version, builds in (('2.0.1', 1), ('2.0.1', 1), ('2.0.2', 2)):
        subprocess.run(['make', '-s', f'UWSGI={binary}', f'VERSION={version}', 'rpc_plugin.so'],
                       cwd=tree, check=True, capture_output=True,
                       env=dict(os.environ, VERSION=version, MAKEFLAGS=''))
        assert (tmp_path / 'log').read_text().count('built') == builds
