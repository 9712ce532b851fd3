// SPDX-License-Identifier: MIT
/*
 * Fuzzes rpc_xmlrpc: whatever the document is, every call keeps the promises of struct rpc_call,
 * what a typed function gets is a JSON array, and the response is a well-formed document.
 */
#include "parse/typed.h"
#include "parse/xmlrpc.h"

#include <stdlib.h>
#include <string.h>

#include <libxml/parser.h>

#define MAX_CALLS 8

static void check(bool truth) {
    if (!truth)
        abort();
}

/* As for the unit tests, whose documents are the seeds. */
static bool is_typed(const char *name) {
    return strncmp(name, "typed", 5) == 0;
}

static enum rpc_status find(void *ctx, const char *name, size_t name_len, bool *typed) {
    (void)ctx;
    check(name_len && strlen(name) == name_len);
    *typed = is_typed(name);
    return RPC_OK;
}

/* A result of no byte more than it has. */
static void give(struct rpc_result *result, const char *data, size_t len) {
    *result = (struct rpc_result){malloc(len ? len : 1), len};
    check(result->data != NULL);
    memcpy(result->data, data, len);
}

/* Gives what the first parameter says, if it is a string. */
static bool give_string(struct rpc_result *result, struct rpc_json params) {
    struct rpc_json rest = rpc_json_inside(params), value;
    if (!rpc_json_next(&rest, &value) || !rpc_json_is_string(value))
        return false;
    char *text = malloc(value.len);
    check(text != NULL);
    give(result, text, rpc_json_decode(value, text, value.len));
    free(text);
    return true;
}

/* "typed:TEXT" returns TEXT, "typed?" what its first parameter says, others their parameters. */
static enum rpc_status typed_call(const struct rpc_call *call, struct rpc_result *result) {
    struct rpc_json params;
    check(call->arg_count == 1);
    check(rpc_json_check(call->arg[0], call->arg_len[0], &params) == RPC_OK);
    check(rpc_json_is_array(params) && params.len == call->arg_len[0]);
    if (call->name[5] == ':')
        give(result, call->name + 6, call->name_len - 6u);
    else if (call->name[5] != '?' || !give_string(result, params))
        give(result, params.text, params.len);
    enum rpc_status status = rpc_typed_judge(result->data, (size_t)result->len);
    if (status != RPC_OK && status != RPC_APPLICATION_ERROR) {
        free(result->data);
        *result = (struct rpc_result){0};
    }
    return status;
}

/* Returns the arguments behind one another, the name first. */
static enum rpc_status echo_call(void *ctx, const struct rpc_call *call,
                                 struct rpc_result *result) {
    size_t *count = ctx, len = call->name_len;
    check(++*count <= MAX_CALLS);
    check(call->name_len >= 1 && call->name_len <= RPC_NAME_MAX);
    check(strlen(call->name) == call->name_len);
    check(call->arg_count <= RPC_ARGS_MAX);
    if (is_typed(call->name))
        return typed_call(call, result);
    for (size_t i = 0; i < call->arg_count; i++) {
        check(call->arg[i][call->arg_len[i]] == 0);
        len += call->arg_len[i];
    }
    char *p = result->data = malloc(len + 1);
    check(p != NULL);
    memcpy(p, call->name, call->name_len);
    p += call->name_len;
    for (size_t i = 0; i < call->arg_count; p += call->arg_len[i++])
        memcpy(p, call->arg[i], call->arg_len[i]);
    result->len = len;
    return RPC_OK;
}

static void list(void *ctx, void (*visit)(void *visitor, const char *name), void *visitor) {
    (void)ctx;
    visit(visitor, "echo");
    visit(visitor, "\xff<&>\r");
}

static void handle(const char *body, size_t len, const char *charset) {
    size_t count = 0;
    struct rpc_bytes response = {0};
    struct rpc_bridge bridge = {find, echo_call, list, NULL, &count, MAX_CALLS};
    check(rpc_xmlrpc_handle(&bridge, body, len, charset, &response) == RPC_OK);
    check(!response.failed && response.len > 0);
    xmlDocPtr doc = xmlReadMemory(response.data, (int)response.len, NULL, NULL,
                                  XML_PARSE_NONET | XML_PARSE_HUGE);
    check(doc != NULL);
    check(!strcmp((const char *)xmlDocGetRootElement(doc)->name, "methodResponse"));
    xmlFreeDoc(doc);
    rpc_bytes_free(&response);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len) {
    static const char *const charsets[] = {"utf-8", "iso-8859-1", "utf-16", "shift_jis"};
    handle((const char *)data, len, NULL);
    handle((const char *)data, len, charsets[len % 4]);
    return 0;
}
