# SPDX-License-Identifier: MIT
"""jsonrpclib-pelix: what it makes of the JSON-RPC bridge at the URL given."""
import base64
import sys

import jsonrpclib
from jsonrpclib.jsonrpc import ProtocolError, TransportError

server = jsonrpclib.ServerProxy(sys.argv[1])
print(server.hello('big', 'world'))
coded = {'base64': base64.b64encode(b'\0\xff\x80').decode()}
print(base64.b64decode(server.first(coded)['base64']).hex())
try:
    server.nosuch()
except ProtocolError as error:
    print(error.args[0][0])
print(server.echo(1, True, 1.5, None, 'é', [1, 2]))
batch = jsonrpclib.MultiCall(server)
batch.hello('one')
batch._notify.hello('nobody listens')
batch.hello('two')
print(*batch())
try:
    server._notify.hello('notified')
except TransportError as error:  # it takes a 204 for a failure, behind the call
    print(error.errcode)
