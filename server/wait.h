// SPDX-License-Identifier: MIT
/*
 * Waiting for a descriptor, in whatever engine uWSGI runs: through its hooks where they let other
 * requests run meanwhile.
 */
#ifndef RPC_WAIT_H
#define RPC_WAIT_H

#include "greenlets.h"
#include "server.h"

/*
 * Waits until fd can be read from (or written to, or has failed) for timeout_ms at the most, which
 * is an rpc_wait_fn of client/client.h; ctx is not used. Returns > 0 when ready or perhaps so,
 * 0 when the time is over, < 0 when it cannot wait.
 */
int rpc_wait(void *ctx, int fd, bool for_write, int timeout_ms);

/* The request that runs, in an engine that has several of them in one thread; NULL in any other,
   and outside of all requests. */
struct wsgi_request *rpc_wait_current(void);

/* Whether a request is suspended by its waits, while others of its process run. Asked within a
   request. */
bool rpc_wait_switches(void);

/*
 * Suspends a request, which is the one that runs, until there is something to read from its
 * connection, or for uWSGI's socket-timeout, which some engines count a second short. watch: all
 * zero before the first wait on a connection; freed with rpc_greenlets_unwatch. Results as those of
 * rpc_wait. Only where rpc_wait_switches.
 */
int rpc_wait_request(struct wsgi_request *request, struct rpc_greenlets_watch *watch);

/* The same until something can be written to it, which is at once unless the peer does not read:
   the others have their turn. */
int rpc_wait_turn(struct wsgi_request *request);

#endif
