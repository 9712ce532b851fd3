// SPDX-License-Identifier: MIT
/*
 * Calls from Lua: uwsgi.call and uwsgi.rpc, which uWSGI's API has for every language and its Lua
 * plugin of 2.0 has not.
 *
 *   uwsgi.call(NAME, ...)        the result of a function of this process
 *   uwsgi.rpc(NODES, NAME, ...)  that of a function of another node; of this process when NODES is
 *                                nil
 *
 * Both return a string, or nil for a failure, which has its line in the log. What is no string or
 * number, names of 0 or more than 255 bytes, arguments of more than 65535 bytes or more than 254 of
 * them, and lists of nodes that are none, are errors of Lua.
 */
#ifndef RPC_LUA_H
#define RPC_LUA_H

/* Before uWSGI's plugins load their scripts: makes the Lua plugin's list of states one that can be
   read. */
void rpc_lua_before_scripts(void);

/* Puts the functions into each state whose script has been loaded, where they are missing. */
void rpc_lua_after_scripts(void);

#endif
