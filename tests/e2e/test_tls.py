# SPDX-License-Identifier: MIT
"""Nodes in TLS: real ones on a suwsgi-socket, in every engine, and everything that is wrong with one."""
import contextlib
import re
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from certificates import certificates, node_of  # noqa: F401
from conftest import HTTP, TCP, free_port, poll, read_all
from release import BROKEN
from test_engines_remote import ENGINES, PERL, PYTHON_ENGINES, RUBY
from test_metrics import metrics
from test_rpc_client import netstrings, read_netstrings

ENGINES = {'processes': ([], [('processes', 2)]), **ENGINES}
ENGINES = {name: (plugins, options) for name, (plugins, options) in ENGINES.items()
           if not set(plugins) & set(BROKEN)}
TABLE = 'Calls to a node in TLS (`ssl:HOST:PORT`), by engine'
TITLES = {'processes': 'preforking', 'ugreen': '`async` with ugreen', 'greenlet': '`async` with greenlet',
          'coroae': 'Coro::AnyEvent', 'fiber': 'Ruby fibers', 'rbthreads': 'Ruby threads'}
CALLERS = 10
LARGE = 3000000
# Far beyond every deadline below: a call that takes this has hung.
HUNG = 30
DEADLINE = 6


@pytest.fixture(scope='module')
def node(shared_uwsgi, certificates):
    """A real node, in TLS and in the clear."""
    return shared_uwsgi(certificates.socket(), TCP, ('processes', 4), ('listen', 100), ('disable-logging', 'true'))


def plain(server, socket=1):
    return '%s:%d' % server.sockets[socket]


def routes(node):
    tls = node_of(node)
    return [
        ('route', f'^/echo/(.*)$ rpc:echo@{tls} $1'),
        ('route', f'^/big rpc:big@{tls} {LARGE}'),
        ('route', f'^/gather rpcgather:echo@{tls} big@{tls} echo@{plain(node)} first@{node_of(node, 0, "localhost")}'
                  ' -- 70000'),
        ('route', f'^/fails-over rpc:echo@127.0.0.1:1,ssl:127.0.0.1:1,{tls} over'),
        ('route', f'^/unknown rpc:nosuch@{tls}'),
    ]


def start(shared_uwsgi, engine, directory, coroae, *options):
    plugins, more = ENGINES[engine]
    plugins, app = list(plugins), 'engines.py'
    if engine == 'processes' or engine in PYTHON_ENGINES:
        plugins.insert(0, 'python3')
    else:
        option, name, source = (('psgi', 'app.psgi', PERL) if plugins[0] == 'psgi' else ('rack', 'config.ru', RUBY))
        (directory / name).write_text(source)
        more, app = [*more, (option, directory / name)], None
    if engine == 'coroae':
        plugins.append(coroae)
    return shared_uwsgi(HTTP, ('listen', 100), ('rpc-timeout', HUNG), *more, *options, plugins=(*plugins, 'rpc'),
                        app=app)


@pytest.fixture(scope='module', params=ENGINES)
def server(request, shared_uwsgi, node, certificates, tmp_path_factory, coroae):
    started = start(shared_uwsgi, request.param, tmp_path_factory.mktemp('app'), coroae, ('rpc-keepalive', 4),
                    *certificates.options(), *routes(node))
    started.engine = TITLES.get(request.param, request.param)
    yield started
    started.stop()


def get(server, path):
    answer = server.http(path, socket=0, timeout=2 * HUNG)
    return answer.status, answer.body


# --- in every engine ------------------------------------------------------------------------------

def test_right_answers(server, cell):
    """Of many callers at once, each its own."""
    cell(TABLE, server.engine, 'many callers at once')
    with ThreadPoolExecutor(CALLERS) as pool:
        got = list(pool.map(lambda number: get(server, f'/echo/{number}'), range(5 * CALLERS)))
    assert got == [(200, b'%d:%d,' % (len(str(number)), number)) for number in range(5 * CALLERS)]


def test_large_results(server, cell):
    cell(TABLE, server.engine, 'results of 3 MB')
    with ThreadPoolExecutor(4) as pool:
        got = list(pool.map(lambda _: get(server, '/big'), range(4)))
    assert [(status, len(body), set(body)) for status, body in got] == [(200, LARGE, {ord('x')})] * 4


def test_gather_over_nodes_in_tls_and_in_the_clear(server, cell):
    cell(TABLE, server.engine, 'rpcgather')
    assert get(server, '/gather') == (200, b'5:70000,' + b'x' * 70000 + b'5:70000,' + b'70000')


def test_fails_over(server, cell):
    cell(TABLE, server.engine, 'the next node when one is dead')
    for _ in range(3):
        assert get(server, '/fails-over') == (200, b'4:over,')


def test_an_unknown_function_closes(server):
    assert get(server, '/unknown')[0] == 502


def test_nothing_is_left_behind(server):
    def traffic():
        with ThreadPoolExecutor(CALLERS) as pool:
            assert {status for status, _ in pool.map(lambda path: get(server, path), [
                '/echo/a', '/gather', '/fails-over'] * 10)} == {200}
            list(pool.map(lambda _: get(server, '/unknown'), range(10)))
    traffic()
    before = server.descriptors()
    traffic()
    poll(lambda: server.descriptors() <= before + 4, what='descriptors closed')


# --- what is wrong with a node ---------------------------------------------------------------------

class Scripted:
    """A listener that is no node: script(connection) has each that comes, in a thread of its own."""

    def __init__(self, script):
        self.script, self.stopped = script, threading.Event()
        self.listener = socket.create_server(('127.0.0.1', 0), backlog=100)
        self.name = 'ssl:127.0.0.1:%d' % self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self.listener.accept()
                threading.Thread(target=self.serve, args=[connection], daemon=True).start()

    def serve(self, connection):
        with contextlib.suppress(OSError), connection:
            self.script(self, connection)

    def stop(self):
        self.stopped.set()
        with contextlib.suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()


def says_nothing(node, connection):
    node.stopped.wait(HUNG)


def stops_half_way(node, connection):
    """The head of a record with a ServerHello, and half of that."""
    connection.recv(1 << 16)
    connection.sendall(bytes.fromhex('160303007a020000760303') + b'r' * 20)
    node.stopped.wait(HUNG)


def trickles(node, connection):
    connection.sendall(bytes.fromhex('1603034000020040000303'))
    while not node.stopped.wait(0.2):
        connection.sendall(b'r')


def closes(node, connection):
    connection.recv(1 << 16)


def sends_text(node, connection):
    connection.recv(1 << 16)
    connection.sendall(b'HTTP/1.0 400 Bad Request\r\n\r\n')
    node.stopped.wait(HUNG)


def sends_a_packet(node, connection):
    connection.recv(1 << 16)
    connection.sendall(b'\xad\x05\0\0hello')
    node.stopped.wait(HUNG)


SCRIPTED = {script.__name__: script for script in (says_nothing, stops_half_way, trickles, closes, sends_text,
                                                   sends_a_packet)}
LATE = 504, 'node-timeout', 'the handshake did not end in time'
UNREACHABLE = 502, 'node-unreachable'
# What is said of each: the HTTP status of a route, the outcome, OpenSSL's reason.
BAD = {
    'named': (*UNREACHABLE, 'IP address mismatch'),
    'foreign': (*UNREACHABLE, '(unable to get local issuer certificate|self[- ]signed certificate in .*)'),
    'expired': (*UNREACHABLE, 'certificate has expired'),
    'in the clear': (*UNREACHABLE, 'closed in the handshake'),
    'demanding': (502, 'node-(closed|unreachable)', '(.*certificate required|closed after the handshake)'),
    'says_nothing': LATE, 'stops_half_way': LATE, 'trickles': LATE,
    'closes': (*UNREACHABLE, 'closed in the handshake'),
    'sends_text': (*UNREACHABLE, '(wrong version number|packet length too long|.*)'),
    'sends_a_packet': (*UNREACHABLE, '(wrong version number|packet length too long|.*)'),
}


@pytest.fixture(scope='module')
def bad(shared_uwsgi, certificates, node):
    """The name of each bad node."""
    wrong = shared_uwsgi(*[certificates.socket(name) for name in ('named', 'foreign', 'expired')],
                         certificates.socket('good', client_ca='ca'), ('processes', 2))
    names = {name: node_of(wrong, number) for number, name in enumerate(('named', 'foreign', 'expired', 'demanding'))}
    names['in the clear'] = f'ssl:{plain(node)}'
    with contextlib.ExitStack() as stack:
        for name, script in SCRIPTED.items():
            scripted = Scripted(script)
            stack.callback(scripted.stop)
            names[name] = scripted.name
        yield names


@pytest.fixture(scope='module')
def front(shared_uwsgi, certificates, node, bad):
    path = {name: name.replace(' ', '-') for name in BAD}
    every = [netstrings(name, 'echo', 'x') for name in (node_of(node), *(bad[name] for name in BAD), plain(node))]
    return shared_uwsgi(
        HTTP, ('rpc-timeout', DEADLINE), ('rpc-keepalive', 4), *certificates.options(),
        ('rpc-client', 'net'), ('route', f'^/every rpc:net.gather {b" ".join(every).decode()}'),
        *[('route', f'^/only/{path[name]} rpc:echo@{bad[name]} secret') for name in BAD],
        *[('route', f'^/then/{path[name]} rpc:echo@{bad[name]},{node_of(node)} x') for name in BAD],
        ('route', f'^/good rpc:echo@{node_of(node)} x'),
        ('route', f'^/wrong-name rpc:echo@{bad["named"].replace("127.0.0.1", "localhost")} x'))


def new_lines(server, before):
    return [line for line in server.log[before:].splitlines() if line.startswith('[rpc]')]


@pytest.mark.parametrize('name', BAD)
def test_a_bad_node_is_refused(front, bad, name):
    """Within the deadline, with one line that says why; and nothing is left of it."""
    status, outcome, reason = BAD[name]
    before, begin = len(front.log), time.monotonic()
    assert get(front, f'/only/{name.replace(" ", "-")}')[0] == status
    assert time.monotonic() - begin < HUNG
    line, = poll(lambda: new_lines(front, before), what='a line in the log')
    why = f'; TLS with {re.escape(bad[name])}: {reason}'
    if name == 'demanding':  # in TLS 1.3 it closes after the handshake, and its reason may be lost with that
        why = f'({why})?'
    assert re.search(rf'node {re.escape(bad[name])}: "echo": .* \({outcome}\){why}$', line), line


@pytest.mark.parametrize('name', [name for name in BAD if name != 'demanding'])
def test_a_bad_node_is_passed_over(front, bad, node, name):
    """Whichever of the two has its turn: the good one answers. Where the bad one was asked, the log
    says why it did not."""
    before = len(front.log)
    path = f'/then/{name.replace(" ", "-")}'
    poll(lambda: get(front, path) == (200, b'1:x,') and new_lines(front, before), 60, 'the bad node asked')
    said = re.compile(rf'node {re.escape(bad[name])}: TLS: {BAD[name][2]}$')
    assert any(said.search(line) for line in new_lines(front, before))


def test_every_bad_node_at_once(front):
    """In one gathering: each its outcome, and the good ones' results whole. All end with the deadline of
    those that never answer."""
    before, begin = front.descriptors(), time.monotonic()
    status, body = get(front, '/every')
    assert status == 200 and time.monotonic() - begin < HUNG
    got = read_netstrings(body)
    assert got[:2] + got[-2:] == [b'ok', b'1:x,'] * 2
    for name, outcome, result in zip(BAD, got[2:-2:2], got[3:-2:2]):
        assert re.fullmatch(BAD[name][1], outcome.decode()) and result == b'', name
    # but for the connection to the node in the clear, which may be kept
    poll(lambda: front.descriptors() <= before + 1, what='descriptors closed')


def test_a_certificate_for_another_name(front):
    before = len(front.log)
    assert get(front, '/wrong-name')[0] == 502
    assert re.search(r'[Hh]ostname mismatch$', poll(lambda: new_lines(front, before))[0])


def test_bad_nodes_leave_nothing_behind(front):
    def traffic():
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(lambda name: get(front, f'/only/{name.replace(" ", "-")}'),
                          [name for name in BAD if BAD[name] is not LATE] * 3))
        assert get(front, '/good') == (200, b'1:x,')
    traffic()
    before = front.descriptors()
    traffic()
    poll(lambda: front.descriptors() <= before, what='descriptors closed')


def test_nothing_is_sent_to_a_node_that_is_refused(uwsgi, certificates):
    """Not before, and not instead of, a handshake: what arrives at it is TLS alone."""
    arrived = []

    def listens(node, connection):
        connection.settimeout(HUNG)
        arrived.append(connection.recv(1 << 16))
        connection.sendall(b'HTTP/1.0 400 Bad Request\r\n\r\n')
        arrived.append(read_all(connection))

    scripted = Scripted(listens)
    server = uwsgi(HTTP, *certificates.options(), ('route', f'^/ rpc:echo@{scripted.name} a-secret-argument'))
    assert get(server, '/')[0] == 502
    poll(lambda: len(arrived) == 2, what='the end of the connection')
    assert arrived[0][:2] == b'\x16\x03' and b'secret' not in b''.join(arrived)
    scripted.stop()


def test_a_client_certificate(uwsgi, certificates, bad):
    """A node that demands one answers who shows it, and not who shows one of another CA."""
    asks = ('route', f'^/ rpc:echo@{bad["demanding"]} x')
    assert get(uwsgi(HTTP, asks, *certificates.options('caller')), '/') == (200, b'1:x,')
    assert get(uwsgi(HTTP, asks, *certificates.options('foreign')), '/')[0] == 502


def test_without_a_ca_the_systems_count(uwsgi, node):
    """Which know nothing of the one made here."""
    server = uwsgi(HTTP, ('route', f'^/ rpc:echo@{node_of(node)} x'))
    assert get(server, '/')[0] == 502
    server.wait_log(r'TLS with ssl:\S+: (unable to get local issuer certificate|self[- ]signed)')


# --- sessions ---------------------------------------------------------------------------------------

# It counts for the sockets that follow it.
NO_TLS_1_3 = ('ssl-option', 1 << 29)


@pytest.mark.parametrize('version', ['1.3', '1.2'])
@pytest.mark.parametrize('keepalive, resumed', [(1, 9), (0, 0)])
def test_sessions_are_resumed(uwsgi, certificates, version, keepalive, resumed):
    """With rpc-keepalive, all but the first; by both workers of a node that closes each connection."""
    node = uwsgi(*([NO_TLS_1_3] if version == '1.2' else []), certificates.socket(), ('processes', 2))
    server = uwsgi(HTTP, ('rpc-keepalive', keepalive), ('enable-metrics', 'true'), ('stats', 'stats.sock'),
                   *certificates.options(), ('route', f'^/ rpc:echo@{node_of(node)} x'))
    for _ in range(10):
        assert get(server, '/') == (200, b'1:x,')
    expected = {'tls.handshakes': 10, 'tls.resumed': resumed, 'remote.calls': 10, 'remote.failures': 0}
    poll(lambda: expected.items() <= metrics(server).items(), what=f'{expected} in the metrics')


def test_a_node_that_has_forgotten_its_sessions(uwsgi, certificates):
    """As one that was started again: it makes a new one."""
    port = free_port()
    address = certificates.socket()[1].replace('127.0.0.1:0', f'127.0.0.1:{port}')
    node = uwsgi(('suwsgi-socket', address))
    server = uwsgi(HTTP, ('rpc-keepalive', 1), ('enable-metrics', 'true'), ('stats', 'stats.sock'),
                   *certificates.options(), ('route', f'^/ rpc:echo@ssl:127.0.0.1:{port} x'))
    for _ in range(2):
        assert get(server, '/') == (200, b'1:x,')
    node.stop()
    uwsgi(('suwsgi-socket', address))
    for _ in range(2):
        assert get(server, '/') == (200, b'1:x,')
    expected = {'tls.handshakes': 4, 'tls.resumed': 2}
    poll(lambda: expected.items() <= metrics(server).items(), what=f'{expected} in the metrics')
