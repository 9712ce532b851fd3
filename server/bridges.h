// SPDX-License-Identifier: MIT
/*
 * The HTTP bridges: PATH_INFO, XML-RPC and JSON-RPC (modifier2 2, 3 and 4).
 */
#ifndef RPC_BRIDGES_H
#define RPC_BRIDGES_H

#include "server.h"

/* Prepares the codecs, and says which bridge has been left out; once, in the master. */
void rpc_bridges_init(void);

/*
 * Serves a bridge's request and answers it, errors included. Returns UWSGI_OK, or -1 when the
 * variables of the request make no sense and nothing was answered.
 */
int rpc_bridges_request(struct wsgi_request *request);

#endif
