// SPDX-License-Identifier: MIT
/*
 * A node's reply while it arrives: where its next bytes go, and when it is whole. It reads nothing
 * itself. No uWSGI.
 */
#ifndef RPC_REPLY_H
#define RPC_REPLY_H

#include "../rpc.h"

/* Largest dictionary, with its header, that may stand before a long result. */
#define RPC_REPLY_HEAD_MAX 4096

struct rpc_reply {
    char *head;      /* RPC_REPLY_HEAD_MAX bytes of the caller's, for what comes first */
    size_t head_len; /* bytes that have arrived there */
    char *data;      /* the result, once its length is known; with room for a NUL */
    size_t len;      /* bytes that have arrived there */
    size_t size;     /* bytes of room there */
    uint64_t total;  /* bytes expected there */
    uint64_t max;    /* bytes of the largest result; 0: no limit */
    bool raw;        /* the result is all that arrives */
    bool in_result;
    bool heard; /* a byte has arrived */
    bool clean; /* the reply ended exactly as promised: another may follow */
};

/*
 * Prepares for a reply.
 *   head  RPC_REPLY_HEAD_MAX bytes, which stay the caller's
 *   raw   the reply to modifier2 1: it has no head and ends with the connection
 *   max   a result of more bytes is refused; 0: none is
 */
void rpc_reply_begin(struct rpc_reply *reply, char *head, bool raw, uint64_t max);

/*
 * Where the next bytes are to be read into: *room of them at the most, at least one. Memory grows
 * with what has arrived, not with what was promised. RPC_OK or RPC_NO_MEMORY.
 */
enum rpc_status rpc_reply_room(struct rpc_reply *reply, char **at, size_t *room);

/*
 * Takes note of len bytes read there; 0: the connection has ended. Returns RPC_OK, with *whole when
 * nothing more is expected; RPC_NODE_CLOSED, RPC_NODE_GARBLED, RPC_NODE_TOO_LARGE or RPC_NO_MEMORY.
 */
enum rpc_status rpc_reply_arrived(struct rpc_reply *reply, size_t len, bool *whole);

/* The result of a whole reply, NUL-terminated, never NULL: the caller's to free. */
struct rpc_result rpc_reply_result_take(struct rpc_reply *reply);

/* Frees what has arrived. */
void rpc_reply_free(struct rpc_reply *reply);

#endif
