// SPDX-License-Identifier: MIT
/*
 * uWSGI's shared function table: finding a function and calling it, whoever registered it.
 */
#ifndef RPC_TABLE_H
#define RPC_TABLE_H

#include "server.h"

/* On whose behalf a function is called: what decides which functions are open. */
enum rpc_caller {
    RPC_CALLER_LOCAL,  /* a routing action: the administrator's own, never filtered */
    RPC_CALLER_PACKET, /* rpc-allow */
    RPC_CALLER_BRIDGE, /* rpc-allow and rpc-bridge-allow */
};

/*
 * Calls a function that this plugin has registered itself; function is the .func of its entry. A
 * failure has its line in the log when this returns.
 */
typedef enum rpc_status (*rpc_table_own_fn)(void *function, const struct rpc_call *call,
                                            struct rpc_result *result);

/*
 * Prepares the index; once, in the master, when the options are known. Ends uWSGI without memory.
 *   own    this plugin, as its functions are registered with it
 *   call   how those are called: uWSGI's own convention would lose their status
 */
void rpc_table_init(const struct uwsgi_plugin *own, rpc_table_own_fn call);

/*
 * Makes sure that a worker about to be forked starts with the functions of the master alone: gives
 * the part of every worker that is not running the master's functions. In the master, before a
 * fork.
 */
void rpc_table_inherit(void);

/* Forgets what its parent has indexed. In a process that has just been forked. */
void rpc_table_forget(void);

/*
 * Looks for a function, as rpc_find_fn has it.
 */
enum rpc_status rpc_table_find(enum rpc_caller caller, const char *name, size_t name_len,
                               bool *is_typed);

/*
 * Calls the function a call names, in the calling worker's part of the table.
 *   call      NUL-terminated name and arguments
 *   result    filled on RPC_OK: malloc'ed bytes for the caller to free, NULL if there are none;
 *             {NULL, 0} otherwise
 * Returns RPC_OK, RPC_UNKNOWN, RPC_FORBIDDEN, RPC_REFUSED (the language plugin cannot take that
 * many arguments), RPC_EMPTY (with rpc-empty-is-error), for a remote function the client's
 * statuses, or for a typed function called from a bridge what rpc_typed_judge says of its result,
 * which is then filled on RPC_APPLICATION_ERROR too. Does not log.
 */
enum rpc_status rpc_table_call(enum rpc_caller caller, const struct rpc_call *call,
                               struct rpc_result *result);

/* Whether none of the functions registered so far is open to a caller, which can then be answered
   without having been heard. In constant time once what is new has been indexed. */
bool rpc_table_is_closed(enum rpc_caller caller);

/* Visits the name of every function the caller may call; see rpc_list_fn. */
void rpc_table_list(enum rpc_caller caller, void (*visit)(void *visitor, const char *name),
                    void *visitor);

#endif
