// SPDX-License-Identifier: MIT
/*
 * Lua's C API, see server/lua_api.h.
 */
#include "lua_api.h"

#include <dlfcn.h>
#include <pthread.h>

/* LUA_GLOBALSINDEX of 5.1, where there is no lua_getglobal. */
#define GLOBALS_INDEX (-10002)

static struct rpc_lua_api api;
static bool found;

static const struct {
    void *function;
    const char *name;
} symbols[] = {
    {&api.gettop, "lua_gettop"},
    {&api.settop, "lua_settop"},
    {&api.checkstack, "lua_checkstack"},
    {&api.type, "lua_type"},
    {&api.tolstring, "lua_tolstring"},
    {&api.touserdata, "lua_touserdata"},
    {&api.pushnil, "lua_pushnil"},
    {&api.pushlstring, "lua_pushlstring"},
    {&api.pushlightuserdata, "lua_pushlightuserdata"},
    {&api.pushcclosure, "lua_pushcclosure"},
    {&api.getfield, "lua_getfield"},
    {&api.setfield, "lua_setfield"},
    {&api.error, "lua_error"},
    {&api.states, "ulua"},
};

static void look_up(void) {
    *(void **)&api.getglobal = dlsym(RTLD_DEFAULT, "lua_getglobal");
    *(void **)&api.pcall = dlsym(RTLD_DEFAULT, "lua_pcall");
    *(void **)&api.pcallk = dlsym(RTLD_DEFAULT, "lua_pcallk");
    found = api.pcall || api.pcallk;
    for (size_t i = 0; i < sizeof(symbols) / sizeof(*symbols); i++)
        if (!(*(void **)symbols[i].function = dlsym(RTLD_DEFAULT, symbols[i].name)))
            found = false;
}

const struct rpc_lua_api *rpc_lua_api(void) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;

    pthread_once(&once, look_up);
    return found ? &api : NULL;
}

void rpc_lua_getglobal(rpc_lua *lua, const char *name) {
    if (api.getglobal)
        api.getglobal(lua, name);
    else
        api.getfield(lua, GLOBALS_INDEX, name);
}

int rpc_lua_pcall(rpc_lua *lua, int args, int results) {
    return api.pcallk ? api.pcallk(lua, args, results, 0, 0, NULL)
                      : api.pcall(lua, args, results, 0);
}

rpc_lua *rpc_lua_state(int core) {
    return rpc_lua_api() && *api.states ? (*api.states)[core] : NULL;
}
