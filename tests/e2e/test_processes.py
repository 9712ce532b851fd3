# SPDX-License-Identifier: MIT
"""Process models: what calls see while uWSGI starts, replaces and reloads its processes."""
import collections
import contextlib
import itertools
import os
import re
import signal
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest
from conftest import ROOT, TCP, Server, connect, exchange, framed, packet, poll
from test_engines import read_reply

TABLE = 'Process models'
APP = 'processes.py'
CLIENTS = 8
WORKER = re.compile(rb'\d+ \d+')


@pytest.fixture
def model(cell, request):
    """model(row, what): the test proves that row of the table."""
    return lambda row, what: cell(TABLE, f'{row}: {what}', 'works')


def workers(server, count=400, name='who'):
    """Which workers answer this many calls, eight at a time, and how often."""
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: server.call(name), range(count)))
    return collections.Counter(answers)


def ids(server, name='who'):
    return {int(answer.split()[0]) for answer in workers(server, name=name) if answer}


class Load:
    """Clients that call all the while; what they have sent, and which of it was answered."""

    def __init__(self, server):
        self.server, self.sent, self.unanswered, self.wrong = server, [], [], []
        self.done = threading.Event()
        self.threads = [threading.Thread(target=self.client, args=(i,)) for i in range(CLIENTS)]

    def client(self, number):
        for item in (b'%d-%d' % (number, i) for i in itertools.count()):
            if self.done.is_set():
                return
            try:
                result = self.server.call('mark', item, timeout=60)
            except OSError as error:
                result = error
            self.sent.append(item)
            if result is None:
                self.unanswered.append(item)
            elif result != item:
                self.wrong.append((item, result))

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.done.set()
        for thread in self.threads:
            thread.join()

    def made(self):
        marks = self.server.directory / 'marks'
        return marks.read_bytes().split() if marks.exists() else []

    def check(self, ended):
        """Every call has been answered and made once, but for one for each worker that has ended:
        uWSGI ends an idle worker also in the moment between its accept() and its request. That call
        is closed without an answer, and has not been made."""
        made = [item for item in self.made() if not item.startswith(b'nap')]
        assert len(self.sent) > 100
        assert self.wrong == []
        assert len(self.unanswered) <= ended
        assert collections.Counter(made) == collections.Counter(set(self.sent) - set(self.unanswered))


# --- where functions come from -------------------------------------------------------------------

def test_lazy_apps(uwsgi, model):
    model('lazy-apps', 'each worker loads its own functions')
    server = uwsgi(TCP, ('lazy-apps', 'true'), ('processes', 3), app=APP)
    poll(lambda: ids(server) == {1, 2, 3}, 60, 'every worker')
    assert 'registered RPC function "hello" on worker 3' in server.log


def test_workers_with_tables_of_their_own(uwsgi, model):
    """A call is answered by the worker it happens to reach: a function that only some of them have
    is unknown to the others."""
    model('functions registered after fork', 'each worker answers with its own table')
    server = uwsgi(TCP, ('processes', 3), app=APP)
    poll(lambda: ids(server, 'own') == {1, 2, 3}, 60, 'every worker')
    for worker in (1, 2, 3):
        answers = workers(server, name=f'only{worker}')
        assert {int(answer.split()[0]) for answer in answers if answer} == {worker}
        assert sum(answers.values()) == 400
    assert 'DAMN' not in server.log


def test_rpc_max(uwsgi, model, tmp_path):
    """What is registered beyond rpc-max is not there; the rest is."""
    model('rpc-max exceeded', 'what fits answers, the rest is unknown')
    app = tmp_path / 'many.py'
    app.write_text('''
import uwsgi

def register(number):
    try:
        uwsgi.register_rpc('f%d' % number, lambda: b'%d' % number)
    except ValueError:
        pass

for number in range(30):
    register(number)

def application(environ, start_response):
    pass
''')
    server = uwsgi(TCP, ('rpc-max', 20), ('wsgi-file', app), app=None)
    assert [server.call(f'f{n}') for n in range(30)] == [b'%d' % n for n in range(20)] + [None] * 10
    assert 'DAMN' not in server.log


# --- how many workers there are ------------------------------------------------------------------

def test_no_master(uwsgi, model):
    model('one process without a master', 'every call')
    server = Server(uwsgi.directory, [TCP, ('master', 'false')], app=APP)
    with started(server):
        assert server.call('hello', 'a') == b'hello a'
        assert ids(server) == {1}
        assert server.call('only1').startswith(b'1 ')


@contextmanager
def started(server):
    server.start()
    try:
        yield server
    finally:
        server.stop()


def command(server, letter, happened):
    """A command by the master's FIFO, which is there while a master listens to it; given again when
    it got lost in the moment in which the master makes a new FIFO."""
    before = len(re.findall(happened, server.log))
    for _ in range(20):
        with contextlib.suppress(OSError):
            fifo = os.open(server.directory / 'fifo', os.O_WRONLY | os.O_NONBLOCK)
            os.write(fifo, letter)
            os.close(fifo)
        with contextlib.suppress(AssertionError):
            return poll(lambda: len(re.findall(happened, server.log)) > before, 3)
    raise AssertionError(f'{letter}: no {happened} in {server.log}')


def test_cheaper(uwsgi, model):
    """Workers that come have the functions, and those that go take no call with them."""
    model('cheaper', 'workers come and go, and all have the functions')
    server = uwsgi(TCP, ('processes', 3), ('cheaper', 1), ('master-fifo', '%d/fifo'),
                   ('disable-logging', 'true'), app=APP)
    poll(lambda: server.call('hello') == b'hello', 60)
    with Load(server) as load:
        command(server, b'+', 'spawned uWSGI worker 2')
        poll(lambda: {1, 2} <= ids(server, 'own'), 60, 'the second worker')
        command(server, b'-', 'worker 2 killed successfully|worker 1 killed successfully')
        poll(lambda: len(ids(server, 'own')) >= 1, 60)
    load.check(server.log.count('killed successfully'))


def test_cheap(uwsgi, model):
    """Started by the first call, which is not lost."""
    model('cheap', 'the first call starts the workers')
    server = Server(uwsgi.directory, [TCP, ('cheap', 'true'), ('processes', 2)], app=APP)
    server.spawn()
    poll(lambda: 'uwsgi socket 0 bound' in server.log and 'cheap mode' in server.log, 60, 'uWSGI')
    server.sockets = [server._address(re.search(r'bound to TCP address (\S+)', server.log).group(1))]
    try:
        assert server.call('hello', 'a', timeout=60) == b'hello a'
    finally:
        server.stop()


def test_max_requests(uwsgi, model):
    model('max-requests', 'workers are replaced, no call is lost')
    server = uwsgi(TCP, ('processes', 2), ('max-requests', 100), ('min-worker-lifetime', 0), app=APP)
    before = {int(answer.split()[1]) for answer in workers(server, 20)}
    with Load(server) as load:
        poll(lambda: not before & {int(answer.split()[1]) for answer in workers(server, 20)}, 60, 'new workers')
    load.check(0)


def test_killed_worker(uwsgi, model):
    """Its successor has the functions of the master and its own, and none of the dead one."""
    model('a worker that dies', 'the next one starts with the functions of the master')
    server = uwsgi(TCP, app=APP)
    pid = int(server.call('own').split()[1])
    before = server.call('names')
    os.kill(pid, signal.SIGKILL)
    server.wait_log('Respawned uWSGI worker 1')
    assert poll(lambda: server.call('names'), 60) == before
    assert int(server.call('own').split()[1]) != pid


# --- reloads ---------------------------------------------------------------------------------------

def ready(server, retired):
    """The processes of both workers, once they are serving and neither is one of the retired."""
    answers = {tuple(map(int, answer.split())) for answer in workers(server, 30) if answer}
    fresh = {worker for worker, _ in answers} == {1, 2} and not {pid for _, pid in answers} & retired
    return fresh and {pid for _, pid in answers}


def hang_up(server):
    server.process.send_signal(signal.SIGHUP)


def chain(server):
    command(server, b'c', 'chain reloading complete')


RELOADS = {
    'graceful reload': (hang_up, ()),
    'graceful reload, lazy-apps': (hang_up, (('lazy-apps', 'true'),)),
    'chain reload, lazy-apps': (chain, (('lazy-apps', 'true'),)),
}


@pytest.mark.parametrize('reload', RELOADS)
def test_reload_under_load(uwsgi, model, reload):
    """The socket needs a name to be kept under: one of a port that was free is bound anew. A worker
    must be up before it is told to reload, or it misses that."""
    model(reload, 'running calls end, new ones wait; one that reaches a worker in the instant in which it '
          'ends is closed without an answer and has not been made')
    trigger, options = RELOADS[reload]
    server = uwsgi(('socket', '%d/socket'), ('processes', 2), ('listen', 100),
                   ('disable-logging', 'true'), ('master-fifo', '%d/fifo'), *options, app=APP)
    retired = set()
    running = poll(lambda: ready(server, retired), 60, 'workers')
    with Load(server) as load, ThreadPoolExecutor(1) as pool:
        for number in range(3):
            nap = pool.submit(server.call, 'nap', '0.5', f'nap{number}', timeout=60)
            poll(lambda: f'nap{number}'.encode() in load.made(), 60, 'the nap')
            retired |= running
            trigger(server)
            running = poll(lambda: ready(server, retired), 60, 'new workers')
            assert WORKER.fullmatch(nap.result())
    load.check(len(retired))


# --- mules and spoolers --------------------------------------------------------------------------

def file_of(server, name):
    path = server.directory / name
    return poll(lambda: path.exists() and [path.read_bytes()], 60, name)[0]


def test_mules(uwsgi, model):
    model('mules', 'call the functions of the master, and workers over a socket')
    server = uwsgi(TCP, ('mule', 'true'), ('processes', 2), app=APP)
    node = server.node
    poll(lambda: server.call('own'), 60)
    server.call('send', 'a|call|hello|mule')
    assert file_of(server, 'a') == b'hello mule'
    server.call('send', 'b|call|own')
    assert file_of(server, 'b') == b''
    server.call('send', f'c|rpc|{node}|own')
    assert WORKER.fullmatch(file_of(server, 'c'))
    server.call('send', f'd|rpc|{node}|nosuch')
    assert file_of(server, 'd') == b''
    assert 'DAMN' not in server.log


def test_spoolers(uwsgi, model):
    model('spoolers', 'call the functions of the master, and workers over a socket')
    server = uwsgi(TCP, ('spooler', '%d'), ('spooler-frequency', 1), ('processes', 2), app=APP)
    node = server.node
    poll(lambda: server.call('own'), 60)
    server.call('enqueue', 'a', 'call|hello|spooler')
    assert file_of(server, 'a') == b'hello spooler'
    server.call('enqueue', 'b', 'call|own')
    assert file_of(server, 'b') == b''
    server.call('enqueue', 'c', f'rpc|{node}|own')
    assert WORKER.fullmatch(file_of(server, 'c'))
    assert 'DAMN' not in server.log


def test_remote_functions_in_mules(uwsgi, model):
    model('rpc-remote in mules', 'a remote function is called as a local one')
    node = uwsgi(TCP, app=APP)
    server = uwsgi(TCP, ('mule', 'true'), ('rpc-remote', 'far %s:%d hello' % node.sockets[0]),
                   app=APP)
    poll(lambda: server.call('own') and node.call('own'), 60)
    server.call('send', 'a|call|far|away')
    assert file_of(server, 'a') == b'hello away'


def test_client_in_mules_and_spoolers(uwsgi, model):
    model('rpc-client in mules and spoolers', 'each knows the outcome of its own last call')
    node = uwsgi(TCP, app=APP)
    address = '%s:%d' % node.sockets[0]
    server = uwsgi(TCP, ('mule', 'true'), ('spooler', '%d'), ('spooler-frequency', 1), ('rpc-client', 'net'), app=APP)
    poll(lambda: server.call('own') and node.call('own'), 60)
    call = f'{len(address)}:{address},5:hello,1:x,'
    for name, send in (('mule', lambda to, what: server.call('send', f'{to}|{what}')),
                       ('spooler', lambda to, what: server.call('enqueue', to, what))):
        for step, (what, result) in enumerate((
                (f'call|net.call|{address}|hello|{name}', f'hello {name}'), ('call|net.outcome', 'ok'),
                ('call|net.call|./nobody.sock|hello', ''), (f'call|net.gather|{call}', '2:ok,7:hello x,'),
                ('call|net.outcome', 'node-unreachable'))):
            send(f'{name}{step}', what)
            assert file_of(server, f'{name}{step}').decode() == result
    assert 'DAMN' not in server.log


# --- other homes -----------------------------------------------------------------------------------

def test_emperor(uwsgi, model):
    """Two vassals on UNIX sockets, one calling the other by a route and by uwsgi.rpc."""
    model('Emperor', 'vassals on UNIX sockets call each other')
    directory = uwsgi.directory
    vassals = directory / 'vassals'
    vassals.mkdir(parents=True)
    common = f'''[uwsgi]
plugin-dir = {ROOT}
plugin = python3
plugin = rpc
master = true
buffer-size = 65535
wsgi-file = {ROOT}/tests/e2e/functions.py
'''
    node, front, web = (directory / name for name in ('node.sock', 'front.sock', 'web.sock'))
    (vassals / 'node.ini').write_text(f'{common}socket = {node}\n')
    (vassals / 'front.ini').write_text(f'''{common}socket = {front}
http-socket = {web}
rpc-remote = far {node} hello
route = ^/far rpc:hello@{node} $${{REQUEST_METHOD}}
'''.replace('$$', '$'))
    server = Server(directory / 'emperor', [('emperor', vassals)], plugins=(), app=None)
    server.spawn()
    try:
        poll(lambda: all(path.exists() for path in (node, front, web)), 60, 'the vassals')
        server.sockets = [str(front), str(web), str(node)]
        assert poll(lambda: answer_of(node, 'hello', 'a'), 60) == b'hello a'
        assert poll(lambda: answer_of(front, 'far', 'b'), 60) == b'hello b'
        assert server.http('/far').body == b'hello GET'
    finally:
        server.stop()


def answer_of(path, *items):
    """Of a server that may not be there yet."""
    try:
        return framed(exchange(str(path), packet(*items)))
    except OSError:
        return None


@pytest.mark.parametrize('options', [(('protocol', 'puwsgi'), TCP), (('puwsgi-socket', '127.0.0.1:0'),)])
def test_puwsgi(uwsgi, model, options):
    """Many calls on a connection, with routes and without."""
    model('`protocol = puwsgi`', 'many calls on one connection')
    for routing in ((), (('route', '^/never rpc:hello'),)):
        server = uwsgi(*options, *routing, ('threads', 4), app=APP)
        with connect(server.sockets[0]) as sock:
            for number in range(50):
                sock.sendall(packet('hello', f'{number}'))
                assert framed(read_reply(sock)) == b'hello %d' % number
            sock.sendall(packet('nosuch'))
            assert sock.recv(1) == b''
        with connect(server.sockets[0]) as sock:
            sock.sendall(packet('hello'))
            assert framed(read_reply(sock)) == b'hello'
