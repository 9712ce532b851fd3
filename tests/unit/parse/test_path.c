// SPDX-License-Identifier: MIT
/*
 * rpc_path: prefixes and what is called by which path.
 */
#include "parse/path.h"
#include "unit.h"

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

START_TEST(test_path_strip) {
    static const struct {
        const char *prefix, *path, *rest; /* rest is NULL for a path outside */
    } cases[] = {
        {NULL, "/f", "/f"},       {"", "/f", "/f"},          {"/", "/f", "/f"},
        {"//", "/f", "/f"},       {"/rpc", "/rpc/f", "/f"},  {"/rpc/", "/rpc/f", "/f"},
        {"/rpc", "/rpc", ""},     {"/rpc//", "/rpc", ""},    {"/rpc/", "/rpc/", "/"},
        {"/rpc", "/rpcs", NULL},  {"/rpc/", "/rpcs", NULL},  {"/rpc", "/rp", NULL},
        {"/rpc", "", NULL},       {"/rpc", "/RPC/f", NULL},  {"/rpc", "//rpc/f", NULL},
        {"/a/b", "/a/b/f", "/f"}, {"/a/b", "/a//b/f", NULL}, {NULL, "", ""},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        size_t len = strlen(cases[i].path);
        struct guarded g = guarded_copy(cases[i].path, len);
        const char *path = g.data;
        bool inside = rpc_path_strip(cases[i].prefix, &path, &len);
        ck_assert_msg(inside == (cases[i].rest != NULL), "case %zu", i);
        if (inside) {
            ck_assert_uint_eq(len, strlen(cases[i].rest));
            ck_assert_mem_eq(path, cases[i].rest, len);
        }
        guarded_free(&g);
    }
}
END_TEST

/* Splits a copy of path that ends, with its NUL, at a guard page. */
static enum rpc_status split(const char *path, size_t len, struct rpc_call *call,
                             struct guarded *g) {
    *g = guarded_copy(path, len + 1);
    g->data[len] = '!';
    char *rest = g->data;
    enum rpc_status status = rpc_path_name(&rest, &len, call);
    return status == RPC_OK ? rpc_path_args(rest, len, call) : status;
}

START_TEST(test_path_split) {
    static const struct {
        const char *path, *name, *arg[3];
    } cases[] = {
        {"/f", "f", {NULL}},
        {"f", "f", {NULL}},
        {"/f/", "f", {NULL}},
        {"//f//a///b//", "f", {"a", "b"}},
        {"/f/a/b/c", "f", {"a", "b", "c"}},
        {"/f/ /..", "f", {" ", ".."}},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct rpc_call call;
        struct guarded g;
        ck_assert_int_eq(split(cases[i].path, strlen(cases[i].path), &call, &g), RPC_OK);
        ck_assert_str_eq(call.name, cases[i].name);
        ck_assert_uint_eq(call.name_len, strlen(cases[i].name));
        size_t count = 0;
        for (; count < 3 && cases[i].arg[count]; count++) {
            ck_assert_str_eq(call.arg[count], cases[i].arg[count]);
            ck_assert_uint_eq(call.arg_len[count], strlen(cases[i].arg[count]));
        }
        ck_assert_uint_eq(call.arg_count, count);
        guarded_free(&g);
    }
}
END_TEST

START_TEST(test_path_names) {
    char longest[RPC_NAME_MAX + 3];
    struct rpc_call call;
    struct guarded g;

    for (size_t len = 0; len < 4; len++) {
        ck_assert_int_eq(split("////", len, &call, &g), RPC_NO_NAME);
        ck_assert_ptr_null(call.name);
        guarded_free(&g);
    }
    memset(longest, 'n', sizeof(longest));
    longest[0] = '/';
    ck_assert_int_eq(split(longest, RPC_NAME_MAX + 1, &call, &g), RPC_OK);
    ck_assert_uint_eq(call.name_len, RPC_NAME_MAX);
    guarded_free(&g);
    ck_assert_int_eq(split(longest, RPC_NAME_MAX + 2, &call, &g), RPC_BAD_NAME);
    guarded_free(&g);
    ck_assert_int_eq(split("/hello\0x", 8, &call, &g), RPC_BAD_NAME);
    guarded_free(&g);
    ck_assert_int_eq(split("/\0", 2, &call, &g), RPC_BAD_NAME);
    guarded_free(&g);
}
END_TEST

/* A name of exactly 65536 + 5 bytes is not the one its first five spell. */
START_TEST(test_path_huge) {
    size_t len = 1 + 65536 + 5;
    char *path = malloc(len + 1);
    struct rpc_call call;
    struct guarded g;

    memset(path, 'a', len);
    path[0] = '/';
    ck_assert_int_eq(split(path, len, &call, &g), RPC_BAD_NAME);
    guarded_free(&g);
    path[2] = '/';
    ck_assert_int_eq(split(path, 3 + RPC_ARG_LEN_MAX, &call, &g), RPC_OK);
    ck_assert_uint_eq(call.arg_len[0], RPC_ARG_LEN_MAX);
    guarded_free(&g);
    ck_assert_int_eq(split(path, 3 + RPC_ARG_LEN_MAX + 1, &call, &g), RPC_ARG_TOO_LONG);
    guarded_free(&g);
    free(path);
}
END_TEST

START_TEST(test_path_arguments_at_the_limit) {
    char path[2 + 2 * (RPC_ARGS_MAX + 1) + 1] = "/f";
    struct rpc_call call;
    struct guarded g;

    for (size_t i = 0; i <= RPC_ARGS_MAX; i++)
        memcpy(path + 2 + 2 * i, "/a", 2);
    ck_assert_int_eq(split(path, 2 + 2 * RPC_ARGS_MAX, &call, &g), RPC_OK);
    ck_assert_uint_eq(call.arg_count, RPC_ARGS_MAX);
    ck_assert_int_eq(rpc_path_add(&call, "b", 1), RPC_TOO_MANY_ARGS);
    ck_assert_uint_eq(call.arg_count, RPC_ARGS_MAX);
    guarded_free(&g);
    ck_assert_int_eq(split(path, 2 + 2 * (RPC_ARGS_MAX + 1), &call, &g), RPC_TOO_MANY_ARGS);
    guarded_free(&g);
}
END_TEST

START_TEST(test_path_add) {
    struct rpc_call call = {0};
    ck_assert_int_eq(rpc_path_add(&call, "a\0b", 3), RPC_OK);
    ck_assert_uint_eq(call.arg_len[0], 3);
    ck_assert_mem_eq(call.arg[0], "a\0b", 3);
    ck_assert_int_eq(rpc_path_add(&call, "", RPC_ARG_LEN_MAX + 1), RPC_ARG_TOO_LONG);
    ck_assert_int_eq(rpc_path_add(&call, "", SIZE_MAX), RPC_ARG_TOO_LONG);
    ck_assert_uint_eq(call.arg_count, 1);
}
END_TEST

/* What a typed function gets for a path and a body: its argument to text, which has room. */
static enum rpc_status params(const char *path, size_t len, const char *body, char *text) {
    struct guarded g = guarded_copy(path, len + 1);
    struct guarded b = guarded_copy(body, strlen(body));
    struct rpc_bytes bytes = {0};
    struct rpc_call call;
    char *rest = g.data;

    ck_assert_int_eq(rpc_path_name(&rest, &len, &call), RPC_OK);
    enum rpc_status status = rpc_path_params(rest, len, b.data, strlen(body), &bytes, &call);
    if (status == RPC_OK) {
        ck_assert_uint_eq(call.arg_count, 1);
        ck_assert_uint_eq(call.arg_len[0], strlen(call.arg[0]));
        strcpy(text, call.arg[0]);
    }
    rpc_bytes_free(&bytes);
    guarded_free(&b);
    guarded_free(&g);
    return status;
}

START_TEST(test_path_params) {
    static const struct {
        const char *path, *body, *params; /* NULL: status */
        enum rpc_status status;
    } cases[] = {
        {"/f", "", "[]", RPC_OK},
        {"//f//", "", "[]", RPC_OK},
        {"/f/a//b/", "", "[\"a\",\"b\"]", RPC_OK},
        {"/f/1/null/\"", "", "[\"1\",\"null\",\"\\\"\"]", RPC_OK},
        {"/f/\xc3\xa9", "", "[\"\xc3\xa9\"]", RPC_OK},
        {"/f", " { \"a\" : [ 1.10 , \"b c\" ] } ", "{\"a\":[1.10,\"b c\"]}", RPC_OK},
        {"/f", "[]", "[]", RPC_OK},
        {"/f/a", "[]", NULL, RPC_BAD_PARAMS},
        {"/f/a/\xe9", "", NULL, RPC_BAD_PARAMS},
        {"/f/\xed\xa0\x80", "", NULL, RPC_BAD_PARAMS},
        {"/f", "1", NULL, RPC_BAD_PARAMS},
        {"/f", "null", NULL, RPC_BAD_PARAMS},
        {"/f", "\"[]\"", NULL, RPC_BAD_PARAMS},
        {"/f", "[", NULL, RPC_NOT_WELL_FORMED},
        {"/f", " ", NULL, RPC_NOT_WELL_FORMED},
        {"/f", "{\"a\":1,\"a\":2}", NULL, RPC_REPEATED_MEMBER},
    };
    char text[64];
    for (size_t i = 0; i < COUNT(cases); i++) {
        enum rpc_status status = params(cases[i].path, strlen(cases[i].path), cases[i].body, text);
        ck_assert_msg(status == cases[i].status, "case %zu: %s", i, rpc_status_info(status)->name);
        if (cases[i].params)
            ck_assert_str_eq(text, cases[i].params);
    }
    ck_assert_int_eq(params("/f/a\0b", 6, "", text), RPC_OK);
    ck_assert_str_eq(text, "[\"a\\u0000b\"]");
}
END_TEST

/* More segments than other functions take arguments, and as many bytes as an argument has. */
START_TEST(test_path_params_at_the_limit) {
    size_t len = 2 + 2 * 16383;
    char *path = malloc(len + 4), *text = malloc(RPC_ARG_LEN_MAX + 1);

    memcpy(path, "/f", 2);
    for (size_t i = 2; i < len; i += 2)
        memcpy(path + i, "/a", 2);
    memcpy(path + len, "aaa", 4); /* 4 bytes each, less the last comma, and two brackets */
    ck_assert_int_eq(params(path, len + 2, "", text), RPC_OK);
    ck_assert_uint_eq(strlen(text), RPC_ARG_LEN_MAX);
    ck_assert_int_eq(params(path, len + 3, "", text), RPC_ARG_TOO_LONG);
    free(text);
    free(path);
}
END_TEST

UNIT_MAIN("path", test_path_params, test_path_params_at_the_limit, test_path_strip, test_path_split,
          test_path_names, test_path_huge, test_path_arguments_at_the_limit, test_path_add)
