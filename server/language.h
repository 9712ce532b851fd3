// SPDX-License-Identifier: MIT
/*
 * What uWSGI's language plugins leave to whoever calls their functions.
 */
#ifndef RPC_LANGUAGE_H
#define RPC_LANGUAGE_H

#include "server.h"

/* Whether the functions of a plugin can be called without any of the following. */
bool rpc_language_is_plain(const struct uwsgi_plugin *plugin);

/* What rpc_language_end needs to know; only for the time of one call. */
struct rpc_language_call {
    void *lua; /* the Lua state; NULL for any other language */
    int lua_top;
};

/*
 * Before a function is called with that many arguments. False when its plugin cannot do that
 * without harm to the worker or a wrong answer: then neither the function nor rpc_language_end may
 * be called. The reason is logged, once.
 */
bool rpc_language_begin(struct rpc_language_call *call, const char *plugin, unsigned arg_count);

/* After the call. */
void rpc_language_end(const struct rpc_language_call *call);

#endif
