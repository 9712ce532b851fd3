# SPDX-License-Identifier: MIT
"""Turns a function into a typed one: @typed, and rpc-json in uWSGI's configuration."""
import inspect
import json

import uwsgi


class Error(Exception):
    """What a caller is told: a code, a message, and data if there is some to tell."""

    def __init__(self, code, message, data=None):
        super().__init__(message)
        self.code, self.data = code, data


def error_text(error, code, data=None):
    message = ' '.join(str(error).splitlines())
    return f'error {code} {message}' + ('' if data is None else '\n' + json.dumps(data))


def call(function, signature, params):
    try:
        named = isinstance(params, dict)
        bound = signature.bind(**params) if named else signature.bind(*params)
    except TypeError as error:
        return error_text(error, -32602)
    try:
        return json.dumps(function(*bound.args, **bound.kwargs), allow_nan=False)
    except Error as error:
        return error_text(error, error.code, error.data)
    except Exception as error:
        return error_text(error, -32000)


def typed(function):
    signature = inspect.signature(function)
    uwsgi.register_rpc(function.__name__, lambda params: call(
        function, signature, json.loads(params)).encode(errors='replace'))
    return function
