// For the host of examples/javascript, whose uwsgi.rpc is the stock client.
uwsgi.rpc = uwsgi.call.bind(uwsgi, 'net.call');

function netstrings() {
    return Array.prototype.map.call(arguments, function (item) {
        return item.length + ':' + item + ',';
    }).join('');
}

// One call: its result, or how it failed.
uwsgi.register_rpc('javascript_ask', function () {
    var result = uwsgi.rpc.apply(null, arguments);
    return result === null ? uwsgi.call('net.outcome') : result;
});

// A call for each argument, all at once.
uwsgi.register_rpc('javascript_gather', function (nodes, name) {
    var calls = Array.prototype.slice.call(arguments, 2).map(function (arg) {
        return netstrings(nodes, name, arg);
    });
    return uwsgi.call.apply(uwsgi, ['net.gather'].concat(calls));
});
