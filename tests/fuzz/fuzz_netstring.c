// SPDX-License-Identifier: MIT
/*
 * Any bytes as netstrings: what is read lies inside, and written again it is what was read. A call
 * is read where, and only where, its strings can be.
 */
#define _GNU_SOURCE
#include "parse/netstring.h"

#include <stdlib.h>
#include <string.h>

static void require(bool holds) {
    if (!holds)
        abort();
}

/* Returns how many strings there are up to the end, -1 when they do not get there. */
static int read_all(const char *data, size_t size) {
    const char *at = data, *end = data + size, *text;
    struct rpc_bytes again = {0};
    size_t len;
    int count = 0;

    while (at < end && rpc_netstring_read(&at, end, &text, &len)) {
        require(text > data && len < (size_t)(end - text) && at == text + len + 1);
        rpc_netstring_put(&again, text, len);
        count++;
    }
    require(!again.failed && again.len == (size_t)(at - data));
    require(!again.len || memcmp(again.data, data, again.len) == 0);
    rpc_bytes_free(&again);
    return at == end ? count : -1;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    char *copy = malloc(size ? size : 1);
    const char *nodes;
    size_t nodes_len;
    struct rpc_call call;

    require(copy != NULL);
    memcpy(copy, data, size);
    int count = read_all(copy, size);
    if (rpc_netstring_read_call(copy, size, &nodes, &nodes_len, &call)) {
        require(count == 2 + call.arg_count);
        require(call.name_len > 0 && !memchr(call.name, 0, call.name_len));
    } else {
        require(count < 2 || count > 2 + RPC_ARGS_MAX || size > RPC_NAME_MAX ||
                memchr(copy, 0, size) || memmem(copy, size, "0:,", 3));
    }
    free(copy);
    return 0;
}
