import uwsgi


def hello(*names):
    return b' '.join((b'hello',) + names)


uwsgi.register_rpc('hello', hello)


def application(env, start_response):
    start_response('200 OK', [('Content-Type', 'text/plain')])
    return [b'the application\n']
