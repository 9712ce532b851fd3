# SPDX-License-Identifier: MIT
"""No request costs more than linear time in its length: what is four times as long takes about four
times as many instructions, where something quadratic would take sixteen. They are callgrind's, which
tells the same however busy the machine is."""
import functools
import re

import dear
import pytest
from conftest import TCP, WITHOUT, exchange, packet, poll

pytestmark = pytest.mark.uninstrumented('valgrind and a sanitizer do not go together')

LIBRARY = {'xmlrpc': 'libxml-2.0'}
# A little more than four, for what is only paid by what is long.
RATIO_MAX = 5
# A path has to fit a packet.
SIZES = {'path': (15000, 60000), 'xmlrpc': (1 << 17, 1 << 19), 'jsonrpc': (1 << 17, 1 << 19)}
CHUNKS = 20000, 80000
# What ends a request, in uWSGI.
END = 'uwsgi_close_request'
TOTAL = re.compile(r'(?m)^totals: (\d+)$')


class Counting:
    """A server whose one worker runs in callgrind, which tells about each request in a file of its own."""

    def __init__(self, start, out):
        self.out, self.count = out, 0
        self.server = start(TCP, ('disable-logging', 'true'), plugins=('rpc',), app=None, wrapper=(
            'valgrind', '--tool=callgrind', '-q', f'--dump-after={END}', f'--callgrind-out-file={out}/%p'))
        self.pid, = self.server.worker_pids()

    @functools.cache
    def of_blanks(self, bridge):
        """What reading costs: something that says nothing, as long as the short one of two."""
        blank = b'/' if bridge == 'path' else b' '
        return self.cost(lambda server: dear.send(server, bridge, blank * SIZES[bridge][0]))

    def cost(self, send):
        """Instructions of one request."""
        send(self.server)
        self.count += 1
        told = self.out / f'{self.pid}.{self.count}'
        return int(poll(lambda: told.exists() and TOTAL.search(told.read_text()), 60, told)[1])


@pytest.fixture(scope='module')
def counting(shared_uwsgi, tmp_path_factory):
    return Counting(shared_uwsgi, tmp_path_factory.mktemp('callgrind'))


def require(bridge):
    if LIBRARY.get(bridge) in WITHOUT:
        pytest.skip('left out')


@pytest.mark.parametrize('bridge, make', [pytest.param(bridge, make, id=f'{bridge}: {name}')
                                          for bridge, name, make in dear.REQUESTS])
def test_document(counting, bridge, make):
    """One that is given up early costs what reading it does."""
    require(bridge)
    short, long = [counting.cost(lambda server, size=size: dear.send(server, bridge, make(size)))
                   for size in SIZES[bridge]]
    assert long <= RATIO_MAX * max(short, counting.of_blanks(bridge))


@pytest.mark.parametrize('bridge', dear.TYPES)
def test_body_in_tiny_chunks(counting, bridge):
    require(bridge)

    def send(server, count):
        variables = ['REQUEST_METHOD', 'POST', 'PATH_INFO', '/', 'CONTENT_TYPE', dear.TYPES[bridge],
                     'HTTP_TRANSFER_ENCODING', 'chunked']
        request = packet(*variables, modifier2=dear.MODIFIER2[bridge])
        request += b'1\r\n \r\n' * count + b'0\r\n\r\n'
        assert b' 200 OK' in exchange(server.sockets[0], request, 120)[:20]

    few, many = [counting.cost(lambda server, count=count: send(server, count)) for count in CHUNKS]
    assert many <= RATIO_MAX * few
