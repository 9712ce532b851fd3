#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Calls a function of a uWSGI server: "rpc.py HOST:PORT NAME [ARG...]" prints its result."""
import os
import socket
import struct
import sys


def uwsgi_rpc(node, name, *args, timeout=60):
    """Calls NAME at NODE ("host:port"). Name, arguments and result are bytes."""
    body = b''.join(struct.pack('<H', len(item)) + item for item in (name, *args) if item)
    packet = struct.pack('<BHB', 173, len(body), 0) + body  # struct.error: over 65535 bytes
    host, _, port = node.rpartition(':')
    with socket.create_connection((host.strip('[]'), port), timeout) as sock:
        sock.sendall(packet)
        reply = sock.makefile('rb')

        def read(count):
            data = reply.read(count)
            if len(data) < count:
                raise ConnectionError('the node closed the connection without an answer')
            return data

        modifier1, size, modifier2 = struct.unpack('<BHB', read(4))
        if modifier1 != 173 or modifier2 not in (0, 5):
            raise ConnectionError('the node answered something else')
        result = read(size)
        if modifier2 == 5:  # that was a dictionary; its CONTENT_LENGTH says what follows
            result = read(int(result.partition(b'CONTENT_LENGTH')[2][2:]))
        return result


if __name__ == '__main__':
    if len(sys.argv) < 3:
        sys.exit('usage: rpc.py HOST:PORT NAME [ARG...]')
    try:
        sys.stdout.buffer.write(uwsgi_rpc(sys.argv[1], *map(os.fsencode, sys.argv[2:])))
    except (OSError, ValueError, struct.error) as error:
        sys.exit(f'rpc.py: {error}')
