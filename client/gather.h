// SPDX-License-Identifier: MIT
/*
 * Many calls at once, in one thread: all connect, send and receive together, under one deadline, so
 * that they take as long as the slowest of them. Each is made as by rpc_client_call, with its
 * outcome for itself. No uWSGI.
 */
#ifndef RPC_GATHER_H
#define RPC_GATHER_H

#include "opts.h"

/* Calls of one gathering: as many as a call has arguments. */
#define RPC_GATHER_MAX RPC_ARGS_MAX

struct rpc_gather;

/* How one of the calls went. */
struct rpc_gathered {
    enum rpc_status status;   /* as rpc_client_call's */
    struct rpc_result result; /* on RPC_OK; the gathering's */
    struct rpc_client_report report;
    const char *name; /* the function, as it was given */
    uint16_t name_len;
    uint16_t
        args_len; /* bytes of all arguments together; 0 for a call that does not fit a packet */
};

/*
 * Prepares for up to max calls, RPC_GATHER_MAX at the most. opts: NULL for all zero; read until
 * rpc_gather_free. NULL when memory is out.
 */
struct rpc_gather *rpc_gather_new(const struct rpc_client_opts *opts, unsigned max);

/*
 * Adds a call, which need not stay in memory but for its name; nodes has to stay. Nothing is sent
 * yet.
 */
void rpc_gather_add(struct rpc_gather *gather, struct rpc_nodes *nodes,
                    const struct rpc_call *call);

/* Adds the outcome of a call that cannot be made. */
void rpc_gather_add_outcome(struct rpc_gather *gather, enum rpc_status status);

/* Makes all calls. Once. */
void rpc_gather_run(struct rpc_gather *gather);

/* Calls added. */
unsigned rpc_gather_count(const struct rpc_gather *gather);

/* How a call went, by its number in the order they were added, from 0. Valid until the end. */
struct rpc_gathered rpc_gather_get(const struct rpc_gather *gather, unsigned number);

/*
 * All results in order, one behind the other: malloc'ed, NUL-terminated, the caller's. RPC_OK; the
 * status of the first call that failed, in the same order, or RPC_NO_MEMORY: then {NULL, 0}.
 */
enum rpc_status rpc_gather_join(const struct rpc_gather *gather, struct rpc_result *joined);

/* Releases everything, results too. NULL is fine. */
void rpc_gather_free(struct rpc_gather *gather);

#endif
