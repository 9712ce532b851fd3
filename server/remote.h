// SPDX-License-Identifier: MIT
/*
 * Calls to other nodes from inside uWSGI: the pure client, waiting through uWSGI's hooks, with the
 * options of the configuration; and remote functions put into the local table (rpc-remote).
 */
#ifndef RPC_REMOTE_H
#define RPC_REMOTE_H

#include "../client/client.h"
#include "../client/gather.h"
#include "../client/lists.h"
#include "server.h"

/* Reads rpc-remote and the limits of remote calls; once, in the master. A mistake ends uWSGI. */
void rpc_remote_init(void);

/* Puts the functions of rpc-remote into uWSGI's table. */
void rpc_remote_register(void);

/*
 * Reads a list of nodes of the configuration. NULL, and one line in the log, when it is none. The
 * list is for rpc_nodes_free.
 */
struct rpc_nodes *rpc_remote_nodes(const char *list);

/*
 * Calls a function on one of the nodes; statuses and result as in rpc_client_call. A failure has
 * its line in the log, with the node, when this returns, and PREFIX.outcome knows how it went.
 */
enum rpc_status rpc_remote_ask(struct rpc_nodes *nodes, const struct rpc_call *call,
                               struct rpc_result *result);

/*
 * Takes a list of nodes that comes with a call, see rpc_lists_take. What is wrong with it has its
 * line in the log when this returns: where, and why.
 */
enum rpc_status rpc_remote_take(const char *where, const char *text, size_t len,
                                struct rpc_list **list);

/* A gathering of up to max calls, as remote calls are configured. NULL when memory is out. */
struct rpc_gather *rpc_remote_gather_new(unsigned max);

/* Makes the calls of a gathering. The failure of each has its line in the log when this returns. */
void rpc_remote_gather_run(struct rpc_gather *gather);

#endif
