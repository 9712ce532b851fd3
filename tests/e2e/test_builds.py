# SPDX-License-Identifier: MIT
"""The sources under each compiler, with and without what uWSGI or the libraries may lack; and, for
each binary of RPC_UWSGIS (paths, separated by colons), the plugin built for it and tried in it."""
import os
import re
import shutil
import struct
import subprocess
from pathlib import Path

import conftest
import pytest
from conftest import BUILD, PLUGIN_DIR, PRELOAD, ROOT, TCP, UWSGI, connect, framed, packet
from polyglot import BY_TITLE, require
from test_engines import read_reply
from transports import TRANSPORTS, left_out, routes

TABLE = 'Builds without a warning (`-Wall -Wextra -Werror`)'
WARNINGS = '-Wall -Wextra -Werror'
# As fast as can be: make, and the analysis of make lint, see what only an optimiser sees.
FLAGS = f'-O0 {WARNINGS}'
# What may be lacking: the macros of uWSGI that are not there then, those of the libraries that are, and
# what the sources have in them, in any case, that are compiled anew for it.
LACKING = {
    'without libxml2': ((), (), 'rpc_xmlrpc'),
    # uWSGI has no routing without PCRE; its functions, fields and macros have it in their names
    'uWSGI without routing and PCRE': (('-DUWSGI_ROUTING', '-DUWSGI_PCRE'), ('-DRPC_XMLRPC', '-DRPC_TLS'), 'rout'),
}
# An Elf64_Sym.
SYMBOL = struct.Struct('=IBBHQQ')
OTHERS = [path for path in os.environ.get('RPC_UWSGIS', '').split(':') if path]


def output(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True,
                          env=dict(os.environ, LD_PRELOAD='')).stdout


@pytest.fixture(scope='module')
def header(tmp_path_factory):
    """The directory of the header that is inside the binary."""
    directory = tmp_path_factory.mktemp('header')
    (directory / 'uwsgi.h').write_text(output(UWSGI, '--dot-h'))
    return directory


COMPILERS = pytest.mark.parametrize('compiler', ['gcc', 'clang'])


def compiler_of(plugin):
    """What has compiled it; gcc has had a part in every program."""
    return 'clang' if 'clang' in output('readelf', '-p', '.comment', plugin) else 'gcc'


@COMPILERS
def test_builds(compiler, tmp_path, cell):
    """With everything, by uWSGI's own builder; make has done so for one of them."""
    cell(TABLE, compiler, 'everything')
    require(compiler)
    if compiler_of(ROOT / 'rpc_plugin.so') == compiler:
        assert 'warning' not in (BUILD / 'plugin.log').read_text()
        return
    built = subprocess.run([UWSGI, '--build-plugin', ROOT], cwd=tmp_path, text=True, capture_output=True,
                           env=dict(os.environ, CC=compiler, PYTHON='/usr/bin/python3', LD_PRELOAD='',
                                    RPC_CFLAGS=FLAGS, RPC_LDFLAGS=''))
    assert built.returncode == 0, built.stdout + built.stderr
    assert 'warning' not in built.stderr
    assert (tmp_path / 'rpc_plugin.so').exists()


@COMPILERS
@pytest.mark.parametrize('build', LACKING)
def test_compiles(compiler, build, header, tmp_path, cell):
    cell(TABLE, compiler, build)
    require(compiler)
    lacking, present, concerned = LACKING[build]
    flags = [flag for flag in output(UWSGI, '--cflags').split() if flag not in lacking]
    assert not set(lacking) & set(flags)
    sources = [path for path in (ROOT / 'rpc_plugin.c', ROOT / 'rpc_routing.c', *ROOT.glob('server/*.c'))
               if concerned in path.read_text().lower()]
    result = subprocess.run([compiler, *flags, *present, *FLAGS.split(), '-std=gnu11', '-fPIC', f'-I{header}',
                             '-c', *sources],
                            cwd=tmp_path, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    assert result.returncode == 0, result.stdout
    assert {path.stem for path in tmp_path.glob('*.o')} == {path.stem for path in sources} > set()


def another_uwsgi(path):
    """This one, which says in its symbol table that its struct uwsgi_server has 8 bytes more, as one that
    was configured otherwise does."""
    binary = bytearray(Path(shutil.which(UWSGI)).read_bytes())
    sections, symbols = (output('readelf', '-W', option, shutil.which(UWSGI)) for option in ('-S', '--dyn-syms'))
    table = re.search(r' \.dynsym +DYNSYM +\w+ (\w+)', sections)
    number, size = re.search(r'^ *(\d+): \w+ +(\d+) OBJECT .* uwsgi$', symbols, re.M).groups()
    place = int(table.group(1), 16) + int(number) * SYMBOL.size
    *symbol, written = SYMBOL.unpack_from(binary, place)
    assert written == int(size) > 1000
    SYMBOL.pack_into(binary, place, *symbol, written + 8)
    path.write_bytes(binary)
    path.chmod(0o755)
    return path


@pytest.mark.skipif(struct.calcsize('P') == 4, reason='symbols of 64 bit')
def test_built_for_another_uwsgi(tmp_path):
    command = another_uwsgi(tmp_path / 'another'), '--plugin', PLUGIN_DIR / 'rpc_plugin.so', '--socket', tmp_path / 'x'
    result = subprocess.run(command, timeout=60, text=True, stderr=subprocess.STDOUT, stdout=subprocess.PIPE,
                            env=dict(os.environ, LD_PRELOAD=PRELOAD))
    assert result.returncode == 1
    lines = [line for line in result.stdout.splitlines() if line.startswith('[rpc] ')]
    assert len(lines) == 1 and 'built for another uWSGI' in lines[0]


@pytest.mark.parametrize('binary', OTHERS)
def test_other_uwsgi(binary, uwsgi, tmp_path, monkeypatch):
    """With functions in C: every transport, and the stock plugin's place taken if it is embedded."""
    monkeypatch.setattr(conftest, 'UWSGI', binary)
    built = subprocess.run([binary, '--build-plugin', ROOT], cwd=tmp_path, text=True,
                           stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                           env=dict(os.environ, PYTHON='/usr/bin/python3', LD_PRELOAD='',
                                    RPC_CFLAGS=WARNINGS))
    assert built.returncode == 0, built.stdout
    assert (tmp_path / 'rpc_plugin.so').stat().st_ino != (PLUGIN_DIR / 'rpc_plugin.so').stat().st_ino
    language = BY_TITLE['C']
    names = [language.name(name) for name in ('count', 'echo', 'big', 'empty')]
    server = uwsgi(TCP, ('puwsgi-socket', '127.0.0.1:0'), ('need-app', 'false'), ('processes', 2),
                   ('rpc-allow', 'c_*'), *routes(*names), *language.load(tmp_path),
                   plugins=[tmp_path / 'rpc_plugin.so'], app=None)
    for name, transport in TRANSPORTS.items():
        if not left_out(server, name):
            assert transport(server, 'c_count', *[b'x'] * 254) == b'254'
            assert transport(server, 'c_echo', b'y' * 60000) == b'60000:' + b'y' * 60000 + b','
            assert transport(server, 'c_big') == b'x' * 102400
            assert transport(server, 'c_empty') == b''
    assert server.call('c_echo', 'a', '') == b'1:a,'
    assert server.call('c_nosuch') is None
    with connect(server.sockets[1]) as sock:
        for number in range(3):
            sock.sendall(packet('c_echo', f'{number}'))
            assert framed(read_reply(sock)) == b'1:%d,' % number
    assert 'DAMN' not in server.log


if not OTHERS:
    del test_other_uwsgi
