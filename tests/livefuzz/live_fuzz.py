# SPDX-License-Identifier: MIT
"""Every engine under generated and mutated requests of all modifiers and of HTTP, instrumented but for
those that copy stacks.

LIVEFUZZ_TIME   seconds in all (120), shared by the engines
LIVEFUZZ_SEED   the first seed; printed, as a time of day is the default
LIVEFUZZ_REPLAY a file that a run has kept: its requests are sent again, and nothing else
"""
import os

import harness
import pytest
import traffic
from closing_line import SEED
from conftest import ROOT, Server, coroae  # noqa: F401  # a fixture
from harness import Broken
from polyglot import BY_TITLE, loaded, require
from test_engines import BROKEN_ENGINES, ENGINES

SECONDS = float(os.environ.get('LIVEFUZZ_TIME', '120'))
REPLAY = os.environ.get('LIVEFUZZ_REPLAY')
# Languages make no difference: the functions are C in every one. A language is there for its engine.
LIVE = [name for name in ENGINES if name not in BROKEN_ENGINES and name not in
        ('threads, Lua', 'threads, Java', 'threads, C')]

# With each kind of persistent socket; not where uWSGI itself leaves a single socket to try.
RUNS = [(engine, persistent) for engine in LIVE for persistent in traffic.SOCKETS
        if len(harness.sockets_of(engine, persistent)) > 1]
SHARE = SECONDS / len(RUNS)
# Without the plugin, when it has broken: a fault that comes by chance may stay away once, and come later.
TRIES = 2
LEAST_SEC = float(os.environ.get('LIVEFUZZ_LEAST', '20'))


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
        instrumented = not described.copies_stacks
        rpc = [harness.plugin(instrumented)] if with_plugin else []
        # at last, since the option gevent sets it to 30 when it is less
        patience = 'socket-timeout', 1
        server = Server(place, [*harness.options(place, sockets, with_plugin), *described.options, *load, patience],
                        plugins=[*plugins, *own, *rpc], app=None, env=harness.environment(place, engine, instrumented))
        processes = dict(described.options).get('processes', 1)
        live = harness.Live(server.start(), place, engine, sockets, processes, with_plugin)
        if with_plugin:
            live.check_well()
        return live

    return start


def breaks_without(start, seconds, kind):
    """Whether the same traffic breaks the server in the same way without the plugin, too."""
    live = start(with_plugin=False)
    try:
        harness.run(live, SEED, seconds)
    except Broken as broken:
        return broken.kind == kind
    finally:
        live.kill()
    return False


def explain(engine, start, sockets, broken):
    """Ends the test: with a file that breaks the server again, or because it is not ours."""
    excusable = broken.kind in harness.OF_ANY_SERVER and str(ROOT) not in str(broken)  # no frame of ours
    tries = TRIES if excusable else 0
    seconds = max(LEAST_SEC, 2 * (broken.seconds or SHARE))
    if any(breaks_without(start, seconds, broken.kind) for _ in range(tries)):
        pytest.xfail(f'uWSGI itself, without the plugin, too: {engine}: {broken}')
    path = harness.keep(engine, sockets, broken.kind, harness.minimised(start, broken.requests, broken.kind))
    pytest.fail(f'{engine}, seed {SEED}: {broken}\nkept in {path}')


@pytest.mark.parametrize('engine, persistent', RUNS)
@pytest.mark.skipif(bool(REPLAY), reason='a replay')
def test_live(engine, persistent, tmp_path, request, record_property):
    sockets = harness.sockets_of(engine, persistent)
    start = starter(engine, sockets, tmp_path, request)
    live = start()
    try:
        sent = harness.run(live, SEED, SHARE)
        live.check_well()
        live.check_server()
        live.stop()
    except Broken as broken:
        live.kill()
        explain(engine, start, sockets, broken)
    finally:
        live.kill()
    record_property('live', (engine, sent))
    assert sent > 0


@pytest.mark.skipif(not REPLAY, reason='no replay')
def test_replay(tmp_path, request):
    engine, sockets, requests = harness.kept(REPLAY)
    live = starter(engine, sockets, tmp_path, request)()
    try:
        with harness.ThreadPoolExecutor(harness.CLIENTS) as pool:
            live.round(requests, pool)
        live.check_well()
        live.check_server()
        live.stop()
    finally:
        live.kill()
