// SPDX-License-Identifier: MIT
/*
 * Array packets (modifier2 0 and 1): a call comes in, its result goes out, framed or raw. The bytes
 * are rpc_wire.c's affair, functions those of server/table.h.
 */
#ifndef RPC_PACKETS_H
#define RPC_PACKETS_H

#include "server.h"

/*
 * Warns of sockets that are open to everybody, and has array packets get past request routes; once,
 * in the master, when sockets and options are known.
 */
void rpc_packets_init(void);

/* Serves a packet. Returns UWSGI_OK, or -1 when it was refused, when its answer is empty, or when
   it could not be written: then its connection has to end. */
int rpc_packets_request(struct wsgi_request *request);

/* Refuses a request without an answer, with a line in the log; call is NULL where there is none.
   Returns -1. */
int rpc_packets_reject(struct wsgi_request *request, const struct rpc_call *call,
                       enum rpc_status status);

/* The access log's line of a request that has ended, array packet or not. */
void rpc_packets_log_line(struct wsgi_request *request);

#endif
