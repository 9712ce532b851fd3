// SPDX-License-Identifier: MIT
/*
 * Calls as paths: /NAME/ARGUMENT/ARGUMENT... No uWSGI.
 */
#ifndef RPC_PATH_H
#define RPC_PATH_H

#include "../rpc.h"

/*
 * Takes a prefix off a path, at a segment boundary: "/rpc" off "/rpc/f" and "/rpc", not off
 * "/rpcs".
 *   prefix      NUL-terminated, slashes at its end are not looked at; NULL or "" for none
 *   path, len   moved on
 * False for a path outside the prefix.
 */
bool rpc_path_strip(const char *prefix, const char **path, size_t *len);

/*
 * Splits a path in place: its first segment is the name, the others are arguments, empty ones are
 * passed over.
 *   path   len bytes and room for a NUL behind them; each segment gets its NUL where its slash was
 *   call   filled with slices of path; on an error its name is what has been read, or NULL
 * Returns RPC_OK, RPC_NO_NAME, RPC_BAD_NAME (one that is too long or holds a NUL),
 * RPC_TOO_MANY_ARGS or RPC_ARG_TOO_LONG.
 */
enum rpc_status rpc_path_split(char *path, size_t len, struct rpc_call *call);

/* Adds an argument to a call, which it must have room for. data is NUL-terminated. Returns RPC_OK,
   RPC_TOO_MANY_ARGS or RPC_ARG_TOO_LONG. */
enum rpc_status rpc_path_add(struct rpc_call *call, const char *data, size_t len);

#endif
