// SPDX-License-Identifier: MIT
/*
 * Any bytes as a packet's body and as the beginning of a reply. A body that is accepted keeps its
 * items through being terminated in place, with and without a spare byte, and through being encoded
 * and decoded again.
 */
#include "rpc_wire.h"

#include <stdlib.h>
#include <string.h>

static void require(bool holds) {
    if (!holds)
        abort();
}

/* A copy in a block of its own size, so that a sanitizer sees every step beyond it. */
static char *copy_of(const void *data, size_t len) {
    char *copy = malloc(len ? len : 1);
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

static void require_sound(const struct rpc_call *call, const char *body, size_t len) {
    require(call->name_len >= 1 && call->name_len <= RPC_NAME_MAX);
    require(!memchr(call->name, 0, call->name_len));
    require(call->arg_count <= RPC_ARGS_MAX);
    const char *p = body + 2;
    for (unsigned i = 0; i <= call->arg_count; i++) {
        const char *item = i ? call->arg[i - 1] : call->name;
        size_t item_len = i ? call->arg_len[i - 1] : call->name_len;
        require(item >= p && item_len > 0 && item + item_len <= body + len);
        p = item + item_len + 2;
    }
}

static void terminate(const char *body, size_t len, bool spare, const struct rpc_call *should) {
    struct rpc_call call;
    char *copy = malloc(len + spare);
    require(copy != NULL);
    memcpy(copy, body, len);
    require(rpc_wire_decode(copy, len, &call) == RPC_OK);
    rpc_wire_terminate(copy, len, spare, &call);
    require_same(&call, should);
    require(call.name[call.name_len] == 0);
    for (unsigned i = 0; i < call.arg_count; i++)
        require(call.arg[i][call.arg_len[i]] == 0);
    free(copy);
}

static void round_trip(const struct rpc_call *call) {
    struct rpc_call back;
    size_t len = rpc_wire_body_len(call);
    char *packet = malloc(RPC_WIRE_HEADER_LEN + len);
    require(packet && len <= RPC_WIRE_BODY_MAX);
    require(rpc_wire_encode(call, 1, packet) == RPC_WIRE_HEADER_LEN + len);
    require(rpc_wire_decode(packet + RPC_WIRE_HEADER_LEN, len, &back) == RPC_OK);
    require_same(call, &back);
    free(packet);
}

static void fuzz_body(const char *body, size_t len) {
    struct rpc_call call;
    enum rpc_status status = rpc_wire_decode(body, len, &call);
    require(status == RPC_OK || status == RPC_TRUNCATED || status == RPC_STRAY_BYTE ||
            status == RPC_NO_NAME || status == RPC_BAD_NAME || status == RPC_TOO_MANY_ARGS);
    if (status != RPC_OK)
        return;
    require_sound(&call, body, len);
    terminate(body, len, false, &call);
    terminate(body, len, true, &call);
    if (len <= RPC_WIRE_BODY_MAX)
        round_trip(&call);
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
    char *copy = copy_of(data, size);
    fuzz_body(copy, size);
    fuzz_reply(copy, size);
    require(memcmp(copy, data, size) == 0);
    free(copy);
    return 0;
}
