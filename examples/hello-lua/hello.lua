function hello_with_args(arg1, arg2)
    return 'args are '..arg1..' '..arg2
end

uwsgi.register_rpc('hellolua', hello_with_args)

-- A Lua file has to return its answer to requests that are no calls.
return function(env)
    return 404, {}, function() end
end
