// SPDX-License-Identifier: MIT
/*
 * rpc_typed: what a typed function may return, and what it means.
 */
#include "parse/typed.h"
#include "unit.h"

static enum rpc_status judge_bytes(const char *data, size_t len) {
    struct guarded g = guarded_copy(data, len);
    enum rpc_status status = rpc_typed_judge(g.data, len);
    guarded_free(&g);
    return status;
}

START_TEST(test_typed_judge) {
    static const struct {
        const char *result;
        enum rpc_status status;
    } cases[] = {
        {"", RPC_EMPTY},
        {"1", RPC_OK},
        {" null \n", RPC_OK},
        {"{\"a\":[18446744073709551616]}", RPC_OK},
        {"hello", RPC_BAD_JSON},
        {"[1", RPC_BAD_JSON},
        {"1 2", RPC_BAD_JSON},
        {"\"\\ud800\"", RPC_BAD_JSON},
        {"\"\xff\"", RPC_BAD_JSON},
        {"{\"a\":1,\"a\":2}", RPC_BAD_JSON},
        {"error", RPC_BAD_JSON},
        {"error ", RPC_BAD_JSON},
        {"error x", RPC_BAD_JSON},
        {"error +5", RPC_BAD_JSON},
        {"error -", RPC_BAD_JSON},
        {"error  5", RPC_BAD_JSON},
        {"error 5x", RPC_BAD_JSON},
        {" error 5", RPC_BAD_JSON},
        {"Error 5", RPC_BAD_JSON},
        {"error 5", RPC_APPLICATION_ERROR},
        {"error 5 ", RPC_APPLICATION_ERROR},
        {"error 007 x", RPC_APPLICATION_ERROR},
        {"error 5\n", RPC_APPLICATION_ERROR},
        {"error 5 \xc3\xa9\n[1]", RPC_APPLICATION_ERROR},
        {"error 5 \xc3", RPC_BAD_JSON},
        {"error 5 x\n{", RPC_BAD_JSON},
        {"error 5 x\ny", RPC_BAD_JSON},
        {"error 5 x\n ", RPC_BAD_JSON},
        {"error 5 x\n1\n2", RPC_BAD_JSON},
        {"error 2147483647 x", RPC_APPLICATION_ERROR},
        {"error 2147483648 x", RPC_BAD_JSON},
        {"error -2147483648 x", RPC_APPLICATION_ERROR},
        {"error -2147483649 x", RPC_BAD_JSON},
        {"error 99999999999999999999999999 x", RPC_BAD_JSON},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
        ck_assert_msg(judge_bytes(cases[i].result, strlen(cases[i].result)) == cases[i].status,
                      "%s", cases[i].result);
    ck_assert_int_eq(judge_bytes("[1]\0", 4), RPC_BAD_JSON);
}
END_TEST

START_TEST(test_typed_nested_without_end) {
    char *text = malloc(100000);
    memset(text, '[', 100000);
    ck_assert_int_eq(judge_bytes(text, 100000), RPC_BAD_JSON);
    free(text);
}
END_TEST

static void assert_error(const char *result, const char *json) {
    struct rpc_bytes out = {0};
    struct rpc_typed_error error = rpc_typed_error(result, strlen(result));
    rpc_typed_put_error(&out, &error);
    rpc_bytes_append(&out, "", 1);
    ck_assert_str_eq(out.data, json);
    rpc_bytes_free(&out);
}

START_TEST(test_typed_error) {
    assert_error("error 404 no such user\n {\"id\": 404} ",
                 "{\"code\":404,\"message\":\"no such user\",\"data\":{\"id\": 404}}");
    assert_error("error -1", "{\"code\":-1,\"message\":\"\"}");
    assert_error("error 0 a\"b\n", "{\"code\":0,\"message\":\"a\\\"b\"}");
    assert_error("error -2147483648 \n0", "{\"code\":-2147483648,\"message\":\"\",\"data\":0}");
}
END_TEST

START_TEST(test_typed_http) {
    static const struct {
        int32_t code;
        int http;
    } cases[] = {{399, 500},    {400, 400},    {404, 404},    {599, 599}, {600, 500},
                 {-32602, 400}, {-32601, 500}, {-32603, 500}, {0, 500},   {INT32_MIN, 500}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct rpc_typed_error error = {.code = cases[i].code, .message = ""};
        ck_assert_int_eq(rpc_typed_http(&error), cases[i].http);
    }
}
END_TEST

START_TEST(test_typed_value) {
    struct rpc_json value = rpc_typed_value(" [1] \n", 6);
    ck_assert_uint_eq(value.len, 3);
    ck_assert_mem_eq(value.text, "[1]", 3);
}
END_TEST

UNIT_MAIN("typed", test_typed_judge, test_typed_nested_without_end, test_typed_error,
          test_typed_http, test_typed_value)
