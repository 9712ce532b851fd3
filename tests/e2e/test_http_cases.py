# SPDX-License-Identifier: MIT
"""HTTP conversations with the bridges, from tests/data/http; its README.txt has their form."""
import re

import pytest
from conftest import HTTP, HTTP11, ROOT, TCP, WITHOUT, poll

FILES = sorted(path for path in (ROOT / 'tests/data/http').glob('*.txt') if path.stem != 'README')
LEFT_OUT = {'/xmlrpc': 'libxml-2.0'}


def read_cases(path):
    """The options of a file's server, and its cases: a name, and each part's text by its heading."""
    options, *cases = re.split(r'(?m)^== ', path.read_text())
    for case in cases:
        name, rest = case.split('\n', 1)
        request, *parts = re.split(r'(?m)^-- ', rest)
        parts = dict(part.split('\n', 1) for part in parts)
        parts['request'] = request
        yield options, name, parts


def options_of(text):
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return [tuple(map(str.strip, line.split('=', 1))) for line in lines if '=' in line], 'keep' in lines


class Servers:
    """One server for each file."""

    def __init__(self, start):
        self.start, self.by_options = start, {}

    def get(self, text):
        if text not in self.by_options:
            options, keep = options_of(text)
            self.by_options[text] = self.start(
                TCP, HTTP11 if keep else HTTP, ('plugin', 'router_uwsgi'), ('rpc-http-prefix', '/rpc'),
                ('route', '^/rpc/ uwsgi:,173,2'), ('route', '^/xmlrpc$ uwsgi:,173,3'),
                ('route', '^/jsonrpc$ uwsgi:,173,4'), ('socket-timeout', 100), *options,
                app='counting.py')
        return self.by_options[text]


@pytest.fixture(scope='module')
def servers(shared_uwsgi):
    return Servers(shared_uwsgi)


def request_of(text, port):
    head, body = text.split('\n\n', 1)
    body = body.removesuffix('\n')
    head = head.replace('Content-Length: *', f'Content-Length: {len(body.encode())}').replace('127.0.0.1:*', f'127.0.0.1:{port}')
    return (head.replace('\n', '\r\n') + '\r\n\r\n' + body).encode()


def without_values(head, wanted):
    """An answer's head, with the values that the case does not care for left out."""
    free = {line[:-1] for line in wanted if line.endswith(': *')}
    names = ((line, line.split(': ', 1)[0] + ': ') for line in head)
    return [name + '*' if name in free else line for line, name in names]


def plugin_lines(log):
    return [line for line in log.splitlines() if line.startswith('[rpc]')]


@pytest.mark.parametrize('options, parts', [
    pytest.param(options, parts, id=f'{path.stem}: {name}')
    for path in FILES for options, name, parts in read_cases(path)])
def test_case(servers, options, parts):
    target = parts['request'].split()[1]
    if LEFT_OUT.get(target) in WITHOUT:
        pytest.skip('built without this bridge')
    server = servers.get(options)
    before, logged = int(server.call('hits')), len(plugin_lines(server.log))
    answer = server.exchange(request_of(parts['request'], server.sockets[1][1]), socket=1).decode()
    head, body = answer.split('\r\n\r\n', 1)
    wanted_head, wanted_body = (parts['answer'].rstrip('\n') + '\n\n').split('\n\n', 1)
    wanted_head = wanted_head.split('\n')
    assert without_values(head.split('\r\n'), wanted_head) == wanted_head
    assert body.rstrip('\n') == wanted_body.rstrip('\n')
    length = re.search(r'Content-Length: (\d+)', head)
    assert length is None or parts['request'].startswith('HEAD') or int(length.group(1)) == len(body.encode())
    calls, = [int(heading.split()[1]) for heading in parts if heading.startswith('calls')] or [0]
    assert int(server.call('hits')) - before == calls
    lines = parts.get('log', '').strip().splitlines()
    poll(lambda: len(plugin_lines(server.log)) >= logged + len(lines), what='lines of the log')
    assert plugin_lines(server.log)[logged:] == lines
