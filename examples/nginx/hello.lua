-- Called by nginx itself (modifier2 1): what it returns is a whole answer, with its headers.
function hello_with_args(arg1, arg2)
    return 'HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\n'
        ..'args are '..arg1..' '..arg2..'\n'
end

-- Called through the PATH_INFO bridge, which writes the headers.
function hello(name)
    return 'hello '..name..'\n'
end

uwsgi.register_rpc('hellolua', hello_with_args)
uwsgi.register_rpc('hello', hello)

-- A Lua file has to return its answer to requests that are no calls.
return function(env)
    return 404, {}, function() end
end
