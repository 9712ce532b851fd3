-- uwsgi.rpc of Lua is this plugin's client without further ado.
local function netstrings(...)
    local text = ''
    for _, item in ipairs({...}) do text = text .. #item .. ':' .. item .. ',' end
    return text
end

-- One call: its result, or how it failed.
uwsgi.register_rpc('lua_ask', function(...)
    return uwsgi.rpc(...) or uwsgi.call('net.outcome')
end)

-- A call for each argument, all at once.
uwsgi.register_rpc('lua_gather', function(nodes, name, ...)
    local calls = {}
    for i, arg in ipairs({...}) do calls[i] = netstrings(nodes, name, arg) end
    return uwsgi.call('net.gather', (unpack or table.unpack)(calls))
end)

return function() return 404, {}, function() end end
