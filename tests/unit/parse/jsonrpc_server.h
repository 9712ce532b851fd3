// SPDX-License-Identifier: MIT
/*
 * What the tests of rpc_jsonrpc share: functions to call, memory that runs out when it is told to,
 * and a document's way through the codec.
 */
#ifndef JSONRPC_SERVER_H
#define JSONRPC_SERVER_H

#include "parse/json.h"
#include "parse/jsonrpc.h"
#include "parse/typed.h"
#include "unit.h"

#include <dirent.h>
#include <jansson.h>
#include <limits.h>
#include <stdio.h>

#define MAX_CALLS 10
#define COUNT(array) (sizeof(array) / sizeof(*(array)))

#define PARSE_ERROR                                                                                \
    "{\"jsonrpc\":\"2.0\",\"error\":{\"code\":-32700,"                                             \
    "\"message\":\"the document is not well formed\"},\"id\":null}"

/* --- memory that runs out -----------------------------------------------------------------------
 */

static struct {
    bool armed;
    long fail_at;    /* which one from now on fails, 0 the next; -1 none */
    bool fail_after; /* and so do all behind it */
    bool failed;
    size_t asked; /* bytes asked for while armed */
} memory = {.fail_at = -1};

static bool memory_fails(size_t size) {
    if (!memory.armed)
        return false;
    memory.asked += size;
    if (memory.fail_at == 0 || (memory.failed && memory.fail_after)) {
        memory.fail_at = -1;
        memory.failed = true;
        return true;
    }
    if (memory.fail_at > 0)
        memory.fail_at--;
    return false;
}

extern void *__interceptor_realloc(void *, size_t) __attribute__((weak));
extern void *__libc_realloc(void *, size_t) __attribute__((weak));
extern void *__interceptor_malloc(size_t) __attribute__((weak));
extern void *__libc_malloc(size_t) __attribute__((weak));

void *realloc(void *p, size_t size) {
    if (memory_fails(size))
        return NULL;
    return __interceptor_realloc ? __interceptor_realloc(p, size) : __libc_realloc(p, size);
}

void *malloc(size_t size) {
    if (memory_fails(size))
        return NULL;
    return __interceptor_malloc ? __interceptor_malloc(size) : __libc_malloc(size);
}

/* --- the functions called -----------------------------------------------------------------------
 */

static struct rpc_bytes calls;
static unsigned call_count;

/* Faults told to the bridge, and known to it as it made the call. */
static struct rpc_bytes told;
static unsigned told_count, failed_count;

static void log_bytes(const char *data, size_t len) {
    for (size_t i = 0; i < len; i++) {
        char text[5];
        unsigned char c = (unsigned char)data[i];
        snprintf(text, sizeof(text),
                 c == '\\'              ? "\\%c"
                 : c < 0x20 || c > 0x7e ? "\\x%02x"
                                        : "%c",
                 c);
        rpc_bytes_puts(&calls, text);
    }
}

static void log_call(const struct rpc_call *call) {
    ck_assert_uint_ge(call->name_len, 1);
    ck_assert_uint_le(call->name_len, RPC_NAME_MAX);
    ck_assert_uint_eq(strlen(call->name), call->name_len);
    ck_assert_uint_le(call->arg_count, RPC_ARGS_MAX);
    call_count++;
    log_bytes(call->name, call->name_len);
    for (unsigned i = 0; i < call->arg_count; i++) {
        ck_assert_int_eq(call->arg[i][call->arg_len[i]], 0);
        rpc_bytes_puts(&calls, " [");
        log_bytes(call->arg[i], call->arg_len[i]);
        rpc_bytes_puts(&calls, "]");
    }
    rpc_bytes_puts(&calls, "\n");
}

static void give(struct rpc_result *result, const void *data, size_t len) {
    result->data = malloc(len ? len : 1);
    ck_assert_ptr_nonnull(result->data);
    memcpy(result->data, data, len);
    result->len = len;
}

static void give_number(struct rpc_result *result, long number) {
    char text[24];
    give(result, text, (size_t)snprintf(text, sizeof(text), "%ld", number));
}

/* A function named like a status fails with it. */
static enum rpc_status status_named(const char *name) {
    for (int status = RPC_OK + 1; status < RPC_STATUS_COUNT; status++)
        if (strcmp(rpc_status_info((enum rpc_status)status)->name, name) == 0)
            return (enum rpc_status)status;
    return RPC_UNKNOWN;
}

static enum rpc_status call_function(const struct rpc_call *call, struct rpc_result *result) {
    const char *name = call->name;

    if (strcmp(name, "echo") == 0) {
        if (call->arg_count)
            give(result, call->arg[0], call->arg_len[0]);
    } else if (strcmp(name, "subtract") == 0) {
        give_number(result, atol(call->arg[0]) - atol(call->arg[1]));
    } else if (strcmp(name, "sum") == 0) {
        long sum = 0;
        for (unsigned i = 0; i < call->arg_count; i++)
            sum += atol(call->arg[i]);
        give_number(result, sum);
    } else if (strcmp(name, "get_data") == 0) {
        give(result, "[\"hello\",5]", 11);
    } else if (strcmp(name, "bytes") == 0) {
        give(result, "\x00\xff\xfe", 3);
    } else if (strcmp(name, "controls") == 0) {
        char controls[32];
        for (size_t i = 0; i < sizeof(controls); i++)
            controls[i] = (char)i;
        give(result, controls, sizeof(controls));
    } else if (strcmp(name, "empty") == 0) {
        return call->arg_count ? RPC_EMPTY : RPC_OK;
    } else if (strcmp(name, "update") != 0 && strncmp(name, "notify_", 7) != 0) {
        return status_named(name);
    }
    return RPC_OK;
}

/* What there is to call. Names that begin with "typed." are typed. */
static enum rpc_status on_find(void *ctx, const char *name, size_t name_len, bool *typed) {
    static const char *const names[] = {"echo",  "subtract", "sum",   "get_data",
                                        "bytes", "controls", "empty", "update"};
    bool sound = ctx == &calls && strlen(name) == name_len;
    if (!sound)
        abort(); /* an assertion would allocate */
    *typed = strncmp(name, "typed.", 6) == 0;
    if (*typed || strncmp(name, "notify_", 7) == 0)
        return RPC_OK;
    for (size_t i = 0; i < COUNT(names); i++)
        if (strcmp(names[i], name) == 0)
            return RPC_OK;
    enum rpc_status status = status_named(name);
    return status == RPC_UNKNOWN || status == RPC_FORBIDDEN ? status : RPC_OK;
}

/* What the typed functions return. */
static const struct {
    const char *name, *result;
} typed_results[] = {
    {"typed.number", "18446744073709551616"},
    {"typed.spaced", " { \"a\" : [ 1.10, -0, 1E5 ] }\n"},
    {"typed.error", "error 404 no such user\n{\"id\": 404}"},
    {"typed.error-alone", "error -2147483648"},
    {"typed.nothing", ""},
    {"typed.text", "hello"},
    {"typed.two", "1 2"},
    {"typed.twice", "{\"a\":1,\"\\u0061\":2}"},
};

static enum rpc_status call_typed(const struct rpc_call *call, struct rpc_result *result) {
    ck_assert_uint_eq(call->arg_count, 1);
    const char *text = call->arg[0];
    for (size_t i = 0; i < COUNT(typed_results); i++)
        if (strcmp(typed_results[i].name, call->name) == 0)
            text = typed_results[i].result;
    enum rpc_status status = rpc_typed_judge(text, strlen(text));
    if (status == RPC_OK || status == RPC_APPLICATION_ERROR)
        give(result, text, strlen(text));
    return status;
}

static enum rpc_status on_call(void *ctx, const struct rpc_call *call, struct rpc_result *result) {
    bool armed = memory.armed;
    memory.armed = false;
    ck_assert_ptr_eq(ctx, &calls);
    log_call(call);
    bool typed = strncmp(call->name, "typed.", 6) == 0;
    enum rpc_status status = typed ? call_typed(call, result) : call_function(call, result);
    failed_count += status != RPC_OK;
    memory.armed = armed;
    return status;
}

static void on_fault(void *ctx, const char *name, size_t name_len, enum rpc_status status) {
    bool armed = memory.armed;
    memory.armed = false;
    ck_assert_ptr_eq(ctx, &calls);
    ck_assert(status != RPC_OK && (name || !name_len));
    rpc_bytes_append(&told, name ? name : "(none)", name ? name_len : 6);
    rpc_bytes_puts(&told, " ");
    rpc_bytes_puts(&told, rpc_status_info(status)->name);
    rpc_bytes_puts(&told, "\n");
    told_count++;
    memory.armed = armed;
}

static inline void on_list(void *ctx, void (*visit)(void *visitor, const char *name),
                           void *visitor) {
    static const char *const names[] = {"\xff", "echo", "a\"b\xc3\xa9", "cut\xc3", "last"};
    (void)ctx;
    for (size_t i = 0; i < COUNT(names); i++)
        visit(visitor, names[i]);
}

static inline void on_list_nothing(void *ctx, void (*visit)(void *visitor, const char *name),
                                   void *visitor) {
    (void)ctx, (void)visit, (void)visitor;
}

static struct rpc_bridge bridge = {
    .find = on_find, .call = on_call, .fault = on_fault, .ctx = &calls, .max_calls = MAX_CALLS};

/* --- running documents --------------------------------------------------------------------------
 */

static struct rpc_bytes response;

/* Errors in an answer, whether it is one or an array of them. */
static inline size_t errors_in(const json_t *tree) {
    size_t i, count = json_is_object(json_object_get(tree, "error"));
    json_t *one;
    json_array_foreach(tree, i, one) count += json_is_object(json_object_get(one, "error"));
    return count;
}

/* Answers a document into response, and makes sure that the answer is JSON to somebody else too,
   and that every error in it is known to the bridge (those of notifications besides). */
static void answer(const char *body, size_t len) {
    rpc_bytes_free(&response);
    rpc_bytes_free(&calls);
    rpc_bytes_free(&told);
    call_count = told_count = failed_count = 0;
    struct guarded g = guarded_copy(body, len);
    ck_assert_int_eq(rpc_jsonrpc_handle(&bridge, g.data, len, &response), RPC_OK);
    guarded_free(&g);
    rpc_bytes_append(&response, "", response.len > 0); /* for strstr */
    response.len -= response.len > 0;
    if (response.len) {
        json_error_t error;
        json_t *tree =
            json_loadb(response.data, response.len,
                       JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL | JSON_DECODE_INT_AS_REAL, &error);
        ck_assert_msg(tree || json_error_code(&error) == json_error_numeric_overflow, "%s in %.*s",
                      error.text, (int)response.len, response.data);
        ck_assert_uint_ge(told_count + failed_count, errors_in(tree));
        json_decref(tree);
    }
}

static inline void answer_text(const char *body) {
    answer(body, strlen(body));
}

static void assert_bytes(const char *what, const struct rpc_bytes *is, const char *should,
                         size_t should_len) {
    ck_assert_msg(is->len == should_len && (!should_len || !memcmp(is->data, should, should_len)),
                  "%s: got\n%.*s\nnot\n%.*s", what, (int)is->len, is->data ? is->data : "",
                  (int)should_len, should);
}

static inline void assert_answer(const char *should) {
    assert_bytes("answer", &response, should, strlen(should));
}

/* The code of the one error answered, 0 if it is a result. */
static inline long answered_code(void) {
    json_t *tree = json_loadb(response.data, response.len, JSON_ALLOW_NUL, NULL);
    ck_assert_ptr_nonnull(tree);
    long code = (long)json_integer_value(json_object_get(json_object_get(tree, "error"), "code"));
    ck_assert((code == 0) == (json_object_get(tree, "result") != NULL));
    json_decref(tree);
    return code;
}

static inline long code_of(enum rpc_status status) {
    return rpc_status_info(status)->jsonrpc;
}
#endif
