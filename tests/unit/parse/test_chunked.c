// SPDX-License-Identifier: MIT
/*
 * rpc_chunked: bodies whole, cut into pieces of every size, and what is no chunked body.
 */
#include "parse/chunked.h"
#include "unit.h"

#include <stdio.h>

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

struct decoded {
    enum rpc_chunked_status status;
    char body[64];
    size_t len;
    size_t rest;
};

/* Decodes text in pieces of this length, each up to a guard page. */
static struct decoded decode(const char *text, size_t text_len, size_t piece) {
    struct rpc_chunked decoder = {0};
    struct decoded d = {0};

    for (size_t at = 0; at < text_len && d.status == RPC_CHUNKED_MORE; at += piece) {
        size_t len = text_len - at < piece ? text_len - at : piece, rest, behind;
        behind = text_len - at - len;
        struct guarded g = guarded_copy(text + at, len);
        d.status = rpc_chunked_decode(&decoder, g.data, &len, &rest);
        ck_assert_uint_le(d.len + len, sizeof(d.body));
        memcpy(d.body + d.len, g.data, len);
        d.len += len;
        d.rest = rest + behind;
        guarded_free(&g);
    }
    return d;
}

START_TEST(test_chunked_bodies) {
    static const struct {
        const char *text, *body;
        size_t rest;
    } cases[] = {
        {"0\r\n\r\n", "", 0},
        {"3\r\nabc\r\n0\r\n\r\n", "abc", 0},
        {"3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n", "abcde", 0},
        {"0003\r\nabc\r\n000\r\n\r\n", "abc", 0},
        {"A\r\n0123456789\r\n1\r\n\r\r\n00\r\n\r\n", "0123456789\r", 0},
        {"3;name=\"value\"\r\nabc\r\n0;x\r\n\r\n", "abc", 0},
        {"3 \r\nabc\r\n0\r\n\r\n", "abc", 0},
        {"3\r\nabc\r\n0\r\nTrailer: x\r\nOther: y\r\n\r\n", "abc", 0},
        {"2\r\n\r\n\r\n0\r\n\r\nPOST / HTTP/1.1\r\n", "\r\n", 17},
    };
    for (size_t i = 0; i < COUNT(cases); i++)
        for (size_t piece = 1; piece <= strlen(cases[i].text); piece++) {
            struct decoded d = decode(cases[i].text, strlen(cases[i].text), piece);
            ck_assert_msg(d.status == RPC_CHUNKED_END, "%s by %zu", cases[i].text, piece);
            ck_assert_uint_eq(d.len, strlen(cases[i].body));
            ck_assert_mem_eq(d.body, cases[i].body, d.len);
            ck_assert_uint_eq(d.rest, cases[i].rest);
        }
}
END_TEST

START_TEST(test_chunked_cut) {
    static const char text[] = "3;x\r\nabc\r\n10\r\n0123456789abcdef\r\n0\r\nT: x\r\n\r\n";
    for (size_t len = 0; len < strlen(text); len++)
        for (size_t piece = 1; piece <= len; piece++)
            ck_assert_int_eq(decode(text, len, piece).status, RPC_CHUNKED_MORE);
}
END_TEST

START_TEST(test_chunked_bad) {
    static const char *const bad[] = {
        "\r\n",         "x\r\n",    "-1\r\n",      "+1\r\n",         " 1\r\na\r\n",
        "0x1\r\na\r\n", "1\na\r\n", "1\r\nab",     "1\r\na\n",       "1\r\na\r\r",
        "1\r\r",        "0\r\n\n",  "0\r\nT: x\n", "0\r\n\r\r",      "0\r\nT: x\r\r",
        ";x\r\n",       "1;x\n",    "g\r\n",       "1\r\na\r\n\r\n",
    };
    for (size_t i = 0; i < COUNT(bad); i++)
        for (size_t piece = 1; piece <= strlen(bad[i]); piece++)
            ck_assert_msg(decode(bad[i], strlen(bad[i]), piece).status == RPC_CHUNKED_BAD,
                          "%s by %zu", bad[i], piece);
    ck_assert_int_eq(decode("1;\0\r\n", 5, 1).status, RPC_CHUNKED_BAD);
}
END_TEST

/* What is left of a chunk, to be compared with what a body may have, never wraps. */
START_TEST(test_chunked_huge) {
    static const struct {
        const char *size;
        uint64_t left;
    } cases[] = {
        {"7fffffffffffffff", INT64_MAX},   {"FFFFFFFFFFFFFFFE", UINT64_MAX - 1},
        {"ffffffffffffffff", UINT64_MAX},  {"10000000000000000", UINT64_MAX},
        {"10000000000000001", UINT64_MAX}, {"f0000000000000000000000000000000", UINT64_MAX},
        {"00000000000000000000001", 1},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct rpc_chunked decoder = {0};
        char text[64];
        size_t len = (size_t)snprintf(text, sizeof(text), "%s\r\n", cases[i].size), rest;
        ck_assert_int_eq(rpc_chunked_decode(&decoder, text, &len, &rest), RPC_CHUNKED_MORE);
        ck_assert_uint_eq(len, 0);
        ck_assert_uint_eq(decoder.left, cases[i].left);
    }
}
END_TEST

/* Size lines and trailers cannot go on for ever. */
START_TEST(test_chunked_line_max) {
    static const char *const before[] = {"", "1;", "0\r\n", "0\r\nT:", "1\r\na\r\n"};
    for (size_t i = 0; i < COUNT(before); i++)
        for (size_t piece = 1; piece < 10; piece += 8) {
            struct rpc_chunked decoder = {0};
            enum rpc_chunked_status status = RPC_CHUNKED_MORE;
            char text[16];
            size_t len = strlen(before[i]), rest, fed = 0;
            memcpy(text, before[i], len);
            if (len)
                status = rpc_chunked_decode(&decoder, text, &len, &rest);
            while (status == RPC_CHUNKED_MORE && fed < 2 * RPC_CHUNKED_EXCESS_MAX) {
                memset(text, '0', sizeof(text));
                len = piece;
                status = rpc_chunked_decode(&decoder, text, &len, &rest);
                fed += piece;
            }
            ck_assert_int_eq(status, RPC_CHUNKED_BAD);
            ck_assert_uint_gt(fed, RPC_CHUNKED_EXCESS_MAX - 8);
            ck_assert_uint_le(fed, RPC_CHUNKED_EXCESS_MAX + 8);
        }
}
END_TEST

/* Feeds one chunk that many times; returns how many were taken. */
static size_t repeat(const char *chunk, size_t times) {
    struct rpc_chunked decoder = {0};

    for (size_t i = 0; i < times; i++) {
        char text[128];
        size_t len = strlen(chunk), rest;
        memcpy(text, chunk, len);
        if (rpc_chunked_decode(&decoder, text, &len, &rest) != RPC_CHUNKED_MORE)
            return i;
    }
    return times;
}

/* Nor can many of them add up to more than the body deserves: one that has the free bytes and no
   more may go on, each further byte is counted over the whole body. */
START_TEST(test_chunked_excess) {
    enum { MANY = 10 * RPC_CHUNKED_EXCESS_MAX };
    ck_assert_uint_eq(repeat("1\r\na\r\n", MANY), MANY);
    ck_assert_uint_eq(repeat("00000001\r\na\r\n", MANY), MANY);
    ck_assert_uint_eq(repeat("1;0123456789\r\na\r\n", MANY), MANY);
    ck_assert_uint_le(repeat("1;0123456789x\r\na\r\n", MANY), RPC_CHUNKED_EXCESS_MAX);
    ck_assert_uint_gt(repeat("1;0123456789x\r\na\r\n", MANY), RPC_CHUNKED_EXCESS_MAX - 32);
    ck_assert_uint_eq(repeat("000000000001\r\na\r\n", MANY), MANY);
    ck_assert_uint_le(repeat("0000000000001\r\na\r\n", MANY), RPC_CHUNKED_EXCESS_MAX);
    ck_assert_uint_le(repeat("1;0123456789012345678901234567\r\na\r\n", MANY),
                      RPC_CHUNKED_EXCESS_MAX / 17);
}
END_TEST

UNIT_MAIN("chunked", test_chunked_bodies, test_chunked_cut, test_chunked_bad, test_chunked_huge,
          test_chunked_line_max, test_chunked_excess)
