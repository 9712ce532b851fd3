// SPDX-License-Identifier: MIT
/*
 * What uWSGI's language plugins leave to whoever calls their functions, see server/language.h.
 *
 * Lua: the plugin pushes arguments without asking Lua for room, of which there is enough for some
 * 40, and (2.0) leaves the message of each error on the stack. More arguments, or 32 after a dozen
 * errors, are written past the end of Lua's stack. So Lua is asked here.
 *
 * Perl in threads: each thread has an interpreter of its own, and a function of another one loses
 * its arguments. Ruby in threads that it has not made itself crashes.
 */
#include "language.h"

#include "lua_api.h"

#define LUA "lua"
#define PERL "psgi"
#define RUBY "rack"

/* Beside the arguments: the function (2.0), and the table it is looked up in (2.1). */
#define LUA_MORE_SLOTS 2

/* Why a call is refused, and whether the log has been told. */
struct refusal {
    const char *reason;
    bool logged;
};

bool rpc_language_is_plain(const struct uwsgi_plugin *plugin) {
    return strcmp(plugin->name, LUA) != 0 && strcmp(plugin->name, PERL) != 0 &&
           strcmp(plugin->name, RUBY) != 0;
}

static struct refusal *begin_lua(struct rpc_language_call *call, unsigned arg_count) {
    static struct refusal unreachable = {.reason = "its state is out of reach"};
    static struct refusal full = {.reason = "its stack is full"};
    const struct rpc_lua_api *lua = rpc_lua_api();

    call->lua = rpc_lua_state(current_wsgi_req()->async_id);
    if (!call->lua)
        return &unreachable;
    call->lua_top = lua->gettop(call->lua);
    if (lua->checkstack(call->lua, (int)arg_count + LUA_MORE_SLOTS))
        return NULL;
    call->lua = NULL;
    return &full;
}

/* NULL, or why not. */
static struct refusal *begin(struct rpc_language_call *call, const char *plugin,
                             unsigned arg_count) {
    static struct refusal perl = {.reason = "each thread has an interpreter of its own"};
    static struct refusal ruby = {.reason = "Ruby runs in threads with the rbthreads option only"};

    if (strcmp(plugin, LUA) == 0)
        return begin_lua(call, arg_count);
    if (uwsgi.threads > 1 && strcmp(plugin, PERL) == 0)
        return &perl;
    if (uwsgi.threads > 1 && strcmp(plugin, RUBY) == 0 &&
        !(uwsgi.loop && strcmp(uwsgi.loop, "rbthreads") == 0))
        return &ruby;
    return NULL;
}

bool rpc_language_begin(struct rpc_language_call *call, const char *plugin, unsigned arg_count) {
    call->lua = NULL;
    struct refusal *refusal = begin(call, plugin, arg_count);
    if (refusal && !__atomic_exchange_n(&refusal->logged, true, __ATOMIC_RELAXED))
        uwsgi_log("[rpc] functions of the %s plugin are refused: %s\n", plugin, refusal->reason);
    return !refusal;
}

void rpc_language_end(const struct rpc_language_call *call) {
    if (call->lua)
        rpc_lua_api()->settop(call->lua, call->lua_top);
}
