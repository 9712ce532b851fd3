# SPDX-License-Identifier: MIT
"""examples/client: the functions of rpc-client in every language, all in one server."""
import subprocess

import pytest
from conftest import ROOT, TCP, poll
from nodes import Node, closes, refuser, reply
from polyglot import BY_TITLE, PRESENT, UWSGI_JAR, loaded

EXAMPLES = ROOT / 'examples' / 'client'
FILES = {'python': [('pythonpath', EXAMPLES), ('import', 'client')], 'perl': [('psgi', EXAMPLES / 'client.pl')],
         'ruby': [('rack', EXAMPLES / 'client.ru')], 'lua': [('lua', EXAMPLES / 'client.lua')],
         'java': [('jvm-classpath', UWSGI_JAR), ('jvm-class', 'Client')],
         'javascript': [('js-load', EXAMPLES / 'client.js')]}
LOADED = [BY_TITLE[title] for title in ('Python 3', 'Perl', 'Ruby', 'Lua 5.1', 'Java', 'JavaScript')
          if BY_TITLE[title] in PRESENT]


def echoes(_, conn, call):
    """And keeps the connection: one that is closed a while after an answer may lose the next call."""
    conn.sendall(reply(b'|'.join(call)))


@pytest.fixture(scope='module')
def server(shared_uwsgi, tmp_path_factory):
    """Each language is loaded as its functions are elsewhere, and the examples beside them."""
    directory = tmp_path_factory.mktemp('languages')
    plugins, options = loaded(LOADED, directory)
    subprocess.run(['javac', '-cp', UWSGI_JAR, '-d', directory, EXAMPLES / 'Client.java'], check=True)
    own = ('wsgi-file', 'psgi', 'rack', 'lua', 'js-load', 'jvm-class')
    options = [(name, value) for name, value in options if name not in own]
    options += [option for language in LOADED for option in FILES[language.prefix]]
    server = shared_uwsgi(TCP, ('rpc-client', 'net'), ('rpc-timeout', 10), ('rpc-keepalive', 2), *options,
                          plugins=[*plugins, 'rpc'], app=None)
    for language in LOADED:
        poll(lambda: server.call(language.name('gather'), '@a', 'f', 'x') is not None, 60, language.title)
    return server


@pytest.fixture(params=LOADED, ids=lambda language: language.title)
def language(request):
    return request.param


def test_ask(server, language):
    with Node(echoes) as node, refuser() as dead:
        assert server.call(language.name('ask'), node.name, 'f', 'a', 'b') == b'f|a|b'
        assert server.call(language.name('ask'), f'{dead.name},{node.name}', 'f', 'a') == b'f|a'
        assert server.call(language.name('ask'), node.name, 'g') == b'g'


def test_ask_that_fails(server, language):
    with Node(closes) as closing, refuser() as dead:
        assert server.call(language.name('ask'), dead.name, 'f', 'a') == b'node-unreachable'
        assert server.call(language.name('ask'), closing.name, 'f', 'a') == b'node-closed'


def test_gather(server, language):
    with Node(echoes) as node, refuser() as dead:
        assert server.call(language.name('gather'), node.name, 'f', 'one', 'three') == b'2:ok,5:f|one,2:ok,7:f|three,'
        assert server.call(language.name('gather'), dead.name, 'f', 'x') == b'16:node-unreachable,0:,'
    assert len(server.worker_pids()) == 1, server.log
