// SPDX-License-Identifier: MIT
/*
 * Any bytes as a JSON-RPC document: what is called is a sound call, and every answer can be read.
 */
#include "parse/jsonrpc.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#define MAX_CALLS 20

static unsigned call_count;

static void require(bool holds) {
    if (!holds)
        abort();
}

/* Echoes the last argument; a name that ends in a digit fails, one without arguments is empty. */
static enum rpc_status on_call(void *ctx, const struct rpc_call *call, struct rpc_result *result) {
    require(ctx == &call_count && !result->data && !result->len);
    require(call->name_len >= 1 && call->name_len <= RPC_NAME_MAX);
    require(strlen(call->name) == call->name_len);
    require(call->arg_count <= RPC_ARGS_MAX);
    volatile unsigned sum = 0;
    for (unsigned i = 0; i < call->arg_count; i++) {
        for (unsigned j = 0; j < call->arg_len[i]; j++)
            sum = sum + (unsigned char)call->arg[i][j];
        require(call->arg[i][call->arg_len[i]] == 0);
    }
    call_count++;
    char last = call->name[call->name_len - 1];
    if (last >= '0' && last <= '9')
        return (enum rpc_status)(1 + (unsigned)(last - '0') * (RPC_STATUS_COUNT - 2) / 9);
    if (!call->arg_count)
        return RPC_OK;
    result->len = call->arg_len[call->arg_count - 1];
    result->data = malloc(result->len ? result->len : 1);
    require(result->data != NULL);
    memcpy(result->data, call->arg[call->arg_count - 1], result->len);
    return RPC_OK;
}

static void on_list(void *ctx, void (*visit)(void *visitor, const char *name), void *visitor) {
    require(ctx == &call_count);
    visit(visitor, "name");
    visit(visitor, "\xff");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct rpc_bridge bridge = {on_call, size % 2 ? on_list : NULL, NULL, &call_count, MAX_CALLS};
    struct rpc_bytes response = {0};

    if (!size)
        return 0;
    call_count = 0;
    rpc_jsonrpc_init();
    require(rpc_jsonrpc_handle(&bridge, (const char *)data, size, &response) == RPC_OK);
    require(call_count <= MAX_CALLS);
    if (response.len) {
        json_t *tree = json_loadb(response.data, response.len, JSON_ALLOW_NUL, NULL);
        require(tree && (json_is_object(tree) || json_array_size(tree)));
        json_decref(tree);
    }
    rpc_bytes_free(&response);
    return 0;
}
