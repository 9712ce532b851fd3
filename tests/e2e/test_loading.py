# SPDX-License-Identifier: MIT
"""Loading: beside uWSGI's own rpc plugin, what the .so exports, and how it is built."""
import os
import subprocess

import pytest
from conftest import BUILD, HTTP, PLUGIN_DIR, PRELOAD, ROOT, TCP, UWSGI, packet

STOCK = '/usr/lib/uwsgi/plugins/rpc_plugin.so'
OURS = PLUGIN_DIR / 'rpc_plugin.so'
TAKING_OVER = '[rpc] taking the place of the "rpc" plugin already loaded'


def is_ours(server):
    """A zero-size item at the end, which stock rejects; rules whose failures have a status."""
    assert server.exchange(packet('hello', 'a', '')) == b'\xad\x07\0\0hello a'
    assert server.exchange(packet('empty')) == b'\xad\0\0\0'
    assert server.http('/unknown').status == 500
    assert server.http('/ret').status == 500
    assert server.http('/var').body == b'application '
    return True


ROUTES = [('route', '^/unknown rpc:nosuch'), ('route', '^/ret rpcret:first garbage'),
          ('route', '^/var rpcvar:RPC_VAR nosuch')]


@pytest.mark.parametrize('option', ['plugin', 'plugins', 'need-plugin'])
def test_beside_the_stock_plugin(uwsgi, option):
    """Loaded first, that one keeps its name; the modifier and the actions are taken over."""
    server = uwsgi(TCP, HTTP, *ROUTES, plugins=('python3', f'{STOCK}\n{option} = {OURS}'))
    assert is_ours(server)
    assert server.log.count(TAKING_OVER) == 1


def test_without_the_stock_plugin(uwsgi):
    server = uwsgi(TCP, HTTP, *ROUTES, plugins=('python3', OURS))
    assert is_ours(server)
    assert 'taking the place' not in server.log


def test_a_stock_plugin_loaded_second_is_dropped(uwsgi):
    server = uwsgi(TCP, HTTP, *ROUTES, plugins=('python3', OURS, STOCK))
    assert is_ours(server)


def test_dead_workers_beside_the_stock_plugin(uwsgi):
    """The hook that mends the table runs there too."""
    server = uwsgi(TCP, HTTP, ('route', '^/ rpc:first done'), plugins=('python3', STOCK, OURS))
    server.call('register', 'late', 'answer')
    pid = server.call('pid')
    os.kill(int(pid), 9)
    server.wait_log('Respawned uWSGI worker 1')
    assert server.call('late') is None
    assert server.call('pid') != pid


# --- the .so -----------------------------------------------------------------------------------------

def test_one_symbol_is_exported():
    if PRELOAD:
        pytest.skip('the sanitizers export their own')
    symbols = subprocess.run(['nm', '-D', '--defined-only', OURS], check=True, capture_output=True, text=True)
    assert [line.split()[-1] for line in symbols.stdout.splitlines()] == ['rpc_plugin']


def test_a_bridge_without_its_library_says_so(uwsgi):
    server = uwsgi(TCP, HTTP, ('http-socket-modifier1', 173), ('http-socket-modifier2', 3),
                   ('route', '^/json setmodifier2:4'), ('route', '^/path setmodifier2:2'),
                   ('rpc-http-prefix', '/path'), plugins=('python3', BUILD / 'lacking' / 'rpc_plugin.so'))
    for path, content_type, status in (('/xml', 'text/xml', 501), ('/json', 'application/json', 200)):
        response = server.http(path, method='POST', body=b'x', headers={'Content-Type': content_type})
        assert response.status == status
    assert server.log.count('built without libxml2: the XML-RPC bridge answers 501') == 1
    assert server.http('/path/hello').body == b'hello'


def test_make_install(tmp_path):
    """What the documentation says: the .so under PREFIX, below DESTDIR, and the lines that load it."""
    if not (ROOT / 'rpc_plugin.so').exists():
        pytest.skip('the plugin is built elsewhere')
    result = subprocess.run(['make', '-C', ROOT, '--no-print-directory', 'install', f'DESTDIR={tmp_path}', 'PREFIX=/x'],
                            check=True, capture_output=True, text=True, env=dict(os.environ, MAKEFLAGS='', LD_PRELOAD=''))
    assert (tmp_path / 'x/lib/uwsgi/plugins/rpc_plugin.so').exists()
    assert result.stdout.endswith('plugin-dir = /x/lib/uwsgi/plugins\nplugin = rpc\n')
