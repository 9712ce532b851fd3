// SPDX-License-Identifier: MIT
// Typed functions in JavaScript; typed.js is loaded before.
typed('add', ['x', 'y'], function (x, y) { return x + y; });

typed('user', ['id'], function (id) {
    if (id !== 1) {
        throw new TypedError(404, 'no such user', {id: id});
    }
    return {id: id, name: 'Zo\u00eb'};
});

typed('echo', ['value'], function (value) { return value; });

typed('total', ['items'], function (items) {
    return items.reduce(function (sum, item) { return sum + item.price * item.count; }, 0);
});

typed('boom', [], function () { throw new Error('boom'); });

// Not JSON, whatever rpc-json says of it.
uwsgi.register_rpc('text', function () { return 'text'; });
