#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Calls one function and writes its result: call.py ADDRESS FUNCTION [ARGUMENT...]

ADDRESS is HOST:PORT or the path of a UNIX socket.
"""
import os
import socket
import struct
import sys

address, *items = map(os.fsencode, sys.argv[1:])
body = b''.join(struct.pack('<H', len(item)) + item for item in items)
if b'/' in address:
    server = socket.socket(socket.AF_UNIX)
    server.connect(address)
else:
    server = socket.create_connection(os.fsdecode(address).rsplit(':', 1))
server.sendall(struct.pack('<BHB', 173, len(body), 0) + body)
reply = server.makefile('rb').read()
if not reply:
    sys.exit('closed without an answer')
modifier1, size, modifier2 = struct.unpack('<BHB', reply[:4])
# modifier2 5: longer than 65535 bytes, so its length comes first, in a dictionary of size bytes
result = reply[4 + size:] if modifier2 == 5 else reply[4:]
sys.stdout.buffer.write(result + b'\n')
