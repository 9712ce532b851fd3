# SPDX-License-Identifier: MIT
"""What a server has to survive: clients that are slow, gone or too many, workers that are killed,
recycled or reloaded in the middle of a call, and functions that call back."""
import socket
import threading

import drive
import pytest
from conftest import connect, framed, packet


@pytest.fixture
def start(uwsgi):
    """start(option, ...) starts a server with the functions of robust.c and no interpreter."""
    def start(*options):
        return uwsgi(*drive.functions(), *options, plugins=('rpc',), app=None)
    return start


def in_threads(*targets):
    threads = [threading.Thread(target=target, daemon=True) for target in targets]
    for thread in threads:
        thread.start()
    return threads


def kept_call(sock, *items):
    """A call on a connection that stays open; its result must be short."""
    sock.sendall(packet(*items))
    reply = sock.recv(1000)
    return framed(reply)


# --- many clients -----------------------------------------------------------------------------------

def test_kept_connections_among_fresh_ones(start):
    """A thread with a kept connection is woken for a fresh one that another thread is given: it still
    knows who is at the other end of its own."""
    server = start(('socket', '127.0.0.1:0'), ('puwsgi-socket', '127.0.0.1:0'), ('threads', 8),
                   ('rpc-allow-from', '127.0.0.0/8'))
    answers, over = [], threading.Event()

    def keep():
        with connect(server.sockets[1]) as sock:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for number in range(500):
                answers.append(kept_call(sock, 'first', f'n{number}') == b'n%d' % number)

    def come_and_go():
        while not over.is_set():
            server.call('first', 'fresh')

    keepers = in_threads(*[keep] * 3)
    visitors = in_threads(*[come_and_go] * 3)
    for thread in keepers:
        thread.join()
    over.set()
    for thread in visitors:
        thread.join()
    assert answers == [True] * 1500
    assert 'forbidden-peer' not in server.log
