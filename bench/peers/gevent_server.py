# SPDX-License-Identifier: MIT
"""gevent's own server, which answers whatever comes with the bytes of a file, once on a connection or as
often as it is asked.

usage: gevent_server.py once|kept ANSWER PORT
"""
import socket
import sys
from pathlib import Path

from gevent.server import StreamServer

kept = sys.argv[1] == 'kept'
answer = Path(sys.argv[2]).read_bytes()


def serve(client, _):
    client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    while client.recv(1 << 16):
        client.sendall(answer)
        if not kept:
            break


StreamServer(('127.0.0.1', int(sys.argv[3])), serve, backlog=1024).serve_forever()
