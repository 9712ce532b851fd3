# SPDX-License-Identifier: MIT
"""Heads of requests that are larger than anybody's: a thousand headers, an Origin of 64 KB."""
import pytest
from conftest import HTTP, HTTP11, PATIENT, TCP, poll

PAGE = 'https://app.example'
ASKS = [f'Origin: {PAGE}', 'Access-Control-Request-Method: POST']


@pytest.fixture(scope='module')
def server(shared_uwsgi):
    return shared_uwsgi(TCP, HTTP, HTTP11, PATIENT, ('rpc-origin', PAGE), ('http-socket-modifier1', 173),
                        ('http-socket-modifier2', 2), app='counting.py')


def failures(server):
    return [line for line in server.log.splitlines() if line.startswith('[rpc]')]


def ask(server, method, *lines, body='', socket=1):
    """What is answered; hit has not been called, and the worker is the one it was."""
    calls, workers = server.call('hits'), server.worker_pids()
    text = '\r\n'.join([f'{method} /hit HTTP/1.1', 'Host: here.example', 'Connection: close', *lines, '', body])
    answer = server.exchange(text.encode(), socket=socket)
    assert (server.call('hits'), server.worker_pids()) == (calls, workers)
    return answer


def one_line(server, before, status):
    poll(lambda: len(failures(server)) > before, what='a line in the log')
    line, = failures(server)[before:]
    assert line.endswith(f'({status})') and len(line) < 400


@pytest.mark.parametrize('socket', [1, 2], ids=['http-socket', 'http11-socket'])
@pytest.mark.parametrize('count, status', [(100, b'204'), (1000, b'400'), (3000, b'400')])
def test_preflight_with_many_headers(server, count, status, socket):
    before = len(failures(server))
    answer = ask(server, 'OPTIONS', *ASKS, *(f'X-{i}: y' for i in range(count)), socket=socket)
    assert answer.startswith(b'HTTP/1.1 ' + status) and answer.count(b'HTTP/1.1') == 1
    if status == b'400':
        one_line(server, before, 'bad-variables')


def test_post_with_many_headers(server):
    """Its body is read, so that the answer is."""
    before = len(failures(server))
    body = 'x' * (1 << 20)
    answer = ask(server, 'POST', f'Content-Length: {len(body)}', *(f'X-{i}: y' for i in range(1000)),
                 body=body)
    assert answer.startswith(b'HTTP/1.1 400 ') and answer.endswith(b'the request variables make no sense\n')
    one_line(server, before, 'bad-variables')


def test_preflight_that_asks_a_thousand_times(server):
    before = len(failures(server))
    answer = ask(server, 'OPTIONS', *ASKS, *(f'Access-Control-Request-Headers: x-{i}' for i in range(1000)))
    assert answer.startswith(b'HTTP/1.1 403 ')
    one_line(server, before, 'cross-site')


@pytest.mark.parametrize('socket', [1, 2], ids=['http-socket', 'http11-socket'])
@pytest.mark.parametrize('method', ['GET', 'OPTIONS'])
def test_origin_of_64_kb(server, method, socket):
    """Nearly all that buffer-size has room for."""
    for origin in ('https://' + 'o' * 65000, PAGE + '/' * 65000, 'o' * 65000):
        before = len(failures(server))
        answer = ask(server, method, f'Origin: {origin}', 'Access-Control-Request-Method: POST', socket=socket)
        assert answer.startswith(b'HTTP/1.1 403 ') and b'Access-Control-Allow-Origin' not in answer
        one_line(server, before, 'cross-site')


def test_origin_beyond_the_buffer(server):
    """uWSGI itself closes the connection, as it does with every request larger than buffer-size."""
    before = len(failures(server))
    assert ask(server, 'GET', 'Origin: https://' + 'o' * 65536) == b''
    assert len(failures(server)) == before
