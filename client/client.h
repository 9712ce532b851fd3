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

#include "opts.h"

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

#endif
