// SPDX-License-Identifier: MIT
/*
 * Kept connections in engines of green threads. Of uWSGI's loops only its own two, of processes and
 * of threads, come back to a connection of a puwsgi-socket; in any other the next packet is waited
 * for here, by the green thread that has served the one before. What enters is a request, what
 * leaves is the last one on its connection, for the engine to close.
 */
#ifndef RPC_KEPT_H
#define RPC_KEPT_H

#include "server.h"

typedef int (*rpc_kept_serve_fn)(struct wsgi_request *request);

/*
 * Serves a request, and those that follow on its connection as long as that can be kept: it is an
 * array packet that was answered, the worker goes on, and no more than half of the cores wait for
 * a next packet. Each request but the last is counted, logged and given to the hooks here, as uWSGI
 * does with the last; where nothing follows, that one is left empty, and is neither counted nor
 * logged. The connection ends with it in any case.
 *   serve   serves one request, whatever its modifier2
 *   after   what is done after each of them, the plugin's after_request
 * Returns what serve has returned.
 */
int rpc_kept_request(struct wsgi_request *request, rpc_kept_serve_fn serve,
                     void (*after)(struct wsgi_request *));

#endif
