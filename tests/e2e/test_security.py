# SPDX-License-Identifier: MIT
"""What SECURITY.md says and no other module shows; and that the tests it names are there."""
import re

import pytest
from conftest import HERE, HTTP, ROOT, TCP, packet
from transports import JSON, PATH_INFO, XML, json_rpc, path_info, request, xml_rpc

BRIDGES = {PATH_INFO: path_info, XML: xml_rpc, JSON: json_rpc}


def test_every_test_it_names_exists():
    named = re.findall(r'`(test_[a-z_0-9]+\.(?:py|c))(?:::(\w+))?`', (ROOT / 'SECURITY.md').read_text())
    assert len(named) > 30
    for file, test in named:
        path = next((HERE if file.endswith('.py') else ROOT / 'tests' / 'unit').rglob(file), None)
        assert path, file
        assert not test or re.search(rf'^def {test}\(', path.read_text(), re.M), f'{file}::{test}'


@pytest.mark.parametrize('bridge', BRIDGES)
def test_allow_from_does_not_cover_bridges(uwsgi, bridge):
    server = uwsgi(TCP, ('rpc-allow-from', '192.0.2.0/24'))
    assert server.call('first', 'x') is None
    assert BRIDGES[bridge](server, 'first', b'x') == b'x'


@pytest.mark.parametrize('bridge', BRIDGES)
def test_bridges_are_closed_by_a_glob_that_matches_nothing(uwsgi, bridge):
    server = uwsgi(TCP, ('rpc-bridge-allow', '!'))
    assert server.call('first', 'x') == b'x'
    path = '/first/x' if bridge == PATH_INFO else '/'
    response = request(server, path, None if bridge == PATH_INFO else b'no document', 173, bridge)
    assert (response.status, response.body) == (404, b'no such function\n')


def test_a_name_cannot_forge_a_log_line(uwsgi):
    server = uwsgi(TCP)
    name = b'no\n[rpc] packet: "such"\x1b[31m\xff'
    assert server.exchange(packet(name)) == b''
    assert request(server, '/' + name.decode('latin1'), None, 173, PATH_INFO).status == 404
    lines = [line for line in server.log.splitlines() if line.startswith('[rpc]')]
    assert len(lines) == 2 and all('no?[rpc]?packet:??such??[31m?' in line for line in lines), lines


def test_a_node_cannot_forge_a_log_line(uwsgi):
    """Where an application, or a route as here, lets its callers choose the node."""
    server = uwsgi(HTTP, ('rpc-client', 'net'), ('route', '^/(.*) rpc:net.call /tmp$1 f'))
    assert server.http('/%1b%5b31m%7f%c3%28%22such%22', socket=0).status == 502
    line, = [line for line in server.log.splitlines() if line.startswith('[rpc]')]
    assert line.startswith('[rpc] node /tmp?[31m??(?such?: "f": ') and '(node-unreachable)' in line
