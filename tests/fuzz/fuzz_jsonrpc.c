// SPDX-License-Identifier: MIT
/*
 * Any bytes as a JSON-RPC document: what is called is a sound call, and every answer can be read.
 */
#include "parse/jsonrpc.h"
#include "parse/typed.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#define MAX_CALLS 20

static unsigned call_count;

static void require(bool holds) {
    if (!holds)
        abort();
}

/* Names with a capital first letter are typed, those with a "?" unknown. */
static enum rpc_status on_find(void *ctx, const char *name, size_t name_len, bool *typed) {
    require(ctx == &call_count && name_len && strlen(name) == name_len);
    *typed = *name >= 'A' && *name <= 'Z';
    return strchr(name, '?') ? RPC_UNKNOWN : RPC_OK;
}

/* What goes into a typed function is JSON to another reader too; it comes out again. */
static enum rpc_status call_typed(const struct rpc_call *call, struct rpc_result *result) {
    require(call->arg_count == 1 && call->arg_len[0] >= 2);
    require(rpc_typed_judge(call->arg[0], call->arg_len[0]) == RPC_OK);
    json_error_t error;
    json_t *tree =
        json_loadb(call->arg[0], call->arg_len[0],
                   JSON_ALLOW_NUL | JSON_REJECT_DUPLICATES | JSON_DECODE_INT_AS_REAL, &error);
    require(tree || json_error_code(&error) == json_error_numeric_overflow ||
            json_error_code(&error) == json_error_null_byte_in_key);
    json_decref(tree);
    result->len = call->arg_len[0];
    result->data = malloc(result->len);
    require(result->data != NULL);
    memcpy(result->data, call->arg[0], result->len);
    return RPC_OK;
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
    if (*call->name >= 'A' && *call->name <= 'Z')
        return call_typed(call, result);
    char last = call->name[call->name_len - 1];
    if (last >= '0' && last <= '9')
        return last == '9' ? RPC_NODE_TIMEOUT : RPC_BAD_JSON;
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
    struct rpc_bridge bridge = {.find = on_find,
                                .call = on_call,
                                .list = size % 2 ? on_list : NULL,
                                .ctx = &call_count,
                                .max_calls = MAX_CALLS};
    struct rpc_bytes response = {0};

    if (!size)
        return 0;
    call_count = 0;
    require(rpc_jsonrpc_handle(&bridge, (const char *)data, size, &response) == RPC_OK);
    require(call_count <= MAX_CALLS);
    if (response.len) {
        struct rpc_json answer;
        require(rpc_json_check(response.data, response.len, &answer) == RPC_OK);
        require(rpc_json_is_object(answer) || answer.len > 2);
    }
    rpc_bytes_free(&response);
    return 0;
}
