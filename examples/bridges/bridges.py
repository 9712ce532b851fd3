import uwsgi


def hello(*names):
    return b' '.join((b'hello',) + names)


def add(*numbers):
    return b'%d' % sum(map(int, numbers))


uwsgi.register_rpc('hello', hello)
uwsgi.register_rpc('add', add)


def application(env, start_response):
    start_response('200 OK', [('Content-Type', 'text/plain')])
    return [b'the application\n']
