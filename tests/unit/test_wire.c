// SPDX-License-Identifier: MIT
/* rpc_wire: bodies read and terminated, calls written, replies framed and read back. */
#include "rpc_wire.h"
#include "parse/bytes.h"
#include "unit.h"

#include <inttypes.h>
#include <stdio.h>

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

/* --- building bodies ----------------------------------------------------------------------------
 */

static void put_u16(struct rpc_bytes *body, size_t value) {
    char bytes[2] = {(char)(value % 256), (char)(value / 256)};
    rpc_bytes_append(body, bytes, 2);
}

static void put_item(struct rpc_bytes *body, const void *data, size_t len) {
    put_u16(body, len);
    rpc_bytes_append(body, data, len);
}

/* An item of len times c. */
static void put_filled(struct rpc_bytes *body, char c, size_t len) {
    put_u16(body, len);
    char *p = rpc_bytes_reserve(body, len);
    ck_assert_ptr_nonnull(p);
    memset(p, c, len);
    body->len += len;
}

/* A body written as its items, '|' between them: "hello|foo||bar" has an empty one. */
static struct rpc_bytes body_of(const char *items) {
    struct rpc_bytes body = {0};
    for (;;) {
        size_t len = strcspn(items, "|");
        put_item(&body, items, len);
        if (!items[len])
            return body;
        items += len + 1;
    }
}

/* Reads a body that ends at a guard page; the call lives as long as g does. */
static enum rpc_status decode(struct guarded *g, const struct rpc_bytes *body,
                              struct rpc_call *call) {
    *g = guarded_copy(body->data, body->len);
    return rpc_wire_decode(g->data, body->len, false, call);
}

static void assert_status(const struct rpc_bytes *body, enum rpc_status should) {
    struct guarded g;
    struct rpc_call call;
    ck_assert_str_eq(rpc_status_info(decode(&g, body, &call))->name, rpc_status_info(should)->name);
    guarded_free(&g);
}

/* A call is what '|' between name and arguments says. */
static void assert_call(const struct rpc_call *call, const char *items) {
    size_t len = strcspn(items, "|");
    ck_assert_uint_eq(call->name_len, len);
    ck_assert_mem_eq(call->name, items, len);
    unsigned count = 0;
    while (items[len]) {
        items += len + 1;
        len = strcspn(items, "|");
        ck_assert_uint_gt(call->arg_count, count);
        ck_assert_uint_eq(call->arg_len[count], len);
        ck_assert_mem_eq(call->arg[count], items, len);
        count++;
    }
    ck_assert_uint_eq(call->arg_count, count);
}

/* --- rpc_wire_decode ----------------------------------------------------------------------------
 */

START_TEST(test_wire_decode_bytes) {
    static const char body[] = "\x05\x00hello\x03\x00\x66oo\x00\x00\x02\x00\x00\xff";
    struct rpc_bytes bytes = {0};
    struct rpc_call call;
    struct guarded g;
    rpc_bytes_append(&bytes, body, sizeof(body) - 1);
    ck_assert_int_eq(decode(&g, &bytes, &call), RPC_OK);
    ck_assert_uint_eq(call.name_len, 5);
    ck_assert_ptr_eq(call.name, g.data + 2);
    ck_assert_uint_eq(call.arg_count, 2);
    ck_assert_ptr_eq(call.arg[0], g.data + 9);
    ck_assert_uint_eq(call.arg_len[0], 3);
    ck_assert_ptr_eq(call.arg[1], g.data + 15); /* makes room for its NUL */
    ck_assert_uint_eq(call.arg_len[1], 2);
    guarded_free(&g);
    rpc_bytes_free(&bytes);
}
END_TEST

static const struct {
    const char *body, *call;
} bodies[] = {{"f", "f"},      {"f|a", "f|a"},    {"f|a|bc|def", "f|a|bc|def"},
              {"|f", "f"},     {"|||f|a", "f|a"}, {"f|", "f"},
              {"f|||", "f"},   {"f||a", "f|a"},   {"f||||a||b", "f|a|b"},
              {"f|a|", "f|a"}, {"f|a|||", "f|a"}, {"||f||a|||b||", "f|a|b"}};

START_TEST(test_wire_decode_ignores_empty_items) {
    for (size_t i = 0; i < COUNT(bodies); i++) {
        struct rpc_bytes body = body_of(bodies[i].body);
        struct rpc_call call;
        struct guarded g;
        ck_assert_int_eq(decode(&g, &body, &call), RPC_OK);
        assert_call(&call, bodies[i].call);
        guarded_free(&g);
        rpc_bytes_free(&body);
    }
}
END_TEST

START_TEST(test_wire_decode_no_name) {
    struct rpc_bytes body = {0};
    for (int i = 0; i < 5; i++) {
        assert_status(&body, RPC_NO_NAME);
        put_item(&body, "", 0);
    }
    rpc_bytes_free(&body);
    struct rpc_call call;
    ck_assert_int_eq(rpc_wire_decode(NULL, 0, false, &call), RPC_NO_NAME);
}
END_TEST

START_TEST(test_wire_decode_name_limits) {
    for (size_t len = RPC_NAME_MAX - 1; len <= RPC_NAME_MAX + 1; len++) {
        struct rpc_bytes body = {0};
        put_filled(&body, 'n', len);
        put_item(&body, "a", 1);
        assert_status(&body, len <= RPC_NAME_MAX ? RPC_OK : RPC_BAD_NAME);
        rpc_bytes_free(&body);
    }
    for (size_t at = 0; at < 3; at++) {
        struct rpc_bytes body = body_of("abc|a");
        body.data[2 + at] = 0;
        assert_status(&body, RPC_BAD_NAME);
        rpc_bytes_free(&body);
    }
    struct rpc_bytes body = {0};
    put_filled(&body, 'n', RPC_WIRE_BODY_MAX - 2);
    assert_status(&body, RPC_BAD_NAME);
    rpc_bytes_free(&body);
}
END_TEST

START_TEST(test_wire_decode_argument_limits) {
    for (size_t count = RPC_ARGS_MAX - 1; count <= RPC_ARGS_MAX + 1; count++) {
        struct rpc_bytes body = body_of("f|");
        for (size_t i = 0; i < count; i++) {
            put_item(&body, "x", 1);
            put_item(&body, "", 0);
        }
        struct rpc_call call;
        struct guarded g;
        ck_assert_int_eq(decode(&g, &body, &call),
                         count <= RPC_ARGS_MAX ? RPC_OK : RPC_TOO_MANY_ARGS);
        if (count <= RPC_ARGS_MAX)
            ck_assert_uint_eq(call.arg_count, count);
        guarded_free(&g);
        rpc_bytes_free(&body);
    }
    struct rpc_bytes body = {0};
    for (int i = 0; i < 20000; i++)
        put_item(&body, "x", 1);
    assert_status(&body, RPC_TOO_MANY_ARGS);
    rpc_bytes_free(&body);
}
END_TEST

/* The largest argument a packet can carry, and the largest an item can. */
START_TEST(test_wire_decode_argument_len) {
    static const size_t lens[] = {RPC_WIRE_BODY_MAX - 5, RPC_ARG_LEN_MAX - 1, RPC_ARG_LEN_MAX};
    for (size_t i = 0; i < COUNT(lens); i++) {
        struct rpc_bytes body = body_of("f");
        struct rpc_call call;
        struct guarded g;
        put_filled(&body, 0, lens[i]);
        ck_assert_int_eq(decode(&g, &body, &call), RPC_OK);
        ck_assert_uint_eq(call.arg_len[0], lens[i]);
        guarded_free(&g);
        rpc_bytes_free(&body);
    }
}
END_TEST

/* What ends before its last item does is told apart by what is missing; nothing behind is read. */
START_TEST(test_wire_decode_cut_at_every_byte) {
    struct rpc_bytes body = body_of("hello|foo||a longer argument|");
    static const size_t borders[] = {0, 7, 12, 14, 33, 35};
    for (size_t len = 0; len <= body.len; len++) {
        enum rpc_status should = RPC_TRUNCATED;
        for (size_t i = 0; i < COUNT(borders); i++) {
            if (len == borders[i])
                should = i ? RPC_OK : RPC_NO_NAME;
            if (len == borders[i] + 1)
                should = RPC_STRAY_BYTE;
        }
        struct rpc_bytes cut = {body.data, len, len, false};
        assert_status(&cut, should);
    }
    ck_assert_uint_eq(borders[COUNT(borders) - 1], body.len);
    rpc_bytes_free(&body);
}
END_TEST

START_TEST(test_wire_decode_item_runs_past_the_end) {
    struct rpc_bytes body = body_of("f|abc");
    for (unsigned high = 0; high < 256; high++)
        for (unsigned low = 0; low < 256; low += 5) {
            body.data[3] = (char)low;
            body.data[4] = (char)high;
            if (low + 256 * high > 3)
                assert_status(&body, RPC_TRUNCATED);
        }
    rpc_bytes_free(&body);
}
END_TEST

/* Broken is broken, even if there are too many arguments, no name or a bad one before. */
START_TEST(test_wire_decode_broken_comes_first) {
    struct rpc_bytes body = {0};
    for (unsigned i = 0; i < RPC_ARGS_MAX + 5; i++)
        put_item(&body, "x", 1);
    rpc_bytes_append(&body, "x", 1);
    assert_status(&body, RPC_STRAY_BYTE);
    rpc_bytes_free(&body);

    body = body_of("");
    rpc_bytes_append(&body, "\x01\x00", 2);
    assert_status(&body, RPC_TRUNCATED);
    rpc_bytes_free(&body);

    put_filled(&body, 'n', RPC_NAME_MAX + 1);
    rpc_bytes_append(&body, "\x01\x00", 2);
    assert_status(&body, RPC_TRUNCATED);
    rpc_bytes_free(&body);
}
END_TEST

/* --- rpc_wire_decode: NULs behind what it found --------------------------------------------------
 */

static void assert_terminated(const struct rpc_call *call) {
    ck_assert_int_eq(call->name[call->name_len], 0);
    for (unsigned i = 0; i < call->arg_count; i++)
        ck_assert_int_eq(call->arg[i][call->arg_len[i]], 0);
}

START_TEST(test_wire_decode_terminates) {
    for (size_t i = 0; i < COUNT(bodies); i++) {
        for (int spare = 0; spare < 2; spare++) {
            struct rpc_bytes body = body_of(bodies[i].body);
            struct rpc_call call;
            size_t len = body.len;
            if (spare)
                rpc_bytes_append(&body, "#", 1);
            struct guarded g = guarded_copy(body.data, body.len);
            ck_assert_int_eq(rpc_wire_decode(g.data, len, spare, &call), RPC_OK);
            assert_call(&call, bodies[i].call);
            assert_terminated(&call);
            guarded_free(&g);
            rpc_bytes_free(&body);
        }
    }
}
END_TEST

/* Only an item that reaches the end has to move, and only when the byte behind is not ours. */
START_TEST(test_wire_decode_moves_only_what_it_must) {
    static const struct {
        const char *body;
        bool spare, moves;
    } cases[] = {{"f|ab|cd", false, true},  {"f|ab|cd", true, false}, {"f|ab|cd|", false, false},
                 {"f|ab|cd|", true, false}, {"f", false, true},       {"f", true, false},
                 {"f|", false, false},      {"|f", false, true}};
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct rpc_bytes body = body_of(cases[i].body), other = body_of(cases[i].body);
        struct rpc_call call, unmoved;
        size_t len = body.len;
        rpc_bytes_append(&body, "#", 1);
        rpc_bytes_append(&other, "#", 1);
        ck_assert_int_eq(rpc_wire_decode(body.data, len, cases[i].spare, &call), RPC_OK);
        ck_assert_int_eq(rpc_wire_decode(other.data, len, true, &unmoved), RPC_OK);
        unsigned last = call.arg_count;
        ck_assert_uint_eq(last, unmoved.arg_count);
        for (unsigned j = 0; j + 1 < last; j++)
            ck_assert_int_eq(call.arg[j] - body.data, unmoved.arg[j] - other.data);
        if (last)
            ck_assert_int_eq(call.name - body.data, unmoved.name - other.data);
        ck_assert_int_eq((last ? call.arg[last - 1] : call.name) - body.data,
                         (last ? unmoved.arg[last - 1] : unmoved.name) - other.data -
                             cases[i].moves);
        ck_assert_int_eq(body.data[len], cases[i].spare ? 0 : '#');
        rpc_bytes_free(&body);
        rpc_bytes_free(&other);
    }
}
END_TEST

START_TEST(test_wire_decode_terminates_at_the_limits) {
    for (int spare = 0; spare < 2; spare++) {
        struct rpc_bytes body = {0};
        struct rpc_call call;
        put_filled(&body, 'n', RPC_NAME_MAX);
        for (unsigned i = 1; i < RPC_ARGS_MAX; i++)
            put_filled(&body, 0, 1 + i % 3);
        put_filled(&body, 'z', RPC_WIRE_BODY_MAX - body.len - 2);
        size_t len = body.len;
        ck_assert_uint_eq(len, RPC_WIRE_BODY_MAX);
        rpc_bytes_append(&body, "#", (size_t)spare);
        struct guarded g = guarded_copy(body.data, body.len);
        ck_assert_int_eq(rpc_wire_decode(g.data, len, spare, &call), RPC_OK);
        assert_terminated(&call);
        ck_assert_uint_eq(strlen(call.name), RPC_NAME_MAX);
        ck_assert_uint_eq(strlen(call.arg[RPC_ARGS_MAX - 1]), call.arg_len[RPC_ARGS_MAX - 1]);
        for (unsigned i = 1; i < RPC_ARGS_MAX; i++)
            ck_assert_uint_eq(call.arg_len[i - 1], 1 + i % 3);
        guarded_free(&g);
        rpc_bytes_free(&body);
    }
}
END_TEST

/* --- rpc_wire_encode ----------------------------------------------------------------------------
 */

/* A call of items with '|' between them; empty ones are arguments too. */
static struct rpc_call call_of(const char *items) {
    struct rpc_call call;
    size_t len = strcspn(items, "|");
    call.name = items;
    call.name_len = (uint16_t)len;
    call.arg_count = 0;
    while (items[len]) {
        items += len + 1;
        len = strcspn(items, "|");
        call.arg[call.arg_count] = items;
        call.arg_len[call.arg_count++] = (uint16_t)len;
    }
    return call;
}

START_TEST(test_wire_encode_bytes) {
    static const char should[] = "\xad\x0f\x00\x01\x05\x00hello\x03\x00\x66oo\x01\x00\x00";
    enum { LEN = sizeof(should) - 1 };
    struct rpc_call call = call_of("hello|foo|x");
    call.arg[1] = "";
    char packet[LEN];
    ck_assert_uint_eq(rpc_wire_body_len(&call), LEN - RPC_WIRE_HEADER_LEN);
    ck_assert_uint_eq(rpc_wire_encode(&call, 1, packet), LEN);
    ck_assert_mem_eq(packet, should, LEN);
    ck_assert_uint_eq(rpc_wire_encode(&call, 0, packet), LEN);
    ck_assert_int_eq(packet[3], 0);
    ck_assert_mem_eq(packet + 4, should + 4, LEN - 4);
}
END_TEST

START_TEST(test_wire_encode_leaves_empty_arguments_out) {
    static const struct {
        const char *call, *body;
    } cases[] = {{"f", "f"},
                 {"f|", "f"},
                 {"f|||", "f"},
                 {"f||a", "f|a"},
                 {"f|a|", "f|a"},
                 {"f|a||b", "f|a|b"},
                 {"f|||a|||b|||", "f|a|b"}};
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct rpc_call call = call_of(cases[i].call), back;
        struct rpc_bytes body = body_of(cases[i].body);
        size_t len = rpc_wire_body_len(&call);
        ck_assert_uint_eq(len, body.len);
        struct guarded copy = guarded_copy(body.data, body.len);
        char packet[64];
        ck_assert_uint_eq(rpc_wire_encode(&call, 0, packet), len + RPC_WIRE_HEADER_LEN);
        ck_assert_mem_eq(packet + RPC_WIRE_HEADER_LEN, body.data, len);
        ck_assert_int_eq(rpc_wire_decode(copy.data, len, false, &back), RPC_OK);
        assert_call(&back, cases[i].body);
        guarded_free(&copy);
        rpc_bytes_free(&body);
    }
}
END_TEST

/* Encoding fills exactly what body_len promises: a guard page stands behind it. */
START_TEST(test_wire_encode_up_to_the_largest_body) {
    static const char data[RPC_ARG_LEN_MAX];
    static const char blank[RPC_WIRE_HEADER_LEN + RPC_WIRE_BODY_MAX];
    for (size_t len = RPC_WIRE_BODY_MAX - 1; len <= RPC_WIRE_BODY_MAX + 1; len++) {
        struct rpc_call call = call_of("f||x|y"), back;
        call.arg[1] = call.arg[2] = data;
        call.arg_len[1] = 1000;
        call.arg_len[2] = (uint16_t)(len - 3 - 1002 - 2);
        ck_assert_uint_eq(rpc_wire_body_len(&call), len);
        if (len > RPC_WIRE_BODY_MAX)
            continue;
        struct guarded room = guarded_copy(blank, len + RPC_WIRE_HEADER_LEN);
        ck_assert_uint_eq(rpc_wire_encode(&call, 0, room.data), len + RPC_WIRE_HEADER_LEN);
        ck_assert_uint_eq((unsigned char)room.data[1] + 256u * (unsigned char)room.data[2], len);
        ck_assert_int_eq(rpc_wire_decode(room.data + RPC_WIRE_HEADER_LEN, len, false, &back),
                         RPC_OK);
        ck_assert_uint_eq(back.arg_count, 2);
        ck_assert_uint_eq(back.arg_len[1], call.arg_len[2]);
        guarded_free(&room);
    }
}
END_TEST

START_TEST(test_wire_body_len_beyond_a_packet) {
    static const char data[RPC_ARG_LEN_MAX];
    struct rpc_call call = call_of("f");
    call.arg_count = RPC_ARGS_MAX;
    for (unsigned i = 0; i < RPC_ARGS_MAX; i++) {
        call.arg[i] = data;
        call.arg_len[i] = RPC_ARG_LEN_MAX;
    }
    ck_assert_uint_eq(rpc_wire_body_len(&call), 3 + RPC_ARGS_MAX * (2 + (size_t)RPC_ARG_LEN_MAX));
}
END_TEST

/* --- replies ------------------------------------------------------------------------------------
 */

static const struct {
    uint64_t len;
    const char *digits; /* NULL: fits a header */
} results[] = {{0, NULL},
               {1, NULL},
               {255, NULL},
               {256, NULL},
               {65534, NULL},
               {65535, NULL},
               {65536, "65536"},
               {65537, "65537"},
               {UINT64_C(4294967295), "4294967295"},
               {UINT64_C(4294967296), "4294967296"},
               {UINT64_MAX - 1, "18446744073709551614"},
               {UINT64_MAX, "18446744073709551615"}};

START_TEST(test_wire_reply_head_bytes) {
    for (size_t i = 0; i < COUNT(results); i++) {
        char head[RPC_WIRE_REPLY_HEAD_MAX];
        size_t len = rpc_wire_reply_head(results[i].len, head);
        ck_assert_uint_le(len, sizeof(head));
        struct rpc_bytes should = {0};
        if (results[i].digits) {
            rpc_bytes_append(&should, "\xad", 1);
            put_u16(&should, 2 + 14 + 2 + strlen(results[i].digits));
            rpc_bytes_append(&should, "\x05", 1);
            put_item(&should, "CONTENT_LENGTH", 14);
            put_item(&should, results[i].digits, strlen(results[i].digits));
        } else {
            rpc_bytes_append(&should, "\xad", 1);
            put_u16(&should, (size_t)results[i].len);
            rpc_bytes_append(&should, "\x00", 1);
        }
        ck_assert_uint_eq(len, should.len);
        ck_assert_mem_eq(head, should.data, len);
        rpc_bytes_free(&should);
    }
    char head[RPC_WIRE_REPLY_HEAD_MAX];
    ck_assert_uint_eq(rpc_wire_reply_head(UINT64_MAX, head), RPC_WIRE_REPLY_HEAD_MAX);
}
END_TEST

/* A head is read the same from every part of it and whatever follows. */
START_TEST(test_wire_reply_parse_what_was_written) {
    for (size_t i = 0; i < COUNT(results); i++) {
        char head[RPC_WIRE_REPLY_HEAD_MAX + 5] = "";
        size_t head_len = rpc_wire_reply_head(results[i].len, head);
        for (size_t len = 0; len <= head_len + 5; len++) {
            struct rpc_wire_reply reply;
            struct guarded g = guarded_copy(head, len);
            ck_assert_int_eq(rpc_wire_reply_parse(g.data, len, &reply), len >= head_len);
            guarded_free(&g);
            if (len < RPC_WIRE_HEADER_LEN)
                ck_assert_uint_eq(reply.head_len, RPC_WIRE_HEADER_LEN);
            else
                ck_assert_uint_eq(reply.head_len, head_len);
            ck_assert(reply.result_len == (len >= head_len ? results[i].len : 0));
        }
    }
}
END_TEST

static int parse_header(const char *header, size_t len) {
    struct rpc_wire_reply reply;
    struct guarded g = guarded_copy(header, len);
    int said = rpc_wire_reply_parse(g.data, len, &reply);
    guarded_free(&g);
    return said;
}

START_TEST(test_wire_reply_parse_no_reply) {
    for (unsigned modifier1 = 0; modifier1 < 256; modifier1++) {
        char header[] = {(char)modifier1, 0, 0, 0};
        ck_assert_int_eq(parse_header(header, 4), modifier1 == RPC_MODIFIER1 ? 1 : -1);
        ck_assert_int_eq(parse_header(header, 1), modifier1 == RPC_MODIFIER1 ? 0 : -1);
    }
    for (unsigned modifier2 = 0; modifier2 < 256; modifier2++) {
        char header[] = {(char)RPC_MODIFIER1, 1, 0, (char)modifier2};
        ck_assert_int_eq(parse_header(header, 4), modifier2 == 0 ? 1 : modifier2 == 5 ? 0 : -1);
    }
    ck_assert_int_eq(parse_header("", 0), 0);
    ck_assert_int_eq(parse_header("HTTP/1.1 500", 12), -1);
}
END_TEST

/* Reads a reply whose dictionary is dict; result_len is set when it is one. */
static int parse_dict(const struct rpc_bytes *dict, uint64_t *result_len) {
    struct rpc_bytes data = {0};
    struct rpc_wire_reply reply;
    rpc_bytes_append(&data, "\xad", 1);
    put_u16(&data, dict->len);
    rpc_bytes_append(&data, "\x05", 1);
    rpc_bytes_append(&data, dict->data, dict->len);
    struct guarded g = guarded_copy(data.data, data.len);
    int said = rpc_wire_reply_parse(g.data, data.len, &reply);
    ck_assert_uint_eq(reply.head_len, data.len);
    *result_len = reply.result_len;
    guarded_free(&g);
    rpc_bytes_free(&data);
    return said;
}

START_TEST(test_wire_reply_parse_dictionaries) {
    static const struct {
        const char *items;
        uint64_t len;
    } good[] = {{"CONTENT_LENGTH|0", 0},
                {"CONTENT_LENGTH|7", 7},
                {"CONTENT_LENGTH|00000000000000000000000065536", 65536},
                {"CONTENT_LENGTH|18446744073709551615", UINT64_MAX},
                {"OTHER|x|CONTENT_LENGTH|70000", 70000},
                {"CONTENT_LENGTH|70000|OTHER|x", 70000},
                {"||CONTENT_LENGTH|70000|OTHER|", 70000},
                {"CONTENT_LENGTHS|1|CONTENT_LENGTH|2|content_length|3", 2},
                {"OTHER|CONTENT_LENGTH|CONTENT_LENGTH|5", 5}};
    for (size_t i = 0; i < COUNT(good); i++) {
        struct rpc_bytes dict = body_of(good[i].items);
        uint64_t len;
        ck_assert_msg(parse_dict(&dict, &len) == 1, "%s", good[i].items);
        ck_assert_msg(len == good[i].len, "%s: %" PRIu64, good[i].items, len);
        rpc_bytes_free(&dict);
    }
}
END_TEST

START_TEST(test_wire_reply_parse_bad_dictionaries) {
    static const char *const bad[] = {"CONTENT_LENGTH",
                                      "CONTENT_LENGTH|",
                                      "CONTENT_LENGTH|7|CONTENT_LENGTH|7",
                                      "CONTENT_LENGTH|7|OTHER|x|CONTENT_LENGTH|8",
                                      "CONTENT_LENGTH|7|OTHER",
                                      "CONTENT_LENGTH|x",
                                      "CONTENT_LENGTH|7x",
                                      "CONTENT_LENGTH|x7",
                                      "CONTENT_LENGTH|0x7",
                                      "CONTENT_LENGTH|+7",
                                      "CONTENT_LENGTH|-7",
                                      "CONTENT_LENGTH| 7",
                                      "CONTENT_LENGTH|7 ",
                                      "CONTENT_LENGTH|7.0",
                                      "CONTENT_LENGTH|7/",
                                      "CONTENT_LENGTH|7:",
                                      "CONTENT_LENGTH|\xb7",
                                      "CONTENT_LENGTH|18446744073709551616",
                                      "CONTENT_LENGTH|18446744073709551620",
                                      "CONTENT_LENGTH|28446744073709551615",
                                      "CONTENT_LENGTH|184467440737095516150",
                                      "CONTENT_LENGTH|99999999999999999999999999999999",
                                      "OTHER|CONTENT_LENGTH",
                                      "OTHER|7",
                                      "content_length|7",
                                      "CONTENT_LENGTH |7",
                                      "CONTENT_LENGT|7",
                                      ""};
    uint64_t len;
    for (size_t i = 0; i < COUNT(bad); i++) {
        struct rpc_bytes dict = body_of(bad[i]);
        ck_assert_msg(parse_dict(&dict, &len) == -1, "%s", bad[i]);
        rpc_bytes_free(&dict);
    }
    struct rpc_bytes none = {0};
    ck_assert_int_eq(parse_dict(&none, &len), -1);
    struct rpc_bytes nul = {0};
    put_item(&nul, "CONTENT_LENGTH", 14);
    put_item(&nul, "7\0", 2);
    ck_assert_int_eq(parse_dict(&nul, &len), -1);
    rpc_bytes_free(&nul);
}
END_TEST

/* A dictionary that says less than its header promises, cut anywhere, or with a byte too many. */
START_TEST(test_wire_reply_parse_broken_dictionaries) {
    struct rpc_bytes whole = body_of("CONTENT_LENGTH|70000|OTHER|x");
    static const size_t first_pair = 2 + 14 + 2 + 5;
    uint64_t result_len;
    for (size_t len = 0; len < whole.len; len++) {
        struct rpc_bytes cut = {whole.data, len, len, false};
        ck_assert_int_eq(parse_dict(&cut, &result_len), len == first_pair ? 1 : -1);
    }
    ck_assert_int_eq(parse_dict(&whole, &result_len), 1);
    rpc_bytes_append(&whole, "x", 1);
    ck_assert_int_eq(parse_dict(&whole, &result_len), -1);
    rpc_bytes_free(&whole);
}
END_TEST

UNIT_MAIN("wire", test_wire_decode_bytes, test_wire_decode_ignores_empty_items,
          test_wire_decode_no_name, test_wire_decode_name_limits, test_wire_decode_argument_limits,
          test_wire_decode_argument_len, test_wire_decode_cut_at_every_byte,
          test_wire_decode_item_runs_past_the_end, test_wire_decode_broken_comes_first,
          test_wire_decode_terminates, test_wire_decode_moves_only_what_it_must,
          test_wire_decode_terminates_at_the_limits, test_wire_encode_bytes,
          test_wire_encode_leaves_empty_arguments_out, test_wire_encode_up_to_the_largest_body,
          test_wire_body_len_beyond_a_packet, test_wire_reply_head_bytes,
          test_wire_reply_parse_what_was_written, test_wire_reply_parse_no_reply,
          test_wire_reply_parse_dictionaries, test_wire_reply_parse_bad_dictionaries,
          test_wire_reply_parse_broken_dictionaries)
