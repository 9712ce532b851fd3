uwsgi.register_rpc('greet', function(name)
    return 'hello ' .. name
end)

-- A Lua file has to return its answer to requests that are no calls.
return function(env)
    return 404, {}, function() end
end
