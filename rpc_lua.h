// SPDX-License-Identifier: MIT
/*
 * What uWSGI's Lua plugin leaves to its caller: room for arguments on Lua's stack, and a stack as
 * high after a call as it was before.
 */
#ifndef RPC_LUA_H
#define RPC_LUA_H

#include "rpc_plugin.h"

/* What rpc_lua_end needs to know; only for the time of one call. */
struct rpc_lua_call {
    void *state; /* NULL: not a function of Lua */
    int top;
};

/*
 * Before a function is called with that many arguments: makes room for them if it is one of Lua.
 * False when there is no room to be had; the function must not be called then, nor rpc_lua_end.
 */
bool rpc_lua_begin(struct rpc_lua_call *call, const struct uwsgi_rpc *function, unsigned arg_count);

/* After the call: drops what was left on the stack. */
void rpc_lua_end(const struct rpc_lua_call *call);

#endif
