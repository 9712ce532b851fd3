# SPDX-License-Identifier: MIT
"""Array packets (modifier2 0 and 1) against a real uWSGI."""
import socket
import struct

import pytest
from conftest import BUILD, HTTP, TCP, connect, exchange, packet, read_all


@pytest.fixture(scope='module')
def server(shared_uwsgi):
    return shared_uwsgi(TCP, HTTP, ('plugin', 'symcall'), ('dlopen', BUILD / 'functions.so'),
                        ('symcall-register-rpc', 'chello c_hello'),
                        ('symcall-register-rpc', 'cstrlen c_strlen'))


def test_framed(server):
    assert server.exchange(packet('hello', 'a', 'b')) == b'\xad\x09\0\0hello a b'


def test_raw(server):
    assert server.call('hello', 'a', modifier2=1) == b'hello a'


def test_empty_result(server):
    assert server.exchange(packet('empty')) == b'\xad\0\0\0'
    assert server.call('empty', modifier2=1) == b''


@pytest.mark.parametrize('size', [65534, 65535, 65536, 1 << 20, 40 << 20])
def test_result_size(server, size):
    assert server.call('big', size) == b'x' * size
    assert server.call('big', size, modifier2=1) == b'x' * size


def test_long_reply_bytes(server):
    reply = server.exchange(packet('big', 65536))
    assert reply[:27] == b'\xad\x17\0\5\x0e\0CONTENT_LENGTH\5\0' + b'65536'


def test_binary_arguments(server):
    args = [bytes(range(256)), b'\0', b'a\0b', b'\xff' * 3]
    assert server.call('echo', *args) == b''.join(b'%d:%s,' % (len(a), a) for a in args)


@pytest.mark.parametrize('count', [0, 1, 253, 254])
def test_argument_count(server, count):
    assert server.call('count', *['x'] * count) == b'%d' % count


def test_argument_size(server):
    fits = 65535 - 2 - len('echo') - 2
    assert server.call('echo', b'y' * fits) == b'%d:%s,' % (fits, b'y' * fits)


@pytest.mark.parametrize('position', ['leading', 'between', 'trailing', 'everywhere'])
def test_zero_size_items_are_ignored(server, position):
    items = {'leading': ['', '', 'echo', 'a', 'b'], 'between': ['echo', '', 'a', '', '', 'b'],
             'trailing': ['echo', 'a', 'b', ''], 'everywhere': ['', 'echo', '', 'a', '', 'b', '', '']}
    assert server.call(*items[position]) == b'1:a,1:b,'


def test_arguments_are_nul_terminated(server):
    assert server.call('cstrlen', 'a', 'bcd', 'x' * 300) == b'1:1 3:3 300:300 '
    assert server.call('cstrlen', 'last', '') == b'4:4 '
    full = 65535 - 2 - len('cstrlen') - 2
    assert server.call('cstrlen', b'z' * full) == b'%d:%d ' % (full, full)


def test_bytes_behind_the_packet_stay_out_of_the_last_argument(server):
    assert exchange(server.sockets[0], packet('cstrlen', 'abc') + b'body that nobody reads') in (
        b'\xad\x04\0\x003:3 ', b'')


REJECTED = {
    'truncated item': (struct.pack('<BHB', 173, 9, 0) + b'\x05\0hello\x05\0', 'truncated'),
    'stray byte': (struct.pack('<BHB', 173, 8, 0) + b'\x05\0hello\0', 'stray-byte'),
    'no name': (packet('', ''), 'no-name'),
    'no items': (struct.pack('<BHB', 173, 0, 0), 'no-name'),
    'NUL in the name': (packet(b'he\0lo'), 'bad-name'),
    'name of 256 bytes': (packet('n' * 256), 'bad-name'),
    '255 arguments': (packet('count', *['x'] * 255), 'too-many-arguments'),
    'modifier2 5': (packet('hello', modifier2=5), 'unknown-modifier2'),
    'modifier2 255': (packet('hello', modifier2=255), 'unknown-modifier2'),
    'unknown function': (packet('nosuch'), 'unknown-function'),
    'name of 255 bytes': (packet('n' * 255), 'unknown-function'),
}


@pytest.mark.parametrize('case', REJECTED)
def test_rejected_without_a_reply_and_one_line(server, case):
    data, status = REJECTED[case]
    before = server.log.count('[rpc]')
    assert server.exchange(data) == b''
    server.wait_log(f'\\({status}\\)')
    assert server.call('hello') == b'hello'
    assert server.log.count('[rpc]') == before + 1


def test_every_cut_of_a_packet_is_survived(server):
    """Cut on the wire, and cut with a header that says so."""
    data = packet('echo', 'a', 'bc', '')
    for cut in range(len(data)):
        with connect(server.sockets[0]) as sock:
            sock.sendall(data[:cut])
            sock.shutdown(socket.SHUT_WR)
            assert read_all(sock) == b''
        if cut >= 4:
            server.exchange(struct.pack('<BHB', 173, cut - 4, 0) + data[4:cut])
    assert server.call('hello') == b'hello'


def test_exception_and_none_are_empty_results(server):
    assert server.call('boom') == b''
    assert server.call('none') == b''


def test_access_log(server):
    server.call('hello', 'logged')
    server.wait_log(r'127\.0\.0\.1 .*RPC hello => generated 16 bytes.*\(- 200\)|'
                    r'127\.0\.0\.1 .*RPC hello => .*')


def test_log_shows_the_name_on_one_line(server):
    server.call(b'no\nsuch\xff')
    server.wait_log(r'"no\?such\?": no such function')
    server.wait_log(r'RPC no\?such\? =>')
