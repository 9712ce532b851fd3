#!/bin/sh
# make demo: starts examples/quickstart on ports of its own, calls its function in every way, shows
# each command and its answer, and fails if one is not as expected.
set -eu
cd "$(dirname "$0")/.."
dir=$(mktemp -d)
log=$dir/uwsgi.log
: >"$log"

cp -r examples "$dir/examples"
ln -s "${RPC_PLUGIN_DIR:-$PWD}/rpc_plugin.so" "$dir/rpc_plugin.so"
ini=$dir/examples/quickstart/quickstart.ini
sed -i 's/127\.0\.0\.1:[0-9]*/127.0.0.1:0/' "$ini"

"${UWSGI:-uwsgi-core}" --ini "$ini" --die-on-term --worker-reload-mercy 2 >>"$log" 2>&1 &
pid=$!
stop() { # a master that is still starting misses a signal; so does a worker, which is killed in the end
    for _ in $(seq 100); do
        kill "$pid" 2>/dev/null || break
        sleep 0.1
    done
    wait "$pid" || true
    rm -rf "$dir"
}
trap stop EXIT
trap 'exit 1' HUP INT PIPE TERM

until grep -q 'spawned uWSGI worker 1' "$log"; do
    kill -0 "$pid" 2>/dev/null || { cat "$log" >&2; exit 1; }
    sleep 0.1
done
address() {
    sed -n "s/^uwsgi socket $1 bound to TCP address \([^ ]*\).*/\1/p" "$log"
}
socket=$(address 0)
http=http://$(address 1)

call() { # what it shows, expected answer, command
    printf '\n# %s\n$ %s\n' "$1" "$3"
    answer=$(sh -c "$3" 2>&1) || true
    printf '%s\n' "$answer"
    [ "$answer" = "$2" ] || { printf 'expected: %s\n' "$2" >&2; exit 1; }
}

echo "a uWSGI with the function hello, from examples/quickstart: socket $socket, $http"
call 'a packet, by a client of 40 lines' 'hello World' \
    "python3 examples/clients/rpc.py $socket hello World"
call 'a packet by hand (modifier2 0): a header, then the result' \
    ' 255  \v  \0  \0   h   e   l   l   o       W   o   r   l   d' \
    "printf '\\255\\016\\0\\0\\5\\0hello\\5\\0World' | curl -s telnet://$socket | od -An -c"
call 'the same with modifier2 1: the result alone' 'hello World' \
    "printf '\\255\\016\\0\\1\\5\\0hello\\5\\0World' | curl -s telnet://$socket"
# shellcheck disable=SC2016  # uWSGI expands these
call 'from a route: rpc:hello ${REQUEST_URI} ${REMOTE_ADDR}' 'hello /foo 127.0.0.1' \
    "curl -s $http/foo"
call 'HTTP, as a path' 'hello World' \
    "curl -s $http/rpc/hello/World"
call 'HTTP, JSON-RPC 2.0' '{"jsonrpc":"2.0","result":"hello World","id":1}' \
    "curl -s --json '{\"jsonrpc\":\"2.0\",\"method\":\"hello\",\"params\":[\"World\"],\"id\":1}' $http/jsonrpc"
if ! grep -q 'built without libxml2' "$log"; then
    call 'HTTP, XML-RPC' 'hello World' \
        "python3 -c 'import xmlrpc.client as x; print(x.ServerProxy(\"$http/xmlrpc\").hello(\"World\"))'"
fi
