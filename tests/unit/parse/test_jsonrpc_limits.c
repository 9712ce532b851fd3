// SPDX-License-Identifier: MIT
/*
 * rpc_jsonrpc: what no file a person can read could hold: limits, deep nesting, bytes that are no
 * text.
 */
#include "jsonrpc_server.h"

/* --- what no file holds -------------------------------------------------------------------------
 */

/* Appends a piece count times. */
static void repeat(struct rpc_bytes *bytes, const char *piece, size_t count) {
    while (count--)
        rpc_bytes_puts(bytes, piece);
}

/* Answers {"jsonrpc": ..., "method": NAME, "params": [HEAD PIECE... TAIL], "id": 1}. */
static void answer_params(const char *head, const char *piece, size_t count, const char *tail) {
    struct rpc_bytes body = {0};
    rpc_bytes_puts(&body, "{\"jsonrpc\":\"2.0\",\"method\":\"echo\",\"id\":1,\"params\":[");
    rpc_bytes_puts(&body, head);
    repeat(&body, piece, count);
    rpc_bytes_puts(&body, tail);
    rpc_bytes_puts(&body, "]}");
    answer(body.data, body.len);
    rpc_bytes_free(&body);
}

/* Parameters made of piece repeated: up to limit times they are passed, beyond they are not. */
static void assert_limit(const char *head, const char *piece, const char *tail, size_t limit,
                         enum rpc_status beyond) {
    for (size_t count = limit - 1; count <= limit + 1; count++) {
        answer_params(head, piece, count, tail);
        ck_assert_int_eq(answered_code(), count > limit ? code_of(beyond) : 0);
        ck_assert_uint_eq(call_count, count <= limit);
    }
}

START_TEST(test_jsonrpc_limit_arguments) {
    assert_limit("0", ",\"\"", "", RPC_ARGS_MAX - 1, RPC_TOO_MANY_ARGS);
    assert_limit("0", ",[]", "", RPC_ARGS_MAX - 1, RPC_TOO_MANY_ARGS);
    answer_params("0", ",1", 5000, "");
    ck_assert_ptr_nonnull(strstr(response.data, rpc_status_info(RPC_TOO_MANY_ARGS)->message));
}
END_TEST

START_TEST(test_jsonrpc_limit_argument_len) {
    assert_limit("\"", "x", "\"", RPC_ARG_LEN_MAX, RPC_ARG_TOO_LONG);
    assert_limit("\"", "\\u0078", "\"", RPC_ARG_LEN_MAX, RPC_ARG_TOO_LONG);
    assert_limit("\"", "\\u0000", "\"", RPC_ARG_LEN_MAX, RPC_ARG_TOO_LONG);
    assert_limit("[0", ",\n  0", "]", (RPC_ARG_LEN_MAX - 3) / 2, RPC_ARG_TOO_LONG);
    assert_limit("\"ok\", \"", "x", "\"", RPC_ARG_LEN_MAX, RPC_ARG_TOO_LONG);
    assert_limit("{\"base64\": \"", "eHl6", "\"}", RPC_ARG_LEN_MAX / 3, RPC_ARG_TOO_LONG);
    ck_assert_uint_eq(RPC_ARG_LEN_MAX % 3, 0);
    answer_params("{\"base64\": \"", "eHl6", RPC_ARG_LEN_MAX / 3, "eA==\"}");
    ck_assert_ptr_nonnull(strstr(response.data, "\"parameter 1 is longer than 65535 bytes\""));
}
END_TEST

START_TEST(test_jsonrpc_largest_call) {
    struct rpc_bytes body = {0};
    rpc_bytes_puts(&body, "{\"jsonrpc\":\"2.0\",\"method\":\"echo\",\"id\":1,\"params\":[\"\"");
    for (unsigned i = 1; i < RPC_ARGS_MAX; i++) {
        rpc_bytes_puts(&body, ",\"");
        repeat(&body, "0123456789abcde", RPC_ARG_LEN_MAX / 15);
        rpc_bytes_puts(&body, "\"");
    }
    rpc_bytes_puts(&body, "]}");
    memory.asked = 0;
    memory.armed = true;
    answer(body.data, body.len);
    memory.armed = false;
    assert_answer("{\"jsonrpc\":\"2.0\",\"result\":\"\",\"id\":1}");
    ck_assert_uint_ge(memory.asked, body.len);
    ck_assert_uint_lt(memory.asked, 2 * body.len + 4096);
    rpc_bytes_free(&body);
}
END_TEST

START_TEST(test_jsonrpc_limit_name) {
    for (size_t len = RPC_NAME_MAX - 1; len <= RPC_NAME_MAX + 1; len++) {
        struct rpc_bytes body = {0};
        rpc_bytes_puts(&body, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"");
        repeat(&body, "\\u006e", len);
        rpc_bytes_puts(&body, "\"}");
        answer(body.data, body.len);
        ck_assert_int_eq(answered_code(), code_of(RPC_UNKNOWN));
        bool found = told.len > 16 && !memcmp(told.data + told.len - 17, "unknown-function\n", 17);
        ck_assert_uint_eq(found, len <= RPC_NAME_MAX);
        rpc_bytes_free(&body);
    }
}
END_TEST

START_TEST(test_jsonrpc_limit_batch) {
    static const size_t limits[] = {0, 1, 2, 100};
    for (size_t i = 0; i < COUNT(limits); i++) {
        bridge.max_calls = limits[i];
        for (size_t count = limits[i] > 1 ? limits[i] - 1 : 1; count <= limits[i] + 1; count++) {
            struct rpc_bytes body = {0};
            rpc_bytes_puts(&body, "[{\"jsonrpc\":\"2.0\",\"method\":\"echo\"}");
            repeat(&body, ",{\"jsonrpc\":\"2.0\",\"method\":\"echo\"}", count - 1);
            rpc_bytes_puts(&body, "]");
            answer(body.data, body.len);
            ck_assert_uint_eq(call_count, count > limits[i] ? 0 : count);
            ck_assert((response.len > 0) == (count > limits[i]));
            if (response.len)
                ck_assert_int_eq(answered_code(), code_of(RPC_TOO_MANY_CALLS));
            rpc_bytes_free(&body);
        }
    }
    answer_text("[]");
    ck_assert_int_eq(answered_code(), code_of(RPC_BAD_REQUEST));
    bridge.max_calls = 0;
    answer_text("{\"jsonrpc\":\"2.0\",\"method\":\"echo\",\"id\":1}");
    ck_assert_uint_eq(call_count, 1);
}
END_TEST

START_TEST(test_jsonrpc_limit_depth) {
    /* the request and its params are two levels */
    for (size_t depth = RPC_JSON_DEPTH_MAX - 3; depth <= RPC_JSON_DEPTH_MAX - 1; depth++) {
        struct rpc_bytes body = {0};
        rpc_bytes_puts(&body, "{\"jsonrpc\":\"2.0\",\"method\":\"echo\",\"id\":1,\"params\":[");
        repeat(&body, "[{\"\":", depth / 2);
        repeat(&body, "[", depth % 2);
        rpc_bytes_puts(&body, "0");
        repeat(&body, "]", depth % 2);
        repeat(&body, "}]", depth / 2);
        rpc_bytes_puts(&body, "]}");
        answer(body.data, body.len);
        bool beyond = depth + 2 > RPC_JSON_DEPTH_MAX;
        ck_assert_int_eq(answered_code(), beyond ? code_of(RPC_TOO_DEEP) : 0);
        ck_assert_uint_eq(call_count, !beyond);
        rpc_bytes_free(&body);
    }
}
END_TEST

START_TEST(test_jsonrpc_nested_without_end) {
    static const char *const pieces[] = {"[", "{\"a\":"};
    for (size_t i = 0; i < COUNT(pieces); i++) {
        struct rpc_bytes body = {0};
        repeat(&body, pieces[i], 100000);
        answer(body.data, body.len);
        ck_assert_int_eq(answered_code(), code_of(RPC_TOO_DEEP));
        rpc_bytes_free(&body);
    }
}
END_TEST

START_TEST(test_jsonrpc_limit_values) {
    static const char head[] = "{\"jsonrpc\":\"2.0\",\"method\":\"echo\",\"id\":1,\"x\":[0";
    /* the document, four members with their names, and the first 0; none of these is a value: */
    const size_t others = 10;
    const char *tail = "],\"y\":\"[[[[,,,,::::{{{{\\\",,,,\"}";
    for (size_t count = RPC_JSON_VALUES_MAX - 1; count <= RPC_JSON_VALUES_MAX + 1; count++) {
        struct rpc_bytes body = {0};
        rpc_bytes_puts(&body, head);
        repeat(&body, ",0", count - others - 2);
        rpc_bytes_puts(&body, tail);
        memory.asked = 0;
        memory.armed = true;
        answer(body.data, body.len);
        memory.armed = false;
        ck_assert_uint_lt(memory.asked, 4096); /* the answer's */
        ck_assert_int_eq(answered_code(),
                         count > RPC_JSON_VALUES_MAX ? code_of(RPC_TOO_MANY_VALUES) : 0);
        ck_assert_uint_eq(call_count, count <= RPC_JSON_VALUES_MAX);
        rpc_bytes_free(&body);
    }
}
END_TEST

START_TEST(test_jsonrpc_bytes_that_are_no_text) {
    static const char *const bad[] = {"\x80",
                                      "\xbf",
                                      "\xc0\x80",
                                      "\xc1\xbf",
                                      "\xc3",
                                      "\xc3(",
                                      "\xe0\x9f\xbf",
                                      "\xe2\x82",
                                      "\xed\xa0\x80",
                                      "\xed\xbf\xbf",
                                      "\xf0\x8f\xbf\xbf",
                                      "\xf0\x9f\x98",
                                      "\xf4\x90\x80\x80",
                                      "\xf5\x80\x80\x80",
                                      "\xfe",
                                      "\xff",
                                      "\x01",
                                      "\x1f"};
    for (size_t i = 0; i < COUNT(bad); i++) {
        answer_params("\"", bad[i], 1, "\"");
        assert_answer(PARSE_ERROR);
        answer_params("\"12345678", bad[i], 1, "12345678\"");
        assert_answer(PARSE_ERROR);
        answer_params("{\"", bad[i], 1, "\": 1}");
        assert_answer(PARSE_ERROR);
        answer_params("1", bad[i], 1, "");
        assert_answer(PARSE_ERROR);
        ck_assert_uint_eq(call_count, 0);
    }
}
END_TEST

/* A NUL is no white space, wherever it stands. */
START_TEST(test_jsonrpc_nul_in_the_document) {
    static const char body[] =
        "{\"jsonrpc\":\"2.0\",\"method\":\"echo\",\"params\":[\"x\",1,true],\"id\":1}";
    for (size_t at = 0; at <= strlen(body); at++) {
        char with_nul[sizeof(body) + 1] = "";
        memcpy(with_nul, body, at);
        memcpy(with_nul + at + 1, body + at, strlen(body) - at);
        answer(with_nul, strlen(body) + 1);
        assert_answer(PARSE_ERROR);
        ck_assert_uint_eq(call_count, 0);
    }
}
END_TEST

START_TEST(test_jsonrpc_no_document) {
    ck_assert_int_eq(rpc_jsonrpc_handle(&bridge, NULL, 0, &response), RPC_OK);
    assert_answer(PARSE_ERROR);
    answer("", 0);
    assert_answer(PARSE_ERROR);
}
END_TEST

START_TEST(test_jsonrpc_introspection) {
    static const char listing[] =
        "{\"jsonrpc\":\"2.0\",\"method\":\"system.listMethods\",\"id\":1}";
    bridge.list = on_list;
    answer_text(listing);
    assert_answer(
        "{\"jsonrpc\":\"2.0\",\"result\":[\"echo\",\"a\\\"b\xc3\xa9\",\"last\"],\"id\":1}");
    answer_text("[{\"jsonrpc\":\"2.0\",\"method\":\"system.listMethods\",\"params\":[],\"id\":1},"
                "{\"jsonrpc\":\"2.0\",\"method\":\"system.listMethods\"},"
                "{\"jsonrpc\":\"2.0\",\"method\":\"system.listMethods\",\"params\":[1],\"id\":2}]");
    assert_answer(
        "[{\"jsonrpc\":\"2.0\",\"result\":[\"echo\",\"a\\\"b\xc3\xa9\",\"last\"],\"id\":1},"
        "{\"jsonrpc\":\"2.0\",\"error\":{\"code\":-32602,\"message\":"
        "\"system.listMethods takes no parameters\"},\"id\":2}]");
    bridge.list = on_list_nothing;
    answer_text(listing);
    assert_answer("{\"jsonrpc\":\"2.0\",\"result\":[],\"id\":1}");
    ck_assert_uint_eq(call_count, 0);
    bridge.list = NULL;
    answer_text(listing);
    ck_assert_int_eq(answered_code(), code_of(RPC_UNKNOWN));
    ck_assert_uint_eq(call_count, 0);
}
END_TEST

/* Whatever a call ends with, its code and message are those of the table. */
START_TEST(test_jsonrpc_every_status) {
    for (int i = RPC_OK + 1; i < RPC_STATUS_COUNT; i++) {
        const struct rpc_status_info *info = rpc_status_info((enum rpc_status)i);
        if (i == RPC_APPLICATION_ERROR) /* has a result, in which its code stands */
            continue;
        char body[160], expected[320];
        snprintf(body, sizeof(body), "{\"jsonrpc\":\"2.0\",\"method\":\"%s\",\"id\":7}",
                 strcmp(info->name, "empty") ? info->name : "empty\",\"params\":[1],\"x\":\"");
        snprintf(expected, sizeof(expected),
                 "{\"jsonrpc\":\"2.0\",\"error\":{\"code\":%d,\"message\":\"%s\"},\"id\":7}",
                 info->jsonrpc, info->message);
        answer_text(body);
        assert_answer(expected);
    }
}
END_TEST

/* What is answered without a call is told, once, notifications too. */
START_TEST(test_jsonrpc_told) {
    static const struct {
        const char *body, *told;
    } cases[] = {
        {"{", "(none) not-well-formed\n"},
        {"[]", "(none) bad-request\n"},
        {"[1,2]", "(none) bad-request\n(none) bad-request\n"},
        {"{\"jsonrpc\":\"2.0\",\"method\":\"echo\",\"params\":{\"a\":1}}", "echo bad-argument\n"},
        {"{\"jsonrpc\":\"2.0\",\"method\":\"\",\"id\":1}", " bad-name\n"},
        {"{\"jsonrpc\":\"2.0\",\"method\":\"nosuch\",\"id\":1}", "nosuch unknown-function\n"},
        {"{\"jsonrpc\":\"2.0\",\"method\":\"echo\",\"id\":1}", ""},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        answer_text(cases[i].body);
        assert_bytes(cases[i].body, &told, cases[i].told, strlen(cases[i].told));
        ck_assert_uint_eq(failed_count, 0);
    }
}
END_TEST

UNIT_MAIN("jsonrpc limits", test_jsonrpc_told, test_jsonrpc_limit_arguments,
          test_jsonrpc_limit_argument_len, test_jsonrpc_largest_call, test_jsonrpc_limit_name,
          test_jsonrpc_limit_batch, test_jsonrpc_limit_depth, test_jsonrpc_nested_without_end,
          test_jsonrpc_limit_values, test_jsonrpc_bytes_that_are_no_text,
          test_jsonrpc_nul_in_the_document, test_jsonrpc_no_document, test_jsonrpc_introspection,
          test_jsonrpc_every_status)
