-- SPDX-License-Identifier: MIT
-- Typed functions in Lua.
package.path = debug.getinfo(1, 'S').source:match('^@(.*/)') .. '?.lua;' .. package.path
local typed = require 'typed'

typed('add', {'x', 'y'}, function(x, y)
    return x + y
end)

typed('user', {'id'}, function(id)
    if id ~= 1 then
        error{code = 404, message = 'no such user', data = {id = id}}
    end
    return {id = id, name = 'Zoë'}
end)

typed('echo', {'value'}, function(value)
    return value
end)

typed('total', {'items'}, function(items)
    local total = 0
    for _, item in ipairs(items) do
        total = total + item.price * item.count
    end
    return total
end)

typed('boom', {}, function()
    error('boom', 0)
end)

-- Not JSON, whatever rpc-json says of it.
uwsgi.register_rpc('text', function()
    return 'text'
end)

return function()
    return '200 OK', {}, coroutine.wrap(function() coroutine.yield('typed') end)
end
