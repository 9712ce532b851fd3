// SPDX-License-Identifier: MIT
/*
 * The routing actions rpc, call, rpcnext, rpcblob, rpcret, rpcraw and rpcvar.
 */
#ifndef RPC_ROUTING_H
#define RPC_ROUTING_H

/*
 * Makes the actions known to uWSGI, replacing those of the same name that another plugin has
 * registered. Does nothing when uWSGI was built without routing.
 */
void rpc_routing_register(void);

#endif
