// SPDX-License-Identifier: MIT
/*
 * Calls as paths: /NAME/ARGUMENT/ARGUMENT... No uWSGI.
 */
#ifndef RPC_PATH_H
#define RPC_PATH_H

#include "../rpc.h"
#include "bytes.h"

/*
 * Takes a prefix off a path, at a segment boundary: "/rpc" off "/rpc/f" and "/rpc", not off
 * "/rpcs".
 *   prefix      NUL-terminated, slashes at its end are not looked at; NULL or "" for none
 *   path, len   moved on
 * False for a path outside the prefix.
 */
bool rpc_path_strip(const char *prefix, const char **path, size_t *len);

/*
 * Takes the first segment off a path, the name of what is called; empty segments are passed over.
 *   path, len   moved on behind it; there is room for a NUL behind the path, and each segment gets
 *               its own where its slash was
 *   call        filled with the name, a slice of path, and no arguments; the name is NULL on an
 *               error
 * Returns RPC_OK, RPC_NO_NAME or RPC_BAD_NAME (one that is too long or holds a NUL).
 */
enum rpc_status rpc_path_name(char **path, size_t *len, struct rpc_call *call);

/* Adds what rpc_path_name has left as arguments to the call. Returns RPC_OK, RPC_TOO_MANY_ARGS or
   RPC_ARG_TOO_LONG. */
enum rpc_status rpc_path_args(char *path, size_t len, struct rpc_call *call);

/*
 * Adds the one argument of a typed function to the call: the segments as a JSON array of strings;
 * or, where there are none, the body, a JSON array or object, white space outside of its strings
 * left out; or "[]".
 *   path, len        what rpc_path_name has left
 *   body, body_len   a body that says that it is JSON
 *   params           an empty buffer; holds the argument, to be released with rpc_bytes_free
 *                    whatever is returned
 * Returns RPC_OK; RPC_BAD_PARAMS: a segment that is not UTF-8, both segments and a body, a body
 * that is another value; RPC_ARG_TOO_LONG; what rpc_json_check returns; or RPC_NO_MEMORY.
 */
enum rpc_status rpc_path_params(char *path, size_t len, const char *body, size_t body_len,
                                struct rpc_bytes *params, struct rpc_call *call);

/* Adds an argument to a call, which it must have room for. data is NUL-terminated. Returns RPC_OK,
   RPC_TOO_MANY_ARGS or RPC_ARG_TOO_LONG. */
enum rpc_status rpc_path_add(struct rpc_call *call, const char *data, size_t len);

#endif
