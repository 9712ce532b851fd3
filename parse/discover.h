// SPDX-License-Identifier: MIT
/*
 * What the JSON-RPC bridge tells of the functions it serves. No uWSGI.
 *
 * Source: "OpenRPC Specification" 1.3 (spec.open-rpc.org).
 */
#ifndef RPC_DISCOVER_H
#define RPC_DISCOVER_H

#include "../rpc.h"

/* Whether a function of this name is answered here, unless somebody has registered one:
   system.listMethods and rpc.discover. */
bool rpc_discover_is(const char *name);

/*
 * Answers one of them with JSON text:
 *   system.listMethods   an array of the names
 *   rpc.discover         an OpenRPC document: the names, whether parameters by name are taken, and
 *                        what is known of the result. Parameters are not known.
 * Names that are not UTF-8 are left out, as no request could name them. result is filled on RPC_OK;
 * otherwise RPC_NO_MEMORY.
 */
enum rpc_status rpc_discover(const struct rpc_bridge *bridge, const char *name,
                             struct rpc_result *result);

#endif
