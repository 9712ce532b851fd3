// SPDX-License-Identifier: MIT
/* rpc_wire: bodies read and terminated, calls written, replies framed and read back. */
#include "rpc_wire.h"
#include "wire_bodies.h"

#include <inttypes.h>
#include <stdio.h>

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

UNIT_MAIN("wire", test_wire_decode_bytes, test_wire_decode_ignores_empty_items,
          test_wire_decode_no_name, test_wire_decode_name_limits, test_wire_decode_argument_limits,
          test_wire_decode_argument_len, test_wire_decode_cut_at_every_byte,
          test_wire_decode_item_runs_past_the_end, test_wire_decode_broken_comes_first,
          test_wire_decode_terminates, test_wire_decode_moves_only_what_it_must,
          test_wire_decode_terminates_at_the_limits, test_wire_encode_bytes,
          test_wire_encode_leaves_empty_arguments_out, test_wire_encode_up_to_the_largest_body,
          test_wire_body_len_beyond_a_packet)
