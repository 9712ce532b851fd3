# SPDX-License-Identifier: MIT
"""The PATH_INFO bridge (modifier2 2): over http-socket, http11-socket, routes, the http router and nginx."""
import contextlib
import select
import socket
import subprocess
from urllib.parse import quote

import pytest
from conftest import HTTP, HTTP11, PATIENT, TCP, connect, listens, poll, read_all

BRIDGE = [('http-socket-modifier1', 173), ('http-socket-modifier2', 2)]
NOT_FOUND, BAD_REQUEST, TOO_LARGE = 404, 400, 413


def echoed(*args):
    return b''.join(b'%d:%s,' % (len(arg), arg) for arg in args)


@pytest.fixture(scope='module')
def server(shared_uwsgi):
    return shared_uwsgi(TCP, HTTP, HTTP11, ('threads', 4), PATIENT, *BRIDGE)


def is_error(response, status):
    assert response.status == status
    assert response.getheader('Content-Type') == 'text/plain'
    assert response.body.endswith(b'\n') and response.body.count(b'\n') == 1
    return True


def test_a_static_file_is_no_failure(uwsgi, tmp_path):
    (tmp_path / 'page').write_text('static')
    server = uwsgi(TCP, HTTP, *BRIDGE, ('static-map', f'/static={tmp_path}'))
    assert server.http('/static/page').body == b'static'
    assert server.http('/echo/x').body == echoed(b'x')
    assert '[rpc]' not in server.log


# --- path and method -------------------------------------------------------------------------------

@pytest.mark.parametrize('path, body', [
    ('/hello', b'hello'), ('/hello/', b'hello'), ('//hello//', b'hello'), ('/hello/a/b', b'hello a b'),
    ('/hello//a///b/', b'hello a b'), ('/hello/a%20b', b'hello a b'), ('/hello/a?b=c', b'hello a'),
    ('/echo/%00%ff/+', echoed(b'\0\xff', b'+')), ('/echo/a%2Fb', echoed(b'a', b'b'))])
def test_path(server, path, body):
    response = server.http(path)
    assert (response.status, response.body) == (200, body)
    assert response.getheader('Content-Length') == str(len(body))


@pytest.mark.parametrize('method', ['GET', 'POST', 'PUT', 'DELETE', 'PATCH', 'FUNNY'])
def test_any_method(server, method):
    assert server.http('/hello/a', method=method).body == b'hello a'


@pytest.mark.parametrize('path, head', [('/hello/a', b'200 OK'), ('/nosuch', b'404 Not Found'),
                                        ('/empty', b'204 No Content')])
def test_head(server, path, head):
    """The headers of GET, and nothing behind them."""
    get, answer = (exchange_text(server, f'{method} {path} HTTP/1.0\r\n\r\n') for method in ('GET', 'HEAD'))
    assert head in answer and answer == get[:get.index(b'\r\n\r\n') + 4]


def exchange_text(server, text, index=1):
    return server.exchange(text.encode(), socket=index)


@pytest.mark.parametrize('path', ['/empty', '/none', '/text', '/boom'])
def test_an_empty_result_is_204(server, path):
    response = server.http(path)
    assert (response.status, response.body) == (204, b'')
    assert response.getheader('Content-Length') is None


@pytest.mark.parametrize('path', ['/nosuch', '/nosuch/a', '/he%00llo', '/hell', '/hellos', '/' + 'n' * 300, '/Hello'])
def test_unknown_function(server, path):
    assert is_error(server.http(path), NOT_FOUND)


def test_a_path_stands_twice_in_the_buffer(server):
    """As sent and decoded: uWSGI closes the connection of one that is longer than half of buffer-size."""
    assert server.http('/first/' + 'x' * 32000).body == b'x' * 32000
    assert exchange_text(server, f'GET /first/{"x" * 32768} HTTP/1.0\r\n\r\n') == b''
    assert server.http('/hello').body == b'hello'


@pytest.mark.parametrize('path', ['/', '//', '/?hello'])
def test_no_name(server, path):
    assert is_error(server.http(path), BAD_REQUEST)


@pytest.mark.parametrize('in_path, body, status', [
    (253, None, 200), (254, None, 200), (255, None, BAD_REQUEST), (300, None, BAD_REQUEST),
    (253, b'x', 200), (254, b'x', BAD_REQUEST), (254, b'', 200)])
def test_argument_count(server, in_path, body, status):
    response = server.http('/count' + '/x' * in_path, method='POST', body=body)
    assert response.status == status
    assert status != 200 or response.body == b'%d' % (in_path + bool(body))


def test_empty_is_error(uwsgi):
    server = uwsgi(TCP, HTTP, ('rpc-empty-is-error', 'true'), *BRIDGE)
    assert is_error(server.http('/empty'), 500)


# --- headers -----------------------------------------------------------------------------------------

OCTETS = 'application/octet-stream'
TEXT = 'text/plain; charset=utf-8'


@pytest.mark.parametrize('accept, content_type', [
    (None, TEXT), ('*/*', TEXT), ('*', TEXT), ('text/*', TEXT), ('text/html, */*', TEXT),
    ('text/html,application/xml;q=0.9', TEXT), ('text', TEXT), ('text/', TEXT), ('/html', TEXT),
    ('text/html x', TEXT), ('', TEXT), ('text/<b>', TEXT),
    ('text/plain', 'text/plain'), ('application/json', 'application/json'),
    ('image/svg+xml', 'image/svg+xml'), ('text/plain;q=0.5', 'text/plain'), ('text/plain; q=1', 'text/plain'),
    ('text/plain; charset=utf-8', 'text/plain; charset=utf-8'),
    ('text/plain;charset="utf-8";q=0.1', 'text/plain;charset="utf-8"')])
def test_accept(server, accept, content_type):
    response = server.http('/hello', headers={} if accept is None else {'Accept': accept})
    assert response.getheader('Content-Type') == content_type
    assert (response.getheader('X-Content-Type-Options'), response.getheader('Vary')) == ('nosniff', 'Accept')


@pytest.mark.parametrize('count, piece, content_type', [
    (1, b'a\0b', TEXT), (3, 'é €'.encode(), TEXT), (65535, b'x', TEXT), (65536, b'x', TEXT), (65537, b'x', OCTETS),
    (1, b'\xff', OCTETS), (1, b'twelve bytes\xc3', OCTETS), (1, b'\xed\xa0\x80', OCTETS)])
def test_text_is_shown_and_bytes_are_downloaded(server, count, piece, content_type):
    """Where no type is asked for, as by the address bar of a browser."""
    response = server.http(f'/big/{count}/{quote(piece)}')
    assert (response.body, response.getheader('Content-Type')) == (piece * count, content_type)


# --- bodies ------------------------------------------------------------------------------------------

@pytest.mark.parametrize('index', [1, 2], ids=['http-socket', 'http11-socket'])
@pytest.mark.parametrize('body', [b'x', b'\0a\0', b'a/b', bytes(range(256)) * 200])
def test_body_is_the_last_argument(server, body, index):
    assert server.http('/echo/a', method='POST', body=body, socket=index).body == echoed(b'a', body)
    assert server.http('/echo', method='PUT', body=body, socket=index).body == echoed(body)
    chunks = (body[at:at + 1000] for at in range(0, len(body), 1000))
    assert server.http('/echo/a', method='POST', body=chunks, socket=index).body == echoed(b'a', body)


@pytest.mark.parametrize('index', [1, 2], ids=['http-socket', 'http11-socket'])
@pytest.mark.parametrize('chunked', [False, True], ids=['length', 'chunked'])
@pytest.mark.parametrize('size', [65534, 65535, 65536, 65537, 200000])
def test_body_size(server, size, chunked, index):
    body = b'y' * size
    response = server.http('/first', method='POST', body=iter([body]) if chunked else body, socket=index)
    if size > 65535:
        assert is_error(response, TOO_LARGE)
    else:
        assert (response.status, response.body) == (200, body)


def test_a_form_is_one_argument(server):
    body = b'a=1&b=%20'
    response = server.http('/echo', 'POST', body, {'Content-Type': 'application/x-www-form-urlencoded'})
    assert response.body == echoed(body)


def test_small_chunks(server):
    assert server.http('/first', method='POST', body=(b'z' for _ in range(3000))).body == b'z' * 3000
    response = server.http('/first', method='POST', body=(b'z' * 1000 for _ in range(66)))
    assert is_error(response, TOO_LARGE)


def test_empty_chunked_body(server):
    assert server.http('/echo/a', method='POST', body=iter([])).body == echoed(b'a')


@pytest.mark.parametrize('chunks, status', [
    ('3\r\nabc\r\n0\r\n\r\n', b'200 OK'), ('a\r\n', b'400 '), ('3\r\nab', b'400 '), ('3\r\nabc', b'400 '),
    ('3;ext\r\nabc\r\n0\r\n\r\n', b'200 OK'), ('-3\r\nabc\r\n', b'400 '),
    ('7fffffffffffffff\r\nabc', b'413 '), ('ffffffffffffffff\r\nabc', b'4'), ('10000\r\nabc', b'413 ')])
def test_chunks(server, chunks, status):
    with connect(server.sockets[1]) as sock:
        sock.sendall(b'POST /hello HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n' + chunks.encode())
        sock.shutdown(socket.SHUT_WR)
        assert read_all(sock).startswith(b'HTTP/1.1 ' + status)
    assert server.http('/hello').body == b'hello'


def test_a_body_shorter_than_promised(server):
    with connect(server.sockets[1]) as sock:
        sock.sendall(b'POST /hello HTTP/1.0\r\nContent-Length: 10\r\n\r\nabc')
        sock.shutdown(socket.SHUT_WR)
        assert b' 400 ' in read_all(sock)
    assert server.http('/hello').body == b'hello'


@pytest.mark.parametrize('path, status', [('/first', TOO_LARGE), ('/', BAD_REQUEST)])
@pytest.mark.parametrize('index', [1, 2], ids=['http-socket', 'http11-socket'])
@pytest.mark.parametrize('chunked', [False, True], ids=['length', 'chunked'])
def test_who_sends_too_much_gets_to_read_why(server, chunked, path, status, index):
    def ask():
        body = (b'y' * 100000 for _ in range(200)) if chunked else b'y' * 20000000
        with contextlib.suppress(OSError):  # one that stops sending for a second is reset
            return server.http(path, method='POST', body=body, socket=index)

    assert is_error(poll(ask, what='an answer'), status)


def test_max_body(uwsgi):
    server = uwsgi(TCP, HTTP, ('rpc-max-body', 10), *BRIDGE)
    for chunked in (False, True):
        for size, status in ((10, 200), (11, TOO_LARGE)):
            body = iter([b'y' * size]) if chunked else b'y' * size
            assert server.http('/first', method='POST', body=body).status == status
    server.wait_log('(body-too-large)')
    assert 'argument-too-long' not in server.log


def test_post_buffering(uwsgi):
    """Bodies that uWSGI reads by itself, into memory and into a file."""
    server = uwsgi(TCP, HTTP, HTTP11, ('post-buffering', 4096), ('threads', 2), *BRIDGE)
    for index in (1, 2):
        for size in (10, 5000, 65535):
            assert server.http('/first', method='POST', body=b'y' * size, socket=index).body == b'y' * size
        assert server.http('/first', method='POST', body=b'y' * 65536, socket=index).status == TOO_LARGE


# --- a prefix ----------------------------------------------------------------------------------------

@pytest.mark.parametrize('prefix', ['/api', '/api/', '/api//'])
def test_prefix(uwsgi, prefix):
    server = uwsgi(TCP, HTTP, ('rpc-http-prefix', prefix), *BRIDGE)
    assert server.http('/api/hello/a').body == b'hello a'
    assert server.http('/api//hello/api').body == b'hello api'
    for path in ('/api', '/api/'):
        assert is_error(server.http(path), BAD_REQUEST)
    for path in ('/hello', '/apihello', '/apix/hello', '/ap', '/', '/x/api/hello', '/API/hello'):
        assert is_error(server.http(path), NOT_FOUND)


def test_prefix_of_several_segments(uwsgi):
    server = uwsgi(TCP, HTTP, ('rpc-http-prefix', '/a/b'), *BRIDGE)
    assert server.http('/a/b/hello').body == b'hello'
    assert server.http('/a/hello').status == NOT_FOUND


def test_prefix_of_a_slash_is_none(uwsgi):
    server = uwsgi(TCP, HTTP, ('rpc-http-prefix', '/'), *BRIDGE)
    assert server.http('/hello').body == b'hello'


# --- keep-alive --------------------------------------------------------------------------------------

KEPT = [('GET', '/hello', None, 200), ('HEAD', '/hello', None, 200), ('GET', '/empty', None, 204),
        ('GET', '/nosuch', None, 404), ('HEAD', '/nosuch', None, 404), ('GET', '/', None, 400),
        ('POST', '/hello', b'body', 200), ('POST', '/empty', b'body', 204), ('POST', '/nosuch', b'body', 404),
        ('POST', '/first', b'y' * 65535, 200), ('POST', '/count' + '/x' * 254, b'body', 400), ('POST', '/hello', [b'chunk', b'ed'], 200),
        ('POST', '/nosuch', [b'chunked'], 404)]


def test_http11_stays_open_after_every_answer(server):
    connection = server.connection(2)
    connection.connect()
    kept = connection.sock
    for method, path, body, status in KEPT:
        connection.request(method, path, iter(body) if isinstance(body, list) else body)
        response = connection.getresponse()
        assert (response.status, path) == (status, path)
        response.read()
        assert connection.sock is kept
        connection.request('GET', '/hello/after')
        assert connection.getresponse().read() == b'hello after'
        assert connection.sock is kept
    connection.close()


@pytest.mark.parametrize('path, body, status', [
    ('/', b'body', 400), ('/first', b'y' * 70000, 413), ('/', [b'chunked'], 400), ('/first', [b'y' * 70000], 413)])
def test_http11_says_that_it_closes_after_a_body_nobody_read(server, path, body, status):
    connection = server.connection(2)
    connection.request('POST', path, iter(body) if isinstance(body, list) else body)
    response = connection.getresponse()
    assert (response.status, response.getheader('Connection')) == (status, 'close')
    assert response.read().endswith(b'\n')
    connection.request('GET', '/hello')
    assert connection.getresponse().read() == b'hello'
    connection.close()


def test_http11_is_closed_when_a_body_may_be_left(server):
    """What follows a chunked body that was not read to its end is no request."""
    smuggled = 'GET /hello/smuggled HTTP/1.1\r\nHost: x\r\n\r\n'
    answer = exchange_text(server, 'POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n'
                           '3\r\nabc\r\n0\r\n\r\n' + smuggled, index=2)
    assert answer.count(b'HTTP/1.1 ') == 1 and b' 400 ' in answer
    answer = exchange_text(server, 'POST /hello HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n'
                           '3\r\nabc\r\n0\r\n\r\n' + smuggled, index=2)
    assert answer.count(b'HTTP/1.1 ') == 1 and answer.endswith(b'hello abc')


# --- ways to the bridge ------------------------------------------------------------------------------

def test_by_a_route(uwsgi):
    server = uwsgi(TCP, HTTP, ('plugin', 'router_uwsgi'), ('rpc-http-prefix', '/rpc'),
                   ('route', '^/rpc/ uwsgi:,173,2'))
    assert server.http('/rpc/hello/a').body == b'hello a'
    assert server.http('/rpc/echo', method='POST', body=b'body').body == echoed(b'body')
    assert server.http('/rpc/nosuch').status == NOT_FOUND
    assert server.http('/else').body == b'application unset'


def test_by_the_http_router(uwsgi, tmp_path):
    front, back = tmp_path / 'front.sock', tmp_path / 'back.sock'
    server = uwsgi(('plugin', 'http'), ('http', front), ('http-to', back), ('http-modifier1', 173),
                   ('http-modifier2', 2), ('http-chunked-input', 'true'), ('socket', back), ('threads', 2))
    server.sockets = [str(back), str(front)]
    poll(lambda: listens(front))
    assert server.http('/hello/a').body == b'hello a'
    body = b'y' * 60000
    assert server.http('/first', method='POST', body=body).body == body
    chunks = (body[at:at + 7000] for at in range(0, len(body), 7000))
    assert server.http('/first', method='POST', body=chunks).body == body
    assert server.http('/nosuch').status == NOT_FOUND
    assert server.http('/empty').status == 204


def test_the_http_router_without_chunked_input(uwsgi, tmp_path):
    """It passes on none of the body."""
    front, back = tmp_path / 'front.sock', tmp_path / 'back.sock'
    server = uwsgi(('plugin', 'http'), ('http', front), ('http-to', back), ('http-modifier1', 173),
                   ('http-modifier2', 2), ('socket', back), ('socket-timeout', 5))
    server.sockets = [str(back), str(front)]
    poll(front.exists)
    assert server.http('/first', method='POST', body=iter([b'abc'])).status == BAD_REQUEST
    assert server.http('/first', method='POST', body=b'abc').body == b'abc'


@pytest.mark.parametrize('socket', [1, 2], ids=['http-socket', 'http11-socket'])
def test_who_holds_a_worker(uwsgi, socket):
    """An idle connection to an http11-socket: others wait until it ends."""
    server = uwsgi(TCP, HTTP, HTTP11, PATIENT, *BRIDGE)
    idle, other = server.connection(socket), server.connection(socket)
    idle.request('GET', '/hello')
    assert idle.getresponse().read() == b'hello'
    other.request('GET', '/hello/other')
    if socket == 2:
        assert select.select([other.sock], [], [], 0.5)[0] == []
        idle.close()
    assert other.getresponse().read() == b'hello other'
    other.close()
    idle.close()


@pytest.fixture
def nginx(tmp_path):
    """nginx(location) serves on a UNIX socket, with the location's lines."""
    processes = []

    def start(location):
        config, sock = tmp_path / 'nginx.conf', tmp_path / 'nginx.sock'
        params = ''.join(f'uwsgi_param {name} ${value};\n' for name, value in {
            'REQUEST_METHOD': 'request_method', 'PATH_INFO': 'document_uri', 'CONTENT_LENGTH': 'content_length',
            'CONTENT_TYPE': 'content_type', 'QUERY_STRING': 'query_string',
            'SERVER_PROTOCOL': 'server_protocol'}.items())
        config.write_text(f'''
user root; daemon off; worker_processes 1; pid {tmp_path}/nginx.pid; error_log stderr;
events {{}}
http {{
    access_log off;
    client_body_temp_path {tmp_path}/body; uwsgi_temp_path {tmp_path}/uwsgi; proxy_temp_path {tmp_path}/proxy;
    fastcgi_temp_path {tmp_path}/fastcgi; scgi_temp_path {tmp_path}/scgi;
    server {{
        listen unix:{sock};
        client_max_body_size 0;
        location / {{
{params}{location}
        }}
    }}
}}
''')
        processes.append(subprocess.Popen(['nginx', '-p', tmp_path, '-e', 'stderr', '-c', config],
                                          stderr=open(tmp_path / 'nginx.log', 'wb')))
        poll(lambda: listens(sock))
        return str(sock)

    yield start
    for process in processes:
        process.terminate()
        process.wait()


def test_behind_nginx(uwsgi, nginx):
    server = uwsgi(TCP)
    front = nginx('uwsgi_modifier1 173; uwsgi_modifier2 2; uwsgi_pass %s:%d;' % server.sockets[0])
    server.sockets.append(front)
    response = server.http('/hello/' + quote('a b'), headers={'Accept': 'text/plain'})
    assert (response.status, response.body) == (200, b'hello a b')
    assert response.getheader('Content-Type') == 'text/plain'
    assert response.getheader('X-Content-Type-Options') == 'nosniff'
    for body in (b'x', b'y' * 65535):
        assert server.http('/first', method='POST', body=body).body == body
        assert server.http('/first', method='POST', body=iter([body])).body == body
    assert server.http('/first', method='POST', body=b'y' * 65536).status == TOO_LARGE
    assert server.http('/first', method='POST', body=b'y' * 5000000).status == TOO_LARGE
    assert server.http('/nosuch').status == NOT_FOUND
    assert server.http('/empty').status == 204
    assert server.http('/', method='HEAD').status == BAD_REQUEST
    connection = server.connection(1)
    for _ in range(3):
        connection.request('GET', '/hello')
        assert connection.getresponse().read() == b'hello'
    connection.close()
