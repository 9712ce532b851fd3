# SPDX-License-Identifier: MIT
"""RPC_FUNCTIONS functions, function0 and so on, as many of them as rpc-max lets in."""
import os

import uwsgi

for number in range(int(os.environ['RPC_FUNCTIONS'])):
    try:
        uwsgi.register_rpc(f'function{number}', lambda *args, number=number: b'%d' % number)
    except ValueError:
        break


def application(environ, start_response):
    start_response('200 OK', [])
    return [b'']
