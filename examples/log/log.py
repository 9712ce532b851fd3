import uwsgi


def hello(name):
    return b'hello ' + name


def fails():
    raise ValueError('no answer')


uwsgi.register_rpc('hello', hello)
uwsgi.register_rpc('fails', fails)


def application(env, start_response):
    start_response('200 OK', [('Content-Type', 'text/plain')])
    return [b'the application\n']
