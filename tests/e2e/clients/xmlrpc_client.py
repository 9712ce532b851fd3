# SPDX-License-Identifier: MIT
"""Python's xmlrpc.client: what it makes of the XML-RPC bridge at the URL given."""
import datetime
import sys
from xmlrpc.client import Binary, Fault, MultiCall, ServerProxy

server = ServerProxy(sys.argv[1], allow_none=True, use_builtin_types=True)
print(server.hello('big', 'world'))
print(server.first(b'\0\xff\x80').hex())
try:
    server.nosuch()
except Fault as fault:
    print(fault.faultCode)
print(server.echo(1, True, 1.5, None, 'é', datetime.datetime(2025, 1, 31)))
calls = MultiCall(server)
calls.hello('one')
calls.first(Binary(b'\xff'))
calls.nosuch()
results = calls()
print(results[0], results[1].hex())
try:
    print(results[2])
except Fault as fault:
    print(fault.faultCode)
