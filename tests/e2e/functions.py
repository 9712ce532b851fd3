# SPDX-License-Identifier: MIT
"""RPC functions the end-to-end tests call, registered in the master, and an application."""
import os
import time

import uwsgi


def hello(*args):
    return b' '.join((b'hello',) + args)


def echo(*args):
    """The arguments as they came, each with its length before it."""
    return b''.join(b'%d:%s,' % (len(arg), arg) for arg in args)


def first(arg=b''):
    return arg


def count(*args):
    return b'%d' % len(args)


def empty(*args):
    return b''


def none(*args):
    return None


def text(*args):
    """What Python's own text is to uWSGI: nothing."""
    return 'text'


def boom(*args):
    raise ValueError('boom')


def big(size, char=b'x'):
    return char * int(size)


def worker(*args):
    return b'%d' % uwsgi.worker_id()


def pid(*args):
    return b'%d' % os.getpid()


def nap(seconds, answer=b'slept'):
    time.sleep(float(seconds))
    return answer


def register(name, answer):
    """Registers, in the worker that runs it, a function that gives this answer."""
    uwsgi.register_rpc(name.decode(), lambda *args: answer)
    return b'registered'


def call(name, *args):
    return uwsgi.call(name, *args)


def say(*args):
    """Puts a line into the log."""
    print('said', *(arg.decode() for arg in args), flush=True)
    return b'said'


for function in (hello, echo, first, count, empty, none, text, boom, big, worker, pid, nap, register, call,
                 say):
    uwsgi.register_rpc(function.__name__, function)


def application(environ, start_response):
    """Says what rpcvar left in RPC_VAR; /uwsgi.route?ACTION:ARGUMENTS runs a routing action."""
    if environ['PATH_INFO'] == '/uwsgi.route':
        action, arguments = environ['QUERY_STRING'].replace('+', ' ').split(':', 1)
        returned = uwsgi.route(action, arguments)
        print('uwsgi.route returned', returned, flush=True)
        if returned == 2:  # UWSGI_ROUTE_BREAK
            return []
    body = b'application ' + environ.get('RPC_VAR', 'unset').encode('latin1')
    start_response('200 OK', [('Content-Type', 'text/plain'), ('Content-Length', str(len(body)))])
    return [body]
