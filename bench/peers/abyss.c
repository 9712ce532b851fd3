// SPDX-License-Identifier: MIT
/* An XML-RPC server on xmlrpc-c's Abyss: chello takes two strings. Port as argument. */
#include <stdlib.h>
#include <xmlrpc-c/base.h>
#include <xmlrpc-c/server.h>
#include <xmlrpc-c/server_abyss.h>

/* Requests on one connection before the server closes it. */
#define KEEPALIVE_MAX 1000000

static xmlrpc_value *chello(xmlrpc_env *env, xmlrpc_value *params, void *info, void *channel) {
    const char *a, *b;

    (void)info, (void)channel;
    xmlrpc_decompose_value(env, params, "(ss)", &a, &b);
    if (env->fault_occurred)
        return NULL;
    free((char *)a);
    free((char *)b);
    return xmlrpc_build_value(env, "s", "hello world");
}

int main(int argc, char **argv) {
    struct xmlrpc_method_info3 method = {.methodName = "chello", .methodFunction = chello};
    xmlrpc_server_abyss_parms parms = {.port_number = (unsigned)atoi(argc > 1 ? argv[1] : "0"),
                                       .keepalive_timeout = 60,
                                       .keepalive_max_conn = KEEPALIVE_MAX};
    xmlrpc_env env;

    xmlrpc_env_init(&env);
    parms.registryP = xmlrpc_registry_new(&env);
    xmlrpc_registry_add_method3(&env, parms.registryP, &method);
    xmlrpc_server_abyss(&env, &parms, XMLRPC_APSIZE(keepalive_max_conn));
    return env.fault_occurred;
}
