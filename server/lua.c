// SPDX-License-Identifier: MIT
/*
 * Calls from Lua, see server/lua.h. An error of Lua, one of memory too, leaves a function of C by
 * longjmp: nothing that has to be freed is held where one can happen.
 */
#include "lua.h"

#include "log.h"
#include "lua_api.h"
#include "outcome.h"
#include "remote.h"
#include "table.h"

static const struct rpc_lua_api *api;

/* --- arguments ----------------------------------------------------------------------------------
 */

static int fail(rpc_lua *lua, const char *function, int argument, const char *reason) {
    char text[RPC_NODES_ERROR_MAX + 64];
    int len =
        snprintf(text, sizeof(text), "bad argument #%d to '%s' (%s)", argument, function, reason);

    api->pushlstring(lua, text, UMIN((size_t)len, sizeof(text) - 1));
    return api->error(lua);
}

/* An argument as a string; a number becomes one in its place. */
static const char *string_at(rpc_lua *lua, const char *function, int index, size_t max,
                             size_t *len) {
    int type = api->type(lua, index);
    if (type != RPC_LUA_STRING && type != RPC_LUA_NUMBER)
        fail(lua, function, index, "string expected");
    const char *text = api->tolstring(lua, index, len);
    if (*len > max)
        fail(lua, function, index, "too long");
    return text;
}

/* Reads a call whose name is at that index. */
static void read_call(rpc_lua *lua, const char *function, int name_index, struct rpc_call *call) {
    int top = api->gettop(lua);
    size_t len;

    call->name = string_at(lua, function, name_index, RPC_NAME_MAX, &len);
    if (len == 0 || memchr(call->name, 0, len))
        fail(lua, function, name_index, "name of a function expected");
    call->name_len = (uint16_t)len;
    if (top - name_index > RPC_ARGS_MAX)
        fail(lua, function, name_index + 1 + RPC_ARGS_MAX, "too many arguments");
    call->arg_count = 0;
    for (int index = name_index + 1; index <= top; index++) {
        call->arg[call->arg_count] = string_at(lua, function, index, UINT16_MAX, &len);
        call->arg_len[call->arg_count++] = (uint16_t)len;
    }
}

/* --- results ------------------------------------------------------------------------------------
 */

static int push_result(rpc_lua *lua) {
    const struct rpc_result *result = api->touserdata(lua, 1);
    api->pushlstring(lua, result->data ? result->data : "", (size_t)result->len);
    return 1;
}

/* Makes room for a result on its way to Lua, while there is nothing to lose. */
static void prepare(rpc_lua *lua, struct rpc_result *result) {
    *result = (struct rpc_result){0};
    if (!api->checkstack(lua, 4)) {
        api->pushlstring(lua, "stack overflow", strlen("stack overflow"));
        api->error(lua);
    }
    api->pushcclosure(lua, push_result, 0);
    api->pushlightuserdata(lua, result);
}

/* Leaves the result on the stack, nil when there is none. */
static int deliver(rpc_lua *lua, enum rpc_status status, struct rpc_result *result) {
    if (status != RPC_OK) {
        api->pushnil(lua);
        return 1;
    }
    int error = rpc_lua_pcall(lua, 1, 1);
    free(result->data);
    return error == RPC_LUA_OK ? 1 : api->error(lua);
}

/* --- uwsgi.call ---------------------------------------------------------------------------------
 */

static int call_here(rpc_lua *lua, const char *function, int name_index) {
    struct rpc_call call;
    struct rpc_result result;

    read_call(lua, function, name_index, &call);
    prepare(lua, &result);
    enum rpc_status status = rpc_table_call(RPC_CALLER_LOCAL, &call, &result);
    if (status != RPC_OK)
        rpc_log("lua", call.name, call.name_len, status);
    return deliver(lua, status, &result);
}

static int lua_call(rpc_lua *lua) {
    return call_here(lua, "call", 1);
}

/* --- uwsgi.rpc ----------------------------------------------------------------------------------
 */

/* Asks nodes that are written in text; what is wrong with that is told in error. */
static enum rpc_status ask(const char *text, size_t len, const struct rpc_call *call,
                           struct rpc_result *result, char *error) {
    struct rpc_list *list;
    enum rpc_status status = rpc_lists_take(text, len, &list, error);

    if (status != RPC_OK) {
        rpc_outcome_note(status);
        return status;
    }
    status = rpc_remote_ask(list->nodes, call, result);
    rpc_lists_give_back(list);
    return status;
}

static int lua_rpc(rpc_lua *lua) {
    char error[RPC_NODES_ERROR_MAX];
    struct rpc_call call;
    struct rpc_result result;
    size_t len;

    if (api->gettop(lua) > 0 && api->type(lua, 1) == RPC_LUA_NIL)
        return call_here(lua, "rpc", 2);
    const char *text = string_at(lua, "rpc", 1, UINT16_MAX, &len);
    read_call(lua, "rpc", 2, &call);
    prepare(lua, &result);
    enum rpc_status status = ask(text, len, &call, &result, error);
    if (status == RPC_BAD_NODES)
        return fail(lua, "rpc", 1, error);
    if (*error)
        uwsgi_log("[rpc] lua: %s\n", error);
    return deliver(lua, status, &result);
}

/* --- into the states ----------------------------------------------------------------------------
 */

/* Everything is done within one protected call: memory may be out. */
static int put_missing(rpc_lua *lua) {
    static const struct {
        const char *name;
        rpc_lua_function function;
    } functions[] = {{"call", lua_call}, {"rpc", lua_rpc}};

    rpc_lua_getglobal(lua, "uwsgi");
    if (api->type(lua, -1) != RPC_LUA_TABLE)
        return 0;
    for (size_t i = 0; i < sizeof(functions) / sizeof(*functions); i++) {
        api->getfield(lua, -1, functions[i].name);
        if (api->type(lua, -1) == RPC_LUA_NIL) {
            api->pushcclosure(lua, functions[i].function, 0);
            api->setfield(lua, -3, functions[i].name);
        }
        api->settop(lua, -2);
    }
    return 0;
}

void rpc_lua_before_scripts(void) {
#if UWSGI_PLUGIN_API < 2
    /* It fills the list when it loads a script, and not at all when there is none. */
    api = rpc_lua_api();
    if (api && *api->states)
        memset(*api->states, 0, sizeof(void *) * (size_t)uwsgi.cores);
#endif
}

void rpc_lua_after_scripts(void) {
    api = rpc_lua_api();
    for (int core = 0; core < uwsgi.cores; core++) {
        rpc_lua *lua = rpc_lua_state(core);
        if (!lua)
            continue;
        int top = api->gettop(lua);
        if (api->checkstack(lua, 2)) {
            api->pushcclosure(lua, put_missing, 0);
            if (rpc_lua_pcall(lua, 0, 0) != RPC_LUA_OK)
                uwsgi_log("[rpc] uwsgi.call and uwsgi.rpc are missing in Lua: no memory\n");
        }
        api->settop(lua, top);
    }
}
