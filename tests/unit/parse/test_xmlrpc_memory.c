// SPDX-License-Identifier: MIT
/*
 * rpc_xmlrpc when memory runs out: every allocation of a request, its own, libxml2's and the
 * function's, fails in turn, alone or with all that follow. And how much memory a large request
 * takes.
 *
 * malloc and its like are defined here, in front of the sanitizer's or the C library's.
 */
#include "parse/typed.h"
#include "parse/xmlrpc.h"
#include "unit.h"

#include <libxml/parser.h>
#include <malloc.h>
#include <stdint.h>

void *__interceptor_malloc(size_t len) __attribute__((weak));
void *__interceptor_calloc(size_t count, size_t len) __attribute__((weak));
void *__interceptor_realloc(void *old, size_t len) __attribute__((weak));
void __interceptor_free(void *old) __attribute__((weak));
void *__libc_malloc(size_t len);
void *__libc_calloc(size_t count, size_t len);
void *__libc_realloc(void *old, size_t len);
void __libc_free(void *old);
int __lsan_do_recoverable_leak_check(void) __attribute__((weak));
void __lsan_disable(void) __attribute__((weak));
void __lsan_enable(void) __attribute__((weak));

/* What the allocator does: fail_at counts allocations down, -1 is never. */
static struct {
    long fail_at;
    bool fail_on;  /* and all that follow */
    bool counting; /* not before main: the sanitizer may not be ready */
    size_t used, peak;
} memory = {.fail_at = -1};

static bool fails(void) {
    if (memory.fail_at < 0)
        return false;
    if (memory.fail_at)
        return --memory.fail_at < 0;
    if (!memory.fail_on)
        memory.fail_at = -1;
    return true;
}

static void *counted(void *data) {
    if (!memory.counting)
        return data;
    memory.used += data ? malloc_usable_size(data) : 0;
    if (memory.used > memory.peak)
        memory.peak = memory.used;
    return data;
}

static void uncount(void *data) {
    size_t len = data && memory.counting ? malloc_usable_size(data) : 0;
    memory.used -= len < memory.used ? len : memory.used;
}

void *malloc(size_t len) {
    if (fails())
        return NULL;
    return counted(__interceptor_malloc ? __interceptor_malloc(len) : __libc_malloc(len));
}

void *calloc(size_t count, size_t len) {
    if (fails())
        return NULL;
    return counted(__interceptor_calloc ? __interceptor_calloc(count, len)
                                        : __libc_calloc(count, len));
}

void *realloc(void *old, size_t len) {
    if (fails())
        return NULL;
    uncount(old);
    return counted(__interceptor_realloc ? __interceptor_realloc(old, len)
                                         : __libc_realloc(old, len));
}

void free(void *old) {
    uncount(old);
    if (__interceptor_free)
        __interceptor_free(old);
    else
        __libc_free(old);
}

/* --- every allocation fails in turn --- */

#define HEAD "<methodCall><methodName>"
#define ARGS                                                                                       \
    "</methodName><params><param><value><string>foo</string></value></param><param><value>"        \
    "<base64>YmFy</base64></value></param></params></methodCall>"
#define ENTRY                                                                                      \
    "<value><struct><member><name>methodName</name><value>f</value></member><member><name>params"  \
    "</name><value><array><data><value>foo</value><value>bar</value></data></array></value>"       \
    "</member></struct></value>"
#define MULTI                                                                                      \
    HEAD "system.multicall</methodName><params><param><value><array><data>" ENTRY ENTRY            \
         "</data></array></value></param></params></methodCall>"

static unsigned calls;
static bool whole; /* every call had its name and arguments (libcheck needs memory to say so) */

#define PARAM(value) "<param><value>" value "</value></param>"
#define TYPED_PARAMS                                                                               \
    "<params>" PARAM("<string>foo</string>") PARAM("<base64>YmFy</base64>") PARAM("1.5e3")         \
        PARAM("<array><data><value><double>-1.50</double></value><value><nil/></value></data>"     \
              "</array>")                                                                          \
            PARAM("<struct><member><name>base64</name><value>AP8=</value></member></struct>")      \
                PARAM("<struct><member><name>a</name><value><boolean>1</boolean></value></member>" \
                      "<member><name>b</name><value><i8>-9223372036854775808</i8></value>"         \
                      "</member></struct>") "</params></methodCall>"

static const char typed_params[] =
    "[\"foo\",{\"base64\":\"YmFy\"},\"1.5e3\",[-1.50,null],{\"base64\":\"AP8=\"},"
    "{\"a\":true,\"b\":-9223372036854775808}]";

/* A typed function returns its parameters, as "t", or an error. */
static enum rpc_status typed_call(const struct rpc_call *call, struct rpc_result *result) {
    const char *text = call->name[1] ? "error 404 no such user\n{\"id\":[1,2]}" : call->arg[0];
    size_t len = strlen(text);

    whole = whole && call->arg_count == 1 && !strcmp(call->arg[0], typed_params);
    enum rpc_status status = rpc_typed_judge(text, len);
    if (status != RPC_OK && status != RPC_APPLICATION_ERROR)
        return status;
    char *data = malloc(len);
    if (!data)
        return RPC_NO_MEMORY;
    memcpy(data, text, len);
    *result = (struct rpc_result){data, len};
    return status;
}

/* Returns a copy of its first argument. */
static enum rpc_status copy_call(void *ctx, const struct rpc_call *call,
                                 struct rpc_result *result) {
    (void)ctx;
    calls++;
    if (*call->name == 't')
        return typed_call(call, result);
    if (call->arg_count)
        whole = whole && !strcmp(call->name, "f") && call->arg_count == 2 &&
                !strcmp(call->arg[0], "foo") && !strcmp(call->arg[1], "bar");
    else
        return RPC_EMPTY;
    char *data = malloc(call->arg_len[0]);
    if (!data)
        return RPC_NO_MEMORY;
    memcpy(data, call->arg[0], call->arg_len[0]);
    *result = (struct rpc_result){data, call->arg_len[0]};
    return RPC_OK;
}

static enum rpc_status find_any(void *ctx, const char *name, size_t name_len, bool *typed) {
    (void)ctx, (void)name_len;
    *typed = *name == 't';
    return RPC_OK;
}

static void no_list(void *ctx, void (*visit)(void *visitor, const char *name), void *visitor) {
    (void)ctx, (void)visit, (void)visitor;
}

static const struct rpc_bridge bridge = {
    .find = find_any, .call = copy_call, .list = no_list, .max_calls = 10};

static bool holds(const struct rpc_bytes *bytes, const char *text) {
    size_t len = strlen(text);
    for (size_t i = 0; i + len <= bytes->len; i++)
        if (!memcmp(bytes->data + i, text, len))
            return true;
    return false;
}

/* One request during which allocation number n fails. False when it did without that many. */
static bool ask_failing(const char *doc, const char *charset, long n, bool on,
                        const struct rpc_bytes *expected) {
    struct rpc_bytes response = {0};
    bool converts = charset || strstr(doc, "encoding");
    memory.fail_at = n;
    memory.fail_on = on;
    calls = 0;
    whole = true;
    enum rpc_status status = rpc_xmlrpc_handle(&bridge, doc, strlen(doc), charset, &response);
    bool failed = on ? memory.fail_at == 0 : memory.fail_at < 0;
    memory.fail_at = -1;
    ck_assert(whole);
    if (status) {
        ck_assert_int_eq(status, RPC_NO_MEMORY);
        ck_assert_ptr_null(response.data);
        ck_assert_uint_eq(response.len, 0);
    } else if (response.len != expected->len ||
               memcmp(response.data, expected->data, response.len) != 0) {
        /* the function; or libxml2 has no converter, and does not say why */
        ck_assert_msg(failed && (holds(&response, "<int>-32603</int>") ||
                                 (!calls && converts && holds(&response, "<int>-32700</int>"))),
                      "%ld: %.*s", n, (int)response.len, response.data);
    }
    rpc_bytes_free(&response);
    return failed;
}

static void check_failing(const char *doc, const char *charset) {
    struct rpc_bytes expected = {0};
    ck_assert_int_eq(rpc_xmlrpc_handle(&bridge, doc, strlen(doc), charset, &expected), RPC_OK);
    for (int on = 0; on < 2; on++) {
        long n = 0;
        while (ask_failing(doc, charset, n, on, &expected))
            n++;
        ck_assert_int_gt(n, 5);
    }
    rpc_bytes_free(&expected);
}

START_TEST(test_xmlrpc_memory_every_allocation_fails) {
    static char many[60000] = HEAD "f</methodName><!--";
    size_t len = strlen(many);
    memset(many + len, 'a', sizeof(many) - len - 1);
    memcpy(many + sizeof(many) - sizeof("--></methodCall>"), "--></methodCall>",
           sizeof("--></methodCall>"));
    check_failing(HEAD "f" ARGS, NULL);
    /* libxml2 2.9.14 loses a converter it has no buffer for. */
    if (__lsan_disable)
        __lsan_disable();
    check_failing(HEAD "f" ARGS, "windows-1252");
    check_failing("<?xml version='1.0' encoding='iso-8859-2'?>" HEAD "f" ARGS, NULL);
    if (__lsan_enable)
        __lsan_enable();
    check_failing(MULTI, NULL);
    check_failing(HEAD "system.listMethods</methodName></methodCall>", NULL);
    check_failing(many, NULL);
    check_failing(HEAD "t</methodName>" TYPED_PARAMS, NULL);
    check_failing(HEAD "te</methodName>" TYPED_PARAMS, NULL);
    check_failing("<!DOCTYPE a [<!ENTITY e 'e'>]>" HEAD "f" ARGS, NULL);
    check_failing(HEAD "f</methodName>", NULL);
    if (__lsan_do_recoverable_leak_check)
        ck_assert_int_eq(__lsan_do_recoverable_leak_check(), 0);
}
END_TEST

/* --- what a request takes --- */

/* Memory a request takes at its most, beside its body. */
static size_t peak_of(const struct rpc_bytes *doc) {
    struct rpc_bytes response = {0};
    memory.counting = true;
    size_t before = memory.used;
    memory.peak = before;
    ck_assert_int_eq(rpc_xmlrpc_handle(&bridge, doc->data, doc->len, NULL, &response), RPC_OK);
    rpc_bytes_free(&response);
    memory.counting = false;
    return memory.peak - before;
}

/* A document of text, a large number of times, between the beginning and the end of an array. */
static void check_peak(const char *text, unsigned most_percent) {
    static const char before[] = HEAD "f</methodName><params><param><value><array>",
                      after[] = "</array></value></param></params></methodCall>";
    struct rpc_bytes doc = {0};
    rpc_bytes_puts(&doc, before);
    while (doc.len < 8000000)
        rpc_bytes_puts(&doc, text);
    rpc_bytes_puts(&doc, after);
    size_t peak = peak_of(&doc);
    ck_assert_msg(peak < doc.len / 100 * most_percent, "%s: %zu of %zu", text, peak, doc.len);
    rpc_bytes_free(&doc);
}

START_TEST(test_xmlrpc_memory_is_bounded) {
    check_peak("<nil/>", 5);
    check_peak("<value>text</value>", 5);
    check_peak("&lt;", 5);
    check_peak("<!-- comment -->", 5);
    check_peak("<nil", LIBXML_VERSION < 21200 ? 5 : 200);

    struct rpc_bytes doc = {0};
    rpc_bytes_puts(&doc, HEAD "system.multicall</methodName><params><param><value><array><data>");
    while (doc.len < 8000000)
        rpc_bytes_puts(&doc, "<value/>");
    ck_assert_uint_lt(peak_of(&doc), doc.len / 20);
    doc.len = 0;
    /* a string longer than it may be, gathered before it is told */
    rpc_bytes_puts(&doc, HEAD "f</methodName><params><param><value>");
    while (doc.len < 8000000)
        rpc_bytes_puts(&doc, "text and text\n");
    ck_assert_uint_lt(peak_of(&doc), doc.len * 4);
    rpc_bytes_free(&doc);
}
END_TEST

int main(void) {
    static const TTest *tests[2];
    tests[0] = test_xmlrpc_memory_every_allocation_fails;
    tests[1] = test_xmlrpc_memory_is_bounded;
    xmlInitParser();
    return unit_run("xmlrpc_memory", tests, 2);
}
