// SPDX-License-Identifier: MIT
/*
 * How the last remote call went, of each request of an engine that has several in one thread, and
 * of each thread: what PREFIX.outcome tells.
 */
#ifndef RPC_OUTCOME_H
#define RPC_OUTCOME_H

#include "server.h"

/* Makes room for it, if rpc-client is set; without it nothing is noted. Once, in the master. */
void rpc_outcome_init(void);

/* Remembers how the call went that whoever runs has made. */
void rpc_outcome_note(enum rpc_status status);

/* The name of the last outcome, as in the log, of whoever runs; "" when there was none. */
const char *rpc_outcome_last(void);

#endif
