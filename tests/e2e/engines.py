# SPDX-License-Identifier: MIT
"""The application of the engine tests; its Perl and Ruby twins stand in test_engines_remote.py."""
import uwsgi

answers = []


def signalled(number):
    """A remote call outside every request."""
    answers.append(uwsgi.call(b'good', b'from a signal handler'))


uwsgi.register_signal(17, 'worker1', signalled)


def application(environ, start_response):
    start_response('200 OK', [('Content-Type', 'text/plain')])
    path = environ['PATH_INFO']
    if path.startswith('/call/'):
        return [repr(uwsgi.call(path[6:].encode(), b'a')).encode()]
    if path == '/signal':
        uwsgi.signal(17)
    if path == '/signalled':
        return [repr(answers).encode()]
    return [b'application ' + environ.get('RPC_VAR', 'unset').encode('latin1')]
