// SPDX-License-Identifier: MIT
/*
 * Waiting for a descriptor, in whatever engine uWSGI runs: through its hooks where they let other
 * requests run meanwhile.
 */
#ifndef RPC_WAIT_H
#define RPC_WAIT_H

#include "server.h"

/*
 * Waits until fd can be read from (or written to, or has failed) for timeout_ms at the most, which
 * is an rpc_wait_fn of client/client.h; ctx is not used. Returns > 0 when ready or perhaps so,
 * 0 when the time is over, < 0 when it cannot wait.
 */
int rpc_wait(void *ctx, int fd, bool for_write, int timeout_ms);

#endif
