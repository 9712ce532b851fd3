import uwsgi


def hello(uri, addr):
    return b'hello ' + addr + b', you asked for ' + uri + b'\n'


def door(token):
    if token == b'sesame':
        return b'goto members'
    return b'break 403 Forbidden' if token else b'next'


def street():
    return b'everybody may stand in the street\n'


def club():
    return b'welcome to the club\n'


def node_name():
    return b'node-1'


for function in (hello, door, street, club, node_name):
    uwsgi.register_rpc(function.__name__, function)


def application(env, start_response):
    start_response('200 OK', [('Content-Type', 'text/plain')])
    return [b'the application\n']
