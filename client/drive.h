// SPDX-License-Identifier: MIT
/*
 * Drives one exchange to its end. No uWSGI.
 */
#ifndef RPC_DRIVE_H
#define RPC_DRIVE_H

#include "exchange.h"

/* Runs an exchange that rpc_exchange_begin has prepared, and waits for what it needs. */
void rpc_drive(struct rpc_exchange *x);

#endif
