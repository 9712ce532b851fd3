# SPDX-License-Identifier: MIT
"""The functions every language registers, in Python."""
import uwsgi


def echo(*args):
    return b''.join(b'%d:%s,' % (len(arg), arg) for arg in args)


def count(*args):
    return b'%d' % len(args)


def empty(*args):
    return b''


def one(*args):
    return b'1'


def big(*args):
    return b'x' * 102400


def fail(*args):
    raise ValueError('refused by python_fail')


def call(name, *args):
    return uwsgi.call(name, *args)


def remote(node, name, *args):
    return uwsgi.rpc(node, name, *args)


for function in (echo, count, empty, one, big, fail, call, remote):
    uwsgi.register_rpc('python_' + function.__name__, function)
