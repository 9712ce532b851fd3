-- SPDX-License-Identifier: MIT
-- The functions every language registers, in Lua 5.1 and 5.2.
local functions = {}

function functions.echo(...)
    local items = {}
    for i = 1, select('#', ...) do
        local arg = select(i, ...)
        items[i] = #arg .. ':' .. arg .. ','
    end
    return table.concat(items)
end

function functions.count(...)
    return tostring(select('#', ...))
end

function functions.empty()
    return ''
end

function functions.one()
    return '1'
end

function functions.big()
    return string.rep('x', 102400)
end

function functions.fail()
    error('refused by lua_fail')
end

function functions.call(name, ...)
    return uwsgi.call(name, ...)
end

function functions.remote(node, name, ...)
    return uwsgi.rpc(node, name, ...)
end

for name, body in pairs(functions) do
    uwsgi.register_rpc('lua_' .. name, body)
end

return function()
    return '200 OK', {}, coroutine.wrap(function() coroutine.yield('lua') end)
end
