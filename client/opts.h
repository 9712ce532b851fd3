// SPDX-License-Identifier: MIT
/*
 * How to call nodes, and what is told of a call afterwards. No uWSGI.
 */
#ifndef RPC_CLIENT_OPTS_H
#define RPC_CLIENT_OPTS_H

#include <time.h>

#include "node.h"

/* What a 0 in struct rpc_client_opts stands for, in milliseconds. */
#define RPC_CLIENT_TIMEOUT_MS 4000 /* uWSGI's socket-timeout */
#define RPC_CLIENT_IDLE_MS 3000    /* safely below it: after that a puwsgi-socket closes */
#define RPC_CLIENT_REST_MS 5000

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
    const struct rpc_tls_context *tls; /* for nodes spoken to in TLS; NULL: the CAs of the system,
                                          and no certificate */
    bool raw;         /* ask for the result's bytes alone (modifier2 1): the result is all that
                         arrives until the node closes */
    rpc_wait_fn wait; /* NULL: rpc_wait_poll */
    void *wait_ctx;   /* handed to wait */
    int64_t (*now_ms)(void); /* a monotonic clock, the same in all calls; NULL: CLOCK_MONOTONIC */
    bool complete;           /* by rpc_client_opts_complete, which a call then leaves out */
};

/* How a call went, for log lines and counters. */
struct rpc_client_report {
    const struct rpc_node *node;    /* the one asked last, NULL if none was; lives with the list */
    unsigned tried;                 /* nodes asked */
    bool kept;                      /* over a connection kept from an earlier call */
    bool encrypted;                 /* a handshake of TLS was done */
    bool resumed;                   /* and it resumed a session */
    int error;                      /* errno of what failed last, 0 if no system call did */
    const struct rpc_node *refused; /* the last one with which TLS failed, NULL if with none */
    const char *reason;             /* why, in OpenSSL's words; NULL if it said nothing */
};

/* The same with every default in its place; NULL for all zero. */
struct rpc_client_opts rpc_client_opts_complete(const struct rpc_client_opts *given);

/* The time of a call, in milliseconds. */
static inline int64_t rpc_client_now(const struct rpc_client_opts *opts) {
    struct timespec now;

    if (opts->now_ms)
        return opts->now_ms();
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* The wait callback of programs without green threads: poll(). ctx is not used. */
int rpc_wait_poll(void *ctx, int fd, bool for_write, int timeout_ms);

/*
 * Waits until fd is ready or until_ms has come, with the callback of complete opts. Returns as
 * that does, > 0 also when it is too early to know; the errno of a wait that cannot wait is never
 * 0.
 */
int rpc_client_wait(const struct rpc_client_opts *opts, int fd, bool for_write, int64_t now_ms,
                    int64_t until_ms);

#endif
