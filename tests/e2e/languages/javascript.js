// SPDX-License-Identifier: MIT
// The functions every language registers, in JavaScript, for the host of examples/javascript.
var functions = {
    echo: function () {
        return Array.prototype.map.call(arguments, function (arg) {
            return arg.length + ':' + arg + ',';
        }).join('');
    },
    count: function () { return arguments.length; },
    empty: function () { return ''; },
    one: function () { return '1'; },
    big: function () { return new Array(102400 + 1).join('x'); },
    fail: function () { throw new Error('refused by javascript_fail'); },
    call: function () { return uwsgi.call.apply(uwsgi, arguments); },
    remote: function () { return uwsgi.rpc.apply(uwsgi, arguments); }
};

Object.keys(functions).forEach(function (name) {
    uwsgi.register_rpc('javascript_' + name, functions[name]);
});
