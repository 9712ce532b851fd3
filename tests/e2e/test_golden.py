# SPDX-License-Identifier: MIT
"""golden.txt: exact replies, ours and the stock plugin's; and every request of it cut short."""
import re
import socket
import struct

import pytest
from conftest import HERE, TCP, Server, array, connect, read_all

STOCK = '/usr/lib/uwsgi/plugins/rpc_plugin.so'
TOKEN = re.compile(r'\s*("[^"]*"|(?:[0-9a-f]{2})+)(?:\*(\d+))?')


def read_bytes(text):
    """Hex digits and "text", each perhaps *N."""
    data, position = b'', 0
    text = text.strip()
    while position < len(text):
        match = TOKEN.match(text, position)
        assert match, text
        token, times = match.group(1), int(match.group(2) or 1)
        data += (token[1:-1].encode() if token[0] == '"' else bytes.fromhex(token)) * times
        position = match.end()
    return data


def read_items(text):
    """Items separated by "|"; "x"*N split are N items of one byte."""
    items = []
    for item in text.split('|'):
        content, split, _ = item.partition(' split')
        data = read_bytes(content)
        items += [bytes([byte]) for byte in data] if split else [data]
    return items


def read_answer(text):
    return b'' if text == 'closed' else read_bytes(text)


def read_golden():
    cases = {}
    text = re.sub(r'(?m)^#.*\n', '', (HERE / 'golden.txt').read_text())
    for block in filter(None, (block.strip('\n') for block in re.split(r'\n\s*\n', text))):
        name, *lines = block.split('\n')
        case = dict(line.split(None, 1) for line in lines)
        assert name not in cases and set(case) == {'request', 'modifier2', 'reply', 'stock'}, name
        kind, _, content = case['request'].partition(' ')
        body = array(*read_items(content)) if kind == 'items' else read_bytes(content)
        reply = read_answer(case['reply'])
        cases[name] = (body, int(case['modifier2']), reply,
                       reply if case['stock'] == 'same' else read_answer(case['stock']))
    return cases


GOLDEN = read_golden()


def header(size, modifier2):
    return struct.pack('<BHB', 173, size, modifier2)


@pytest.fixture(scope='module')
def ours(shared_uwsgi):
    return shared_uwsgi(TCP)


@pytest.fixture(scope='module')
def stock(tmp_path_factory):
    server = Server(tmp_path_factory.mktemp('stock'), [TCP], plugins=('python3', STOCK))
    yield server.start()
    server.stop()


@pytest.mark.parametrize('name', GOLDEN)
def test_reply(ours, name):
    body, modifier2, reply, _ = GOLDEN[name]
    assert ours.exchange(header(len(body), modifier2) + body) == reply


@pytest.mark.parametrize('name', GOLDEN)
def test_stock_reply(stock, name):
    body, modifier2, _, reply = GOLDEN[name]
    assert stock.exchange(header(len(body), modifier2) + body) == reply


def offsets(size):
    """Every offset of a small request, those near both ends and some between of a large one."""
    return [cut for cut in range(size) if cut < 300 or cut > size - 40 or cut % 4999 == 0]


@pytest.mark.parametrize('name', GOLDEN)
def test_cut_on_the_wire(ours, name):
    body, modifier2, _, _ = GOLDEN[name]
    data = header(len(body), modifier2) + body
    pid = ours.call('pid')
    for cut in offsets(len(data)):
        with connect(ours.sockets[0]) as sock:
            sock.sendall(data[:cut])
            sock.shutdown(socket.SHUT_WR)
            assert read_all(sock) == b''
    assert ours.call('pid') == pid


@pytest.mark.parametrize('name', GOLDEN)
def test_cut_and_honest_about_it(ours, name):
    """A cut array calls a function with whole items or is rejected."""
    body, modifier2, _, _ = GOLDEN[name]
    pid = ours.call('pid')
    for cut in offsets(len(body)):
        reply = ours.exchange(header(cut, modifier2) + body[:cut])
        if modifier2 == 0 and reply:
            assert reply[:1] == b'\xad'
            ends = {0}
            while max(ends) < cut:
                size, = struct.unpack_from('<H', body, max(ends))
                ends.add(max(ends) + 2 + size)
            assert cut in ends
    assert ours.call('pid') == pid
