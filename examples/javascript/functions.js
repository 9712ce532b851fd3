// SPDX-License-Identifier: MIT
// RPC functions in JavaScript. Arguments are strings with one character for each byte.

uwsgi.register_rpc('hello', function (name) {
    return 'hello ' + name;
});

// UTF-8 text has to be decoded before its characters are counted or turned around ...
function decode(bytes) {
    return decodeURIComponent(escape(bytes));
}

// ... and encoded before it is returned, here as a Uint8Array.
uwsgi.register_rpc('reverse', function (text) {
    var characters = decode(text).split('');
    return new TextEncoder().encode(characters.reverse().join(''));
});

// Numbers are text, too.
uwsgi.register_rpc('sum', function () {
    var sum = 0;
    for (var i = 0; i < arguments.length; i++) {
        sum += Number(arguments[i]);
    }
    return sum;
});

// A function of this server, in whatever language, or of another one: both answer null when there
// is nothing (an unknown function, a failure, an empty result).
uwsgi.register_rpc('greet_through', function (node, name) {
    return uwsgi.rpc(node, 'hello', name) || uwsgi.call('hello', 'nobody');
});

uwsgi.register_rpc('divide', function (a, b) {
    if (Number(b) === 0) {
        throw new RangeError('division by zero');
    }
    return Number(a) / Number(b);
});

uwsgi.log('functions.js is loaded');
