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

/* A function of this plugin's own: the .func of its entry. */
struct rpc_own {
    const char *name; /* NUL-terminated */
    /*
     * Calls it; result as rpc_table_call's. The failure of a remote call has its line in the log
     * when this returns, any other has not.
     */
    enum rpc_status (*call)(const struct rpc_own *own, const struct rpc_call *call,
                            struct rpc_result *result);
    bool local; /* for RPC_CALLER_LOCAL alone, whatever the options let others call */
};

/*
 * Prepares the index; once, in the master, when the options are known. Ends uWSGI without memory.
 * own: this plugin, with which its own functions are registered.
 */
void rpc_table_init(struct uwsgi_plugin *own);

/* Registers a function of this plugin's own, which stays for good. Ends uWSGI when the table has no
   room. */
void rpc_table_register(struct rpc_own *own);

/*
 * Calls a function of this plugin's own in uWSGI's convention (.rpc of the plugin), for language
 * plugins, which know no statuses: returns the length of *output, 0 and NULL for a failure, which
 * has its line in the log.
 */
uint64_t rpc_table_call_own(void *own, uint8_t arg_count, char **arg, uint16_t *arg_len,
                            char **output);

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
