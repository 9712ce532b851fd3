# SPDX-License-Identifier: MIT
"""Every way to call a function from outside, each as transport(server, name, *args): the result, or
None when the answer says that there is none. server.sockets[0] speaks the uwsgi protocol."""
import base64
import json
import xmlrpc.client

from conftest import exchange, framed, packet

PATH_INFO, XML, JSON = 2, 3, 4
# How many arguments the rules of routes() take. uWSGI takes 64 variables a request, so the rule for
# 254 of them repeats one.
ROUTED_ARGS = (0, 1, 2, 3, 254)


class Answer:
    """An HTTP answer as it came over the uwsgi protocol."""

    def __init__(self, data):
        assert data, 'no answer'
        head, _, self.body = data.partition(b'\r\n\r\n')
        lines = head.decode('latin1').split('\r\n')
        assert lines[0].startswith('HTTP/'), data[:200]
        self.status = int(lines[0].split()[1])
        self.headers = dict(line.split(': ', 1) for line in lines[1:])


def request(server, path, body=None, modifier1=0, modifier2=0, timeout=60, **variables):
    """An HTTP request by way of the uwsgi protocol, as nginx sends one."""
    variables = {'REQUEST_METHOD': 'GET' if body is None else 'POST', 'PATH_INFO': path,
                 'REQUEST_URI': '/', 'SERVER_PROTOCOL': 'HTTP/1.1',
                 'CONTENT_LENGTH': str(len(body or b'')), **variables}
    items = [item for pair in variables.items() for item in pair]
    data = packet(*items, modifier1=modifier1, modifier2=modifier2) + (body or b'')
    return Answer(exchange(server.sockets[0], data, timeout))


def framed_packet(server, name, *args):
    return framed(exchange(server.sockets[0], packet(name, *args), 60))


def raw_packet(server, name, *args):
    return exchange(server.sockets[0], packet(name, *args, modifier2=1), 60)


def routes(*names, args=ROUTED_ARGS):
    """The options that route() needs: for each function one rule for each number of arguments."""
    return [('route', f'^/call/{name}/{count}$ rpc:{name}' +
             ''.join(f' ${{ARG{i if count < 254 else 0}}}' for i in range(count)))
            for name in names for count in args]


def route(server, name, *args):
    """By a rule of routes(); 254 arguments all have the first one's value."""
    values = {f'ARG{i}': arg for i, arg in enumerate(args if len(args) < 254 else args[:1])}
    answer = request(server, f'/call/{name}/{len(args)}', **values)
    return answer.body if answer.status == 200 else None


def path_info(server, name, *args):
    """Short printable arguments in the path, the last one as the body if it is any other."""
    body = None
    if args and (len(args[-1]) > 1000 or not args[-1].isalnum()):
        *args, body = args
    path = b'/'.join((b'', name.encode(), *args))
    answer = request(server, path, body, 173, PATH_INFO)
    assert answer.status in (200, 204, 404, 500), answer.body
    return answer.body if answer.status < 300 else None


def xml_rpc(server, name, *args):
    document = xmlrpc.client.dumps(tuple(xmlrpc.client.Binary(arg) for arg in args), name)
    answer = request(server, '/', document.encode(), 173, XML, CONTENT_TYPE='text/xml')
    assert answer.status == 200, answer.body
    try:
        (value,), _ = xmlrpc.client.loads(answer.body)
    except xmlrpc.client.Fault:
        return None
    return value.data if isinstance(value, xmlrpc.client.Binary) else value.encode()


def json_rpc(server, name, *args):
    params = [{'base64': base64.b64encode(arg).decode()} for arg in args]
    document = {'jsonrpc': '2.0', 'method': name, 'params': params, 'id': 1}
    answer = request(server, '/', json.dumps(document).encode(), 173, JSON,
                     CONTENT_TYPE='application/json')
    assert answer.status == 200, answer.body
    answer = json.loads(answer.body)
    if 'error' in answer:
        return None
    value = answer['result']
    return base64.b64decode(value['base64']) if isinstance(value, dict) else value.encode()


TRANSPORTS = {
    'packet': framed_packet,
    'raw packet': raw_packet,
    'route': route,
    'PATH_INFO': path_info,
    'XML-RPC': xml_rpc,
    'JSON-RPC': json_rpc,
}
# The library one of them takes, as the server names it when it was built without.
LIBRARY = {'XML-RPC': 'libxml2'}


def left_out(server, transport):
    """Whether the plugin under test was built without this bridge."""
    library = LIBRARY.get(transport)
    return bool(library) and f'built without {library}' in server.log
