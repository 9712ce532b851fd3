import uwsgi


def node_hello(name):
    return b'hello node ' + name


def web_hello(name):
    return b'hello web ' + name


def health():
    return b'fine\n'


for function in (node_hello, web_hello, health):
    uwsgi.register_rpc(function.__name__, function)


def application(env, start_response):
    start_response('200 OK', [('Content-Type', 'text/plain')])
    return [b'the application\n']
