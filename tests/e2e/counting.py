# SPDX-License-Identifier: MIT
"""An application whose functions count how often they were called; one process serves it all."""
import base64
import json

import uwsgi

calls = 0


def hit(*args):
    global calls
    calls += 1
    return b' '.join((b'hit',) + args)


def typed_echo(*args):
    """Its argument, JSON; two would be seen."""
    return hit(*args)[len(b'hit '):]


def typed_says(params):
    """What its parameters are, one behind the other: text, {"base64": ...} or [text, how often]."""
    hit()
    return b''.join(map(said, json.loads(params)))


def said(param):
    if isinstance(param, dict):
        return base64.b64decode(param['base64'])
    text, times = param if isinstance(param, list) else (param, 1)
    return text.encode() * times


def hits():
    return b'%d' % calls


uwsgi.register_rpc('hit', hit)
uwsgi.register_rpc('hits', hits)
uwsgi.register_rpc('typed_echo', typed_echo)
uwsgi.register_rpc('typed_says', typed_says)
uwsgi.register_rpc('closed_typed', typed_echo)


def application(env, start_response):
    start_response('200 OK', [('Content-Type', 'text/plain')])
    return [b'application']
