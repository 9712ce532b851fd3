// SPDX-License-Identifier: MIT
/*
 * rpc_bytes, rpc_template and rpc_path when memory runs out: every allocation fails in turn, the
 * failure is seen, and nothing is lost (the sanitizer looks for leaks when a test ends). The other
 * modules' tests of this kind are in their own files.
 */
#include "counted_alloc.h"
#include "parse/bytes.h"
#include "parse/path.h"
#include "parse/template.h"
#include "unit.h"

/* More than the stack buffer for names holds, so that this one is copied to the heap. */
#define LONG_NAME_LEN 300

static void put_group(void *ctx, unsigned number, struct rpc_bytes *out) {
    char digit = (char)('0' + number);
    (void)ctx;
    rpc_bytes_append(out, &digit, 1);
}

static void put_variable(void *ctx, const char *name, size_t name_len, struct rpc_bytes *out) {
    (void)ctx;
    rpc_bytes_append(out, name, name_len);
}

static const struct rpc_template_source source = {put_group, put_variable, NULL};

/* Writes enough for several allocations; returns how many there were. */
static size_t fill(struct rpc_bytes *bytes, size_t failing) {
    static char data[3000];

    alloc_watch(failing);
    rpc_bytes_puts(bytes, "some text");
    rpc_bytes_append(bytes, data, sizeof(data));
    rpc_bytes_put_base64(bytes, data, sizeof(data));
    rpc_bytes_puts(bytes, "the end");
    alloc_paused = true;
    return alloc_count;
}

START_TEST(test_no_memory_bytes) {
    struct rpc_bytes bytes = {0};
    size_t count = fill(&bytes, 0);

    ck_assert(!bytes.failed);
    ck_assert_uint_ge(count, 3);
    rpc_bytes_free(&bytes);
    for (size_t failing = 1; failing <= count; failing++) {
        fill(&bytes, failing);
        ck_assert(bytes.failed);
        ck_assert_ptr_null(bytes.data);
        ck_assert_uint_eq(bytes.len, 0);
        ck_assert_uint_eq(alloc_count, failing); /* the first failure is the last attempt */
        rpc_bytes_free(&bytes);
        ck_assert(!bytes.failed);
    }
}
END_TEST

/* Compiles and expands; true when all of it went well. */
static bool expand(const char *text, struct rpc_bytes *out, size_t failing, size_t *count) {
    alloc_watch(failing);
    struct rpc_template *tmpl = rpc_template_new(text);
    if (tmpl)
        rpc_template_expand(tmpl, &source, out);
    rpc_template_free(tmpl);
    alloc_paused = true;
    *count = alloc_count;
    return tmpl && !out->failed;
}

START_TEST(test_no_memory_template) {
    char text[LONG_NAME_LEN + 32] = "a$1${";
    size_t count, ignored;
    struct rpc_bytes out = {0};

    memset(text + strlen(text), 'n', LONG_NAME_LEN);
    strcat(text, "}z${short}");
    ck_assert(expand(text, &out, 0, &count));
    ck_assert_uint_eq(out.len, 2 + LONG_NAME_LEN + 1 + 5);
    ck_assert_uint_ge(count, 4); /* template, text, result, name */
    rpc_bytes_free(&out);
    for (size_t failing = 1; failing <= count; failing++) {
        ck_assert_msg(!expand(text, &out, failing, &ignored), "allocation %zu", failing);
        rpc_bytes_free(&out);
    }
}
END_TEST

/* Makes the parameters of a call by path. */
static enum rpc_status path_params(const char *path, const char *body, size_t failing,
                                   size_t *count) {
    struct rpc_bytes params = {0};
    struct rpc_call call;
    char text[2000], *rest = text;
    size_t len = strlen(path);

    memcpy(text, path, len + 1);
    ck_assert_int_eq(rpc_path_name(&rest, &len, &call), RPC_OK);
    alloc_watch(failing);
    enum rpc_status status = rpc_path_params(rest, len, body, strlen(body), &params, &call);
    alloc_paused = true;
    *count = alloc_count;
    rpc_bytes_free(&params);
    return status;
}

START_TEST(test_no_memory_path) {
    char segments[1500] = "/f/", body[2000] = "{\"a\":\"";
    size_t count, ignored;

    memset(segments + 3, 'a', sizeof(segments) - 4);
    memset(body + 6, 'b', 1500);
    strcat(body, "\"}");
    const char *const cases[][2] = {{segments, ""}, {"/f", body}};
    for (size_t i = 0; i < 2; i++) {
        ck_assert_int_eq(path_params(cases[i][0], cases[i][1], 0, &count), RPC_OK);
        ck_assert_uint_ge(count, 2);
        for (size_t failing = 1; failing <= count; failing++)
            ck_assert_int_eq(path_params(cases[i][0], cases[i][1], failing, &ignored),
                             RPC_NO_MEMORY);
    }
}
END_TEST

UNIT_MAIN("no memory", test_no_memory_bytes, test_no_memory_template, test_no_memory_path)
