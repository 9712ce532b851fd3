// SPDX-License-Identifier: MIT
/*
 * The log: one line for each call that failed. What is logged is counted, too.
 */
#ifndef RPC_LOG_H
#define RPC_LOG_H

#include "../client/opts.h"
#include "server.h"

/*
 * Logs and counts a call that failed, in one line:
 *   where    what was being done: "packet from 10.0.0.1", "jsonrpc bridge", "route rpc", ...
 *   name     the function as the caller gave it, name_len bytes, or NULL when there is none;
 *            unprintable bytes are shown as '?'
 *   status   why; failures of a remote call are passed over, as server/remote.c has seen to them
 */
void rpc_log(const char *where, const char *name, size_t name_len, enum rpc_status status);

/* The same for a remote call, whose report says what was asked. */
void rpc_log_node(const struct rpc_client_report *report, const char *name, size_t name_len,
                  enum rpc_status status);

/* Logs, in one line, that TLS with a node has failed although the call has not. */
void rpc_log_refused(const struct rpc_client_report *report);

/*
 * Copies a name so that it stays on one line and in its quotes: a blank, a quote, a backslash and
 * what cannot be printed become '?'.
 *   out    size bytes, filled up to size - 1 and NUL-terminated
 */
void rpc_log_printable(char *out, size_t size, const char *name, size_t len);

#endif
