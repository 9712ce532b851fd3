#!/bin/sh
# SPDX-License-Identifier: MIT
# curl: what it makes of the JSON-RPC bridge at the URL given.
set -eu
url=$1
type=application/json

call() { # method, params, then options of curl
    document="{\"jsonrpc\": \"2.0\", \"method\": \"$1\", \"params\": $2, \"id\": 1}"
    shift 2
    printf '%s' "$document" | curl -sS -H "Content-Type: $type" --data-binary @- "$@" "$url"
    echo
}

call hello '["big", "world"]'
call first '[{"base64": "AP+A"}]'
call nosuch '[]'
call hello '["chunked"]' -H 'Transfer-Encoding: chunked'
call hello '["1.0"]' --http1.0
type=application/x-www-form-urlencoded
call hello '["form"]' -o /dev/null -w '%{http_code}'
