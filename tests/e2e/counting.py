# SPDX-License-Identifier: MIT
"""An application whose functions count how often they were called; one process serves it all."""
import uwsgi

calls = 0


def hit(*args):
    global calls
    calls += 1
    return b' '.join((b'hit',) + args)


def hits():
    return b'%d' % calls


uwsgi.register_rpc('hit', hit)
uwsgi.register_rpc('hits', hits)


def application(env, start_response):
    start_response('200 OK', [('Content-Type', 'text/plain')])
    return [b'application']
