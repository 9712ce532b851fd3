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

#endif
