import uwsgi


def length(argument):
    return b'%d' % len(argument)


uwsgi.register_rpc('length', length)


def application(env, start_response):
    start_response('200 OK', [('Content-Type', 'text/plain')])
    return [b'the application\n']
