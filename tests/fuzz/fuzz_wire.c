// SPDX-License-Identifier: MIT
/*
 * Any bytes as a packet's body and as the beginning of a reply. A body that is accepted keeps its
 * items through being decoded in place, with and without a spare byte, and through being encoded
 * and decoded again.
 */
#include "rpc_wire.h"

#include <stdlib.h>
#include <string.h>

static void require(bool holds) {
    if (!holds)
        abort();
}

/* A copy in a block of its own size and the spare byte, so that a sanitizer sees every step beyond.
 */
static char *copy_of(const void *data, size_t len, bool spare) {
    char *copy = malloc(len + spare + !len);
    require(copy != NULL);
    if (len)
        memcpy(copy, data, len);
    return copy;
}

static void require_same(const struct rpc_call *a, const struct rpc_call *b) {
    require(a->name_len == b->name_len && a->arg_count == b->arg_count);
    require(memcmp(a->name, b->name, a->name_len) == 0);
    for (unsigned i = 0; i < a->arg_count; i++) {
        require(a->arg_len[i] == b->arg_len[i]);
        require(memcmp(a->arg[i], b->arg[i], a->arg_len[i]) == 0);
    }
}

/* A call is the items of its body that are not empty, each with its NUL. */
static void require_items(const struct rpc_call *call, const char *body, size_t len) {
    unsigned i = 0;
    require(call->name_len >= 1 && call->name_len <= RPC_NAME_MAX);
    require(strlen(call->name) == call->name_len);
    for (size_t at = 0, item_len; at < len; at += item_len) {
        item_len = (unsigned char)body[at] + 256u * (unsigned char)body[at + 1];
        at += 2;
        if (item_len == 0)
            continue;
        require(i <= call->arg_count);
        const char *item = i ? call->arg[i - 1] : call->name;
        require(item_len == (i ? call->arg_len[i - 1] : call->name_len));
        require(memcmp(item, body + at, item_len) == 0 && item[item_len] == 0);
        i++;
    }
    require(i == call->arg_count + 1u);
}

static void round_trip(const struct rpc_call *call) {
    struct rpc_call back;
    size_t len = rpc_wire_body_len(call);
    char *packet = malloc(RPC_WIRE_HEADER_LEN + len);
    require(packet && len <= RPC_WIRE_BODY_MAX);
    require(rpc_wire_encode(call, 1, packet) == RPC_WIRE_HEADER_LEN + len);
    require(rpc_wire_decode(packet + RPC_WIRE_HEADER_LEN, len, false, &back) == RPC_OK);
    require_same(call, &back);
    free(packet);
}

static enum rpc_status decode(const char *body, size_t len, bool spare) {
    struct rpc_call call;
    char *copy = copy_of(body, len, spare);

    enum rpc_status status = rpc_wire_decode(copy, len, spare, &call);
    if (status == RPC_OK) {
        require_items(&call, body, len);
        if (len <= RPC_WIRE_BODY_MAX)
            round_trip(&call);
    }
    free(copy);
    return status;
}

static void fuzz_body(const char *body, size_t len) {
    enum rpc_status status = decode(body, len, false);
    require(status == decode(body, len, true));
    require(status == RPC_OK || status == RPC_TRUNCATED || status == RPC_STRAY_BYTE ||
            status == RPC_NO_NAME || status == RPC_BAD_NAME || status == RPC_TOO_MANY_ARGS);
}

/* What a reply says does not depend on how much of it has arrived, once it says anything. */
static void fuzz_reply(const char *data, size_t len) {
    struct rpc_wire_reply reply, part;
    int said = rpc_wire_reply_parse(data, len, &reply);
    if (said == 0)
        require(reply.head_len > len && reply.result_len == 0);
    if (said != 1)
        return;
    require(reply.head_len >= RPC_WIRE_HEADER_LEN && reply.head_len <= len);
    require(rpc_wire_reply_parse(data, reply.head_len, &part) == 1);
    require(part.head_len == reply.head_len && part.result_len == reply.result_len);
    require(rpc_wire_reply_parse(data, reply.head_len - 1, &part) == 0);
    char head[RPC_WIRE_REPLY_HEAD_MAX];
    size_t head_len = rpc_wire_reply_head(reply.result_len, head);
    require(head_len <= sizeof(head));
    require(rpc_wire_reply_parse(head, head_len, &part) == 1);
    require(part.head_len == head_len && part.result_len == reply.result_len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    char *copy = copy_of(data, size, false);
    fuzz_body(copy, size);
    fuzz_reply(copy, size);
    require(memcmp(copy, data, size) == 0);
    free(copy);
    return 0;
}
