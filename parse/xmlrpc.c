// SPDX-License-Identifier: MIT
/*
 * The answers of the XML-RPC bridge, see parse/xmlrpc.h: makes the calls a document asks for,
 * answers the introspection functions itself, and writes the response as it goes, without a tree.
 * Reading the request is the business of parse/xmlrpc_parse.c.
 */
#include "xmlrpc.h"
#include "xmlrpc_parse.h"

#include <stdio.h>
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

/* --- values --- */

/* What a byte of a result is to XML 1.0. */
enum byte_class {
    PLAIN,     /* stands for itself */
    ESCAPED,   /* must be written as an entity */
    LEADING,   /* begins a character of several bytes */
    FORBIDDEN, /* cannot be carried, or no UTF-8 */
};

static enum byte_class byte_class(unsigned char c) {
    if (c >= 0x80)
        return c >= 0xc2 && c <= 0xf4 ? LEADING : FORBIDDEN;
    if (c < ' ')
        return c == '\t' || c == '\n' ? PLAIN : c == '\r' ? ESCAPED : FORBIDDEN;
    return c == '<' || c == '>' || c == '&' ? ESCAPED : PLAIN;
}

/* Length of the character of several bytes that begins at p, or 0 when it is none that XML 1.0 can
   carry (section 2.2). */
static size_t char_len(const char *p, size_t left) {
    size_t len = rpc_utf8_len(p, left);
    bool noncharacter = len == 3 && !memcmp(p, "\xef\xbf", 2) && (unsigned char)p[2] > 0xbd;
    return noncharacter ? 0 : len;
}

/* Whether data is text an XML document can carry. */
static bool is_text(const char *data, size_t len) {
    for (size_t i = 0; i < len;) {
        enum byte_class class = byte_class((unsigned char)data[i]);
        size_t step = class == LEADING ? char_len(data + i, len - i) : class != FORBIDDEN;
        if (!step)
            return false;
        i += step;
    }
    return true;
}

/*
 * Appends text, with what would be taken for markup, or for a line's end, as entities. An empty
 * text may be NULL.
 */
static void put_text(struct rpc_bytes *out, const char *text, size_t len) {
    size_t from = 0;
    for (size_t i = 0; i < len; i++) {
        if (byte_class((unsigned char)text[i]) != ESCAPED)
            continue;
        rpc_bytes_append(out, text + from, i - from);
        rpc_bytes_puts(out, text[i] == '<'   ? "&lt;"
                            : text[i] == '>' ? "&gt;"
                            : text[i] == '&' ? "&amp;"
                                             : "&#13;");
        from = i + 1;
    }
    if (from < len)
        rpc_bytes_append(out, text + from, len - from);
}

/* Appends what goes inside a <value>. */
static void put_bytes(struct rpc_bytes *out, const char *data, size_t len) {
    if (is_text(data, len)) {
        rpc_bytes_puts(out, "<string>");
        put_text(out, data, len);
        rpc_bytes_puts(out, "</string>");
    } else {
        rpc_bytes_puts(out, "<base64>");
        rpc_bytes_put_base64(out, data, len);
        rpc_bytes_puts(out, "</base64>");
    }
}

static void put_fault(struct rpc_bytes *out, enum rpc_status status) {
    const struct rpc_status_info *info = rpc_status_info(status);
    char code[16];
    snprintf(code, sizeof(code), "%d", info->xmlrpc);
    rpc_bytes_puts(out, "<struct><member><name>faultCode</name><value><int>");
    rpc_bytes_puts(out, code);
    rpc_bytes_puts(out, "</int></value></member><member><name>faultString</name><value><string>");
    put_text(out, info->message, strlen(info->message));
    rpc_bytes_puts(out, "</string></value></member></struct>");
}

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
    put_bytes(out, name, strlen(name));
    rpc_bytes_puts(out, "</value>");
}

static void put_list(const struct rpc_bridge *bridge, struct rpc_bytes *out) {
    rpc_bytes_puts(out, "<array><data>");
    for (size_t i = 0; i < BUILTINS; i++)
        put_name(out, builtins[i].name);
    bridge->list(bridge->ctx, put_name, out);
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
    const struct builtin *subject = builtin_of(search.name, search.len);
    if (!subject)
        bridge->list(bridge->ctx, compare_name, &search);
    if (!subject && !search.found)
        return RPC_UNKNOWN;
    if (builtin->signature[0][0] == 'a')
        put_signature(subject, out);
    else
        put_bytes(out, subject ? subject->help : "", subject ? strlen(subject->help) : 0);
    return RPC_OK;
}

/* --- calls --- */

/* Makes a call and appends its result as the content of a <value>, or nothing. */
static enum rpc_status make_call(const struct rpc_bridge *bridge, const struct rpc_call *call,
                                 struct rpc_bytes *out) {
    enum rpc_status status;
    if (bridge->list && call->name_len > 7 && !memcmp(call->name, "system.", 7)) {
        const struct builtin *builtin = builtin_of(call->name, call->name_len);
        if (builtin) {
            status = introspect(bridge, builtin, call, out);
            if (status)
                rpc_bridge_fault(bridge, call->name, call->name_len, status);
            return status;
        }
    }
    struct rpc_result result = {0};
    status = bridge->call(bridge->ctx, call, &result);
    if (!status)
        put_bytes(out, result.data, result.len);
    free(result.data);
    return status;
}

/* Stands for the call of a document that is refused. */
static const struct rpc_call no_call;

/* Appends the answer to one call, which is not made if it has a fault already. */
static void answer(const struct rpc_bridge *bridge, const struct rpc_call *call,
                   enum rpc_status status, const struct frame *frame, struct rpc_bytes *out) {
    size_t mark = out->len;
    if (!status) {
        rpc_bytes_puts(out, frame->value);
        status = make_call(bridge, call, out);
        if (!status) {
            rpc_bytes_puts(out, frame->value_end);
            return;
        }
        if (!out->failed)
            out->len = mark;
    } else {
        rpc_bridge_fault(bridge, call->name, call->name_len, status);
    }
    rpc_bytes_puts(out, frame->fault);
    put_fault(out, status);
    rpc_bytes_puts(out, frame->fault_end);
}

static void answer_all(const struct rpc_bridge *bridge, const struct rpc_xmlrpc_calls *calls,
                       struct rpc_bytes *out) {
    struct rpc_call call;
    enum rpc_status status;
    size_t position = 0;

    if (!calls->multicall) {
        if (rpc_xmlrpc_calls_next(calls, &position, &call, &status))
            answer(bridge, &call, status, &single, out);
        return;
    }
    rpc_bytes_puts(out, single.value);
    rpc_bytes_puts(out, "<array><data>");
    while (!out->failed && rpc_xmlrpc_calls_next(calls, &position, &call, &status))
        answer(bridge, &call, status, &in_list, out);
    rpc_bytes_puts(out, "</data></array>");
    rpc_bytes_puts(out, single.value_end);
}

enum rpc_status rpc_xmlrpc_handle(const struct rpc_bridge *bridge, const char *body, size_t len,
                                  const char *charset, struct rpc_bytes *response) {
    struct rpc_xmlrpc_calls calls;
    rpc_xmlrpc_calls_init(&calls, bridge->max_calls);
    enum rpc_status status = rpc_xmlrpc_parse(body, len, charset, &calls);

    if (status != RPC_NO_MEMORY) {
        rpc_bytes_puts(response, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<methodResponse>");
        if (status)
            answer(bridge, &no_call, status, &single, response);
        else
            answer_all(bridge, &calls, response);
        rpc_bytes_puts(response, "</methodResponse>\n");
    }
    rpc_xmlrpc_calls_free(&calls);
    if (status == RPC_NO_MEMORY || response->failed) {
        rpc_bytes_free(response);
        return RPC_NO_MEMORY;
    }
    return RPC_OK;
}
