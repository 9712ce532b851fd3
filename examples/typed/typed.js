// SPDX-License-Identifier: MIT
// Turns a function into a typed one: typed(NAME, [PARAMETER, ...], function), and rpc-json in uWSGI's
// configuration. For the host of examples/javascript, whose strings have a character for each byte.
function TypedError(code, message, data) {
    this.code = code;
    this.message = message;
    this.data = data;
}

function typed(name, names, body) {
    function errorText(code, message, data) {
        return 'error ' + code + ' ' + String(message).replace(/\s+/g, ' ') +
            (data === undefined ? '' : '\n' + JSON.stringify(data));
    }

    // The parameters in their order, or null when they are not these.
    function inOrder(params) {
        if (Object.keys(params).length !== names.length) { return null; }
        if (Array.isArray(params)) { return params; }
        return names.every(function (key) { return key in params; }) ?
            names.map(function (key) { return params[key]; }) : null;
    }

    function call(params) {
        var values = inOrder(params), result;
        if (!values) { return errorText(-32602, name + ' takes: ' + names.join(' ')); }
        try {
            result = JSON.stringify(body.apply(null, values));
            return result === undefined ? 'null' : result;
        } catch (e) {
            return e instanceof TypedError ? errorText(e.code, e.message, e.data) :
                errorText(-32000, e.message || e);
        }
    }

    uwsgi.register_rpc(name, function (text) {
        return unescape(encodeURIComponent(call(JSON.parse(decodeURIComponent(escape(text))))));
    });
}
