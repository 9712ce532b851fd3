// SPDX-License-Identifier: MIT
/*
 * Netstrings, see parse/netstring.h.
 */
#include "netstring.h"

#include <string.h>

/* The number at *at, up to max; false when there is none. */
static bool read_length(const char **at, const char *end, size_t max, size_t *len) {
    const char *p = *at;
    size_t number = 0;

    while (p < end && *p >= '0' && *p <= '9' && number <= max / 10)
        number = number * 10 + (size_t)(*p++ - '0');
    if (p == *at || (**at == '0' && p - *at > 1) || number > max)
        return false;
    *at = p;
    *len = number;
    return true;
}

bool rpc_netstring_read(const char **at, const char *end, const char **text, size_t *len) {
    const char *p = *at;
    size_t number;

    if (!read_length(&p, end, (size_t)(end - p), &number) || p == end || *p++ != ':' ||
        (size_t)(end - p) <= number || p[number] != ',')
        return false;
    *text = p;
    *len = number;
    *at = p + number + 1;
    return true;
}

static bool read_arguments(const char *at, const char *end, struct rpc_call *call) {
    size_t len;

    for (call->arg_count = 0; at < end; call->arg_count++) {
        if (call->arg_count == RPC_ARGS_MAX)
            return false;
        if (!rpc_netstring_read(&at, end, &call->arg[call->arg_count], &len) ||
            len > RPC_ARG_LEN_MAX)
            return false;
        call->arg_len[call->arg_count] = (uint16_t)len;
    }
    return true;
}

bool rpc_netstring_read_call(const char *text, size_t len, const char **nodes, size_t *nodes_len,
                             struct rpc_call *call) {
    const char *at = text, *end = text + len;
    size_t name_len;

    if (!rpc_netstring_read(&at, end, nodes, nodes_len) ||
        !rpc_netstring_read(&at, end, &call->name, &name_len))
        return false;
    if (name_len == 0 || name_len > RPC_NAME_MAX || memchr(call->name, 0, name_len))
        return false;
    call->name_len = (uint16_t)name_len;
    return read_arguments(at, end, call);
}

void rpc_netstring_put(struct rpc_bytes *bytes, const char *text, size_t len) {
    char digits[RPC_DECIMAL_MAX], *end = digits + sizeof(digits), *first = rpc_decimal(len, end);

    rpc_bytes_append(bytes, first, (size_t)(end - first));
    rpc_bytes_append(bytes, ":", 1);
    if (len)
        rpc_bytes_append(bytes, text, len);
    rpc_bytes_append(bytes, ",", 1);
}
