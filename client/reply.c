// SPDX-License-Identifier: MIT
/*
 * A reply while it arrives, see client/reply.h. The bytes of a packet are in rpc_wire.
 */
#include "reply.h"

#include <stdlib.h>
#include <string.h>

#include "../rpc_wire.h"

/* A result's memory is at most this, or twice what has arrived. */
#define GROW_MIN ((size_t)64 * 1024)

void rpc_reply_begin(struct rpc_reply *reply, char *head, bool raw, uint64_t max) {
    *reply = (struct rpc_reply){.head = head, .raw = raw, .in_result = raw, .max = max};
    /* one more than allowed, so that the one too many is seen */
    if (raw)
        reply->total = max && max < SIZE_MAX - 1 ? max + 1 : SIZE_MAX - 1;
}

/*
 * Room for more bytes of the result: the bytes expected, halved until they are no more than twice
 * what has arrived (or GROW_MIN). So the last step ends exactly at the end, from half of it.
 */
static enum rpc_status grow(struct rpc_reply *reply) {
    size_t limit = reply->len < GROW_MIN / 2 ? GROW_MIN : reply->len * 2;
    uint64_t size = reply->total;

    /* On 32 bit, twice what has arrived may be more than there are addresses. */
    if (reply->len > SIZE_MAX / 2 - 1)
        return RPC_NO_MEMORY;
    while (size > limit)
        size = size / 2 + size % 2;
    char *data = realloc(reply->data, (size_t)size + 1);
    if (!data)
        return RPC_NO_MEMORY;
    reply->data = data;
    reply->size = (size_t)size;
    return RPC_OK;
}

enum rpc_status rpc_reply_room(struct rpc_reply *reply, char **at, size_t *room) {
    if (!reply->in_result) {
        *at = reply->head + reply->head_len;
        *room = RPC_REPLY_HEAD_MAX - reply->head_len;
        return RPC_OK;
    }
    enum rpc_status status = reply->len < reply->size ? RPC_OK : grow(reply);
    if (status != RPC_OK)
        return status;
    *at = reply->data + reply->len;
    *room = reply->size - reply->len;
    return RPC_OK;
}

/* The head, and with it as much of the result as comes along. */
static enum rpc_status head_arrived(struct rpc_reply *reply, bool *whole) {
    struct rpc_wire_reply wire;
    int known = rpc_wire_reply_parse(reply->head, reply->head_len, &wire);

    if (known < 0 || wire.head_len > RPC_REPLY_HEAD_MAX)
        return RPC_NODE_GARBLED;
    if (known == 0)
        return RPC_OK;
    if (reply->max && wire.result_len > reply->max)
        return RPC_NODE_TOO_LARGE;
    size_t len = reply->head_len - wire.head_len;
    reply->in_result = true;
    reply->total = wire.result_len;
    reply->clean = len <= wire.result_len;
    if (!reply->clean)
        len = (size_t)wire.result_len;
    enum rpc_status status = grow(reply);
    if (status != RPC_OK)
        return status;
    memcpy(reply->data, reply->head + wire.head_len, len);
    reply->len = len;
    *whole = len == reply->total;
    return RPC_OK;
}

/* The end of a connection is the end of a raw result, unless that is empty. */
static enum rpc_status closed(struct rpc_reply *reply, bool *whole) {
    if (!reply->raw || reply->len == 0)
        return RPC_NODE_CLOSED;
    char *data = realloc(reply->data, reply->len + 1);
    if (data)
        reply->data = data;
    *whole = true;
    return RPC_OK;
}

enum rpc_status rpc_reply_arrived(struct rpc_reply *reply, size_t len, bool *whole) {
    *whole = false;
    if (len == 0)
        return closed(reply, whole);
    reply->heard = true;
    if (!reply->in_result) {
        reply->head_len += len;
        return head_arrived(reply, whole);
    }
    reply->len += len;
    if (reply->len < reply->total)
        return RPC_OK;
    *whole = !reply->raw;
    return reply->raw ? RPC_NODE_TOO_LARGE : RPC_OK;
}

struct rpc_result rpc_reply_result_take(struct rpc_reply *reply) {
    struct rpc_result result = {reply->data, reply->len};
    result.data[result.len] = 0;
    reply->data = NULL;
    return result;
}

void rpc_reply_free(struct rpc_reply *reply) {
    free(reply->data);
    reply->data = NULL;
}
