// SPDX-License-Identifier: MIT
/* rpc_client: good and bad nodes, failover, kept connections, scripted on a clock of their own. */
#include "client/client.h"
#include "counted_alloc.h"
#include "fake_node.h"
#include "rpc_wire.h"

#define COUNT(array) (sizeof(array) / sizeof(*(array)))
#define TIMEOUT_MS 5000

/* A reply of n bytes ahead, as header; and the head of a long one. */
#define HEADER(low, high) "\xad" low high "\0"
#define LONG(digits, low) "\xad" low "\0\5\16\0CONTENT_LENGTH" digits

/* The scene's wait, whose own allocations are not those of the client. */
static int script_wait(void *ctx, int fd, bool for_write, int timeout_ms) {
    bool paused = alloc_paused;
    alloc_paused = true;
    int ready = fake_wait(ctx, fd, for_write, timeout_ms);
    alloc_paused = paused;
    return ready;
}

/* What a test calls with: the scene and the fake clock. */
static struct rpc_client_opts options(struct fake_scene *scene) {
    return (struct rpc_client_opts){
        .timeout_ms = TIMEOUT_MS, .wait = script_wait, .wait_ctx = scene, .now_ms = fake_now};
}

/* One outcome, compared with what a test expects. */
struct outcome {
    enum rpc_status status;
    struct rpc_result result;
    struct rpc_client_report report;
    int64_t took_ms;
};

static struct outcome call_nodes(const char *list, const struct rpc_client_opts *opts) {
    struct rpc_nodes *nodes = nodes_of(list);
    const struct rpc_call call = call_of("hello", "world");
    struct outcome out;

    int64_t start = fake_clock_ms;
    unsigned descriptors = open_descriptors();
    alloc_watch(0);
    out.status = rpc_client_call(nodes, opts, &call, &out.result, &out.report);
    alloc_paused = true;
    out.took_ms = fake_clock_ms - start;
    ck_assert((out.status == RPC_OK) == (out.result.data != NULL));
    if (out.status == RPC_OK)
        ck_assert_int_eq(out.result.data[out.result.len], 0);
    else
        ck_assert_uint_eq(out.result.len, 0);
    rpc_nodes_free(nodes);
    /* the fake node's end of the connection, if it has not closed, is the only one left */
    ck_assert_uint_le(open_descriptors(), descriptors + 1);
    return out;
}

static struct outcome call_script(const struct fake_step *script, bool raw, uint64_t max) {
    struct fake_node node;
    struct fake_scene scene = {.node = {&node}};
    struct rpc_client_opts opts = options(&scene);
    unsigned descriptors = open_descriptors();

    opts.raw = raw;
    opts.max_response = max;
    fake_open(&node, script);
    struct outcome out = call_nodes(node.name, &opts);
    ck_assert_uint_eq(node.requests, 1);
    ck_assert_uint_eq(node.accepted, 1);
    fake_close(&node);
    ck_assert_uint_eq(open_descriptors(), descriptors);
    return out;
}

/* --- what nodes answer -------------------------------------------------------------------------
 */

struct answer {
    const char *what;
    const struct fake_step *script;
    enum rpc_status status;
    const char *result;
    int took_ms;
};

#define SCRIPT(...) ((const struct fake_step[]){__VA_ARGS__, {0}})
#define GARBLED(text)                                                                              \
    { text, SCRIPT(SEND(text)), RPC_NODE_GARBLED, NULL, 0 }

static const struct answer answers[] = {
    {"a result", SCRIPT(SEND(HEADER("\5", "\0") "hello"), CLOSE), RPC_OK, "hello", 0},
    {"kept open", SCRIPT(SEND(HEADER("\5", "\0") "hello")), RPC_OK, "hello", 0},
    {"empty result", SCRIPT(SEND(HEADER("\0", "\0"))), RPC_OK, "", 0},
    {"long", SCRIPT(SEND(LONG("\1\0005", "\23") "hello")), RPC_OK, "hello", 0},
    {"long, empty", SCRIPT(SEND(LONG("\1\0000", "\23"))), RPC_OK, "", 0},
    {"more than promised", SCRIPT(SEND(HEADER("\2", "\0") "hello")), RPC_OK, "he", 0},
    {"in pieces",
     SCRIPT(SEND("\xad"), SEND("\5\0"), SEND("\0"), SEND("he"), LATER(100), SEND("llo")), RPC_OK,
     "hello", 100},
    {"long, in pieces",
     SCRIPT(SEND("\xad\23"), SEND("\0\5\16\0CONTENT"), SEND("_LENGTH\1\0"), SEND("5he"),
            SEND("llo")),
     RPC_OK, "hello", 0},
    {"a byte a second, in time",
     SCRIPT(LATER(1000), SEND(HEADER("\3", "\0")), LATER(1000), SEND("a"), LATER(1000), SEND("b"),
            LATER(1000), SEND("c")),
     RPC_OK, "abc", 4000},
    {"a byte a second",
     SCRIPT(SEND(HEADER("\377", "\0")), LATER(1000), SEND("a"), LATER(1000), SEND("b"), LATER(1000),
            SEND("c"), LATER(1000), SEND("d"), LATER(1000), SEND("e"), LATER(1000), SEND("f")),
     RPC_NODE_TIMEOUT, NULL, TIMEOUT_MS},
    {"says nothing", SCRIPT({0}), RPC_NODE_TIMEOUT, NULL, TIMEOUT_MS},
    {"after the deadline", SCRIPT(LATER(TIMEOUT_MS), SEND(HEADER("\0", "\0"))), RPC_NODE_TIMEOUT,
     NULL, TIMEOUT_MS},
    {"just before the deadline", SCRIPT(LATER(TIMEOUT_MS - 1), SEND(HEADER("\0", "\0"))), RPC_OK,
     "", TIMEOUT_MS - 1},
    {"closes at once", SCRIPT(CLOSE), RPC_NODE_CLOSED, NULL, 0},
    {"resets at once", SCRIPT(RESET), RPC_NODE_CLOSED, NULL, 0},
    {"closes in the header", SCRIPT(SEND("\xad\1"), CLOSE), RPC_NODE_CLOSED, NULL, 0},
    {"closes after the header", SCRIPT(SEND(HEADER("\5", "\0")), CLOSE), RPC_NODE_CLOSED, NULL, 0},
    {"closes in the body", SCRIPT(SEND(HEADER("\5", "\0") "hell"), CLOSE), RPC_NODE_CLOSED, NULL,
     0},
    {"resets in the body", SCRIPT(SEND(HEADER("\5", "\0") "hell"), RESET), RPC_NODE_CLOSED, NULL,
     0},
    {"2^63 bytes and closes",
     SCRIPT(SEND(LONG("\23\0009223372036854775808", "\45") "0123456789"), CLOSE), RPC_NODE_CLOSED,
     NULL, 0},
    {"2^63 bytes and is silent",
     SCRIPT(SEND(LONG("\23\0009223372036854775808", "\45") "0123456789")), RPC_NODE_TIMEOUT, NULL,
     TIMEOUT_MS},
    {"2^64 - 1 bytes and closes",
     SCRIPT(SEND(LONG("\24\00018446744073709551615", "\46") "0123456789"), CLOSE), RPC_NODE_CLOSED,
     NULL, 0},
    GARBLED("HTTP/1.1 200 OK\r\n\r\n"),
    GARBLED("\0\5\0\0hello"),
    GARBLED("\xae\5\0\0hello"),
    GARBLED("\xad\5\0\1hello"),
    GARBLED("\xad\0\0\5"),
    GARBLED("\xad\1\0\5x"),
    GARBLED("\xad\10\0\5\1\0X\3\000123"),
    GARBLED(LONG("\3\0001x2", "\25")),
    GARBLED(LONG("\2\0-1", "\24")),
    GARBLED(LONG("\0\0", "\22")),
    GARBLED(LONG("\24\00018446744073709551616", "\46")),
    GARBLED("\xad\46\0\5\16\0CONTENT_LENGTH\1\0005\16\0CONTENT_LENGTH\1\0005"),
    /* a dictionary that would not fit RPC_REPLY_HEAD_MAX */
    GARBLED("\xad\0\20\5\16\0CONTENT_LENGTH"),
};

START_TEST(test_client_answers) {
    for (size_t i = 0; i < COUNT(answers); i++) {
        const struct answer *a = &answers[i];
        struct outcome out = call_script(a->script, false, 0);
        ck_assert_msg(out.status == a->status, "%s: %s", a->what,
                      rpc_status_info(out.status)->name);
        ck_assert_msg(out.took_ms == a->took_ms, "%s: %d ms", a->what, (int)out.took_ms);
        ck_assert_uint_eq(out.report.tried, 1);
        ck_assert_msg(alloc_largest <= 64 * 1024 + 1, "%s: %zu bytes", a->what, alloc_largest);
        if (a->result) {
            ck_assert_uint_eq(out.result.len, strlen(a->result));
            ck_assert_str_eq(out.result.data, a->result);
        }
        free(out.result.data);
    }
}
END_TEST

static const struct answer raw_answers[] = {
    {"a result", SCRIPT(SEND("hel"), SEND("lo"), CLOSE), RPC_OK, "hello", 0},
    {"a header is a result too", SCRIPT(SEND("\xad\1\1\1"), CLOSE), RPC_OK, "\xad\1\1\1", 0},
    {"nothing", SCRIPT(CLOSE), RPC_NODE_CLOSED, NULL, 0},
    {"resets", SCRIPT(SEND("hel"), RESET), RPC_NODE_CLOSED, NULL, 0},
    {"does not close", SCRIPT(SEND("hel")), RPC_NODE_TIMEOUT, NULL, TIMEOUT_MS},
};

START_TEST(test_client_raw_answers) {
    for (size_t i = 0; i < COUNT(raw_answers); i++) {
        const struct answer *a = &raw_answers[i];
        struct outcome out = call_script(a->script, true, 0);
        ck_assert_msg(out.status == a->status, "%s: %s", a->what,
                      rpc_status_info(out.status)->name);
        ck_assert_int_eq(out.took_ms, a->took_ms);
        if (a->result)
            ck_assert_str_eq(out.result.data, a->result);
        free(out.result.data);
    }
}
END_TEST

START_TEST(test_client_max_response) {
    const struct fake_step *framed = SCRIPT(SEND(HEADER("\5", "\0") "hello"));
    const struct fake_step *promise = SCRIPT(SEND(LONG("\23\0009223372036854775808", "\45")));
    const struct fake_step *raw = SCRIPT(SEND("hello"), CLOSE);

    for (int limit = 4; limit <= 6; limit++) {
        enum rpc_status expected = limit < 5 ? RPC_NODE_TOO_LARGE : RPC_OK;
        struct outcome out = call_script(framed, false, (uint64_t)limit);
        ck_assert_int_eq(out.status, expected);
        free(out.result.data);
        out = call_script(raw, true, (uint64_t)limit);
        ck_assert_int_eq(out.status, expected);
        free(out.result.data);
    }
    ck_assert_int_eq(call_script(promise, false, 1000000).status, RPC_NODE_TOO_LARGE);
    ck_assert_uint_eq(alloc_count, 0);
}
END_TEST

START_TEST(test_client_large_results) {
    static const size_t lens[] = {4091, 4092, 4093, 65535, 65536, 65537, 100000, 3 << 20};
    char head[RPC_WIRE_REPLY_HEAD_MAX];
    char *data = malloc(3 << 20);

    for (size_t i = 0; i < 3 << 20; i++)
        data[i] = (char)(i * 7 + i / 251);
    for (size_t i = 0; i < COUNT(lens); i++) {
        size_t head_len = rpc_wire_reply_head(lens[i], head);
        const struct fake_step script[] = {SEND_BYTES(head, head_len), SEND_BYTES(data, lens[i]),
                                           CLOSE};
        struct outcome out = call_script(script, false, 0);
        ck_assert_int_eq(out.status, RPC_OK);
        ck_assert_uint_eq(out.result.len, lens[i]);
        ck_assert_mem_eq(out.result.data, data, lens[i]);
        ck_assert_uint_eq(alloc_largest, lens[i] + 1);
        free(out.result.data);
        out = call_script(script + 1, true, 0);
        ck_assert_uint_eq(out.result.len, lens[i]);
        ck_assert_mem_eq(out.result.data, data, lens[i]);
        free(out.result.data);
    }
    free(data);
}
END_TEST

/* A promise of 64 MB costs no more than twice what has arrived of it. */
START_TEST(test_client_memory_follows_what_arrives) {
    static char data[1 << 20];
    const struct fake_step *script = SCRIPT(SEND(LONG("\10\00067108864", "\32")),
                                            SEND_BYTES(data, sizeof(data)), LATER(100), CLOSE);
    struct outcome out = call_script(script, false, 0);
    ck_assert_int_eq(out.status, RPC_NODE_CLOSED);
    ck_assert_uint_le(alloc_largest, 2 * sizeof(data) + 1);
}
END_TEST

/* --- what is sent ------------------------------------------------------------------------------
 */

START_TEST(test_client_sends_the_call) {
    static const char expected[] = "\xad\16\0\0\5\0hello\5\0world";
    struct fake_node node;
    struct fake_scene scene = {.node = {&node}};
    struct rpc_client_opts opts = options(&scene);

    fake_open(&node, SCRIPT(SEND(HEADER("\0", "\0")), CLOSE));
    free(call_nodes(node.name, &opts).result.data);
    ck_assert_uint_eq(node.request_len, sizeof(expected) - 1);
    ck_assert_mem_eq(node.request, expected, sizeof(expected) - 1);
    /* the connection was there at once: the one wait was for the answer */
    ck_assert_uint_eq(scene.waits, 1);
    opts.raw = true;
    free(call_nodes(node.name, &opts).result.data);
    ck_assert_int_eq(node.request[3], 1);
    fake_close(&node);
}
END_TEST

START_TEST(test_client_call_sizes) {
    static char big[65536];
    struct fake_node node;
    struct fake_scene scene = {.node = {&node}};
    struct rpc_client_opts opts = options(&scene);
    struct rpc_client_report report;
    struct rpc_result result;
    struct rpc_call call = {.name = "f", .name_len = 1, .arg_count = 1, .arg = {big}};

    fake_open(&node, SCRIPT(SEND(HEADER("\0", "\0")), CLOSE));
    struct rpc_nodes *nodes = nodes_of(node.name);
    static const uint16_t lens[] = {0, 4086, 4087, 4088, 65529, 65530};
    for (size_t i = 0; i < COUNT(lens); i++) {
        call.arg_len[0] = lens[i];
        ck_assert_int_eq(rpc_client_call(nodes, &opts, &call, &result, &report), RPC_OK);
        ck_assert_uint_eq(node.request_len, 4 + 3 + (lens[i] ? 2 : 0) + lens[i]);
        free(result.data);
    }
    unsigned requests = node.requests;
    call.arg_len[0] = 65531;
    ck_assert_int_eq(rpc_client_call(nodes, &opts, &call, &result, &report),
                     RPC_NODE_CALL_TOO_LARGE);
    ck_assert_ptr_null(report.node);
    ck_assert_uint_eq(report.tried, 0);
    call.name_len = 0;
    ck_assert_int_eq(rpc_client_call(nodes, &opts, &call, &result, NULL), RPC_NO_NAME);
    call.name_len = 256;
    ck_assert_int_eq(rpc_client_call(nodes, &opts, &call, &result, NULL), RPC_BAD_NAME);
    ck_assert_uint_eq(node.requests, requests);
    rpc_nodes_free(nodes);
    fake_close(&node);
}
END_TEST

START_TEST(test_client_unix_abstract_and_v6) {
    const struct fake_step *script = SCRIPT(SEND(HEADER("\2", "\0") "ok"), CLOSE);
    struct fake_node node;
    struct fake_scene scene = {.node = {&node}};
    struct rpc_client_opts opts = options(&scene);
    char dir[] = "/tmp/rpc-test-XXXXXX", name[64];

    ck_assert_ptr_nonnull(mkdtemp(dir));
    for (int kind = 0; kind < 4; kind++) {
        if (kind == 3) {
            struct sockaddr_in6 addr = {.sin6_family = AF_INET6, .sin6_addr = in6addr_loopback};
            socklen_t len = sizeof(addr);
            memset(&node, 0, sizeof(node));
            node.script = script;
            if (fake_listen(&node, (struct sockaddr *)&addr, len) < 0)
                break; /* no IPv6 on this machine */
            getsockname(node.listener, (struct sockaddr *)&addr, &len);
            snprintf(node.name, sizeof(node.name), "[::1]:%d", ntohs(addr.sin6_port));
        } else {
            snprintf(name, sizeof(name), kind ? "@%s" : "%s/node.sock", dir);
            fake_open_unix(&node, name, kind == 1, script);
        }
        struct outcome out = call_nodes(node.name, &opts);
        ck_assert_msg(out.status == RPC_OK, "kind %d", kind);
        ck_assert_str_eq(out.result.data, "ok");
        free(out.result.data);
        fake_close(&node);
        if (kind == 0)
            unlink(name);
    }
    rmdir(dir);
}
END_TEST

/* --- memory ------------------------------------------------------------------------------------
 */

/* Every allocation of a call fails once; nothing is lost, nothing stays open. */
START_TEST(test_client_without_memory) {
    static char big[100000];
    char head[RPC_WIRE_REPLY_HEAD_MAX];
    size_t head_len = rpc_wire_reply_head(sizeof(big), head);
    const struct fake_step script[] = {
        SEND_BYTES(head, head_len), SEND_BYTES(big, sizeof(big)), {FAKE_DONE, NULL, 0, 0}};
    struct fake_node node;
    struct fake_scene scene = {.node = {&node}};
    struct rpc_client_opts opts = options(&scene);
    struct rpc_call call = {
        .name = "f", .name_len = 1, .arg_count = 1, .arg_len = {60000}, .arg = {big}};
    size_t failing = 0, refused = 0;

    opts.keepalive = 2;
    fake_open(&node, script);
    do {
        struct rpc_nodes *nodes = nodes_of(node.name);
        struct rpc_result result;
        unsigned descriptors = open_descriptors();
        alloc_watch(++failing);
        enum rpc_status status = rpc_client_call(nodes, &opts, &call, &result, NULL);
        alloc_paused = true;
        ck_assert(status == RPC_OK || status == RPC_NO_MEMORY);
        refused += status == RPC_NO_MEMORY;
        free(result.data);
        rpc_nodes_free(nodes);
        ck_assert_uint_le(open_descriptors(), descriptors + 1);
    } while (alloc_count >= failing);
    /* the packet and the two steps of the result; without its two others the connection is not
       kept, but the call succeeds */
    ck_assert_uint_eq(refused, 3);
    ck_assert_uint_eq(failing, 6);
    fake_close(&node);
}
END_TEST

UNIT_MAIN("client", test_client_answers, test_client_raw_answers, test_client_max_response,
          test_client_large_results, test_client_memory_follows_what_arrives,
          test_client_sends_the_call, test_client_call_sizes, test_client_unix_abstract_and_v6,
          test_client_without_memory)
