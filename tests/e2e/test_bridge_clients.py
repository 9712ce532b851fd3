# SPDX-License-Identifier: MIT
"""Clients of other makers against the document bridges of a real uWSGI, straight and behind nginx:
each calls hello with arguments, sends and gets bytes that are no text, calls a function that is not
there, and then does what is special to it."""
import http.client
import os
import subprocess

import nginx
import pytest
from conftest import BUILD, HERE, HTTP, WITHOUT, free_port, listens

CLIENTS = HERE / 'clients'
NODE_MODULES = BUILD / 'npm/node_modules'
BYTES = '00ff80'
COMMON = ['hello big world', BYTES, '-32601']

# What shows that a client is there, how it is run, and what it prints after COMMON.
XMLRPC = {
    'Python xmlrpc.client': ('/usr/bin/python3 -c "import xmlrpc.client"',
                             ['/usr/bin/python3', 'xmlrpc_client.py'],
                             ['1:1,1:1,3:1.5,0:,2:é,17:20250131T00:00:00,', 'hello one ff',
                              '-32601']),
    'xmlrpc-c': ('xmlrpc-c-config --version', ['{build}/xmlrpc_client'], ['1:1,1:1,3:1.5,0:,2:é,']),
    'RPC::XML': ('perl -MRPC::XML::Client -e 1', ['perl', 'rpc_xml.pl'],
                 ['1:1,1:1,3:1.5,4:text,', 'hello one -32601']),
    'Ruby': ('ruby -e "require %q(xmlrpc/client)"', ['ruby', 'xmlrpc_client.rb'],
             ['1:1,1:1,3:1.5,4:text,17:20250131T00:00:00,', 'hello one -32601', 'hello by proxy']),
    'npm xmlrpc': (f'test -d {NODE_MODULES}/xmlrpc', ['node', 'xmlrpc.js'],
                   ['1:1,1:1,3:1.5,2:é,', 'hello one -32601']),
    'npm @foxglove/xmlrpc': (f'test -d {NODE_MODULES}/@foxglove/xmlrpc', ['node', 'foxglove.js'],
                             ['1:1,1:1,3:1.5,2:é,', 'hello one -32601']),
    'PHP': ('php -r "xmlrpc_encode(1);"', ['php', 'xmlrpc_client.php'],
            ['1:1,1:1,8:1.500000,2:é,17:20250131T00:00:00,', 'hello one -32601']),
    'Emacs xml-rpc.el': ('ls /usr/share/emacs/site-lisp/elpa-src/xml-rpc-*/xml-rpc.el && emacs --version',
                         ['emacs', '-Q', '--batch', '-l', 'xmlrpc_client.el'], ['1:1,1:1,3:1.5,4:text,']),
}
JSONRPC = {
    'jsonrpclib-pelix': ('/usr/bin/python3 -c "import jsonrpclib"',
                         ['/usr/bin/python3', 'jsonrpclib_client.py'],
                         ['1:1,4:true,3:1.5,4:null,2:é,5:[1,2],', 'hello one hello two', '204']),
    'JSON::RPC::Legacy': ('perl -MJSON::RPC::Legacy::Client -e 1', ['perl', 'json_rpc_legacy.pl'],
                          ['1:1,4:true,3:1.5,4:text,', 'not answered: 204 No Content']),
    'npm jayson': (f'test -d {NODE_MODULES}/jayson', ['node', 'jayson.js'],
                   ['1:1,4:true,3:1.5,4:null,2:é,9:{"a":[1]},', 'hello one hello two', 'undefined']),
    'npm json-rpc-2.0': (f'test -d {NODE_MODULES}/json-rpc-2.0', ['node', 'json_rpc_2.0.js'],
                         ['1:1,4:true,3:1.5,4:null,2:é,', 'hello one hello two', 'nothing to receive']),
    'npm @open-rpc/client-js': (f'test -d {NODE_MODULES}/@open-rpc/client-js', ['node', 'open_rpc.mjs'],
                                ['1:1,4:true,3:1.5,4:null,2:é,', 'hello one hello two', '1']),
    'npm simple-jsonrpc-js': (f'test -d {NODE_MODULES}/simple-jsonrpc-js', ['node', 'simple_jsonrpc.js'],
                              ['1:1,4:true,3:1.5,4:null,2:é,', 'hello one hello two']),
    'npm typed-rpc': (f'test -d {NODE_MODULES}/typed-rpc', ['node', 'typed_rpc.js'],
                      ['1:1,4:true,3:1.5,4:null,2:é,', 'hello']),
    'libjsonrpccpp': ('pkg-config libjsonrpccpp-client', ['{build}/jsonrpccpp'],
                      ['1:1,4:true,3:1.5,4:null,2:é,', 'hello one hello two', 'hello 1.0']),
}


def cases():
    for bridge, clients in (('xmlrpc', XMLRPC), ('jsonrpc', JSONRPC)):
        left_out = pytest.mark.skipif(bridge == 'xmlrpc' and 'libxml-2.0' in WITHOUT,
                                      reason='built without this bridge')
        for name, (present, command, special) in clients.items():
            yield pytest.param(bridge, present, command, COMMON + special, id=name, marks=left_out)


@pytest.fixture(scope='module')
def fronts(shared_uwsgi, tmp_path_factory):
    directory = tmp_path_factory.mktemp('nginx')
    server = shared_uwsgi(HTTP, ('socket', directory / 'uwsgi'), ('plugin', 'router_uwsgi'),
                          ('rpc-introspection', 'true'),
                          ('route-if', 'empty:${CONTENT_TYPE} addvar:CONTENT_TYPE=text/xml'),
                          ('route', '^/xmlrpc$ uwsgi:,173,3'), ('route', '^/jsonrpc$ uwsgi:,173,4'))
    port = free_port()
    with nginx.bridges(directory, directory / 'uwsgi', f'127.0.0.1:{port}', lambda: listens(port)):
        yield {'http-socket': 'http://127.0.0.1:%d' % server.sockets[0][1],
               'nginx': f'http://127.0.0.1:{port}'}


def run(command, *args):
    return subprocess.run([*command, *args], cwd=CLIENTS, stdin=subprocess.DEVNULL, timeout=60,
                          env=dict(os.environ, NODE_PATH=str(NODE_MODULES), LC_ALL='C.UTF-8'),
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def require(present):
    """Skips where a client is not installed; never where everything is supposed to be."""
    if subprocess.run(present, shell=True, stdout=subprocess.DEVNULL,
                      stderr=subprocess.DEVNULL).returncode:
        assert os.environ.get('CI') != 'true', f'not installed: {present}'
        pytest.skip('not installed')


# How those of C and C++ are built.
BUILDS = {
    'xmlrpc_client': 'cc -Wall -Wextra -Werror -o {build}/xmlrpc_client xmlrpc_client.c '
                     '$(xmlrpc-c-config client --cflags --libs)',
    'jsonrpccpp': 'c++ -std=c++14 -Wall -Wextra -o {build}/jsonrpccpp jsonrpccpp.cc '
                  '$(pkg-config --cflags --libs libjsonrpccpp-client jsoncpp)'}


def build(command, directory):
    name = command[0].removeprefix('{build}/')
    if name in BUILDS:
        subprocess.run(BUILDS[name].format(build=directory), shell=True, check=True, cwd=CLIENTS)
    return [word.format(build=directory) for word in command]


@pytest.mark.parametrize('front', ['http-socket', 'nginx'])
def test_curl(fronts, front):
    require('curl --version')
    result = run(['./curl.sh'], f'{fronts[front]}/jsonrpc')
    answer = '{"jsonrpc":"2.0","result":%s,"id":1}'
    assert result.stdout.splitlines() == [
        answer % '"hello big world"', answer % '{"base64":"AP+A"}',
        '{"jsonrpc":"2.0","error":{"code":-32601,"message":"no such function"},"id":1}',
        answer % '"hello chunked"', answer % '"hello 1.0"', '415']


@pytest.mark.parametrize('front', ['http-socket', 'nginx'])
@pytest.mark.parametrize('bridge, present, command, expected', cases())
def test_client(fronts, tmp_path, front, bridge, present, command, expected):
    require(present)
    result = run(build(command, tmp_path), f'{fronts[front]}/{bridge}')
    assert result.stdout.splitlines() == expected
    assert result.returncode == 0


@pytest.mark.skipif('libxml-2.0' in WITHOUT, reason='built without this bridge')
@pytest.mark.parametrize('front', ['http-socket', 'nginx'])
def test_a_client_that_sends_no_content_type(fronts, front):
    """A route says what it sends. (It makes text of bytes.)"""
    require(f'test -d {NODE_MODULES}/davexmlrpc')
    result = run(['node', 'davexmlrpc.js'], f'{fronts[front]}/xmlrpc')
    assert result.stdout.splitlines() == ['hello big world', '\0é', '-32601', '1:1,1:1,3:1.5,2:é,']


@pytest.mark.skipif('libxml-2.0' in WITHOUT, reason='built without this bridge')
@pytest.mark.parametrize('origin, status', [({}, 200), ({'Origin': 'https://evil.example'}, 403)])
def test_a_page_that_sends_none_is_refused(fronts, origin, status):
    """A browser asks nobody before it sends a body without a type."""
    connection = http.client.HTTPConnection(fronts['http-socket'].removeprefix('http://'), timeout=20)
    connection.request('POST', '/xmlrpc', '<methodCall><methodName>hello</methodName></methodCall>', origin)
    assert connection.getresponse().status == status
    connection.close()
