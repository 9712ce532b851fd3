# SPDX-License-Identifier: MIT
"""An application that calls one function of a node in the way its path names."""
import os

import uwsgi

NODE = os.environ['NODE'].encode()


def application(environ, start_response):
    if environ['PATH_INFO'] == '/rpc':
        result = uwsgi.rpc(NODE, b'chello', b'a', b'b')
    else:
        result = uwsgi.call(b'there', b'a', b'b')
    start_response('200 OK', [('Content-Length', str(len(result)))])
    return [result]
