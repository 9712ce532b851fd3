// SPDX-License-Identifier: MIT
/*
 * Bodies of packets, for the tests of the packet codec.
 */
#ifndef WIRE_BODIES_H
#define WIRE_BODIES_H

#include "parse/bytes.h"
#include "unit.h"

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

/* --- building bodies ----------------------------------------------------------------------------
 */

static inline void put_u16(struct rpc_bytes *body, size_t value) {
    char bytes[2] = {(char)(value % 256), (char)(value / 256)};
    rpc_bytes_append(body, bytes, 2);
}

static inline void put_item(struct rpc_bytes *body, const void *data, size_t len) {
    put_u16(body, len);
    rpc_bytes_append(body, data, len);
}

/* An item of len times c. */
static inline void put_filled(struct rpc_bytes *body, char c, size_t len) {
    put_u16(body, len);
    char *p = rpc_bytes_reserve(body, len);
    ck_assert_ptr_nonnull(p);
    memset(p, c, len);
    body->len += len;
}

/* A body written as its items, '|' between them: "hello|foo||bar" has an empty one. */
static inline struct rpc_bytes body_of(const char *items) {
    struct rpc_bytes body = {0};
    for (;;) {
        size_t len = strcspn(items, "|");
        put_item(&body, items, len);
        if (!items[len])
            return body;
        items += len + 1;
    }
}

#endif
