# SPDX-License-Identifier: MIT
"""No request costs more than linear time in its length: what is four times as long takes about four
times as much of the worker's CPU, where something quadratic would take sixteen."""
import dear
import pytest
from conftest import TCP, WITHOUT, exchange, packet

LIBRARY = {'xmlrpc': 'libxml-2.0'}
# More than four for the noise of a machine, and a good deal less than sixteen.
RATIO_MAX = 8
# Memory that has been used once is kept: giving it back and taking it again costs more than parsing,
# and begins at some size.
MALLOC = {'MALLOC_MMAP_THRESHOLD_': str(1 << 30), 'MALLOC_TRIM_THRESHOLD_': str(1 << 30)}


@pytest.fixture(scope='module')
def server(shared_uwsgi):
    return shared_uwsgi(TCP, ('disable-logging', 'true'), plugins=('rpc',), app=None,
                        env=MALLOC)


@pytest.mark.parametrize('bridge, make', [pytest.param(bridge, make, id=f'{bridge}: {name}')
                                          for bridge, name, make in dear.REQUESTS])
def test_document(server, bridge, make):
    """One that is given up early costs what reading it does: that of blanks is the least that
    counts."""
    if LIBRARY.get(bridge) in WITHOUT:
        pytest.skip('left out')
    short, long = dear.SIZES[bridge]
    blanks = b'/' * short if bridge == 'path' else b' ' * short
    base = max(dear.cost(server, bridge, make(short)), dear.cost(server, bridge, blanks))
    assert dear.cost(server, bridge, make(long)) <= RATIO_MAX * base


@pytest.mark.parametrize('bridge', dear.TYPES)
def test_body_in_tiny_chunks(server, bridge):
    if LIBRARY.get(bridge) in WITHOUT:
        pytest.skip('left out')
    pid, = server.worker_pids()
    costs = []
    for count in (50000, 200000):
        variables = ['REQUEST_METHOD', 'POST', 'PATH_INFO', '/', 'CONTENT_TYPE', dear.TYPES[bridge],
                     'HTTP_TRANSFER_ENCODING', 'chunked']
        request = packet(*variables, modifier2=dear.MODIFIER2[bridge])
        request += b'1\r\n \r\n' * count + b'0\r\n\r\n'
        before = dear.cpu_sec(pid)
        assert b' 200 OK' in exchange(server.sockets[0], request, 120)[:20]
        costs.append(dear.cpu_sec(pid) - before)
    assert costs[1] <= RATIO_MAX * costs[0]
