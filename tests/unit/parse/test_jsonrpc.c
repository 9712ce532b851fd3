// SPDX-License-Identifier: MIT
/*
 * rpc_jsonrpc: the documents of tests/data/jsonrpc, whole, cut at every byte and short of memory.
 *
 * NAME.json is answered with NAME.expected (the same JSON; empty: no answer) and calls what
 * NAME.calls lists (no such file: nothing).
 */
#include "jsonrpc_server.h"

/* --- the data files -----------------------------------------------------------------------------
 */

struct document {
    char name[NAME_MAX + 1];
    struct rpc_bytes request, expected, calls;
};

static bool read_file(const char *dir, const char *name, const char *extension,
                      struct rpc_bytes *bytes) {
    char path[PATH_MAX];
    snprintf(path, sizeof(path), RPC_TEST_DATA "/jsonrpc/%s/%s.%s", dir, name, extension);
    FILE *file = fopen(path, "r");
    if (!file)
        return false;
    char *room;
    size_t got;
    while ((room = rpc_bytes_reserve(bytes, 4096)) && (got = fread(room, 1, 4096, file)) > 0)
        bytes->len += got;
    fclose(file);
    return true;
}

/* Runs visit on every document of a folder. */
static void each_document(const char *dir, void (*visit)(const struct document *document)) {
    char path[PATH_MAX];
    snprintf(path, sizeof(path), RPC_TEST_DATA "/jsonrpc/%s", dir);
    DIR *folder = opendir(path);
    ck_assert_msg(folder != NULL, "%s", path);
    struct dirent *entry;
    unsigned count = 0;
    while ((entry = readdir(folder))) {
        struct document document = {.request = {0}};
        char *dot = strstr(entry->d_name, ".json");
        if (!dot || dot[5])
            continue;
        snprintf(document.name, sizeof(document.name), "%.*s", (int)(dot - entry->d_name),
                 entry->d_name);
        ck_assert(read_file(dir, document.name, "json", &document.request));
        ck_assert_msg(read_file(dir, document.name, "expected", &document.expected), "%s",
                      entry->d_name);
        read_file(dir, document.name, "calls", &document.calls);
        visit(&document);
        rpc_bytes_free(&document.request);
        rpc_bytes_free(&document.expected);
        rpc_bytes_free(&document.calls);
        count++;
    }
    closedir(folder);
    ck_assert_uint_gt(count, 10);
}

/* Whether two texts are the same JSON to the letter, white space apart. */
static bool same_json(const struct rpc_bytes *a, const struct rpc_bytes *b) {
    struct rpc_json left, right;
    if (rpc_json_check(a->data, a->len, &left) || rpc_json_check(b->data, b->len, &right))
        return false;
    char *one = malloc(left.len), *other = malloc(right.len);
    size_t len = rpc_json_compact(left, one);
    bool same = len == rpc_json_compact(right, other) && memcmp(one, other, len) == 0;
    free(one);
    free(other);
    return same;
}

static void run_document(const struct document *document) {
    answer(document->request.data, document->request.len);
    if (!document->expected.len || !response.len || !same_json(&response, &document->expected))
        assert_bytes(document->name, &response, document->expected.data, document->expected.len);
    assert_bytes(document->name, &calls, document->calls.data, document->calls.len);
}

/* Every document here is an array or an object, so a part of it is one only if the rest is blank.
 */
static void cut_document(const struct document *document) {
    const char *data = document->request.data;
    size_t complete = document->request.len;
    while (strchr(" \t\r\n", data[complete - 1]))
        complete--;
    ck_assert_ptr_nonnull(strchr("]}", data[complete - 1]));
    for (size_t len = 0; len < complete; len++) {
        answer(data, len);
        assert_bytes(document->name, &response, PARSE_ERROR, strlen(PARSE_ERROR));
        ck_assert_uint_eq(call_count, 0);
    }
}

static unsigned starved;

/* Each allocation in turn is the one that fails, alone or with all that follow. */
static void starve_document(const struct document *document) {
    for (unsigned after = 0; after < 2; after++) {
        memory.failed = true;
        for (long i = 0; memory.failed; i++) {
            struct rpc_bytes out = {0};
            memory.fail_after = after;
            memory.failed = false;
            memory.fail_at = i;
            memory.armed = true;
            enum rpc_status status =
                rpc_jsonrpc_handle(&bridge, document->request.data, document->request.len, &out);
            memory.armed = false;
            ck_assert_int_eq(status, memory.failed ? RPC_NO_MEMORY : RPC_OK);
            starved += memory.failed;
            if (memory.failed)
                ck_assert(!out.data && !out.len && !out.size && !out.failed);
            rpc_bytes_free(&out);
        }
    }
}

START_TEST(test_jsonrpc_spec) {
    each_document("spec", run_document);
}
END_TEST

START_TEST(test_jsonrpc_valid) {
    each_document("valid", run_document);
}
END_TEST

START_TEST(test_jsonrpc_invalid) {
    each_document("invalid", run_document);
}
END_TEST

START_TEST(test_jsonrpc_cut_at_every_byte) {
    each_document("valid", cut_document);
}
END_TEST

START_TEST(test_jsonrpc_memory_runs_out) {
    each_document("spec", starve_document);
    each_document("valid", starve_document);
    each_document("invalid", starve_document);
    ck_assert_uint_gt(starved, 400);
}
END_TEST

static void visit_many(void *ctx, void (*visit)(void *visitor, const char *name), void *visitor) {
    (void)ctx;
    for (int i = 0; i < 1000; i++)
        visit(visitor, "a-name");
}

START_TEST(test_jsonrpc_memory_runs_out_while_answering) {
    struct document document = {.name = "many names"};
    bridge.list = visit_many;
    rpc_bytes_puts(&document.request,
                   "{\"jsonrpc\":\"2.0\",\"method\":\"system.listMethods\",\"id\":1}");
    starve_document(&document);
    rpc_bytes_free(&document.request);

    rpc_bytes_puts(&document.request, "[{\"jsonrpc\":\"2.0\",\"method\":\"bytes\",\"id\":\"");
    for (int i = 0; i < 2000; i++)
        rpc_bytes_puts(&document.request, "x");
    rpc_bytes_puts(&document.request, "\"},{\"jsonrpc\":\"2.0\",\"method\":\"controls\",\"id\":1},"
                                      "{\"jsonrpc\":\"2.0\",\"method\":\"echo\",\"params\":[\"");
    for (int i = 0; i < 2000; i++)
        rpc_bytes_puts(&document.request, "\\n\\u00ff");
    rpc_bytes_puts(&document.request, "\"],\"id\":1}]");
    starve_document(&document);
    rpc_bytes_free(&document.request);
}
END_TEST

/* With no memory for an answer, nothing more of a batch is called. */
START_TEST(test_jsonrpc_memory_runs_out_nothing_called_behind) {
    static const char body[] = "[{\"jsonrpc\":\"2.0\",\"method\":\"echo\",\"id\":1},"
                               "{\"jsonrpc\":\"2.0\",\"method\":\"echo\"}]";
    for (int i = 0; i < 2; i++) {
        call_count = 0;
        memory.fail_at = i;
        memory.armed = true;
        ck_assert_int_eq(rpc_jsonrpc_handle(&bridge, body, strlen(body), &response), RPC_NO_MEMORY);
        memory.armed = false;
        /* its argument's memory comes first, then the answer's */
        ck_assert_uint_eq(call_count, (unsigned)i);
    }
    rpc_bytes_free(&calls);
}
END_TEST

UNIT_MAIN("jsonrpc", test_jsonrpc_spec, test_jsonrpc_valid, test_jsonrpc_invalid,
          test_jsonrpc_cut_at_every_byte, test_jsonrpc_memory_runs_out,
          test_jsonrpc_memory_runs_out_while_answering,
          test_jsonrpc_memory_runs_out_nothing_called_behind)
