# SPDX-License-Identifier: MIT
"""Python's own XML-RPC server: chello takes two strings. Port as argument."""
import sys
from xmlrpc.server import SimpleXMLRPCServer

server = SimpleXMLRPCServer(('127.0.0.1', int(sys.argv[1])), logRequests=False)
server.register_function(lambda a, b: 'hello world', 'chello')
server.serve_forever()
