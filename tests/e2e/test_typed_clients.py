# SPDX-License-Identifier: MIT
"""Clients of other makers call typed functions, those of examples/typed in Python, and get values of
their own languages and errors with data."""
import subprocess

import pytest
from conftest import HTTP, WITHOUT
from test_bridge_clients import CLIENTS, NODE_MODULES, require, run
from typed_languages import TYPED

NO_SUCH_USER = '404 no such user'


@pytest.fixture(scope='module')
def url(shared_uwsgi):
    server = shared_uwsgi(HTTP, ('plugin', 'router_uwsgi'), ('rpc-json', '*'), ('pythonpath', TYPED),
                          ('route', '^/xmlrpc$ uwsgi:,173,3'), ('route', '^/jsonrpc$ uwsgi:,173,4'),
                          ('wsgi-file', TYPED / 'functions.py'), app=None)
    return 'http://127.0.0.1:%d' % server.sockets[0][1]


@pytest.mark.skipif('libxml-2.0' in WITHOUT, reason='built without libxml2')
def test_python_xmlrpc_client(url):
    result = run(['/usr/bin/python3', 'typed_xmlrpc.py'], f'{url}/xmlrpc')
    assert result.stdout.splitlines() == [
        '3 3.5', "[1, {'a': [None, True, 'é']}, -1.5]", r"b'\x00\xff' None  {} []", '7',
        "{'id': 1, 'name': 'Zoë'}", NO_SUCH_USER, "-32602 missing a required argument: 'y'", '-32000 boom',
        '3 1', '404']


def test_json_rpc_2(url):
    require(f'test -d {NODE_MODULES}/json-rpc-2.0')
    result = run(['node', 'typed_json_rpc_2.js'], f'{url}/jsonrpc')
    assert result.stdout.splitlines() == [
        '4 3.5', '[1,{"a":[null,true,"é"]},"1"]', 'Zoë', f'{NO_SUCH_USER} {{"id":7}}',
        "-32602 missing a required argument: 'y' undefined", '-32000 boom undefined',
        "-32603 the function's result is not JSON undefined"]


def test_libjsonrpccpp(url, tmp_path):
    require('pkg-config --exists libjsonrpccpp-client jsoncpp && g++ --version')
    flags = subprocess.run(['pkg-config', '--cflags', '--libs', 'libjsonrpccpp-client', 'jsoncpp'], check=True,
                           stdout=subprocess.PIPE, text=True).stdout.split()
    client = tmp_path / 'typed_jsonrpccpp'
    subprocess.run(['g++', '-std=c++14', '-Wall', '-Wno-deprecated', '-o', client, CLIENTS / 'typed_jsonrpccpp.cc',
                    *flags, '-lcurl'], check=True)
    assert run([client], f'{url}/jsonrpc').stdout.splitlines() == ['4 3.5', '1 Zoë', '404 7']
