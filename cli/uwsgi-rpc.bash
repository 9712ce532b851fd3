# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# Completion of uwsgi-rpc's command line in bash: options, and a node's functions where it tells them.

# The words before the cursor, split at blanks alone: bash splits at the colons of nodes, too.
_uwsgi_rpc_words() {
    local line=${COMP_LINE:0:COMP_POINT}
    read -ra words <<<"$line"
    [[ $line != *[[:blank:]] ]] || words+=('')
}

# The first word that is neither an option nor one's value; empty when there is none.
_uwsgi_rpc_node() {
    local i last=$((${#words[@]} - 1))
    for ((i = 1; i < last; i++)); do
        case ${words[i]} in
        -t | --timeout | --connect-timeout | --max-response | -c | --connections | -n | --calls | \
            --ca | --cert | --key) ((i++)) ;;
        --) ;;
        -*) ;;
        *)
            node_at=$i
            return
            ;;
        esac
    done
    node_at=0
}

_uwsgi_rpc() {
    local words node_at last word options
    _uwsgi_rpc_words
    last=$((${#words[@]} - 1))
    word=${words[last]}
    _uwsgi_rpc_node
    COMPREPLY=()
    if ((node_at == 0)) && [[ $word == -* ]]; then
        options=$(uwsgi-rpc --help | grep -oE -- '(^| )--[a-z-]+' | sort -u)
        mapfile -t COMPREPLY < <(compgen -W "$options" -- "$word")
    elif ((node_at == 0)); then
        compopt -o filenames 2>/dev/null # a node may be the path of a socket
        mapfile -t COMPREPLY < <(compgen -f -- "$word")
    elif ((last == node_at + 1)); then
        mapfile -t COMPREPLY < <({
            echo --list
            uwsgi-rpc --timeout 2 --list -- "${words[node_at]}" 2>/dev/null
        } | while IFS= read -r name; do
            [[ $name != "$word"* ]] || printf '%q\n' "$name"
        done)
    fi
    _uwsgi_rpc_behind_colon "$word"
}

# What bash replaces begins behind the last colon of the word.
_uwsgi_rpc_behind_colon() {
    local head=${1%"${1##*:}"} i
    [[ $COMP_WORDBREAKS == *:* && -n $head ]] || return 0
    for i in "${!COMPREPLY[@]}"; do
        COMPREPLY[i]=${COMPREPLY[i]#"$head"}
    done
}

complete -F _uwsgi_rpc uwsgi-rpc
