// SPDX-License-Identifier: MIT
/*
 * rpc-client: the functions PREFIX.call, PREFIX.outcome and PREFIX.gather, by which applications
 * and routes call nodes of their own choice. They are in uWSGI's table for local callers alone.
 */
#ifndef RPC_SERVER_CLIENT_H
#define RPC_SERVER_CLIENT_H

#include "server.h"

/* Puts them there, if rpc-client is set; once, in the master. Ends uWSGI when there is no room. */
void rpc_client_register(void);

#endif
