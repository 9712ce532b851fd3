// SPDX-License-Identifier: MIT
/*
 * A server for the XML-RPC tests: a few functions behind the codec, and a log of what was called.
 */
#ifndef XMLRPC_SERVER_H
#define XMLRPC_SERVER_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* memmem */
#endif

#include "parse/typed.h"
#include "parse/xmlrpc.h"
#include "unit.h"

#include <stdio.h>

#define MAX_CALLS 4
#define PROLOG "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"

/* What came of a request: the calls made, one line each, the document answered, and the faults in
   it: told to the bridge, and known to it as it made the call. */
struct answer {
    struct rpc_bytes calls;
    struct rpc_bytes response;
    unsigned told, failed;
    char told_name[32];
    enum rpc_status told_status;
};

static inline void answer_free(struct answer *answer) {
    rpc_bytes_free(&answer->calls);
    rpc_bytes_free(&answer->response);
}

/* Writes bytes so that a person can read them: [abc\x0a]. */
static inline void log_bytes(struct rpc_bytes *log, const char *bytes, size_t len) {
    for (size_t i = 0; i < len; i++) {
        char hex[8];
        unsigned char c = (unsigned char)bytes[i];
        snprintf(hex, sizeof(hex), c < ' ' || c > '~' || c == '\\' ? "\\x%02x" : "%c", c);
        rpc_bytes_puts(log, hex);
    }
}

/* Any name is one of a function that is not typed. */
static inline enum rpc_status find_any(void *ctx, const char *name, size_t name_len, bool *typed) {
    (void)ctx, (void)name, (void)name_len;
    *typed = false;
    return RPC_OK;
}

/* What there is to call: names that begin with "typed" are typed. */
static inline enum rpc_status server_find(void *ctx, const char *name, size_t name_len,
                                          bool *typed) {
    static const char *const names[] = {"binary", "echo", "fail", "join", "remote"};
    (void)ctx;
    ck_assert_uint_eq(strlen(name), name_len);
    *typed = !strncmp(name, "typed", 5);
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (!strcmp(names[i], name))
            return RPC_OK;
    return *typed ? RPC_OK : RPC_UNKNOWN;
}

/* A typed function returns its argument; "typed:TEXT" returns TEXT. */
static inline enum rpc_status call_typed(const struct rpc_call *call, struct rpc_result *result) {
    ck_assert_uint_eq(call->arg_count, 1);
    const char *text = call->name[5] == ':' ? call->name + 6 : call->arg[0];
    enum rpc_status status = rpc_typed_judge(text, strlen(text));
    if (status == RPC_OK || status == RPC_APPLICATION_ERROR) { /* no byte more than it has */
        *result = (struct rpc_result){malloc(strlen(text)), strlen(text)};
        memcpy(result->data, text, result->len);
    }
    return status;
}

static inline void give(struct rpc_result *result, const struct rpc_bytes *bytes) {
    *result = (struct rpc_result){bytes->data, bytes->len};
}

static inline enum rpc_status server_call(void *ctx, const struct rpc_call *call,
                                          struct rpc_result *result) {
    struct answer *answer = ctx;
    ck_assert(call->name_len && !call->name[call->name_len]);
    rpc_bytes_puts(&answer->calls, "call ");
    log_bytes(&answer->calls, call->name, call->name_len);
    for (size_t i = 0; i < call->arg_count; i++) {
        ck_assert_int_eq(call->arg[i][call->arg_len[i]], 0);
        rpc_bytes_puts(&answer->calls, " [");
        log_bytes(&answer->calls, call->arg[i], call->arg_len[i]);
        rpc_bytes_puts(&answer->calls, "]");
    }
    rpc_bytes_puts(&answer->calls, "\n");

    if (!strncmp(call->name, "typed", 5)) {
        enum rpc_status status = call_typed(call, result);
        answer->failed += status != RPC_OK;
        return status;
    }
    struct rpc_bytes bytes = {0};
    if (!strcmp(call->name, "echo")) {
        if (call->arg_count)
            rpc_bytes_append(&bytes, call->arg[0], call->arg_len[0]);
    } else if (!strcmp(call->name, "join")) {
        for (size_t i = 0; i < call->arg_count; i++) {
            rpc_bytes_puts(&bytes, i ? "|" : "");
            rpc_bytes_append(&bytes, call->arg[i], call->arg_len[i]);
        }
    } else if (!strcmp(call->name, "binary")) {
        rpc_bytes_append(&bytes, "\0\xff", 2);
    } else {
        answer->failed++;
        return !strcmp(call->name, "fail")     ? RPC_EMPTY
               : !strcmp(call->name, "remote") ? RPC_NODE_UNREACHABLE
                                               : RPC_UNKNOWN;
    }
    if (bytes.failed)
        return RPC_NO_MEMORY;
    give(result, &bytes);
    return RPC_OK;
}

static inline void server_fault(void *ctx, const char *name, size_t name_len,
                                enum rpc_status status) {
    struct answer *answer = ctx;
    answer->told++;
    answer->told_status = status;
    snprintf(answer->told_name, sizeof(answer->told_name), "%.*s", name ? (int)name_len : 6,
             name ? name : "(none)");
    ck_assert(status != RPC_OK && (name || !name_len));
}

static inline void server_list(void *ctx, void (*visit)(void *visitor, const char *name),
                               void *visitor) {
    static const char *const names[] = {"binary", "echo", "fail", "join", "remote"};
    (void)ctx;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        visit(visitor, names[i]);
}

static inline unsigned faults_in(const struct rpc_bytes *response) {
    static const char fault[] = "<name>faultCode</name>";
    unsigned count = 0;
    for (size_t i = 0; i + strlen(fault) <= response->len; i++)
        count += !memcmp(response->data + i, fault, strlen(fault));
    return count;
}

/* Asks the server, with introspection, and keeps what came of it; the status is to be RPC_OK, and
   each fault is to be told once. */
static inline struct answer ask_charset(const char *body, size_t len, const char *charset) {
    struct answer answer = {0};
    struct rpc_bridge bridge = {server_find,  server_call, server_list,
                                server_fault, &answer,     MAX_CALLS};
    struct guarded g = guarded_copy(body, len);
    ck_assert_int_eq(rpc_xmlrpc_handle(&bridge, g.data, len, charset, &answer.response), RPC_OK);
    guarded_free(&g);
    ck_assert_uint_eq(answer.told + answer.failed, faults_in(&answer.response));
    return answer;
}

static inline struct answer ask(const char *body, size_t len) {
    return ask_charset(body, len, NULL);
}

/* Checks that a buffer holds exactly this text. */
static inline void assert_bytes(const struct rpc_bytes *bytes, const char *text) {
    ck_assert_msg(
        bytes->len == strlen(text) && (!bytes->len || !memcmp(bytes->data, text, bytes->len)),
        "expected: %s\ngot:      %.*s", text, (int)bytes->len, bytes->data ? bytes->data : "");
}

/* Checks that the answer is one fault of that status, and that nothing was called. Messages that
   name a parameter are those of the documents in tests/data. */
static inline void assert_fault(const struct answer *answer, enum rpc_status status) {
    char text[1024];
    if (status == RPC_BAD_ARG || status == RPC_ARG_TOO_LONG) {
        ck_assert_ptr_nonnull(
            memmem(answer->response.data, answer->response.len, "<methodResponse><fault>", 23));
        ck_assert_ptr_nonnull(
            memmem(answer->response.data, answer->response.len, "<int>-32602</int>", 17));
        assert_bytes(&answer->calls, "");
        return;
    }
    snprintf(text, sizeof(text),
             PROLOG "<methodResponse><fault><value><struct><member><name>faultCode</name><value>"
                    "<int>%d</int></value></member><member><name>faultString</name><value>"
                    "<string>%s</string></value></member></struct></value></fault>"
                    "</methodResponse>\n",
             rpc_status_info(status)->xmlrpc, rpc_status_info(status)->message);
    assert_bytes(&answer->response, text);
    assert_bytes(&answer->calls, "");
}

/* Checks that the answer is one result with this content of its <value>. */
static inline void assert_value(const struct answer *answer, const char *value) {
    struct rpc_bytes text = {0};
    rpc_bytes_puts(&text, PROLOG "<methodResponse><params><param><value>");
    rpc_bytes_puts(&text, value);
    rpc_bytes_puts(&text, "</value></param></params></methodResponse>\n");
    rpc_bytes_append(&text, "", 1);
    assert_bytes(&answer->response, text.data);
    rpc_bytes_free(&text);
}

/* --- the data files --- */

struct file {
    char name[512];
    char *data;
    size_t len;
};

static inline struct file read_file(const char *path) {
    struct file file = {0};
    FILE *stream = fopen(path, "rb");
    ck_assert_msg(stream != NULL, "%s", path);
    snprintf(file.name, sizeof(file.name), "%s", path);
    fseek(stream, 0, SEEK_END);
    file.len = (size_t)ftell(stream);
    rewind(stream);
    file.data = malloc(file.len + 1);
    ck_assert_uint_eq(fread(file.data, 1, file.len, stream), file.len);
    file.data[file.len] = 0;
    fclose(stream);
    return file;
}

#endif
