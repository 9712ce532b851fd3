# SPDX-License-Identifier: MIT
"""The configurations of examples/cluster: three nodes behind nginx, HAProxy and uWSGI's rawrouter,
one of them killed under load."""
import contextlib
import os
import re
import signal
import subprocess
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest
from conftest import (BUILD, HERE, HTTP, PLUGIN_DIR, PRELOAD, ROOT, UWSGI, Server, UnixHTTPConnection,
                      listens, poll)

EXAMPLE = ROOT / 'examples' / 'cluster'
CALLERS = 8
CALLS = 600
KILL_AFTER = 150
REVIVE_AFTER = 400
# Longer than every timeout of the configurations: a call that takes this has hung.
HUNG = 20
# As they stand in the configurations.
ADDRESSES = {1: '127.0.0.1:3101', 2: '127.0.0.1:3102', 3: '127.0.0.1:3103'}
FRONT, ROUTER = '127.0.0.1:3100', '127.0.0.1:3110'


class Cluster:
    """Three nodes of node.ini, and a front started from one of the example's files."""

    def __init__(self, directory, section, tcp):
        self.directory = directory
        self.section = section
        self.tcp = tcp
        self.journal = directory / 'journal'
        self.journal.touch()
        self.front = f'{directory}/front'
        self.router = f'{directory}/router'
        self.nodes = {}
        self.processes = []

    def address(self, number):
        return '127.0.0.1:0' if self.tcp else f'{self.directory}/node{number}'

    def node_ini(self, number):
        """node.ini with the plugin under test. AddressSanitizer stops uWSGI, which reads too far when
        it expands %, so it finds nothing left to expand."""
        text = (EXAMPLE / 'node.ini').read_text()
        text = text.replace('%d../../rpc_plugin.so', str(PLUGIN_DIR.resolve() / 'rpc_plugin.so'))
        text = text.replace('%d', f'{EXAMPLE}/')
        path = self.directory / 'node.ini'
        if PRELOAD:
            path = self.directory / f'node{number}.ini'
            text = text.replace('%p', str(path)).replace('%(name)', f'node{number}')
            for name, value in (('address', self.address(number)),
                                ('front', self.front), ('router', self.router)):
                text = text.replace(f'%({name})', value)
        path.write_text(text)
        return path

    def start_node(self, number):
        # a name of its own each time: only the log of its last life is asked for its workers
        life = len(list(self.directory.glob(f'node{number}-*')))
        options = [('set', f'name=node{number}'), ('set', f'address={self.address(number)}'),
                   ('set', f'front={self.front}'), ('set', f'router={self.router}'),
                   ('ini', f'{self.node_ini(number)}{self.section}'), ('rpc-allow', 'work'),
                   ('shared-pyimport', HERE / 'journal.py')]
        node = Server(self.directory / f'node{number}-{life}', options, plugins=(), app=None,
                      env={'JOURNAL': str(self.journal)})
        self.nodes[number] = node.start()
        poll(lambda: len(node.worker_pids()) == 2, what='both workers')

    def kill_node(self, number):
        """The master too, or it would put a new worker in the place of a killed one."""
        node = self.nodes[number]
        for pid in (node.process.pid, *node.worker_pids()):
            os.kill(pid, signal.SIGKILL)
        node.process.wait()

    def configuration(self, name):
        """One of the example's files with this test's addresses."""
        text = (EXAMPLE / name).read_text()
        addresses = {ADDRESSES[n]: f'unix:{self.directory}/node{n}' for n in ADDRESSES}
        for old, new in {**addresses, FRONT: self.front, ROUTER: self.router}.items():
            assert old in text or old == ROUTER or name == 'rawrouter.ini', f'{old} in {name}'
            text = text.replace(old, new)
        path = self.directory / name
        path.write_text(text)
        return path

    def run(self, *command):
        with open(self.directory / 'front.log', 'ab') as log:
            process = subprocess.Popen([str(c) for c in command], stdout=log, stderr=log,
                                       stdin=subprocess.DEVNULL, cwd=self.directory)
        self.processes.append(process)

    def executions(self):
        return Counter(self.journal.read_text().split())

    def stop(self):
        for process in self.processes:
            process.terminate()
            process.wait(30)
        for node in self.nodes.values():
            node.stop()


@pytest.fixture
def cluster(tmp_path):
    """cluster(section of node.ini) starts the nodes, on UNIX sockets unless tcp is asked for;
    everything is stopped after the test."""
    with contextlib.ExitStack() as stack:
        def start(section='', tcp=False):
            started = Cluster(tmp_path, section, tcp)
            stack.callback(started.stop)
            for number in ADDRESSES:
                started.start_node(number)
            return started
        yield start


def load(cluster, call):
    """CALLS calls by CALLERS; node 1 is killed meanwhile and started again. Returns the answers:
    a number's result, or None for an error the caller saw."""
    done = threading.Semaphore(0)

    def one(number):
        begin = time.monotonic()
        answer = call(str(number))
        assert time.monotonic() - begin < HUNG
        done.release()
        return answer

    def wait_for(count):
        for _ in range(count):
            assert done.acquire(timeout=2 * HUNG)

    with ThreadPoolExecutor(CALLERS) as pool:
        answers = [pool.submit(one, number) for number in range(CALLS)]
        wait_for(KILL_AFTER)
        cluster.kill_node(1)
        wait_for(REVIVE_AFTER - KILL_AFTER)
        cluster.start_node(1)
        return [answer.result(2 * HUNG) for answer in answers]


def check(cluster, answers, whoami):
    """Every call answered once or failed, nothing executed twice, and the node back in the end."""
    executions = cluster.executions()
    for number, answer in enumerate(answers):
        assert answer in (b'done %d' % number, None)
        if answer is not None:
            assert executions[str(number)] == 1
    assert max(executions.values()) == 1
    # those that were on the node that died, with some more for the moment until it is seen
    assert answers.count(None) <= 2 * CALLERS
    poll(lambda: whoami() == b'node1', 30, 'the node back in service')


def all_three(whoami):
    seen = set()

    def asked():
        seen.add(whoami())
        return {b'node1', b'node2', b'node3'} <= seen
    poll(asked, 30, 'all nodes in service')


# --- nginx ---------------------------------------------------------------------------------------

def test_nginx(cluster):
    started = cluster()
    configuration = started.configuration('nginx.conf')
    text = configuration.read_text().replace(f'listen {started.front}',
                                             f'listen unix:{started.front}')
    configuration.write_text(text)
    started.run('nginx', '-p', started.directory, '-e', 'stderr', '-c', configuration, '-g',
                'daemon off; master_process off;')
    poll(lambda: listens(started.front), what='nginx')

    def post(path):
        connection = UnixHTTPConnection(started.front, HUNG)
        with contextlib.closing(connection):
            connection.request('POST', path, b'')
            response = connection.getresponse()
            body = response.read()
            assert response.status in (200, 502, 504)
            return body if response.status == 200 else None

    all_three(lambda: post('/rpc/whoami'))
    assert post('/rpc/add/1/2') == b'3'
    check(started, load(started, lambda number: post(f'/rpc/work/{number}')),
          lambda: post('/rpc/whoami'))


# --- array packets: a route calls the front as if it were one node --------------------------------

def routed(uwsgi, front):
    server = uwsgi(HTTP, ('threads', CALLERS), ('listen', 100), ('rpc-timeout', HUNG // 2),
                   ('rpc-remote', f'add {front}'),
                   ('route', f'^/work/(.*)$ rpc:work@{front} $1'),
                   ('route', f'^/whoami rpc:whoami@{front}'), ('route', '^/add rpc:add 1 2'))

    def call(path):
        response = server.http(path, socket=0, timeout=HUNG)
        assert response.status in (200, 502, 504)
        return response.body if response.status == 200 else None
    return call


def test_haproxy(cluster, uwsgi):
    started = cluster()
    configuration = started.configuration('haproxy.cfg')
    text = configuration.read_text().replace(' unix:', ' unix@')
    configuration.write_text(text.replace(f'bind {started.front}', f'bind unix@{started.front}'))
    started.run('haproxy', '-f', configuration)
    poll(lambda: listens(started.front), what='HAProxy')
    call = routed(uwsgi, started.front)
    all_three(lambda: call('/whoami'))
    assert call('/add') == b'3'
    check(started, load(started, lambda number: call(f'/work/{number}')), lambda: call('/whoami'))


def test_rawrouter(cluster, uwsgi):
    started = cluster(':subscribed', tcp=True)
    configuration = started.configuration('rawrouter.ini')
    started.run(UWSGI, '--ini', configuration)
    # A connection that comes before there is any node ends uWSGI's rawrouter.
    poll(lambda: (started.directory / 'front.log').read_text().count('=> new node: ') == 3,
         what='nodes announced')
    call = routed(uwsgi, started.front)
    all_three(lambda: call('/whoami'))
    assert call('/add') == b'3'
    check(started, load(started, lambda number: call(f'/work/{number}')), lambda: call('/whoami'))


# --- no front: the caller's own list ---------------------------------------------------------------

def test_list_of_nodes(cluster, uwsgi):
    started = cluster()
    call = routed(uwsgi, ','.join(f'{started.directory}/node{n}' for n in ADDRESSES))
    all_three(lambda: call('/whoami'))
    assert call('/add') == b'3'
    check(started, load(started, lambda number: call(f'/work/{number}')), lambda: call('/whoami'))


# --- encrypted --------------------------------------------------------------------------------------

def test_encrypted(tmp_path):
    """Both nodes in turns, one when the other is gone; and no answer for who shows no certificate."""
    subprocess.run([EXAMPLE / 'certificates.sh', tmp_path / 'certificates'], check=True)

    def start(stack, folder, file, **values):
        text = (EXAMPLE / file).read_text().replace('%(certificates)', str(tmp_path / 'certificates'))
        text = text.replace('%d../../rpc_plugin.so', str(PLUGIN_DIR.resolve() / 'rpc_plugin.so'))
        text = text.replace('%d', f'{EXAMPLE}/')
        for key, value in values.items():
            text = re.sub(f'^set = {key}=.*\n', '', text, flags=re.M).replace(f'%({key})', value)
        (tmp_path / f'{folder}.ini').write_text(text)
        server = Server(tmp_path / folder, [('ini', tmp_path / f'{folder}.ini')], plugins=(), app=None)
        stack.callback(server.stop)
        return server.start()

    with contextlib.ExitStack() as stack:
        nodes = [start(stack, name, 'encrypted-node.ini', name=name, address='127.0.0.1:0')
                 for name in ('node1', 'node2')]
        front = start(stack, 'front', 'encrypted-front.ini', front='127.0.0.1:0',
                      **{f'node{n + 1}': '%s:%d' % node.sockets[0] for n, node in enumerate(nodes)})
        seen = {front.http('/whoami', socket=0).body for _ in range(4)}
        assert seen == {b'node1', b'node2'}
        assert front.http('/add/1/2', socket=0).body == b'3'
        nodes[0].stop()
        assert {front.http('/whoami', socket=0).body for _ in range(4)} == {b'node2'}
        called = subprocess.run([BUILD / 'uwsgi-rpc', '--ca', tmp_path / 'certificates' / 'ca.pem',
                                 'ssl:%s:%d' % nodes[1].sockets[0], 'whoami'], capture_output=True, timeout=60)
        assert called.returncode != 0 and called.stdout == b''
