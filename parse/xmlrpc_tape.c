// SPDX-License-Identifier: MIT
/*
 * Reads the tape of an XML-RPC document, see parse/xmlrpc_tape.h.
 */
#include "xmlrpc_tape.h"
#include "json.h"
#include "xmlrpc_scalar.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

__attribute__((format(printf, 3, 4))) static enum rpc_status
because(struct rpc_xmlrpc_call *call, enum rpc_status status, const char *format, ...) {
    va_list args;
    va_start(args, format);
    vsnprintf(call->why, sizeof(call->why), format, args);
    va_end(args);
    return status;
}

/* The entry at *at, which is moved on, and its text. */
static struct rpc_xmlrpc_entry take(const struct rpc_bytes *tape, size_t *at, const char **text) {
    struct rpc_xmlrpc_entry entry;
    memcpy(&entry, tape->data + *at, sizeof(entry));
    *text = tape->data + *at + sizeof(entry);
    /* the length of a call's entry counts something else */
    *at += sizeof(entry) + (entry.kind == RPC_XMLRPC_CALL ? 0u : entry.len) + 1;
    return entry;
}

static void read_status(struct rpc_xmlrpc_call *call, struct rpc_xmlrpc_entry entry) {
    call->status = entry.about;
    call->why[0] = 0;
    if (entry.len && call->status == RPC_BAD_ARG)
        because(call, RPC_BAD_ARG, "parameter %u is not of its type", entry.len);
    else if (entry.len && call->status == RPC_ARG_TOO_LONG)
        because(call, RPC_BAD_ARG, "parameter %u is longer than %d bytes", entry.len,
                RPC_ARG_LEN_MAX);
}

bool rpc_xmlrpc_tape_next(const struct rpc_bytes *tape, size_t *position,
                          struct rpc_xmlrpc_call *call) {
    const char *text;
    size_t next = *position;

    if (next == tape->len)
        return false;
    read_status(call, take(tape, &next, &text));
    call->name = NULL;
    call->name_len = 0;
    call->at = call->end = next;
    while (next < tape->len) {
        struct rpc_xmlrpc_entry entry = take(tape, &next, &text);
        if (entry.kind == RPC_XMLRPC_CALL)
            break;
        if (entry.kind == RPC_XMLRPC_NAME) {
            call->name = text;
            call->name_len = entry.len;
        }
        call->end = next;
    }
    *position = call->end;
    return true;
}

enum rpc_status rpc_xmlrpc_tape_args(const struct rpc_bytes *tape, struct rpc_xmlrpc_call *from,
                                     struct rpc_call *call) {
    call->arg_count = 0;
    for (size_t at = from->at; at < from->end;) {
        const char *text;
        struct rpc_xmlrpc_entry entry = take(tape, &at, &text);
        if (entry.kind == RPC_XMLRPC_NAME)
            continue;
        if (call->arg_count == RPC_ARGS_MAX)
            return RPC_TOO_MANY_ARGS;
        if (entry.kind != RPC_XMLRPC_SCALAR)
            return because(from, RPC_BAD_ARG, "parameter %u is %s", call->arg_count + 1u,
                           entry.about == '[' ? "an array" : "a struct");
        call->arg[call->arg_count] = text;
        call->arg_len[call->arg_count++] = entry.len;
    }
    return RPC_OK;
}

/* --- as JSON ---------------------------------------------------------------------------------- */

/* Appends the digits at *p as an integer has them in JSON: one at least, no zero before others. */
static void put_digits(struct rpc_bytes *out, const char **p) {
    size_t len = strspn(*p, "0123456789"), zeros = strspn(*p, "0");
    if (zeros == len)
        rpc_bytes_puts(out, "0");
    else
        rpc_bytes_append(out, *p + zeros, len - zeros);
    *p += len;
}

/* An integer or a double that has been found sound. False for one that is not finite. */
static bool put_number(struct rpc_bytes *out, const char *p) {
    if (*p == '-')
        rpc_bytes_puts(out, "-");
    p += strspn(p, "+-");
    if (!strchr(".0123456789", *p))
        return false;
    put_digits(out, &p);
    if (*p == '.') {
        size_t len = strspn(p + 1, "0123456789");
        if (len)
            rpc_bytes_append(out, p, len + 1);
        p += len + 1;
    }
    rpc_bytes_puts(out, p);
    return true;
}

static bool put_scalar(struct rpc_bytes *out, enum rpc_xmlrpc_type type, const char *text,
                       size_t len) {
    switch (type) {
    case RPC_XMLRPC_INT:
    case RPC_XMLRPC_DOUBLE:
        return put_number(out, text);
    case RPC_XMLRPC_BOOLEAN:
        rpc_bytes_puts(out, *text == '1' ? "true" : "false");
        return true;
    case RPC_XMLRPC_NIL:
        rpc_bytes_puts(out, "null");
        return true;
    case RPC_XMLRPC_BASE64:
        rpc_bytes_puts(out, "{\"base64\":\"");
        rpc_bytes_put_base64(out, text, len);
        rpc_bytes_puts(out, "\"}");
        return true;
    default:
        return rpc_json_put_string(out, text, len);
    }
}

/* Appends an entry; *begun tells whether something stands before it in its array or struct. */
static bool put_entry(struct rpc_bytes *out, struct rpc_xmlrpc_entry entry, const char *text,
                      bool *begun) {
    const char bracket = (char)entry.about;
    bool sound = true;

    if (*begun && entry.kind != RPC_XMLRPC_CLOSE)
        rpc_bytes_puts(out, ",");
    switch (entry.kind) {
    case RPC_XMLRPC_SCALAR:
        sound = put_scalar(out, entry.about, text, entry.len);
        break;
    case RPC_XMLRPC_MEMBER:
        rpc_json_put_string(out, text, entry.len);
        rpc_bytes_puts(out, ":");
        break;
    default:
        rpc_bytes_append(out, &bracket, 1);
        break;
    }
    *begun = entry.kind == RPC_XMLRPC_SCALAR || entry.kind == RPC_XMLRPC_CLOSE;
    return sound;
}

/* What the array is to its reader: the limits of any JSON text hold for it too. */
static enum rpc_status check(const struct rpc_bytes *json, struct rpc_xmlrpc_call *from) {
    struct rpc_json value;
    enum rpc_status status = rpc_json_check(json->data, json->len, &value);

    if (status == RPC_REPEATED_MEMBER)
        return because(from, RPC_BAD_ARG, "a member stands twice in a struct");
    return status == RPC_OK || status == RPC_NO_MEMORY ? status : RPC_BAD_ARG;
}

enum rpc_status rpc_xmlrpc_tape_json(const struct rpc_bytes *tape, struct rpc_xmlrpc_call *from,
                                     struct rpc_bytes *json, struct rpc_call *call) {
    bool begun = false;

    json->len = 0;
    rpc_bytes_puts(json, "[");
    for (size_t at = from->at; at < from->end && json->len <= RPC_ARG_LEN_MAX;) {
        const char *text;
        struct rpc_xmlrpc_entry entry = take(tape, &at, &text);
        if (entry.kind == RPC_XMLRPC_NAME)
            continue;
        if (!put_entry(json, entry, text, &begun))
            return because(from, RPC_BAD_ARG, "a double is no number: %.8s", text);
    }
    rpc_bytes_append(json, "]", 2);
    if (json->failed)
        return RPC_NO_MEMORY;
    json->len--;
    if (json->len > RPC_ARG_LEN_MAX)
        return because(from, RPC_ARG_TOO_LONG, "the parameters are longer than %d bytes",
                       RPC_ARG_LEN_MAX);
    call->arg[0] = json->data;
    call->arg_len[0] = (uint16_t)json->len;
    call->arg_count = 1;
    return check(json, from);
}
