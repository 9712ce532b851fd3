-- SPDX-License-Identifier: MIT
-- Turns a function into a typed one: typed(NAME, {PARAMETER, ...}, FUNCTION), and rpc-json in uWSGI's
-- configuration. error{code = 404, message = 'no such user', data = ...} is an error of its own. An
-- empty table is an object to cjson, null is cjson.null.
local cjson = require 'cjson'

local function error_text(code, message, data)
    local text = 'error ' .. code .. ' ' .. tostring(message):gsub('%s+', ' ')
    return data == nil and text or text .. '\n' .. cjson.encode(data)
end

-- The parameters in their order, or nil when they are not these.
local function in_order(params, names)
    local values, count = {}, 0
    for _ in pairs(params) do count = count + 1 end
    if count ~= #names then return nil end
    for i, name in ipairs(names) do
        values[i] = params[i]
        if values[i] == nil then values[i] = params[name] end
        if values[i] == nil then return nil end
    end
    return values
end

return function(name, names, body)
    uwsgi.register_rpc(name, function(text)
        local values = in_order(cjson.decode(text), names)
        if not values then
            return error_text(-32602, name .. ' takes: ' .. table.concat(names, ' '))
        end
        local done, result = pcall(function()
            return cjson.encode(body((table.unpack or unpack)(values)))
        end)
        if done then return result end
        if type(result) ~= 'table' then return error_text(-32000, result) end
        return error_text(result.code, result.message, result.data)
    end)
end
