# SPDX-License-Identifier: MIT
"""Python's xmlrpc.client: typed functions at the URL given."""
import sys
from xmlrpc.client import Fault, MultiCall, ServerProxy

server = ServerProxy(sys.argv[1], allow_none=True, use_builtin_types=True)
print(repr(server.add(1, 2)), repr(server.add(1.5, 2)))
print(server.echo([1, {'a': [None, True, 'é']}, -1.5]))
print(server.echo(b'\0\xff'), server.echo(None), server.echo(''), server.echo({}), server.echo([]))
print(server.total([{'price': 2, 'count': 3}, {'price': 1, 'count': 1}]))
print(server.user(1))
for call in (lambda: server.user(7), lambda: server.add(1), server.boom):
    try:
        call()
    except Fault as fault:
        print(fault.faultCode, fault.faultString)
calls = MultiCall(server)
calls.add(1, 2)
calls.user(1)
calls.user(7)
results = calls()
print(results[0], results[1]['id'])
try:
    print(results[2])
except Fault as fault:
    print(fault.faultCode)
