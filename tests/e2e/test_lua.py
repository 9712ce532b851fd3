# SPDX-License-Identifier: MIT
"""uwsgi.call and uwsgi.rpc of Lua, which the plugin puts into every state of uWSGI's Lua plugin."""
from concurrent.futures import ThreadPoolExecutor

import pytest
from conftest import BUILD, HTTP, TCP, poll
from polyglot import require
from release import lacks

SCRIPT = r'''
local function returns(...) return ... end

-- What a call has done, told by names: an error, nil or a string.
local function told(ok, value)
    if not ok then return 'error: ' .. tostring(value) end
    return type(value) .. ': ' .. tostring(value)
end

local cases = {
    call = function() return uwsgi.call('lua_join', 'a', 'b') end,
    numbers = function() return uwsgi.call('lua_join', 1, 2.5) end,
    none = function() return uwsgi.call('lua_join') end,
    empty = function() return uwsgi.call('lua_empty') end,
    fails = function() return uwsgi.call('lua_fails') end,
    unknown = function() return uwsgi.call('nosuch') end,
    ['no name'] = function() return uwsgi.call() end,
    ['empty name'] = function() return uwsgi.call('') end,
    ['NUL'] = function() return uwsgi.call('a\0b') end,
    ['long name'] = function() return uwsgi.call(string.rep('n', 256)) end,
    ['a table'] = function() return uwsgi.call('lua_join', {}) end,
    ['a nil'] = function() return uwsgi.call('lua_join', nil, 'x') end,
    ['254 arguments'] = function() return #uwsgi.call('lua_join', unpack(many(254))) end,
    ['255 arguments'] = function() return uwsgi.call('lua_join', unpack(many(255))) end,
    ['65535 bytes'] = function() return #uwsgi.call('lua_join', string.rep('x', 65535)) end,
    ['65536 bytes'] = function() return uwsgi.call('lua_join', string.rep('x', 65536)) end,
    ['nil node'] = function() return uwsgi.rpc(nil, 'lua_join', 'a') end,
    ['empty node'] = function() return uwsgi.rpc('', 'lua_join', 'a') end,
    ['bad node'] = function() return uwsgi.rpc('no node', 'lua_join', 'a') end,
    ['NUL node'] = function() return uwsgi.rpc('127.0.0.1:1\0', 'lua_join', 'a') end,
    ['no node'] = function() return uwsgi.rpc() end,
    ['dead node'] = function() return uwsgi.rpc('./nobody.sock', 'lua_join', 'a') end,
    coroutine = function()
        return coroutine.wrap(function()
            coroutine.yield(uwsgi.call('lua_join', 'in', 'a', 'coroutine'))
        end)()
    end,
}
unpack = unpack or table.unpack
function many(count)
    local items = {}
    for i = 1, count do items[i] = 'x' end
    return items
end

uwsgi.register_rpc('lua_join', function(...) return table.concat({...}, '+') end)
uwsgi.register_rpc('lua_empty', function() return '' end)
uwsgi.register_rpc('lua_fails', function() error('refused') end)
uwsgi.register_rpc('case', function(name) return told(pcall(cases[name])) end)
uwsgi.register_rpc('call', function(...) return uwsgi.call(...) end)
uwsgi.register_rpc('rpc', function(...) return uwsgi.rpc(...) end)
uwsgi.register_rpc('big', function(size)
    return told(pcall(function() return #uwsgi.call('c_big', size) end))
end)
uwsgi.register_rpc('nodes', function(node)
    local got = {}
    for i = 1, 200 do
        got[i] = uwsgi.rpc(('./none%d.sock,'):format(i) .. node, 'lua_join', i)
    end
    return table.concat(got, ' ')
end)

return function()
    local body = coroutine.wrap(function()
        coroutine.yield(tostring(uwsgi.call('lua_join', 'from', 'the', 'body')))
    end)
    return '200 OK', { ['Content-Type'] = tostring(uwsgi.call('lua_join', 'text/plain')) }, body
end
'''
ERRORS = {
    'no name': "bad argument #1 to 'call' (string expected)",
    'empty name': "bad argument #1 to 'call' (name of a function expected)",
    'NUL': "bad argument #1 to 'call' (name of a function expected)",
    'long name': "bad argument #1 to 'call' (too long)",
    'a table': "bad argument #2 to 'call' (string expected)",
    'a nil': "bad argument #2 to 'call' (string expected)",
    '255 arguments': "bad argument #256 to 'call' (too many arguments)",
    '65536 bytes': "bad argument #2 to 'call' (too long)",
    'no node': "bad argument #1 to 'rpc' (string expected)",
    'NUL node': "bad argument #1 to 'rpc' (a NUL in a list of nodes)",
}
RESULTS = {
    'call': 'string: a+b', 'numbers': 'string: 1+2.5', 'none': 'string: ', 'empty': 'string: ',
    'fails': 'string: ', 'unknown': 'nil: nil', '254 arguments': 'number: 507',
    '65535 bytes': 'number: 65535', 'nil node': 'string: a', 'dead node': 'nil: nil',
    'coroutine': 'string: in+a+coroutine',
    **{case: f'error: {text}' for case, text in ERRORS.items()},
}
# Debian 13 has no plugin for 5.2
VERSIONS = [version for version in ('lua51', 'lua52')
            if not lacks(f'uwsgi-plugin-{version[:4]}.{version[4:]}')]
ENGINES = {
    'preforking': ([], []),
    'threads': ([], [('threads', 6)]),
    'lazy-apps': ([], [('lazy-apps', 'true'), ('processes', 2)]),
    'gevent': (['python3', 'gevent_python3'], [('gevent', 6)]),
}


def start(uwsgi, version, engine='preforking', *options):
    require(f'uwsgi-plugin-{version[:4]}.{version[4:]}')
    script = uwsgi.directory.parent / 'script.lua'
    script.write_text(SCRIPT)
    plugins, engine_options = ENGINES[engine]
    return uwsgi(TCP, HTTP, ('lua', script), ('http-socket-modifier1', 6), *engine_options, *options,
                 plugins=[*plugins, version, 'rpc'], app=None)


@pytest.mark.parametrize('version', VERSIONS)
def test_cases(uwsgi, version):
    server = start(uwsgi, version)
    for _ in range(20):
        for case, expected in RESULTS.items():
            assert server.call('case', case).decode() == expected, case
        for case in 'empty node', 'bad node':
            assert server.call('case', case).startswith(b"error: bad argument #1 to 'rpc' ("), case
    assert '[rpc] lua: "nosuch": no such function (unknown-function)' in server.log
    assert len(server.worker_pids()) == 1


@pytest.mark.parametrize('version', VERSIONS)
@pytest.mark.parametrize('engine', ENGINES)
def test_engines(uwsgi, version, engine):
    """Locally, to a node, and in requests of Lua's own, whose body is a coroutine."""
    node = start(uwsgi, version).node
    server = start(uwsgi, version, engine, ('rpc-keepalive', 2))

    def client(number):
        for call in range(20):
            args = f'{number}', f'{call}'
            assert server.call('call', 'lua_join', *args) == '+'.join(args).encode()
            assert server.call('rpc', node, 'lua_join', *args) == '+'.join(args).encode()
            if engine != 'gevent':  # where uWSGI takes each step of a body of Lua for a new request
                assert server.http('/').body == b'from+the+body'

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(client, range(8)))
    assert 'DAMN' not in server.log


def test_more_lists_than_are_kept(uwsgi):
    node = start(uwsgi, 'lua51').node
    server = start(uwsgi, 'lua51')
    expected = ' '.join(str(number) for number in range(1, 201)).encode()
    for _ in range(2):
        assert server.call('nodes', node, timeout=60) == expected


@pytest.mark.alone
@pytest.mark.uninstrumented('a sanitizer needs more address space than is left')
@pytest.mark.parametrize('version', VERSIONS)
def test_no_memory(uwsgi, version):
    """For a result that fits once but not twice: an error of Lua, and nothing is left behind."""
    server = start(uwsgi, version, 'preforking', ('limit-as', 700), ('plugin', 'symcall'),
                   ('dlopen', BUILD / 'robust.so'), ('symcall-register-rpc', 'c_big r_huge'))
    for _ in range(3):
        assert server.call('big', 400 << 20, timeout=120) == b'error: not enough memory'
        assert server.call('big', 1000) == b'number: 1000'


def test_without_a_script(uwsgi):
    """The plugin's list of states is then never filled."""
    server = uwsgi(TCP, plugins=['lua51', 'python3', 'rpc'])
    poll(lambda: server.call('hello', 'a') == b'hello a', what='an answer')
