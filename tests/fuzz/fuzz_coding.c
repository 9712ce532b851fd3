// SPDX-License-Identifier: MIT
/*
 * Any bytes as a compressed body, the first one says of which coding: never more comes out than is
 * allowed, and a larger bound changes nothing but what was too large.
 */
#include "parse/coding.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define SMALL 1000
#define LARGE 100000

static void require(bool holds) {
    if (!holds)
        abort();
}

static enum rpc_status decode(enum rpc_coding coding, const uint8_t *data, size_t size, size_t max,
                              struct rpc_bytes *out) {
    char *copy = malloc(size + !size);
    require(copy != NULL);
    if (size)
        memcpy(copy, data, size);
    *out = (struct rpc_bytes){0};
    enum rpc_status status = rpc_coding_decode(coding, copy, size, max, out);
    free(copy);
    require(out->len <= max + 1 && (status != RPC_OK || out->len <= max));
    return status;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct rpc_bytes small, large;

    if (size == 0)
        return 0;
    rpc_coding_read((struct rpc_field){(const char *)data, size});
    enum rpc_coding coding = data[0] & 1 ? RPC_CODING_GZIP : RPC_CODING_DEFLATE;
    enum rpc_status first = decode(coding, data + 1, size - 1, SMALL, &small);
    enum rpc_status second = decode(coding, data + 1, size - 1, LARGE, &large);
    if (first == RPC_OK) {
        require(second == RPC_OK && small.len == large.len);
        require(small.len == 0 || memcmp(small.data, large.data, small.len) == 0);
    } else if (first == RPC_BAD_CODING) {
        require(second == RPC_BAD_CODING);
    }
    rpc_bytes_free(&small);
    rpc_bytes_free(&large);
    return 0;
}
