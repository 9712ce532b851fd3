// SPDX-License-Identifier: MIT
/*
 * Netstrings: several strings of any bytes in one, "5:hello,0:,". No uWSGI.
 *
 * Source: D. J. Bernstein, "Netstrings" (cr.yp.to/proto/netstrings.txt).
 */
#ifndef RPC_NETSTRING_H
#define RPC_NETSTRING_H

#include "../rpc.h"
#include "bytes.h"

/*
 * Reads the netstring at *at, which may not go beyond end.
 *   text, len   what is in it: bytes of the input, no NUL behind them
 * Returns whether there is one, and sets *at behind it; otherwise nothing is changed. A length has
 * no leading zero, and nothing but digits.
 */
bool rpc_netstring_read(const char **at, const char *end, const char **text, size_t *len);

/*
 * Reads a call written as netstrings, "14:127.0.0.1:3031,5:hello,1:x,": a list of nodes, a name,
 * arguments.
 *   nodes, nodes_len   the list, as it is written
 *   call               slices of text
 * Returns false when it is none: not of netstrings alone, no name of 1 to RPC_NAME_MAX bytes
 * without a NUL, more than RPC_ARGS_MAX arguments or one of more than RPC_ARG_LEN_MAX bytes.
 */
bool rpc_netstring_read_call(const char *text, size_t len, const char **nodes, size_t *nodes_len,
                             struct rpc_call *call);

/* Appends text as a netstring. text may be NULL when len is 0. */
void rpc_netstring_put(struct rpc_bytes *bytes, const char *text, size_t len);

#endif
