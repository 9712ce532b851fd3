// SPDX-License-Identifier: MIT
/*
 * What a routing rule calls: one function, here or on a node, or several at once on their nodes.
 */
#ifndef RPC_TARGETS_H
#define RPC_TARGETS_H

#include "../client/node.h"
#include "server.h"

/* A function, and where it is called. */
struct rpc_target {
    const char *name; /* NUL-terminated, in the text it was read from */
    uint16_t name_len;
    struct rpc_nodes *nodes; /* NULL: here */
};

/* All zero in the beginning. */
struct rpc_targets {
    unsigned count;
    struct rpc_target *target;
};

/*
 * Reads one NAME[@NODE[,NODE...]], and adds it. text is written to and stays with the target; NULL
 * for one that is missing. False, and one line in the log about where, when it is none.
 */
bool rpc_targets_read(struct rpc_targets *targets, const char *where, char *text);

/*
 * Reads several, which all need a node: word, and what strtok_r finds behind it in context, up to
 * "--" or the end. Otherwise as rpc_targets_read.
 */
bool rpc_targets_read_several(struct rpc_targets *targets, const char *where, char *word,
                              char **context);

/*
 * Calls the function, or all of them at once with the same arguments: then the result is their
 * results in order, one behind the other, or the status the first failure in that order.
 *   call    its name is filled in here
 *   result  as rpc_table_call's
 */
enum rpc_status rpc_targets_call(const struct rpc_targets *targets, struct rpc_call *call,
                                 struct rpc_result *result);

/* Releases the nodes and the targets themselves. */
void rpc_targets_free(struct rpc_targets *targets);

#endif
