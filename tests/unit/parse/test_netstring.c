// SPDX-License-Identifier: MIT
/* rpc_netstring: strings in and out, calls, and what is neither, cut at every byte. */
#include "parse/netstring.h"
#include "unit.h"

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

/* A text with its length, so that a NUL can stand in it. */
#define TEXT(text)                                                                                 \
    { text, sizeof(text) - 1 }
struct text {
    const char *data;
    size_t len;
};

/* Reads the call in a copy that ends at a guard page. */
static bool read_call(const char *text, size_t len) {
    struct guarded g = guarded_copy(text, len);
    const char *nodes;
    size_t nodes_len;
    struct rpc_call call;
    bool is_call = rpc_netstring_read_call(g.data, len, &nodes, &nodes_len, &call);

    guarded_free(&g);
    return is_call;
}

START_TEST(test_netstring_read) {
    static const struct {
        struct text input, inside;
        size_t rest;
    } good[] = {
        {TEXT("0:,"), TEXT(""), 0},
        {TEXT("5:hello,"), TEXT("hello"), 0},
        {TEXT("5:hello,1:x,"), TEXT("hello"), 4},
        {TEXT("3:,,,,"), TEXT(",,,"), 0},
        {TEXT("2:\0\xff,"), TEXT("\0\xff"), 0},
        {TEXT("11:hello world,"), TEXT("hello world"), 0},
    };
    for (size_t i = 0; i < COUNT(good); i++) {
        struct guarded g = guarded_copy(good[i].input.data, good[i].input.len);
        const char *at = g.data, *end = g.data + good[i].input.len, *text;
        size_t len;
        ck_assert(rpc_netstring_read(&at, end, &text, &len));
        ck_assert_uint_eq(len, good[i].inside.len);
        ck_assert_mem_eq(text, good[i].inside.data, len);
        ck_assert_uint_eq((size_t)(end - at), good[i].rest);
        guarded_free(&g);
    }
}
END_TEST

START_TEST(test_netstring_lies) {
    static const struct text bad[] = {
        TEXT(""),
        TEXT(":"),
        TEXT(","),
        TEXT(":,"),
        TEXT("0"),
        TEXT("0:"),
        TEXT("0,"),
        TEXT("5:hello"),
        TEXT("5:hello;"),
        TEXT("4:hello,"),
        TEXT("6:hello,"),
        TEXT("00:,"),
        TEXT("05:hello,"),
        TEXT("+5:hello,"),
        TEXT("-0:,"),
        TEXT("-1:,"),
        TEXT(" 5:hello,"),
        TEXT("5 :hello,"),
        TEXT("0x5:hello,"),
        TEXT("5.0:hello,"),
        TEXT("\0"),
        TEXT("18446744073709551615:x,"),
        TEXT("18446744073709551616:x,"),
        TEXT("18446744073709551617:x,"),
        TEXT("4294967297:x,"),
        TEXT("99999999999999999999999999999999999999999999:x,"),
        TEXT("{\"a\":1}"),
    };
    for (size_t i = 0; i < COUNT(bad); i++) {
        struct guarded g = guarded_copy(bad[i].data, bad[i].len);
        const char *at = g.data, *text = "before";
        size_t len = 77;
        ck_assert_msg(!rpc_netstring_read(&at, g.data + bad[i].len, &text, &len), "%s",
                      bad[i].data);
        ck_assert_ptr_eq(at, g.data);
        ck_assert_str_eq(text, "before");
        ck_assert_uint_eq(len, 77);
        guarded_free(&g);
    }
}
END_TEST

START_TEST(test_netstring_read_call) {
    static const char text[] = "14:127.0.0.1:3031,5:hello,1:x,0:,2:\0,,";
    const char *nodes;
    size_t nodes_len;
    struct rpc_call call;

    ck_assert(rpc_netstring_read_call(text, sizeof(text) - 1, &nodes, &nodes_len, &call));
    ck_assert_uint_eq(nodes_len, 14);
    ck_assert_mem_eq(nodes, "127.0.0.1:3031", 14);
    ck_assert_uint_eq(call.name_len, 5);
    ck_assert_mem_eq(call.name, "hello", 5);
    ck_assert_uint_eq(call.arg_count, 3);
    ck_assert_uint_eq(call.arg_len[0], 1);
    ck_assert_uint_eq(call.arg_len[1], 0);
    ck_assert_uint_eq(call.arg_len[2], 2);
    ck_assert_mem_eq(call.arg[2], "\0,", 2);
}
END_TEST

/* The beginning of a call is one only where an argument ends. */
START_TEST(test_netstring_call_cut) {
    static const char text[] = "2:@a,5:hello,1:x,10:0123456789,";
    size_t end_of_name = strlen("2:@a,5:hello,"), end_of_first = end_of_name + strlen("1:x,");

    for (size_t len = 0; len < sizeof(text); len++)
        ck_assert_msg(read_call(text, len) ==
                          (len == end_of_name || len == end_of_first || len == sizeof(text) - 1),
                      "%zu", len);
}
END_TEST

/* A call with a name of that many bytes, and arguments each of that many. */
static bool read_sized(size_t name_len, size_t arg_count, size_t arg_len) {
    static char filler[RPC_ARG_LEN_MAX + 1];
    struct rpc_bytes text = {0};

    memset(filler, 'x', sizeof(filler));
    rpc_netstring_put(&text, "@a", 2);
    rpc_netstring_put(&text, filler, name_len);
    for (size_t i = 0; i < arg_count; i++)
        rpc_netstring_put(&text, filler, arg_len);
    ck_assert(!text.failed);
    bool is_call = read_call(text.data, text.len);
    rpc_bytes_free(&text);
    return is_call;
}

START_TEST(test_netstring_call_limits) {
    ck_assert(!read_sized(0, 0, 0));
    ck_assert(read_sized(1, 0, 0));
    ck_assert(read_sized(RPC_NAME_MAX, 0, 0));
    ck_assert(!read_sized(RPC_NAME_MAX + 1, 0, 0));
    ck_assert(read_sized(1, RPC_ARGS_MAX - 1, 0));
    ck_assert(read_sized(1, RPC_ARGS_MAX, 0));
    ck_assert(!read_sized(1, RPC_ARGS_MAX + 1, 0));
    ck_assert(!read_sized(1, 3 * (RPC_ARGS_MAX + 1), 0));
    ck_assert(read_sized(1, 1, RPC_ARG_LEN_MAX));
    ck_assert(!read_sized(1, 1, RPC_ARG_LEN_MAX + 1));
    ck_assert(!read_call("2:@a,3:a\0b,", 11));
}
END_TEST

START_TEST(test_netstring_put) {
    struct rpc_bytes text = {0};

    rpc_netstring_put(&text, "ok", 2);
    rpc_netstring_put(&text, NULL, 0);
    rpc_netstring_put(&text, "\0,9:", 4);
    ck_assert(!text.failed);
    ck_assert_uint_eq(text.len, 15);
    ck_assert_mem_eq(text.data, "2:ok,0:,4:\0,9:,", 15);
    rpc_bytes_free(&text);
}
END_TEST

UNIT_MAIN("netstring", test_netstring_read, test_netstring_lies, test_netstring_read_call,
          test_netstring_call_cut, test_netstring_call_limits, test_netstring_put)
