// SPDX-License-Identifier: MIT
/*
 * rpc_json: which texts are sound, and what is read from them. The documents of tests/data/jsonrpc
 * are read by test_jsonrpc; what any text means to another reader is compared in fuzz_json.
 */
#include "counted_alloc.h"
#include "parse/json.h"
#include "unit.h"

#include <stdio.h>

static enum rpc_status check_bytes(const char *text, size_t len) {
    struct guarded g = guarded_copy(text, len);
    struct rpc_json value;
    enum rpc_status status = rpc_json_check(g.data, len, &value);
    if (status == RPC_OK)
        ck_assert(value.text >= g.data && value.text + value.len <= g.data + len);
    guarded_free(&g);
    return status;
}

static struct rpc_json sound(const char *text) {
    struct rpc_json value;
    ck_assert_int_eq(rpc_json_check(text, strlen(text), &value), RPC_OK);
    return value;
}

START_TEST(test_json_sound) {
    static const char *const texts[] = {"0",
                                        "-0",
                                        "1.10",
                                        "1E+400",
                                        "123456789012345678901234567890",
                                        "\"\"",
                                        "true",
                                        "false",
                                        "null",
                                        " [ ] ",
                                        "{\"\":{}}\n",
                                        "[\"\\ud83d\\ude00\\u0000\",\"\xf0\x9f\x98\x80\x7f\"]",
                                        "{\"a\":{\"a\":1},\"b\":[{\"a\":1},{\"a\":1}]}"};
    for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++)
        ck_assert_int_eq(check_bytes(texts[i], strlen(texts[i])), RPC_OK);
}
END_TEST

START_TEST(test_json_not_well_formed) {
    static const char *const texts[] = {"",
                                        " ",
                                        "[",
                                        "]",
                                        "[1,]",
                                        "{\"a\"}",
                                        "{\"a\":1,}",
                                        "{1:1}",
                                        "01",
                                        "1.",
                                        ".5",
                                        "1e",
                                        "-",
                                        "+1",
                                        "tru",
                                        "nulll",
                                        "\"",
                                        "\"\\\"",
                                        "\"\\u12\"",
                                        "\"\\x\"",
                                        "\"\\ud800\"",
                                        "\"\\udc00\"",
                                        "\"\\ud800\\n\"",
                                        "\"\xc3\"",
                                        "\"\xed\xa0\x80\"",
                                        "\"\x01\"",
                                        "1 2",
                                        "[1 2]",
                                        "{\"a\" 1}",
                                        "[}",
                                        "{]",
                                        "\xef\xbb\xbf"
                                        "1"};
    for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++)
        ck_assert_msg(check_bytes(texts[i], strlen(texts[i])) == RPC_NOT_WELL_FORMED, "%s",
                      texts[i]);
    ck_assert_int_eq(check_bytes("1\0", 2), RPC_NOT_WELL_FORMED);
    ck_assert_int_eq(check_bytes("\"\0\"", 3), RPC_NOT_WELL_FORMED);
}
END_TEST

/* A part of a text is none, wherever it is cut. */
START_TEST(test_json_cut_at_every_byte) {
    static const char text[] = "{\"a\\u00e9\":[1.5e-3,true,\"\\ud83d\\ude00 \xc3\xa9\"],\"b\":{}}";
    for (size_t len = 0; len < strlen(text); len++)
        ck_assert_int_eq(check_bytes(text, len), RPC_NOT_WELL_FORMED);
    ck_assert_int_eq(check_bytes(text, strlen(text)), RPC_OK);
}
END_TEST

/* An object of count members, the last of which has the name of the one given, or its own. */
static enum rpc_status check_members(unsigned count, unsigned last, bool escaped) {
    struct rpc_bytes text = {0};
    char member[64];
    for (unsigned i = 0; i < count; i++) {
        unsigned number = i + 1 == count ? last : i;
        snprintf(member, sizeof(member),
                 i + 1 == count && escaped ? "\"\\u006e%u\":[{\"n0\":0}]" : "\"n%u\":0", number);
        rpc_bytes_puts(&text, i ? "," : "{");
        rpc_bytes_puts(&text, member);
    }
    rpc_bytes_puts(&text, "}");
    enum rpc_status status = check_bytes(text.data, text.len);
    rpc_bytes_free(&text);
    return status;
}

/* Few names are compared, many are hashed; the first names of some are kept on the stack. */
START_TEST(test_json_repeated_members) {
    static const unsigned counts[] = {2, 7, 8, 9, 10, 15, 16, 17, 18, 33, 1000, 60000};
    for (size_t i = 0; i < sizeof(counts) / sizeof(*counts); i++)
        for (unsigned escaped = 0; escaped < 2; escaped++) {
            ck_assert_int_eq(check_members(counts[i], counts[i], escaped), RPC_OK);
            ck_assert_int_eq(check_members(counts[i], 0, escaped), RPC_REPEATED_MEMBER);
            ck_assert_int_eq(check_members(counts[i], counts[i] - 2, escaped), RPC_REPEATED_MEMBER);
        }
    ck_assert_int_eq(check_bytes("{\"\\u00e9\":1,\"\xc3\xa9\":1}", 19), RPC_REPEATED_MEMBER);
    ck_assert_int_eq(check_bytes("{\"a\\u0000\":1,\"a\":1}", 19), RPC_OK);
}
END_TEST

/* PIECE as often as told, between HEAD and as many TAILs. */
static enum rpc_status check_repeated(const char *head, const char *piece, const char *tail,
                                      size_t count) {
    struct rpc_bytes text = {0};
    rpc_bytes_puts(&text, head);
    for (size_t i = 0; i < count; i++)
        rpc_bytes_puts(&text, piece);
    rpc_bytes_puts(&text, "0");
    for (size_t i = 0; *tail && i < count; i++)
        rpc_bytes_puts(&text, tail);
    rpc_bytes_puts(&text, *head ? "]" : "");
    enum rpc_status status = check_bytes(text.data, text.len);
    rpc_bytes_free(&text);
    return status;
}

START_TEST(test_json_limits) {
    for (size_t i = RPC_JSON_DEPTH_MAX - 1; i <= RPC_JSON_DEPTH_MAX + 1; i++) {
        enum rpc_status status = i > RPC_JSON_DEPTH_MAX ? RPC_TOO_DEEP : RPC_OK;
        ck_assert_int_eq(check_repeated("", "[", "]", i), status);
        ck_assert_int_eq(check_repeated("", "{\"a\":", "}", i), status);
    }
    ck_assert_int_eq(check_repeated("", "[", "", 1000000), RPC_TOO_DEEP);
    /* the array and the last 0 are values too */
    for (size_t i = RPC_JSON_VALUES_MAX - 1; i <= RPC_JSON_VALUES_MAX + 1; i++)
        ck_assert_int_eq(check_repeated("[", "1,", "", i - 2),
                         i > RPC_JSON_VALUES_MAX ? RPC_TOO_MANY_VALUES : RPC_OK);
}
END_TEST

START_TEST(test_json_walk) {
    struct rpc_json rest = rpc_json_inside(sound("[1, {\"a\" : [2]} ,\"],\", [ ],null]")), value;
    static const char *const items[] = {"1", "{\"a\" : [2]}", "\"],\"", "[ ]", "null"};
    for (size_t i = 0; i < 5; i++) {
        ck_assert(rpc_json_next(&rest, &value));
        ck_assert_uint_eq(value.len, strlen(items[i]));
        ck_assert_mem_eq(value.text, items[i], value.len);
    }
    ck_assert(!rpc_json_next(&rest, &value));
    rest = rpc_json_inside(sound("[ ]"));
    ck_assert(!rpc_json_next(&rest, &value));
}
END_TEST

static void assert_decoded(const char *text, const char *should, size_t len) {
    char out[64];
    struct rpc_json value = sound(text);
    ck_assert_uint_eq(rpc_json_decode(value, out, len), len);
    ck_assert_mem_eq(out, should, len);
    if (len)
        ck_assert_uint_eq(rpc_json_decode(value, out, len - 1), SIZE_MAX);
    ck_assert_uint_le(len, value.len - 2);
}

START_TEST(test_json_decode) {
    assert_decoded("\"\"", "", 0);
    assert_decoded("\"abc\"", "abc", 3);
    assert_decoded("\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"", "\"\\/\b\f\n\r\t", 8);
    assert_decoded("\"a\\u0000b\"", "a\0b", 3);
    assert_decoded("\"\\u007f\\u0080\\u07FF\\u0800\\uffff\"",
                   "\x7f\xc2\x80\xdf\xbf\xe0\xa0\x80\xef\xbf\xbf", 11);
    assert_decoded("\"\\ud800\\udc00\\uDBFF\\uDFFF\"", "\xf0\x90\x80\x80\xf4\x8f\xbf\xbf", 8);
    ck_assert(rpc_json_equals(sound("\"\\u0061b\""), "ab"));
    ck_assert(!rpc_json_equals(sound("\"abc\""), "ab"));
    ck_assert(!rpc_json_equals(sound("\"a\""), "ab"));
    ck_assert(!rpc_json_equals(sound("1"), "1"));
}
END_TEST

START_TEST(test_json_compact) {
    char out[64];
    size_t len = rpc_json_compact(sound(" [ 1.10 ,\n\t{ \" a \\\" \" : -0 } ] "), out);
    ck_assert_uint_eq(len, 20);
    ck_assert_mem_eq(out, "[1.10,{\" a \\\" \":-0}]", 20);
}
END_TEST

START_TEST(test_json_put_string) {
    struct rpc_bytes out = {0};
    ck_assert(rpc_json_put_string(&out, "a\"\\\x01\n\xc3\xa9\x7f", 8));
    ck_assert_uint_eq(out.len, 18);
    ck_assert_mem_eq(out.data, "\"a\\\"\\\\\\u0001\\n\xc3\xa9\x7f\"", 18);
    ck_assert(!rpc_json_put_string(&out, "ab\xff", 3));
    ck_assert_uint_eq(out.len, 18);
    rpc_bytes_free(&out);
}
END_TEST

/* Names beyond those on the stack, and the table of many, are all that takes memory. */
START_TEST(test_json_no_memory) {
    struct rpc_bytes text = {0};
    struct rpc_json value;
    rpc_bytes_puts(&text, "{\"x\":{\"\":0");
    for (int i = 0; i < 100; i++) {
        char member[24];
        snprintf(member, sizeof(member), ",\"%d\":0", i);
        rpc_bytes_puts(&text, member);
    }
    rpc_bytes_puts(&text, "}}");
    alloc_watch(0);
    enum rpc_status sound_status = rpc_json_check(text.data, text.len, &value);
    alloc_paused = true;
    ck_assert_int_eq(sound_status, RPC_OK);
    size_t count = alloc_count;
    ck_assert_uint_eq(count, 4); /* 32, 64 and 128 names, and a table */
    ck_assert_uint_le(alloc_largest, 256 * 8);
    for (size_t failing = 1; failing <= count; failing++) {
        alloc_watch(failing);
        enum rpc_status status = rpc_json_check(text.data, text.len, &value);
        alloc_paused = true;
        ck_assert_int_eq(status, RPC_NO_MEMORY);
    }
    rpc_bytes_free(&text);
}
END_TEST

UNIT_MAIN("json", test_json_sound, test_json_not_well_formed, test_json_cut_at_every_byte,
          test_json_repeated_members, test_json_limits, test_json_walk, test_json_decode,
          test_json_compact, test_json_put_string, test_json_no_memory)
