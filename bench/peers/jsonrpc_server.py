# SPDX-License-Identifier: MIT
"""jsonrpclib's server: chello takes two strings. Port as argument."""
import sys
from jsonrpclib.SimpleJSONRPCServer import SimpleJSONRPCServer

server = SimpleJSONRPCServer(('127.0.0.1', int(sys.argv[1])), logRequests=False)
server.register_function(lambda a, b: 'hello world', 'chello')
server.serve_forever()
