// SPDX-License-Identifier: MIT
/*
 * Lua's C API as uWSGI's Lua plugin is bound to it: found at run time, the same from 5.1 on and in
 * LuaJIT, but for what is said below.
 */
#ifndef RPC_LUA_API_H
#define RPC_LUA_API_H

#include "server.h"

struct lua_State;
typedef struct lua_State rpc_lua;
typedef int (*rpc_lua_function)(rpc_lua *lua);

/* Types of values that are met here, and the results of a protected call. */
enum { RPC_LUA_NIL = 0, RPC_LUA_NUMBER = 3, RPC_LUA_STRING = 4, RPC_LUA_TABLE = 5 };
enum { RPC_LUA_OK = 0 };

struct rpc_lua_api {
    int (*gettop)(rpc_lua *lua);
    void (*settop)(rpc_lua *lua, int top);
    int (*checkstack)(rpc_lua *lua, int slots);
    int (*type)(rpc_lua *lua, int index);
    const char *(*tolstring)(rpc_lua *lua, int index, size_t *len);
    void *(*touserdata)(rpc_lua *lua, int index);
    void (*pushnil)(rpc_lua *lua);
    void (*pushlstring)(rpc_lua *lua, const char *text, size_t len);
    void (*pushlightuserdata)(rpc_lua *lua, void *pointer);
    void (*pushcclosure)(rpc_lua *lua, rpc_lua_function function, int upvalues);
    void (*getfield)(rpc_lua *lua, int index, const char *name);
    void (*setfield)(rpc_lua *lua, int index, const char *name);
    int (*error)(rpc_lua *lua);
    /* The ones that have changed: */
    void (*getglobal)(rpc_lua *lua, const char *name);              /* NULL in 5.1 */
    int (*pcall)(rpc_lua *lua, int args, int results, int handler); /* NULL from 5.2 on */
    int (*pcallk)(rpc_lua *lua, int args, int results, int handler, intptr_t context,
                  void *continuation); /* NULL in 5.1 */
    rpc_lua ***states;                 /* the plugin's: one state a core, NULL without any script */
};

/* The API, NULL when the Lua plugin is not there. In any thread. */
const struct rpc_lua_api *rpc_lua_api(void);

/* Puts the global of that name on the stack. */
void rpc_lua_getglobal(rpc_lua *lua, const char *name);

/* Calls a function that lies below its arguments; RPC_LUA_OK, or an error whose message is on the
   stack. */
int rpc_lua_pcall(rpc_lua *lua, int args, int results);

/* The state of a core, NULL when it has none. */
rpc_lua *rpc_lua_state(int core);

#endif
