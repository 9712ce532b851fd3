# SPDX-License-Identifier: MIT
"""Every engine under concurrent load, over every transport."""
import collections
import contextlib
import socket
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import pytest
from conftest import SANITIZED, TCP, connect, copies_stacks, framed, packet, poll
from polyglot import BY_TITLE, loaded, require
from release import BROKEN
from transports import TRANSPORTS, left_out, routes

TABLE = 'Engines'
THREADS, CALLS = 20, 100
PUWSGI = ('puwsgi-socket', '127.0.0.1:0')
PUWSGI_COLUMN = 'puwsgi, many calls a connection'
ONE_CALL = ('in this engine uWSGI never comes back to a persistent connection; so it is closed after '
            'each answer, and the next call takes a new one')


@dataclass(frozen=True)
class Engine:
    language: str
    options: tuple
    plugins: tuple = ()
    packages: tuple = ()
    persistent: bool = False  # answers more than one call on a puwsgi connection

    @property
    def copies_stacks(self):
        return copies_stacks(self.plugins)


GREENLET = ('greenlet_python3', 'uwsgi-plugin-greenlet-python3')
ENGINES = {
    'preforking': Engine('Python 3', (('processes', 4),), persistent=True),
    'threads': Engine('Python 3', (('threads', 8),), persistent=True),
    'processes and threads': Engine('Python 3', (('processes', 2), ('threads', 4)), persistent=True),
    'threads, Lua': Engine('Lua 5.1', (('threads', 8),), persistent=True),
    'threads, Java': Engine('Java', (('threads', 8),), persistent=True),
    'threads, C': Engine('C', (('threads', 8),), persistent=True),
    '`async`': Engine('Python 3', (('async', 40),)),
    '`async` with ugreen': Engine('Python 3', (('async', 40), ('ugreen', 'true')), ('ugreen',), persistent=True),
    '`async` with greenlet': Engine('Python 3', (('async', 40), ('greenlet', 'true')),
                                    GREENLET[:1], GREENLET[1:], persistent=True),
    'gevent': Engine('Python 3', (('gevent', 40),), ('gevent_python3',),
                     ('uwsgi-plugin-gevent-python3',), persistent=True),
    'asyncio': Engine('Python 3', (('asyncio', 40), ('greenlet', 'true')),
                      ('asyncio_python3', GREENLET[0]),
                      ('uwsgi-plugin-asyncio-python3 | uwsgi-plugin-python3', GREENLET[1]), persistent=True),
    'tornado': Engine('Python 3', (('tornado', 40), ('greenlet', 'true')),
                      ('tornado_python3', GREENLET[0]),
                      ('uwsgi-plugin-tornado-python3', 'python3-tornado', GREENLET[1]), persistent=True),
    'Ruby threads': Engine('Ruby', (('threads', 8), ('rbthreads', 'true')), ('rbthreads',),
                           ('uwsgi-plugin-rbthreads | uwsgi-plugin-ruby',)),
    'Ruby fibers': Engine('Ruby', (('async', 40), ('fiber', 'true')), ('fiber',),
                          ('uwsgi-plugin-fiber | uwsgi-plugin-ruby',),
                          persistent=True),
    'Coro::AnyEvent': Engine('Perl', (('coroae', 40),), ('coroae',),
                             ('uwsgi-src | uwsgi-plugin-psgi', 'libcoro-perl', 'libanyevent-perl'),
                             persistent=True),
}
# Those that this release cannot run, and why.
BROKEN_ENGINES = {name: BROKEN[plugin] for name, engine in ENGINES.items()
                  for plugin in reversed(engine.plugins) if plugin in BROKEN}
# Engines in which a language's functions are refused, and what the log says of it.
REFUSED = {
    'threads, Perl': (Engine('Perl', (('threads', 4),)),
                      "uWSGI's Perl plugin has an interpreter for each thread, in which a function of "
                      'another one loses its arguments',
                      'psgi plugin are refused: each thread has an interpreter of its own'),
    'threads, Ruby without rbthreads': (
        Engine('Ruby', (('threads', 4),)), 'Ruby crashes in threads it has not made',
        'rack plugin are refused: Ruby runs in threads with the rbthreads option only'),
}


def start(shared_uwsgi, engine, directory, *options, coroae=None):
    language = BY_TITLE[engine.language]
    plugins, load = loaded([language], directory)
    engine_plugins = [coroae if plugin == 'coroae' else plugin for plugin in engine.plugins]
    server = shared_uwsgi(TCP, PUWSGI, ('listen', 100), *options, *engine.options,
                          *routes(language.name('echo'), args=(2,)), *load,
                          plugins=[*plugins, *engine_plugins, 'rpc'], app=None)
    server.echo, server.one = language.name('echo'), language.name('one')
    return server


def answers(server):
    poll(lambda: server.call(server.one, timeout=60) == b'1', 60, 'the functions')
    return server


@pytest.fixture(scope='module', params=[name for name in ENGINES if name not in BROKEN_ENGINES])
def engine(request):
    return request.param


@pytest.fixture(scope='module')
def server(engine, request, shared_uwsgi, tmp_path_factory):
    require(*ENGINES[engine].packages)
    coroae = request.getfixturevalue('coroae') if 'coroae' in ENGINES[engine].plugins else None
    server = start(shared_uwsgi, ENGINES[engine], tmp_path_factory.mktemp('engine'), coroae=coroae)
    yield answers(server)
    server.stop()


@pytest.fixture(scope='module')
def load(server):
    """What went wrong, by transport, when every one of them was used by many clients at once."""
    transports = [name for name in TRANSPORTS if not left_out(server, name)]
    wrong = collections.defaultdict(list)

    def client(number):
        for call in range(CALLS):
            transport = transports[(number + call) % len(transports)]
            args = b'client%d' % number, b'call%d' % call
            expected = b''.join(b'%d:%s,' % (len(arg), arg) for arg in args)
            try:
                result = TRANSPORTS[transport](server, server.echo, *args)
            except (OSError, AssertionError) as error:
                result = error
            if result != expected:
                wrong[transport].append((args, result))

    with ThreadPoolExecutor(THREADS) as pool:
        list(pool.map(client, range(THREADS)))
    return wrong


@pytest.mark.parametrize('transport', TRANSPORTS)
def test_transport_under_load(server, engine, load, transport, cell):
    cell(TABLE, engine, transport)
    if left_out(server, transport):
        pytest.skip(f'the plugin was built without the {transport} bridge')
    assert load[transport] == []
    assert 'DAMN' not in server.log


def read_reply(sock):
    """One framed reply; what is left of it when the connection ends before."""
    data = b''
    while len(data) < 4 or len(data) < 4 + int.from_bytes(data[1:3], 'little'):
        try:
            chunk = sock.recv(1 << 16)
        except ConnectionResetError:
            return data
        if not chunk:
            return data
        data += chunk
    return data


def test_persistent_connection(server, engine, cell):
    """Many calls on one connection where uWSGI can; where not, each is answered and closed, however
    many there are. Nobody waits for an answer that never comes."""
    persistent = ENGINES[engine].persistent
    cell(TABLE, engine, PUWSGI_COLUMN, '' if persistent else ONE_CALL)
    if persistent:
        with connect(server.sockets[1]) as sock:
            for number in range(100):
                sock.sendall(packet(server.echo, f'call{number}'))
                assert framed(read_reply(sock)) == b'%d:call%d,' % (len(f'call{number}'), number)
    for number in range(100):
        with connect(server.sockets[1]) as sock:
            sock.sendall(packet(server.one))
            assert framed(read_reply(sock)) == b'1'
            if not persistent:
                assert sock.recv(1) == b''


@pytest.mark.parametrize('name', REFUSED)
def test_refused(name, shared_uwsgi, tmp_path_factory, cell):
    """Over every transport, without harm to the worker."""
    engine, reason, logged = REFUSED[name]
    server = start(shared_uwsgi, engine, tmp_path_factory.mktemp('engine'))
    for transport, call in TRANSPORTS.items():
        cell(TABLE, name, transport, reason)
        if not left_out(server, transport):
            for _ in range(20):
                assert call(server, server.echo, b'a', b'b') in (None, b'')
    assert server.log.count(logged) == 1
    assert 'DAMN' not in server.log
    server.stop()


@pytest.mark.parametrize('name', BROKEN_ENGINES)
def test_engine_that_does_not_work(name, uwsgi, tmp_path, cell):
    """uWSGI's own fault, seen without a call of a function too: its worker ends, and so does the next."""
    engine = ENGINES[name]
    for column in (*TRANSPORTS, PUWSGI_COLUMN):
        cell(TABLE, name, column, BROKEN_ENGINES[name])
    plugins, load = loaded([BY_TITLE[engine.language]], tmp_path)
    server = uwsgi(TCP, *engine.options, *load, plugins=[*plugins, *engine.plugins], app=None)
    server.reports = SANITIZED

    def has_died_again():
        with contextlib.suppress(OSError):
            server.exchange(packet(modifier1=0), timeout=2)
        return server.log.count('DAMN ! worker 1 ') > 1

    poll(has_died_again, 60, 'the end of two workers')


def test_slow_senders_hold_nobody_up(server, engine):
    """Half a packet each from as many connections as there are cores but one."""
    cores = {'preforking': 4, 'processes and threads': 8}.get(
        engine, next(int(value) for _, value in ENGINES[engine].options if value != 'true'))
    half = packet(server.echo, 'a')
    senders = [connect(server.sockets[0]) for _ in range(cores - 1)]
    for sender in senders:
        sender.sendall(half[:6])
    assert server.call(server.echo, 'b') == b'1:b,'
    for sender in senders:
        sender.sendall(half[6:])
        sender.shutdown(socket.SHUT_WR)
        assert framed(read_reply(sender)) == b'1:a,'
        sender.close()
