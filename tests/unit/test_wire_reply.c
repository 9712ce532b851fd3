// SPDX-License-Identifier: MIT
/*
 * rpc_wire: replies, written and read.
 */
#include "rpc_wire.h"
#include "wire_bodies.h"

#include <inttypes.h>
#include <stdio.h>

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

UNIT_MAIN("wire reply", test_wire_reply_head_bytes, test_wire_reply_parse_what_was_written,
          test_wire_reply_parse_no_reply, test_wire_reply_parse_dictionaries,
          test_wire_reply_parse_bad_dictionaries, test_wire_reply_parse_broken_dictionaries)
