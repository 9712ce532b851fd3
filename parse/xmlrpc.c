// SPDX-License-Identifier: MIT
/*
 * The answers of the XML-RPC bridge, see parse/xmlrpc.h: makes the calls a document asks for,
 * answers the introspection functions itself, and writes the response as it goes, without a tree.
 * Reading the request is the business of parse/xmlrpc_parse.c.
 */
#include "xmlrpc.h"
#include "typed.h"
#include "xmlrpc_parse.h"
#include "xmlrpc_tape.h"
#include "xmlrpc_value.h"

#include <stdlib.h>
#include <string.h>

/* What stands around the answer of a call, which is a value or a fault's struct. */
struct frame {
    const char *value, *value_end;
    const char *fault, *fault_end;
};

static const struct frame single = {
    "<params><param><value>",
    "</value></param></params>",
    "<fault><value>",
    "</value></fault>",
};

static const struct frame in_list = {
    "<value><array><data><value>",
    "</value></data></array></value>",
    "<value>",
    "</value>",
};

/* --- introspection --- */

/* The functions every client may call, with what is known of them. */
static const struct builtin {
    const char *name;
    const char *signature[2]; /* type of the result, type of the argument */
    const char *help;
} builtins[] = {
    {"system.listMethods", {"array", NULL}, "Returns the names of all functions."},
    {"system.methodHelp", {"string", "string"}, "Returns what is known of a function."},
    {"system.methodSignature",
     {"array", "string"},
     "Returns the possible signatures of a function, each an array of the type of its result and "
     "those of its arguments, or \"undef\" when they are not known."},
    {RPC_XMLRPC_MULTICALL,
     {"array", "array"},
     "Takes an array of structs with methodName and params, calls one after the other, and returns "
     "an array with either an array of the one result or a fault for each."},
};

#define BUILTINS (sizeof(builtins) / sizeof(builtins[0]))

static const struct builtin *builtin_of(const char *name, size_t len) {
    for (size_t i = 0; i < BUILTINS; i++)
        if (strlen(builtins[i].name) == len && !memcmp(builtins[i].name, name, len))
            return &builtins[i];
    return NULL;
}

static void put_name(void *out, const char *name) {
    rpc_bytes_puts(out, "<value>");
    rpc_xmlrpc_put_bytes(out, name, strlen(name));
    rpc_bytes_puts(out, "</value>");
}

/* One that somebody has registered stands in the list already. */
static void put_registered(void *out, const char *name) {
    if (!builtin_of(name, strlen(name)))
        put_name(out, name);
}

static void put_list(const struct rpc_bridge *bridge, struct rpc_bytes *out) {
    rpc_bytes_puts(out, "<array><data>");
    for (size_t i = 0; i < BUILTINS; i++)
        put_name(out, builtins[i].name);
    bridge->list(bridge->ctx, put_registered, out);
    rpc_bytes_puts(out, "</data></array>");
}

static void put_signature(const struct builtin *builtin, struct rpc_bytes *out) {
    if (!builtin) {
        rpc_bytes_puts(out, "<string>undef</string>");
        return;
    }
    rpc_bytes_puts(out, "<array><data><value><array><data>");
    for (size_t i = 0; i < 2 && builtin->signature[i]; i++)
        put_name(out, builtin->signature[i]);
    rpc_bytes_puts(out, "</data></array></value></data></array>");
}

/* A name that is looked for among the functions. */
struct search {
    const char *name;
    size_t len;
    bool found;
};

static void compare_name(void *visitor, const char *name) {
    struct search *search = visitor;
    if (strlen(name) == search->len && !memcmp(name, search->name, search->len))
        search->found = true;
}

/* Answers a call of an introspection function. */
static enum rpc_status introspect(const struct rpc_bridge *bridge, const struct builtin *builtin,
                                  const struct rpc_call *call, struct rpc_bytes *out) {
    if (call->arg_count != (builtin->signature[1] ? 1 : 0))
        return RPC_BAD_ARG;
    if (!call->arg_count) {
        put_list(bridge, out);
        return RPC_OK;
    }
    struct search search = {.name = call->arg[0], .len = call->arg_len[0]};
    bridge->list(bridge->ctx, compare_name, &search);
    const struct builtin *subject = search.found ? NULL : builtin_of(search.name, search.len);
    if (!subject && !search.found)
        return RPC_UNKNOWN;
    if (builtin->signature[0][0] == 'a')
        put_signature(subject, out);
    else
        rpc_xmlrpc_put_bytes(out, subject ? subject->help : "",
                             subject ? strlen(subject->help) : 0);
    return RPC_OK;
}

/* --- calls --- */

/* One document on its way through. */
struct exchange {
    const struct rpc_bridge *bridge;
    const struct rpc_bytes *tape;
    struct rpc_bytes *out;
    struct rpc_bytes json; /* the argument of a typed function */
};

/* Appends a fault. */
static void put_status(struct exchange *x, enum rpc_status status, const char *why) {
    const struct rpc_status_info *info = rpc_status_info(status);
    const char *message = *why ? why : info->message;
    rpc_xmlrpc_put_fault(x->out, info->xmlrpc, message, strlen(message));
}

/* Calls a function that is there, and appends its result as the content of a <value>. A fault that
   the function itself reported stands in result on RPC_APPLICATION_ERROR. */
static enum rpc_status call_function(struct exchange *x, struct rpc_xmlrpc_call *from, bool typed,
                                     struct rpc_call *call, struct rpc_result *result) {
    enum rpc_status status = typed ? rpc_xmlrpc_tape_json(x->tape, from, &x->json, call)
                                   : rpc_xmlrpc_tape_args(x->tape, from, call);
    if (status == RPC_OK) {
        status = x->bridge->call(x->bridge->ctx, call, result);
        if (status != RPC_OK)
            return status;
        if (!typed)
            rpc_xmlrpc_put_bytes(x->out, result->data, result->len);
        else if (!rpc_xmlrpc_put_json(x->out, rpc_typed_value(result->data, result->len)))
            status = RPC_BAD_JSON;
    }
    if (status != RPC_OK)
        rpc_bridge_fault(x->bridge, call->name, call->name_len, status);
    return status;
}

/* Answers a function that nobody has registered. */
static enum rpc_status call_builtin(struct exchange *x, struct rpc_xmlrpc_call *from,
                                    enum rpc_status missing, struct rpc_call *call) {
    const struct builtin *builtin = x->bridge->list ? builtin_of(call->name, call->name_len) : NULL;
    enum rpc_status status = builtin ? from->status : missing;

    if (!builtin)
        from->why[0] = 0; /* what it is called with does not matter */

    if (builtin && status == RPC_OK)
        status = rpc_xmlrpc_tape_args(x->tape, from, call);
    if (builtin && status == RPC_OK)
        status = introspect(x->bridge, builtin, call, x->out);
    if (status != RPC_OK)
        rpc_bridge_fault(x->bridge, call->name, call->name_len, status);
    return status;
}

/* What is called is looked at before what it is called with. */
static enum rpc_status make_call(struct exchange *x, struct rpc_xmlrpc_call *from,
                                 struct rpc_result *result) {
    struct rpc_call call;
    bool typed;

    bool named = from->name_len && from->status != RPC_BAD_REQUEST && from->status != RPC_BAD_NAME;
    if (named) {
        call.name = from->name;
        call.name_len = (uint16_t)from->name_len;
        call.arg_count = 0;
        enum rpc_status found = x->bridge->find(x->bridge->ctx, call.name, call.name_len, &typed);
        if (found != RPC_OK)
            return call_builtin(x, from, found, &call);
        if (from->status == RPC_OK)
            return call_function(x, from, typed, &call, result);
    }
    rpc_bridge_fault(x->bridge, from->name, from->name_len, from->status);
    return from->status;
}

/* Appends the answer to one call, which is not made if it has a fault already. */
static void answer(struct exchange *x, struct rpc_xmlrpc_call *call, const struct frame *frame) {
    struct rpc_result result = {0};
    struct rpc_bytes *out = x->out;
    size_t mark = out->len;

    rpc_bytes_puts(out, frame->value);
    enum rpc_status status = make_call(x, call, &result);
    if (status == RPC_OK) {
        rpc_bytes_puts(out, frame->value_end);
    } else {
        if (!out->failed)
            out->len = mark;
        rpc_bytes_puts(out, frame->fault);
        if (status == RPC_APPLICATION_ERROR) {
            struct rpc_typed_error error = rpc_typed_error(result.data, result.len);
            rpc_xmlrpc_put_fault(out, error.code, error.message, error.message_len);
        } else {
            put_status(x, status, call->why);
        }
        rpc_bytes_puts(out, frame->fault_end);
    }
    free(result.data);
}

static void answer_all(struct exchange *x, bool multicall) {
    struct rpc_xmlrpc_call call;
    size_t position = 0;

    if (!multicall) {
        if (rpc_xmlrpc_tape_next(x->tape, &position, &call))
            answer(x, &call, &single);
        return;
    }
    rpc_bytes_puts(x->out, single.value);
    rpc_bytes_puts(x->out, "<array><data>");
    while (!x->out->failed && !x->json.failed && rpc_xmlrpc_tape_next(x->tape, &position, &call))
        answer(x, &call, &in_list);
    rpc_bytes_puts(x->out, "</data></array>");
    rpc_bytes_puts(x->out, single.value_end);
}

enum rpc_status rpc_xmlrpc_handle(const struct rpc_bridge *bridge, const char *body, size_t len,
                                  const char *charset, struct rpc_bytes *response) {
    struct rpc_xmlrpc_calls calls;
    rpc_xmlrpc_calls_init(&calls, bridge->max_calls);
    enum rpc_status status = rpc_xmlrpc_parse(body, len, charset, &calls);

    struct exchange x = {bridge, &calls.tape, response, {0}};
    struct rpc_xmlrpc_call none = {.status = status};

    if (status != RPC_NO_MEMORY) {
        rpc_bytes_puts(response, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<methodResponse>");
        if (status)
            answer(&x, &none, &single);
        else
            answer_all(&x, calls.multicall);
        rpc_bytes_puts(response, "</methodResponse>\n");
    }
    bool failed = status == RPC_NO_MEMORY || response->failed || x.json.failed;
    rpc_xmlrpc_calls_free(&calls);
    rpc_bytes_free(&x.json);
    if (failed) {
        rpc_bytes_free(response);
        return RPC_NO_MEMORY;
    }
    return RPC_OK;
}
