# SPDX-License-Identifier: MIT
"""Every language's functions over every transport, and calling each other."""
import re

import pytest
from conftest import TCP, poll
from polyglot import ABSENT, BY_TITLE, FAILING, PRESENT, is_refused, loaded
from release import BROKEN, NO_PLUGIN
from transports import TRANSPORTS, left_out, routes

TRANSPORT_TABLE, CASE_TABLE = 'Languages, by transport', 'Languages, by what a function does'
CALL_TABLE = 'Languages calling each other in one process (`uwsgi.call`), row calls column'
EVERY_BYTE = bytes(range(256))


def echoed(*args):
    return b''.join(b'%d:%s,' % (len(arg), arg) for arg in args)


# case: function, arguments, result
CASES = {
    'no argument': ('count', [], b'0'),
    '1 argument': ('count', [b'a'], b'1'),
    '254 arguments': ('count', [b'x'] * 254, b'254'),
    'text': ('echo', [b'abc', 'naïve'.encode()], echoed(b'abc', 'naïve'.encode())),
    'every byte': ('echo', [EVERY_BYTE], echoed(EVERY_BYTE)),
    '60,000 bytes': ('echo', [b'y' * 60000], echoed(b'y' * 60000)),
    'empty result': ('empty', [], b''),
    '1 byte result': ('one', [], b'1'),
    '100 KB result': ('big', [], b'x' * 102400),
    'exception': ('fail', [], b''),
}


def assert_same_worker(server):
    """Nobody has died, and calls are served."""
    assert len(server.worker_pids()) == server.workers and 'DAMN' not in server.log, server.log


@pytest.fixture(scope='module', params=PRESENT, ids=lambda language: language.title)
def language(request):
    return request.param


@pytest.fixture(scope='module')
def server(language, shared_uwsgi, tmp_path_factory):
    plugins, options = loaded([language], tmp_path_factory.mktemp('language'))
    names = [language.name(function) for function in ('echo', 'count')]
    others = [language.name(function) for function in ('empty', 'one', 'big', 'fail', 'call')]
    server = shared_uwsgi(TCP, *routes(*names), *routes(*others, args=(0, 1, 2, 3)), *options,
                          plugins=[*plugins, 'rpc'], app=None)
    poll(lambda: server.call(language.name('one'), timeout=60) == b'1', 60, 'the functions')
    server.workers = 1
    return server


@pytest.fixture(params=TRANSPORTS)
def transport(request, server):
    if left_out(server, request.param):
        pytest.skip(f'the plugin was built without the {request.param} bridge')
    return request.param


@pytest.mark.parametrize('case', CASES)
def test_function(server, language, transport, case, cell):
    function, args, expected = CASES[case]
    reason = language.limits.get(case, '')
    cell(CASE_TABLE, language.title, case, reason)
    if not reason:
        cell(TRANSPORT_TABLE, language.title, transport)
    result = TRANSPORTS[transport](server, language.name(function), *args)
    if reason:
        assert result != expected
    else:
        assert result == expected
    assert_same_worker(server)


def test_exceptions_are_logged(server, language):
    before = len(re.findall('refused by', server.log))
    server.call(language.name('fail'))
    if language.title != 'C':
        poll(lambda: len(re.findall('refused by', server.log)) > before, what='the exception')


@pytest.mark.parametrize('count', [0, 1, 253, 254])
def test_argument_counts(server, language, count):
    assert server.call(language.name('count'), *['x'] * count) == b'%d' % count


def test_empty_arguments(server, language, transport, cell):
    """What carries an empty argument carries it to every language; the array leaves it out."""
    args = (b'', b'a', b'')
    cell(TRANSPORT_TABLE, language.title, transport)
    expected = echoed(b'a') if transport in ('packet', 'raw packet', 'PATH_INFO') else echoed(*args)
    if transport == 'PATH_INFO':
        args = args[:2]
    assert TRANSPORTS[transport](server, language.name('echo'), *args) == expected


def test_errors_leave_nothing_behind(server, language):
    """As many exceptions as there are slots on a small stack, then many arguments on top of them."""
    for errors in range(1, 100):
        assert server.call(language.name('fail')) == b''
        assert server.call(language.name('count'), *['x'] * (errors % 8 * 36)) == b'%d' % (errors % 8 * 36)
    assert_same_worker(server)


def test_calls_a_function(server, language, cell):
    """By name, with every byte in an argument that neither language alters."""
    reason = language.limits.get('calls a function', '')
    cell(CASE_TABLE, language.title, 'calls a function', reason)
    if reason:
        assert server.call(language.name('call'), language.name('one')) == b''
    else:
        arg = b'text' if 'every byte' in language.limits else EVERY_BYTE
        assert server.call(language.name('call'), language.name('echo'), arg, b'b') == echoed(arg, b'b')
        assert server.call(language.name('call'), language.name('big')) == b'x' * 102400
        assert server.call(language.name('call'), 'nosuch') == b''
    assert_same_worker(server)


def test_calls_a_node(server, language, cell, uwsgi):
    """Another uWSGI, by uwsgi.rpc."""
    reason = language.limits.get('calls a node', '')
    cell(CASE_TABLE, language.title, 'calls a node', reason)
    if reason:
        assert server.call(language.name('remote'), '127.0.0.1:1', 'hello') == b''
    else:
        address = uwsgi(TCP).node
        arg = b'text' if 'every byte' in language.limits else EVERY_BYTE
        assert server.call(language.name('remote'), address, 'echo', arg, b'b') == echoed(arg, b'b')
        assert server.call(language.name('remote'), address, 'big', '102400') == b'x' * 102400
        assert server.call(language.name('remote'), address, 'empty') == b''
        assert server.call(language.name('remote'), address, 'nosuch') == b''
    assert_same_worker(server)


def none_of_it(cell, language, reason):
    for case in (*CASES, 'calls a function', 'calls a node'):
        cell(CASE_TABLE, language.title, case, reason)
    for transport in TRANSPORTS:
        cell(TRANSPORT_TABLE, language.title, transport, reason)


@pytest.mark.parametrize('language', [pytest.param(one, id=one.title) for one in ABSENT])
def test_language_that_is_not_there(language, cell, tmp_path):
    none_of_it(cell, language, NO_PLUGIN)
    assert is_refused(language.plugin or language.title.lower(), tmp_path)


@pytest.mark.parametrize('language', [pytest.param(one, id=one.title) for one in FAILING])
def test_language_that_registers_nothing(language, cell, uwsgi, tmp_path):
    """For a fault of its plugin; the functions of others are called as ever."""
    none_of_it(cell, language, BROKEN[language.plugin])
    plugins, options = loaded([language, BY_TITLE['C']], tmp_path)
    server = uwsgi(TCP, *options, plugins=[*plugins, 'rpc'], app=None)
    poll(lambda: server.call('c_one') == b'1', what='an answer')
    server.wait_log('AttributeError')
    assert server.call(language.name('one')) is None
    server.workers = 1
    assert_same_worker(server)


# --- several languages in one process ------------------------------------------------------------

TOGETHER = ['Python 3', 'Perl', 'Lua 5.1', 'Ruby', 'Java', 'JavaScript', 'C']


@pytest.fixture(scope='module', params=[language.title for language in PRESENT if language.prefix == 'lua'])
def together(request, shared_uwsgi, tmp_path_factory):
    languages = [BY_TITLE[request.param if title == 'Lua 5.1' else title] for title in TOGETHER]
    plugins, options = loaded(languages, tmp_path_factory.mktemp('languages'))
    server = shared_uwsgi(TCP, ('processes', 2), *options, plugins=[*plugins, 'rpc'], app=None)
    poll(lambda: server.call('java_one', timeout=60) == b'1', 60, 'Java')
    server.languages, server.workers = languages, 2
    return server


@pytest.mark.parametrize('caller', TOGETHER)
def test_languages_call_each_other(together, caller, cell):
    caller = together.languages[TOGETHER.index(caller)]
    reason = caller.limits.get('calls a function', '')
    for callee in together.languages:
        cell(CALL_TABLE, caller.title, callee.title, reason)
        expected = b'' if reason else echoed(b'a', b'bc')
        assert together.call(caller.name('call'), callee.name('echo'), 'a', 'bc') == expected
        if not reason:
            assert together.call(caller.name('call'), callee.name('fail')) == b''
    assert_same_worker(together)


def test_a_chain_through_all_of_them(together):
    callers = [language.name('call') for language in together.languages
               if 'calls a function' not in language.limits]
    assert together.call(*callers, 'lua_echo', 'end') == echoed(b'end')


def test_languages_call_the_other_worker(together):
    """One worker waits for the other, each through its own socket."""
    address = together.node
    for caller in together.languages:
        if 'calls a node' not in caller.limits:
            assert together.call(caller.name('remote'), address, 'lua_echo', 'x') == echoed(b'x')
    assert_same_worker(together)


def test_refusals_in_turn_are_logged_once_each(uwsgi, tmp_path):
    """Threads: functions of Perl and of Ruby are refused, each for a reason of its own."""
    languages = [BY_TITLE[title] for title in ('Perl', 'Ruby')]
    plugins, options = loaded(languages, tmp_path)
    server = uwsgi(TCP, ('threads', 2), *options, plugins=[*plugins, 'rpc'], app=None)
    for language in languages * 3:
        assert server.call(language.name('one')) is None
    assert server.log.count('(refused)') == 6
    assert len(re.findall('plugin are refused: ', server.log)) == 2
