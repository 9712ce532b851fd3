// SPDX-License-Identifier: MIT
/*
 * Any bytes as a chunked body. Into what pieces they fall when they arrive makes no difference: all
 * at once and by pieces whose lengths follow from the bytes give the same body.
 */
#include "parse/chunked.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

struct decoded {
    enum rpc_chunked_status status;
    char *body;
    size_t len, rest;
};

static void require(bool holds) {
    if (!holds)
        abort();
}

/* Each piece in memory of its own, so that nothing is read or written beside it. */
static struct decoded decode(const uint8_t *data, size_t size, bool pieces) {
    struct rpc_chunked decoder = {0};
    struct decoded d = {.body = malloc(size + 1)};

    require(d.body != NULL);
    for (size_t at = 0; at < size && d.status == RPC_CHUNKED_MORE;) {
        size_t piece = pieces ? data[at] % 7u + 1 : size, len, rest;
        len = piece < size - at ? piece : size - at;
        size_t behind = size - at - len, fed = len;
        char *copy = malloc(len);
        require(copy != NULL);
        memcpy(copy, data + at, len);
        d.status = rpc_chunked_decode(&decoder, copy, &len, &rest);
        require(len + rest <= fed);
        memcpy(d.body + d.len, copy, len);
        free(copy);
        d.len += len;
        d.rest = rest + behind;
        at += fed;
    }
    return d;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct decoded whole = decode(data, size, false), parts = decode(data, size, true);

    require(whole.status == parts.status && whole.len == parts.len);
    require(memcmp(whole.body, parts.body, whole.len) == 0);
    if (whole.status == RPC_CHUNKED_END) {
        require(whole.rest == parts.rest && whole.len + whole.rest < size);
        require(size - whole.rest >= 5 && memcmp(data + size - whole.rest - 4, "\r\n\r\n", 4) == 0);
    }
    free(whole.body);
    free(parts.body);
    return 0;
}
