#!/bin/bash
# SPDX-License-Identifier: MIT
# Calls a function of a uWSGI server: "rpc.sh HOST:PORT NAME [ARG...]" prints its result. Needs bash
# (for /dev/tcp) and GNU head. An argument cannot have a NUL in it; the result can.

# uwsgi_rpc HOST:PORT NAME [ARG...]: writes the result to standard output, or fails.
uwsgi_rpc() (
    LC_ALL=C size=0 host=${1%:*} port=${1##*:} && shift
    for item; do ((size += ${#item} ? 2 + ${#item} : 0)); done
    ((size <= 65535)) || fail 'name and arguments are over 65535 bytes'
    host=${host#[} host=${host%]}
    { exec 3<>"/dev/tcp/$host/$port"; } 2>/dev/null || fail "cannot connect to $host port $port"
    {
        printf '\xad' && u16 "$size" && printf '\0'
        for item; do [ -z "$item" ] || { u16 ${#item} && printf %s "$item"; }; done
    } | cat >&3 2>/dev/null
    read -ra header <<<"$(head -c 4 <&3 2>/dev/null | od -An -tu1)"
    ((${#header[@]} == 4)) || fail 'the node closed the connection without an answer'
    ((header[0] == 173)) || fail 'the node answered something else'
    size=$((header[1] + 256 * header[2]))
    if ((header[3])); then # a dictionary, whose CONTENT_LENGTH says what follows
        [[ $(head -c "$size" <&3 | tr -cd A-Z_0-9) =~ CONTENT_LENGTH([0-9]+) ]] ||
            fail 'the node answered something else'
        size=${BASH_REMATCH[1]}
    fi
    exec 4>&1
    got=$(head -c "$size" <&3 | dd bs=64k 2>&1 >&4 | sed -n 's/ byte.*//p')
    ((got == size)) || fail 'the node closed the connection without an answer'
)

u16() {
    printf -v bytes '\\x%x\\x%x' $(($1 & 255)) $(($1 >> 8))
    printf %b "$bytes"
}

fail() {
    echo "rpc.sh: $1" >&2 && exit 1
}

(return 2>/dev/null) || uwsgi_rpc "${@:?usage: HOST:PORT NAME [ARG...]}"
