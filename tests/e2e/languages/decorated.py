# SPDX-License-Identifier: MIT
"""The functions every language registers, in Python with uwsgidecorators."""
import uwsgi
from uwsgidecorators import rpc


@rpc('decorated_echo')
def echo(*args):
    return b''.join(b'%d:%s,' % (len(arg), arg) for arg in args)


@rpc('decorated_count')
def count(*args):
    return b'%d' % len(args)


@rpc('decorated_empty')
def empty(*args):
    return b''


@rpc('decorated_one')
def one(*args):
    return b'1'


@rpc('decorated_big')
def big(*args):
    return b'x' * 102400


@rpc('decorated_fail')
def fail(*args):
    raise ValueError('refused by decorated_fail')


@rpc('decorated_call')
def call(name, *args):
    return uwsgi.call(name, *args)


@rpc('decorated_remote')
def remote(node, name, *args):
    return uwsgi.rpc(node, name, *args)
