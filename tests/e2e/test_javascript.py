# SPDX-License-Identifier: MIT
"""The JavaScript host of examples/javascript, in the engines of uWSGI it can meet."""
import os
import re
import signal
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from conftest import PLUGIN_DIR, PLUGINS, ROOT, TCP, UWSGI, Server, free_port, poll
from release import BROKEN

EXAMPLE = ROOT / 'examples' / 'javascript'
ALL_BYTES = bytes(range(256))
CALLERS = 6

JAVASCRIPT = r"""
function register(functions) {
    for (var name in functions) uwsgi.register_rpc('js_' + name, functions[name]);
}
register({
    hello: function (a, b) { return 'hello ' + a; },
    echo: function (a) { return a; },
    count: function () { return arguments.length; },
    join: function () { return Array.prototype.join.call(arguments, ','); },
    codes: function (a) { return a.split('').map(function (c) { return c.charCodeAt(0); }).join(); },
    type: function (a) { return typeof a + (a === undefined); },
    nothing: function (what) {
        return {undefined: undefined, null: null, text: '', bytes: new Uint8Array(0)}[what];
    },
    repeat: function (a, count) { return a.repeat(Number(count)); },
    value: function (expression) { return eval(expression); },
    decoded: function (a) { return decodeURIComponent(escape(a)).length; },
    call: function () { return uwsgi.call.apply(null, arguments); },
    rpc: function () { return uwsgi.rpc.apply(null, arguments); },
    is_null: function () { return uwsgi.rpc.apply(null, arguments) === null; },
    error: function () {
        try { return uwsgi.rpc.apply(null, arguments); } catch (error) { return error.name; }
    },
    meet: function (node, a, caught) {
        try {
            throw uwsgi.rpc(node, 'py_meet', a);
        } catch (result) {
            if (caught) return result;
            throw new Error('after ' + result);
        }
    },
    forever: function () { return uwsgi.call('js_forever'); },
    thrown: function thrower(a) { throw new Error('thrown: ' + a); },
    register: function (name, result) {
        return uwsgi.register_rpc(name, function () { return result; });
    },
    log: function (a) { uwsgi.log('logged ' + a + ' \u20ac'); },
    fib: function fib(n) { return n < 2 ? Number(n) : fib(n - 1) + fib(n - 2); },
});
"""

PYTHON = """
import threading
import uwsgi

uwsgi.register_rpc('py_reverse', lambda text: text[::-1])
uwsgi.register_rpc('py_call', lambda *args: uwsgi.call(*args) or b'')
uwsgi.register_rpc('py_count', lambda *args: b'%d' % len(args))

barrier = threading.Barrier(@CALLERS@)

def meet(text):
    barrier.wait(20)
    return b'met ' + text

uwsgi.register_rpc('py_meet', meet)
""".replace('@CALLERS@', str(CALLERS))

ENGINES = {
    'prefork': (['python3'], ('processes', 2)),
    'lazy': (['python3'], ('processes', 2), ('lazy-apps', 'true')),
    'threads': (['python3'], ('enable-threads', 'true'), ('threads', CALLERS)),
    'ugreen': (['python3', 'ugreen'], ('async', CALLERS), ('ugreen', 'true')),
    'gevent': (['python3', 'gevent_python3'], ('gevent', CALLERS)),
    'greenlet': (['python3', 'greenlet_python3'], ('async', CALLERS), ('greenlet', 'true')),
}
ENGINES = {name: engine for name, engine in ENGINES.items() if not set(engine[0]) & set(BROKEN)}


@pytest.fixture(scope='module')
def js_plugin(tmp_path_factory):
    """The built plugin, without ".so"."""
    if not Path('/usr/include/duktape.h').exists():
        pytest.skip('duktape-dev is not installed')
    directory = tmp_path_factory.mktemp('js_plugin')
    built = subprocess.run([UWSGI, '--build-plugin', str(EXAMPLE)], cwd=directory, text=True,
                           stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False,
                           env={**os.environ, 'PYTHON': os.environ.get('PYTHON', '/usr/bin/python3')})
    assert (directory / 'javascript_plugin.so').exists(), built.stdout
    assert 'warning' not in built.stdout
    return directory / 'javascript'


def js_start(start, directory, js_plugin, engine):
    plugins, *options = ENGINES[engine]
    for plugin in plugins:
        if not Path(f'{PLUGINS}/{plugin}_plugin.so').exists():
            pytest.skip(f"uWSGI's {plugin} plugin is not installed")
    (directory / 'functions.js').write_text(JAVASCRIPT)
    (directory / 'functions.py').write_text(PYTHON)
    return start(TCP, *options, ('js-load', directory / 'functions.js'),
                 ('import', directory / 'functions.py'), plugins=('rpc', *plugins, js_plugin), app=None)


@pytest.fixture(scope='module', params=ENGINES)
def js_server(request, shared_uwsgi, js_plugin, tmp_path_factory):
    server = js_start(shared_uwsgi, tmp_path_factory.mktemp('js_server'), js_plugin, request.param)
    server.engine = request.param
    return server


@pytest.fixture(scope='module')
def js_node(shared_uwsgi, tmp_path_factory):
    """A second server, with Python functions alone."""
    directory = tmp_path_factory.mktemp('js_node')
    (directory / 'functions.py').write_text(PYTHON)
    return shared_uwsgi(TCP, ('enable-threads', 'true'), ('threads', CALLERS),
                        ('import', directory / 'functions.py'), app=None)


# --- being called ---------------------------------------------------------------------------------

def test_javascript_is_registered_where_it_was_loaded(js_server):
    line = {'lazy': 'registered RPC function "js_hello" on worker 2'}.get(
        js_server.engine, 'registered shared/inherited RPC function "js_hello"')
    js_server.wait_log(re.escape(line))


def test_javascript_natural_function(js_server):
    assert js_server.call('js_hello', b'world', b'ignored') == b'hello world'


def test_javascript_raw_reply(js_server):
    assert js_server.call('js_hello', b'raw', modifier2=1) == b'hello raw'


@pytest.mark.parametrize('count', [0, 1, 2, 253, 254])
def test_javascript_argument_counts(js_server, count):
    args = [b'%d' % i for i in range(count)]
    assert js_server.call('js_count', *args) == b'%d' % count
    assert js_server.call('js_join', *args) == b','.join(args)


def test_javascript_missing_argument_is_undefined(js_server):
    assert js_server.call('js_type') == b'undefinedtrue'
    assert js_server.call('js_type', b'x') == b'stringfalse'


def test_javascript_every_byte_is_one_character(js_server):
    codes = ','.join(str(i) for i in range(256)).encode()
    assert js_server.call('js_codes', ALL_BYTES) == codes


@pytest.mark.parametrize('data', [ALL_BYTES, ALL_BYTES[::-1], b'\0', b'\xff', b'\x80', b'\xc2\xa9',
                                  b'\xed\xa0\x80', b'\xff\xfe\0', '\u20ac \U0001f600'.encode()],
                         ids=lambda data: data[:4].hex())
def test_javascript_bytes_come_back_as_they_went(js_server, data):
    assert js_server.call('js_echo', data) == data


def test_javascript_60000_bytes(js_server):
    data = (ALL_BYTES * 235)[:60000]
    assert js_server.call('js_echo', data) == data


def test_javascript_largest_argument(js_server):
    data = b'\xe9' * (65535 - 2 - 2 - len('js_echo'))
    assert js_server.call('js_echo', data) == data


@pytest.mark.parametrize('size', [1, 65535, 65536, 102400])
def test_javascript_result_sizes(js_server, size):
    assert js_server.call('js_repeat', b'\xe9', b'%d' % size) == b'\xe9' * size


@pytest.mark.parametrize('what', [b'undefined', b'null', b'text', b'bytes'])
def test_javascript_empty_results(js_server, what):
    assert js_server.call('js_nothing', what) == b''


@pytest.mark.parametrize('expression, result', [
    (b'42', b'42'), (b'0', b'0'), (b'-1.5', b'-1.5'), (b'NaN', b'NaN'), (b'true', b'true'),
    (b'false', b'false'), (b'"a" + 1', b'a1'), (rb'"\xff\x00\x80"', b'\xff\0\x80'),
    (b'new Uint8Array([0, 127, 128, 255])', b'\0\x7f\x80\xff'),
    (b'new Uint8Array([1, 2, 3, 4]).subarray(1, 3)', b'\2\3'),
    (b'new Uint8Array([7, 8]).buffer', b'\7\x08'), (b'new Buffer([255, 0])', b'\xff\0'),
    (b'Uint8Array.allocPlain([9, 200])', b'\t\xc8'),
    (rb'new TextEncoder().encode("\u20ac")', b'\xe2\x82\xac'),
    (rb'unescape(encodeURIComponent("\u20ac"))', b'\xe2\x82\xac'),
])
def test_javascript_results_as_bytes(js_server, expression, result):
    assert js_server.call('js_value', expression) == result


@pytest.mark.parametrize('expression, error', [
    (rb'"\u20ac"', 'RangeError: a character above U+00FF is not a byte'),
    (rb'"\u0100"', 'RangeError: a character above U+00FF is not a byte'),
    (b'({})', 'TypeError: only strings, numbers, booleans and byte buffers are bytes'),
    (b'[1]', 'TypeError: only strings, numbers, booleans and byte buffers are bytes'),
    (b'register', 'TypeError: only strings, numbers, booleans and byte buffers are bytes'),
    (b'Symbol("x")', 'TypeError: '),
])
def test_javascript_results_that_are_no_bytes(js_server, expression, error):
    assert js_server.call('js_value', expression) == b''
    js_server.wait_log(re.escape('[javascript] js_value: ' + error))


def test_javascript_utf8_can_be_decoded(js_server):
    assert js_server.call('js_decoded', '\u20ac\u00e9x'.encode()) == b'3'


def test_javascript_exception_is_logged_and_survived(js_server):
    assert js_server.call('js_thrown', b'over board') == b''
    js_server.wait_log(re.escape('[javascript] js_thrown: Error: thrown: over board'))
    line = 1 + JAVASCRIPT[:JAVASCRIPT.index('thrown:')].count('\n')
    assert re.search(rf'at thrower \(.*/functions\.js:{line}\)', js_server.log)
    assert js_server.call('js_hello', b'again') == b'hello again'


@pytest.mark.parametrize('expression', [b'throw "text"', b'throw undefined', b'throw {}',
                                        b'throw {toString: function () { throw 1; }}'])
def test_javascript_odd_things_thrown(js_server, expression):
    before = js_server.log.count('[javascript] js_value: ')
    assert js_server.call('js_value', expression) == b''
    poll(lambda: js_server.log.count('[javascript] js_value: ') > before)


def test_javascript_logs_text(js_server):
    assert js_server.call('js_log', b'word') == b''
    js_server.wait_log(re.escape('logged word \u20ac\n'))


# --- calling others -------------------------------------------------------------------------------

def test_javascript_calls_python(js_server):
    assert js_server.call('js_call', b'py_reverse', ALL_BYTES) == ALL_BYTES[::-1]


def test_javascript_is_called_from_python(js_server):
    assert js_server.call('py_call', b'js_echo', ALL_BYTES) == ALL_BYTES


def test_javascript_calls_javascript(js_server):
    assert js_server.call('js_call', b'js_call', b'js_hello', b'you') == b'hello you'


def test_javascript_and_python_call_each_other(js_server):
    there_and_back = [b'js_call', b'py_call'] * 8
    assert js_server.call('py_call', *there_and_back, b'js_echo', ALL_BYTES) == ALL_BYTES


def test_javascript_calls_with_254_arguments(js_server):
    # The caller itself has 254, of which one is the name of the called.
    assert js_server.call('js_call', b'py_count', *[b'x'] * 253) == b'253'
    assert js_server.call('js_value', b'uwsgi.call.apply(null, ["py_count"].concat('
                                      b'new Array(255).join("x").split("")))') == b'254'


def test_javascript_call_that_throws_inside_a_call(js_server):
    assert js_server.call('js_value', b'uwsgi.call("js_thrown", "inside") === null') == b'true'
    js_server.wait_log(re.escape('[javascript] js_thrown: Error: thrown: inside'))


def test_javascript_unknown_function_is_null(js_server):
    assert js_server.call('js_value', b'uwsgi.call("nobody") === null') == b'true'


def test_javascript_endless_recursion_is_stopped(js_server):
    assert js_server.call('js_forever') == b''
    js_server.wait_log(re.escape('[javascript] js_forever: too many calls within calls'))
    assert js_server.call('js_hello', b'again') == b'hello again'
    assert 'SEGV' not in js_server.log and 'DAMN' not in js_server.log


def test_javascript_calls_another_server(js_server, js_node):
    node = js_node.node.encode()
    assert js_server.call('js_rpc', node, b'py_reverse', ALL_BYTES) == ALL_BYTES[::-1]
    assert js_server.call('js_rpc', node, b'py_count', *[b'x'] * 252) == b'252'
    data = b'\xe9' * 60000
    assert js_server.call('js_rpc', node, b'py_reverse', data) == data


def test_javascript_large_result_of_another_server(js_server):
    assert js_server.call('js_rpc', js_server.node.encode(), b'js_repeat', b'\xe9',
                          b'102400') == b'\xe9' * 102400


def test_javascript_nothing_from_another_server_is_null(js_server, js_node):
    nobody = f'127.0.0.1:{free_port()}'.encode()
    assert js_server.call('js_is_null', js_node.node.encode(), b'nobody') == b'true'
    assert js_server.call('js_is_null', nobody, b'py_count') == b'true'


@pytest.mark.parametrize('expression, error', [
    (b'uwsgi.call()', b'RangeError'),
    (b'uwsgi.rpc("127.0.0.1:1")', b'RangeError'),
    (b'uwsgi.call.apply(null, new Array(256).join("x").split("").concat("x"))', b'RangeError'),
    (b'uwsgi.call("js_count", "x".repeat(65536))', b'RangeError'),
    (b'uwsgi.rpc("127.0.0.1:1", "f", "x".repeat(40000), "x".repeat(30000))', b'RangeError'),
    (rb'uwsgi.call("js_count", "\u20ac")', b'RangeError'),
    (rb'uwsgi.call("js_count\u0000")', b'RangeError'),
    (b'uwsgi.call("js_count", {})', b'TypeError'),
    (b'uwsgi.register_rpc("name")', b'TypeError'),
    (b'uwsgi.register_rpc("name", "text")', b'TypeError'),
    (b'uwsgi.register_rpc("n".repeat(256), register)', b'Error'),
])
def test_javascript_errors_of_the_api(js_server, expression, error):
    code = b'try { ' + expression + b'; "nothing" } catch (error) { error.name }'
    assert js_server.call('js_value', code) == error


def test_javascript_local_arguments_up_to_65535_bytes(js_server):
    assert js_server.call('js_value', b'uwsgi.call("js_echo", "x".repeat(65535)).length') == b'65535'


# --- engines and processes ------------------------------------------------------------------------

@pytest.mark.parametrize('js_server', [name for name in ENGINES if name not in ('prefork', 'lazy')], indirect=True)
def test_javascript_waits_for_a_node_without_stopping_others(js_server, js_node):
    """The node answers when all callers are there: one that held the others up never comes back.
    Each throws afterwards, so none may have lost its place on the stack."""
    node = js_node.node.encode()
    with ThreadPoolExecutor(CALLERS) as pool:
        for _ in range(5):
            results = pool.map(lambda i: js_server.call('js_meet', node, b'%d' % i, b'caught'),
                               range(CALLERS))
            assert list(results) == [b'met %d' % i for i in range(CALLERS)]
        results = pool.map(lambda i: js_server.call('js_meet', node, b'%d' % i), range(CALLERS))
        assert list(results) == [b''] * CALLERS
    for i in range(CALLERS):
        js_server.wait_log(re.escape(f'[javascript] js_meet: Error: after met {i}'))


def test_javascript_under_concurrent_callers(js_server, js_node):
    node = js_node.node.encode()

    def caller(number):
        data = ALL_BYTES[number:] * 40
        for _ in range(15):
            assert js_server.call('js_echo', data) == data
            assert js_server.call('js_rpc', node, b'py_reverse', data) == data[::-1]
            assert js_server.call('py_call', b'js_call', b'py_reverse', data) == data[::-1]
            assert js_server.call('js_fib', b'12') == b'144'
            assert js_server.call('js_value', b'throw %d' % number) == b''
        return True

    with ThreadPoolExecutor(CALLERS) as pool:
        assert all(pool.map(caller, range(CALLERS)))


def test_javascript_registers_and_replaces_at_any_time(uwsgi, js_plugin, tmp_path):
    server = js_start(uwsgi, tmp_path, js_plugin, 'threads')
    assert server.call('late') is None
    for result in (b'first', b'second'):
        assert server.call('js_register', b'late', result) == b'true'
        assert server.call('late') == result
    for i in range(100):
        server.call('js_register', b'more%d' % i, b'%d' % i)
    server.wait_log(re.escape('Error: cannot register more'))
    assert server.call('late') == b'second'
    assert server.call('more0') == b'0'


def test_javascript_survives_the_death_of_a_worker(uwsgi, js_plugin, tmp_path):
    server = js_start(uwsgi, tmp_path, js_plugin, 'threads')
    assert server.call('js_hello', b'you') == b'hello you'
    worker = int(re.search(r'worker 1 \(pid: (\d+)', server.log)[1])
    os.kill(worker, signal.SIGKILL)
    server.wait_log(re.escape('Respawned uWSGI worker 1'))
    assert server.call('js_hello', b'you') == b'hello you'


@pytest.mark.parametrize('source, message', [
    ('var a = 1;\nfunction (', r'SyntaxError: .*line 2'),
    ('var a = 1;\nmissing();', r'ReferenceError: .*\n(?:.*\n)?.*functions\.js:2\)'),
    (None, r'functions\.js.*No such file'),
], ids=['syntax', 'exception', 'missing'])
def test_javascript_that_cannot_be_loaded_refuses_the_start(js_plugin, tmp_path, source, message):
    if source:
        (tmp_path / 'functions.js').write_text(source)
    server = Server(tmp_path, [TCP, ('js-load', tmp_path / 'functions.js')], ['rpc', js_plugin],
                    app=None).spawn()
    assert server.process.wait(120) != 0
    assert re.search(message, server.log), server.log


def test_javascript_plugin_without_files_does_nothing(uwsgi, js_plugin):
    server = uwsgi(TCP, plugins=('rpc', js_plugin), app=None)
    assert server.call('js_hello', b'you') is None
    assert '[javascript]' not in server.log


def test_javascript_plugin_exports_its_struct_alone(js_plugin):
    names = subprocess.run(['nm', '-D', '--defined-only', f'{js_plugin}_plugin.so'], text=True,
                           check=True, capture_output=True).stdout.split()[2::3]
    assert names == ['javascript_plugin']


@pytest.fixture
def js_example(js_plugin, tmp_path):
    """The example as its README starts it, on a port of its own."""
    (tmp_path / 'rpc_plugin.so').symlink_to(PLUGIN_DIR.resolve() / 'rpc_plugin.so')
    (tmp_path / 'javascript_plugin.so').symlink_to(f'{js_plugin}_plugin.so')
    for name in ('functions.js', 'javascript.ini'):
        text = (EXAMPLE / name).read_text()
        (tmp_path / name).write_text(text.replace('127.0.0.1:3031', '127.0.0.1:0'))
    server = Server(tmp_path, [])
    server.ini = tmp_path / 'javascript.ini'
    try:
        yield server.start()
    finally:
        server.stop()


def test_javascript_example_as_its_readme_shows_it(js_example):
    shown = re.findall(r'^\$ python3 examples/clients/rpc\.py 127\.0\.0\.1:3031 (.*)\n(.*)$',
                       (EXAMPLE / 'README.md').read_text(), re.MULTILINE)
    assert shown
    for command, output in shown:
        assert js_example.call(*command.split()) == output.encode()
    assert js_example.call('greet_through', js_example.node, 'bob') == b'hello bob'
    assert js_example.call('greet_through', '127.0.0.1:1', 'bob') == b'hello nobody'
    assert js_example.call('divide', '1', '4') == b'0.25'
    assert js_example.call('divide', '1', '0') == b''
