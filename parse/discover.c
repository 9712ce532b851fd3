// SPDX-License-Identifier: MIT
/*
 * Introspection in JSON, see parse/discover.h.
 */
#include "discover.h"
#include "json.h"

#include <string.h>

/* What stands between the names, and how the lists begin and end. A typed function answers any
   value, another one a string, or bytes. */
#define METHOD_TAIL(structure, schema)                                                             \
    ",\"paramStructure\":\"" structure "\",\"params\":[],\"x-params\":\"unknown\","                \
    "\"result\":{\"name\":\"result\",\"schema\":" schema "}}"
static const char typed_tail[] = METHOD_TAIL("either", "{}");
static const char plain_tail[] = METHOD_TAIL(
    "by-position", "{\"oneOf\":[{\"type\":\"string\"},{\"type\":\"object\",\"required\":"
                   "[\"base64\"],\"properties\":{\"base64\":{\"type\":\"string\"}}}]}");
static const char document_head[] =
    "{\"openrpc\":\"1.3.2\",\"info\":{\"title\":\"uWSGI\",\"version\":\"1.0.0\"},\"methods\":[";

/* A list that is being written. */
struct list {
    const struct rpc_bridge *bridge;
    struct rpc_bytes out;
    bool openrpc, begun;
};

bool rpc_discover_is(const char *name) {
    return strcmp(name, "system.listMethods") == 0 || strcmp(name, "rpc.discover") == 0;
}

static void put_method(void *visitor, const char *name) {
    struct list *list = visitor;
    size_t start = list->out.len, len = strlen(name);
    bool typed = false;

    if (list->begun)
        rpc_bytes_puts(&list->out, ",");
    if (list->openrpc)
        rpc_bytes_puts(&list->out, "{\"name\":");
    if (!rpc_json_put_string(&list->out, name, len)) {
        if (!list->out.failed)
            list->out.len = start;
        return;
    }
    list->begun = true;
    if (!list->openrpc)
        return;
    list->bridge->find(list->bridge->ctx, name, len, &typed);
    rpc_bytes_puts(&list->out, typed ? typed_tail : plain_tail);
}

enum rpc_status rpc_discover(const struct rpc_bridge *bridge, const char *name,
                             struct rpc_result *result) {
    struct list list = {.bridge = bridge, .openrpc = name[0] == 'r'};

    rpc_bytes_puts(&list.out, list.openrpc ? document_head : "[");
    bridge->list(bridge->ctx, put_method, &list);
    rpc_bytes_puts(&list.out, list.openrpc ? "]}" : "]");
    if (list.out.failed)
        return RPC_NO_MEMORY;
    *result = (struct rpc_result){list.out.data, list.out.len};
    return RPC_OK;
}
