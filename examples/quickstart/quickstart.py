import json

import uwsgi


def hello(*names):
    return b' '.join((b'hello',) + names)


def add(params):
    numbers = json.loads(params)
    return json.dumps(numbers['x'] + numbers['y']).encode()


uwsgi.register_rpc('hello', hello)
uwsgi.register_rpc('add', add)


def application(env, start_response):
    start_response('200 OK', [('Content-Type', 'text/plain')])
    return [b'the application\n']
