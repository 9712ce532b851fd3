// SPDX-License-Identifier: MIT
/*
 * uWSGI's Lua plugin pushes the arguments without asking Lua for room, of which there is enough for
 * some 40, and (2.0) leaves the message of each error on the stack. More arguments, or 32 after a
 * dozen errors, are written past the end of Lua's stack. So Lua is asked here, through the
 * functions the plugin itself is bound to.
 */
#include "rpc_lua.h"

#include <dlfcn.h>

/* Beside the arguments: the function (2.0), and the table it is looked up in (2.1). */
#define LUA_MORE_SLOTS 2

/* Lua's C API, the same from 5.1 on and in LuaJIT. */
static struct {
    bool looked_up;
    int (*gettop)(void *state);
    void (*settop)(void *state, int top);
    int (*checkstack)(void *state, int slots);
    void ***states; /* first member of the plugin's "struct uwsgi_lua ulua": one state a core */
} lua;

static void look_up(void) {
    *(void **)&lua.gettop = dlsym(RTLD_DEFAULT, "lua_gettop");
    *(void **)&lua.settop = dlsym(RTLD_DEFAULT, "lua_settop");
    *(void **)&lua.checkstack = dlsym(RTLD_DEFAULT, "lua_checkstack");
    lua.states = dlsym(RTLD_DEFAULT, "ulua");
    __atomic_store_n(&lua.looked_up, true, __ATOMIC_RELEASE);
}

bool rpc_lua_begin(struct rpc_lua_call *call, const struct uwsgi_rpc *function,
                   unsigned arg_count) {
    call->state = NULL;
    if (strcmp(function->plugin->name, "lua") != 0)
        return true;
    if (!__atomic_load_n(&lua.looked_up, __ATOMIC_ACQUIRE))
        look_up();
    if (!lua.gettop || !lua.settop || !lua.checkstack || !lua.states || !*lua.states)
        return false;
    call->state = (*lua.states)[current_wsgi_req()->async_id];
    if (!call->state)
        return false;
    call->top = lua.gettop(call->state);
    return lua.checkstack(call->state, (int)arg_count + LUA_MORE_SLOTS);
}

void rpc_lua_end(const struct rpc_lua_call *call) {
    if (call->state)
        lua.settop(call->state, call->top);
}
