// SPDX-License-Identifier: MIT
/*
 * Calls a function on another node: connect, send, receive, with one deadline for the whole, over
 * a list of nodes and, if wanted, kept connections. It waits nowhere but in a callback, so threads,
 * green threads and plain programs use it alike. No uWSGI.
 *
 * A call happens at most once: a node that cannot be connected to is skipped for a while and the
 * next one tried, but from the first byte of the request on nothing is ever sent again.
 */
#ifndef RPC_CLIENT_H
#define RPC_CLIENT_H

#include "../rpc.h"
#include "node.h"

/* What a 0 in struct rpc_client_opts stands for, in milliseconds. */
#define RPC_CLIENT_TIMEOUT_MS 4000 /* uWSGI's socket-timeout */
#define RPC_CLIENT_IDLE_MS 3000    /* safely below it: after that a puwsgi-socket closes */
#define RPC_CLIENT_REST_MS 5000

/* Largest dictionary, with its header, that may stand before a long result. */
#define RPC_CLIENT_HEAD_MAX 4096

/*
 * Waits until fd can be read from (or written to, or has failed) for timeout_ms at the most. It may
 * switch to other green threads. Returns > 0 when ready (or perhaps so: the client looks again),
 * 0 when the time is over, < 0 when it cannot wait.
 */
typedef int (*rpc_wait_fn)(void *ctx, int fd, bool for_write, int timeout_ms);

/* How to call. All zero is a good choice: no keepalive, no limit, poll(). */
struct rpc_client_opts {
    int64_t timeout_ms; /* of the whole call; 0: RPC_CLIENT_TIMEOUT_MS */
    int64_t
        connect_timeout_ms; /* of one attempt to connect; 0: only a fair share of timeout_ms, which
                           holds in any case: what is left, divided by what is left to try */
    uint64_t max_response;  /* bytes of the largest result accepted; 0: no limit */
    unsigned keepalive;     /* idle connections kept per node and process; 0: none */
    int64_t idle_ms;        /* after this an idle connection is not used again, to stay clear of
                           the node's own idle timeout; 0: RPC_CLIENT_IDLE_MS */
    int64_t rest_ms;        /* how long a node that cannot be connected to is skipped;
                           0: RPC_CLIENT_REST_MS */
    bool raw;         /* ask for the result's bytes alone (modifier2 1): the result is all that
                         arrives until the node closes */
    rpc_wait_fn wait; /* NULL: rpc_wait_poll */
    void *wait_ctx;   /* handed to wait */
    int64_t (*now_ms)(void); /* a monotonic clock, the same in all calls; NULL: CLOCK_MONOTONIC */
};

/* How a call went, for log lines and counters. */
struct rpc_client_report {
    const struct rpc_node *node; /* the one asked last, NULL if none was; lives with the list */
    unsigned tried;              /* nodes asked */
    bool kept;                   /* over a connection kept from an earlier call */
    int error;                   /* errno of what failed last, 0 if no system call did */
};

/*
 * Calls a function on one of the nodes.
 *   nodes   see rpc_nodes_parse; may be used by any number of calls at once
 *   opts    read during the call only; NULL for all zero
 *   call    name and arguments need not be NUL-terminated; empty arguments are left out, since a
 *           packet cannot carry them
 *   result  on RPC_OK the result, to be freed by the caller: malloc'ed, never NULL, with a NUL
 *           behind its last byte; otherwise {NULL, 0}
 *   report  filled in any case; NULL if nobody wants to know
 * Returns
 *   RPC_OK
 *   RPC_NODE_UNREACHABLE     no node could be connected to; nothing was sent
 *   RPC_NODE_TIMEOUT         the deadline passed, or wait could not wait
 *   RPC_NODE_CLOSED          the connection ended before the whole result was there; before its
 *                            first byte, that is how a node says that it has no such function (and
 *                            with raw also that the result is empty)
 *   RPC_NODE_GARBLED         what arrived is no reply
 *   RPC_NODE_TOO_LARGE       the result is larger than max_response
 *   RPC_NODE_CALL_TOO_LARGE  the call does not fit a packet; nothing was sent
 *   RPC_NO_NAME, RPC_BAD_NAME  a name of 0 bytes or of more than 255; nothing was sent
 *   RPC_NO_MEMORY
 * After a timeout, a close, or anything else but RPC_NODE_UNREACHABLE, it is not known whether the
 * function ran. Memory grows with what arrives, not with what the node promises.
 */
enum rpc_status rpc_client_call(struct rpc_nodes *nodes, const struct rpc_client_opts *opts,
                                const struct rpc_call *call, struct rpc_result *result,
                                struct rpc_client_report *report);

/* The wait callback of programs without green threads: poll(). ctx is not used. */
int rpc_wait_poll(void *ctx, int fd, bool for_write, int timeout_ms);

#endif
