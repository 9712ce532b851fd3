# SPDX-License-Identifier: MIT
"""Typed functions in Python."""
import uwsgi
from typed import Error, typed


@typed
def add(x, y):
    return x + y


@typed
def user(id):
    if id != 1:
        raise Error(404, 'no such user', {'id': id})
    return {'id': id, 'name': 'Zoë'}


@typed
def echo(value):
    return value


@typed
def total(items):
    return sum(item['price'] * item['count'] for item in items)


@typed
def boom():
    raise RuntimeError('boom')


# Not JSON, whatever rpc-json says of it.
uwsgi.register_rpc('text', lambda params: b'text')
