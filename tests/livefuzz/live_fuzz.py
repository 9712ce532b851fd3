# SPDX-License-Identifier: MIT
"""Every engine under generated and mutated requests of all modifiers and of HTTP, instrumented.

LIVEFUZZ_TIME   seconds in all (120), shared by the engines
LIVEFUZZ_SEED   the first seed; printed, as a time of day is the default
LIVEFUZZ_REPLAY a file that a run has kept: its requests are sent again, and nothing else
"""
import os
import time

import harness
import pytest
import traffic
from conftest import Server
from harness import Broken
from polyglot import BY_TITLE, loaded, require
from test_engines import BROKEN_ENGINES, ENGINES

SECONDS = float(os.environ.get('LIVEFUZZ_TIME', '120'))
SEED = int(os.environ.get('LIVEFUZZ_SEED', time.time()))
REPLAY = os.environ.get('LIVEFUZZ_REPLAY')
# Languages make no difference: the functions are C in every one. A language is there for its engine.
LIVE = [name for name in ENGINES if name not in BROKEN_ENGINES and name not in
        ('threads, Lua', 'threads, Java', 'threads, C')]

# Of the time, what one engine has with one kind of persistent socket.
SHARE = SECONDS / len(LIVE) / len(traffic.SOCKETS)


def starter(engine, sockets, directory, request):
    """start(with_plugin=True) starts a fresh server of this engine."""
    described, count = ENGINES[engine], [0]
    require(*described.packages)
    plugins, load = loaded([BY_TITLE[described.language]], directory)
    own = [request.getfixturevalue('coroae') if plugin == 'coroae' else plugin
           for plugin in described.plugins]

    def start(with_plugin=True):
        count[0] += 1
        place = directory / f'uwsgi{count[0]}'
        rpc = ['rpc'] if with_plugin else []
        server = Server(place, harness.options(place, sockets, with_plugin) + [*described.options, *load],
                        plugins=[*plugins, *own, *rpc], app=None, env=harness.environment(engine, place))
        live = harness.Live(server.start(), place, sockets, dict(described.options).get('processes', 1), with_plugin)
        if with_plugin:
            live.check_well()
        return live

    return start


def dies_without(start, seconds):
    """Whether the same traffic ends the server without the plugin, too."""
    live = start(with_plugin=False)
    try:
        harness.run(live, SEED, seconds)
    except Broken as broken:
        return broken.kind == 'died'
    finally:
        live.server.process.kill()
        live.server.process.wait()
    return False


def explain(engine, start, sockets, broken):
    """Ends the test: with a file that breaks the server again, or because it is not ours."""
    if broken.kind == 'died' and dies_without(start, max(20, 2 * SHARE)):
        pytest.xfail(f'uWSGI itself: {engine} dies without the plugin, too')
    requests = getattr(broken, 'requests', [])
    path = harness.keep(engine, sockets, broken.kind, harness.minimised(start, requests, broken.kind))
    pytest.fail(f'{engine}, seed {SEED}: {broken}\nkept in {path}')


@pytest.mark.parametrize('persistent', traffic.SOCKETS)
@pytest.mark.parametrize('engine', LIVE)
@pytest.mark.skipif(bool(REPLAY), reason='a replay')
def test_live(engine, persistent, tmp_path, request):
    sockets = harness.sockets_of(engine, persistent)
    start = starter(engine, sockets, tmp_path, request)
    live = start()
    try:
        sent = harness.run(live, SEED, SHARE)
        live.check_well()
        live.check_server()
        live.server.stop()
    except Broken as broken:
        live.server.process.kill()
        live.server.process.wait()
        explain(engine, start, sockets, broken)
    print(f'livefuzz: {engine}: {sent} requests over {", ".join(sockets)}, seed {SEED}')
    assert sent > 0


@pytest.mark.skipif(not REPLAY, reason='no replay')
def test_replay(tmp_path, request):
    engine, sockets, requests = harness.kept(REPLAY)
    live = starter(engine, sockets, tmp_path, request)()
    with harness.ThreadPoolExecutor(harness.CLIENTS) as pool:
        live.round(requests, pool)
    live.check_well()
    live.check_server()
    live.server.stop()
