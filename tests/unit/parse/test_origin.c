// SPDX-License-Identifier: MIT
/*
 * rpc_origin, rpc_field: whose page a browser shows, and the values that tell.
 */
#include "parse/origin.h"
#include "unit.h"

#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

static const char *list[] = {"https://app.example", "http://other.example:8000"};
static const struct rpc_origins nobody = {0}, some = {list, 2, false}, everybody = {NULL, 0, true};

static struct rpc_field field(const char *text) {
    return (struct rpc_field){text, text ? strlen(text) : 0};
}

/* Each value up to a guard page. */
static enum rpc_origin_verdict judge(const char *site, const char *origin, const char *host,
                                     const struct rpc_origins *granted) {
    const char *texts[] = {site, origin, host};
    struct guarded copies[3];
    struct rpc_field fields[3];

    for (size_t i = 0; i < 3; i++) {
        copies[i] = guarded_copy(texts[i] ? texts[i] : "", field(texts[i]).len);
        fields[i] = (struct rpc_field){texts[i] ? copies[i].data : NULL, field(texts[i]).len};
    }
    const struct rpc_origin_headers headers = {fields[0], fields[1], fields[2]};
    enum rpc_origin_verdict verdict = rpc_origin_judge(&headers, granted);
    for (size_t i = 0; i < 3; i++)
        guarded_free(&copies[i]);
    return verdict;
}

START_TEST(test_origin_own) {
    static const struct {
        const char *site, *origin, *host;
    } cases[] = {
        {NULL, NULL, NULL},
        {"", "", "here"},
        {"none", NULL, "here"},
        {"same-origin", "https://app.example", "here"},
        {" SAME-ORIGIN\t", "null", NULL},
        {NULL, "http://here", "here"},
        {NULL, "https://here:443", "HERE"},
        {NULL, "https://here", "here:443"},
        {NULL, "http://here:8080", "here:8080"},
        {NULL, "app+x.1-y://here:80", "here:80"},
        {NULL, "http://[::1]", "[::1]:80"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        ck_assert_msg(judge(cases[i].site, cases[i].origin, cases[i].host, &nobody) ==
                          RPC_ORIGIN_OWN,
                      "%zu", i);
        ck_assert(judge(cases[i].site, cases[i].origin, cases[i].host, &everybody) !=
                  RPC_ORIGIN_FOREIGN);
    }
}
END_TEST

START_TEST(test_origin_foreign) {
    static const struct {
        const char *site, *origin, *host;
    } cases[] = {
        {"cross-site", NULL, "here"},
        {"same-site", "http://here", "here"},
        {"none, none", NULL, "here"},
        {" ", NULL, "here"},
        {NULL, "null", "here"},
        {NULL, " ", "here"},
        {NULL, "http://here", NULL},
        {NULL, "http://here", ""},
        {NULL, "http://", ""},
        {NULL, "http://:80", ":80"},
        {NULL, "://here", "here"},
        {NULL, "1http://here", "here"},
        {NULL, "http:/here", "here"},
        {NULL, "http:here", "here"},
        {NULL, "http://here:", "here:"},
        {NULL, "http://here:123456", "here:123456"},
        {NULL, "http://here:443", "here"},
        {NULL, "https://here:80", "here"},
        {NULL, "app://here", "here:80"},
        {NULL, "http://here/", "here"},
        {NULL, "http://here?x", "here?x"},
        {NULL, "http://a@here", "here"},
        {NULL, "http://a@here", "a@here"},
        {NULL, "http://here, http://here", "here"},
        {NULL, "http://here,here", "here,here"},
        {NULL, "http://h\nere", "h\nere"},
        {NULL, "http://h\xc3\xa9re", "h\xc3\xa9re"},
        {NULL, "http://app.example", "here"},
        {"same-site", "https://app.example:8443", "here"},
        {"same-site", "https://app.example.evil", "here"},
        {"same-site", "https://xapp.example", "here"},
        {"same-site", "http://other.example", "here"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        ck_assert_msg(judge(cases[i].site, cases[i].origin, cases[i].host, &some) ==
                          RPC_ORIGIN_FOREIGN,
                      "%zu", i);
        ck_assert(judge(cases[i].site, cases[i].origin, cases[i].host, &everybody) ==
                  RPC_ORIGIN_GRANTED);
    }
}
END_TEST

START_TEST(test_origin_granted) {
    static const char *const origins[] = {"https://app.example", "https://APP.example:443",
                                          " HTTPS://app.example", "http://other.example:8000"};
    for (size_t i = 0; i < COUNT(origins); i++)
        for (int site = 0; site < 2; site++) {
            const char *text = site ? "cross-site" : NULL;
            ck_assert(judge(text, origins[i], "here", &some) == RPC_ORIGIN_GRANTED);
            ck_assert(judge(text, origins[i], "here", &nobody) == RPC_ORIGIN_FOREIGN);
        }
}
END_TEST

START_TEST(test_origin_is_valid) {
    ck_assert(rpc_origin_is_valid("https://app.example"));
    ck_assert(rpc_origin_is_valid("http://127.0.0.1:8000"));
    ck_assert(rpc_origin_is_valid("chrome-extension://abcdef"));
    static const char *const bad[] = {"",
                                      "*",
                                      "null",
                                      "app.example",
                                      "https://app.example/",
                                      "https://",
                                      "https://*.example,",
                                      "https://a b"};
    for (size_t i = 0; i < COUNT(bad); i++)
        ck_assert_msg(!rpc_origin_is_valid(bad[i]), "%s", bad[i]);
}
END_TEST

START_TEST(test_origin_names) {
    char many[RPC_ORIGIN_NAMES_MAX + 1];
    memset(many, 'a', sizeof(many));
    ck_assert(rpc_origin_names_are_valid(field(NULL)));
    ck_assert(rpc_origin_names_are_valid(field("")));
    ck_assert(rpc_origin_names_are_valid(field("content-type, x-a_b ,x")));
    ck_assert(rpc_origin_names_are_valid((struct rpc_field){many, RPC_ORIGIN_NAMES_MAX - 1}));
    ck_assert(rpc_origin_names_are_valid((struct rpc_field){many, RPC_ORIGIN_NAMES_MAX}));
    ck_assert(!rpc_origin_names_are_valid((struct rpc_field){many, RPC_ORIGIN_NAMES_MAX + 1}));
    static const char *const bad[] = {",", "a,", "a b", "a:b", "a\r\nb", "\x7f", "\xe9", "a\"b"};
    for (size_t i = 0; i < COUNT(bad); i++)
        ck_assert_msg(!rpc_origin_names_are_valid(field(bad[i])), "%s", bad[i]);
}
END_TEST

START_TEST(test_field_lists) {
    ck_assert(rpc_field_lists(field("close"), "close"));
    ck_assert(rpc_field_lists(field("a , CLOSE\t,b"), "close"));
    ck_assert(!rpc_field_lists(field("closed, xclose, clo se"), "close"));
    ck_assert(!rpc_field_lists(field(""), "close"));
    ck_assert(!rpc_field_lists(field(NULL), "close"));
}
END_TEST

UNIT_MAIN("origin", test_origin_own, test_origin_foreign, test_origin_granted, test_origin_is_valid,
          test_origin_names, test_field_lists)
