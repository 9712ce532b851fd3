// SPDX-License-Identifier: MIT
/*
 * Coro::AnyEvent: whether the coroutine that runs its loop is the one that calls. Found in Perl at
 * run time.
 */
#ifndef RPC_CORO_H
#define RPC_CORO_H

#include "server.h"

/*
 * Whether this is a callback of the loop (AnyEvent->timer, ->io, ...), whose coroutine nothing may
 * suspend: Coro ends the process then. False wherever there is no Coro.
 */
bool rpc_coro_is_loop(void);

/* The request that the coroutine which runs serves; NULL for any other coroutine, and wherever
   there is no Coro. */
struct wsgi_request *rpc_coro_request(void);

#endif
