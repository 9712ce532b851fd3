// SPDX-License-Identifier: MIT
/*
 * rpc_xmlrpc at its limits, each one less, exactly there and one beyond, and over results and
 * encodings that no file shows well.
 */
#include "xmlrpc_server.h"
#include "parse/xmlrpc_parse.h"

#include <libxml/parser.h>

#define HEAD "<methodCall><methodName>"
#define NAME_END "</methodName><params>"
#define TAIL "</params></methodCall>"
#define OPEN HEAD "echo" NAME_END "<param><value>"
#define CLOSE "</value></param>" TAIL

static void put_many(struct rpc_bytes *out, const char *text, size_t count) {
    while (count--)
        rpc_bytes_puts(out, text);
}

/* Asks with the document and forgets it. */
static struct answer ask_and_free(struct rpc_bytes *doc) {
    struct answer answer = ask(doc->data, doc->len);
    rpc_bytes_free(doc);
    return answer;
}

/* Asks with before, text count times, after. */
static struct answer ask_many(const char *before, const char *text, size_t count,
                              const char *after) {
    struct rpc_bytes doc = {0};
    rpc_bytes_puts(&doc, before);
    put_many(&doc, text, count);
    rpc_bytes_puts(&doc, after);
    return ask_and_free(&doc);
}

static void expect_fault(struct answer answer, enum rpc_status status) {
    assert_fault(&answer, status);
    answer_free(&answer);
}

/* Checks that the server was called once and gave a result. */
static void expect_call(struct answer answer) {
    rpc_bytes_append(&answer.response, "", 1);
    ck_assert_msg(strstr(answer.response.data, "<params>") != NULL, "%s", answer.response.data);
    ck_assert_uint_gt(answer.calls.len, 0);
    answer_free(&answer);
}

START_TEST(test_xmlrpc_limits_arguments) {
    static const char arg[] = "<param><value><i4>1</i4></value></param>";
    expect_call(ask_many(HEAD "echo" NAME_END, arg, 253, TAIL));
    expect_call(ask_many(HEAD "echo" NAME_END, arg, 254, TAIL));
    expect_fault(ask_many(HEAD "echo" NAME_END, arg, 255, TAIL), RPC_TOO_MANY_ARGS);
    expect_fault(ask_many(HEAD "echo" NAME_END, arg, 256 + 254, TAIL), RPC_TOO_MANY_ARGS);
    expect_call(ask_many(HEAD "echo" NAME_END, "<param><value/></param>", 254, TAIL));
    expect_fault(ask_many(HEAD "echo" NAME_END, "<param><value/></param>", 255, TAIL),
                 RPC_TOO_MANY_ARGS);
}
END_TEST

/* A string argument of len bytes, in three ways of writing it. */
static void check_long_string(size_t len, bool fits) {
    static const char *const ways[][3] = {{OPEN, "a", CLOSE},
                                          {OPEN "<string>", "a", "</string>" CLOSE},
                                          {OPEN "<![CDATA[", "a", "]]>" CLOSE},
                                          {OPEN, "&#97;", CLOSE}};
    for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
        struct answer answer = ask_many(ways[i][0], ways[i][1], len, ways[i][2]);
        if (fits)
            ck_assert_uint_eq(answer.calls.len, strlen("call echo []\n") + len);
        else
            assert_fault(&answer, RPC_ARG_TOO_LONG);
        answer_free(&answer);
    }
}

START_TEST(test_xmlrpc_limits_argument_length) {
    check_long_string(65534, true);
    check_long_string(65535, true);
    check_long_string(65536, false);
    check_long_string(65536 + 65535, false);
    check_long_string(3000000, false);
    expect_call(ask_many(OPEN, "\xc3\xbc", 32767, CLOSE));
    expect_fault(ask_many(OPEN, "\xc3\xbc", 32768, CLOSE), RPC_ARG_TOO_LONG);
    /* 21845 * 3 = 65535 */
    expect_call(ask_many(OPEN "<base64>", "AAAA", 21844, "AAA=</base64>" CLOSE));
    expect_call(ask_many(OPEN "<base64>", "AAAA", 21845, "</base64>" CLOSE));
    expect_call(ask_many(OPEN "<base64>", "\n  A A A A", 21845, "</base64>" CLOSE));
    expect_fault(ask_many(OPEN "<base64>", "AAAA", 21845, "AA==</base64>" CLOSE), RPC_ARG_TOO_LONG);
}
END_TEST

START_TEST(test_xmlrpc_limits_name) {
    for (size_t len = 254; len <= 256; len++) {
        struct answer answer = ask_many(HEAD, "f", len, NAME_END TAIL);
        assert_fault(&answer, len < 256 ? RPC_UNKNOWN : RPC_BAD_NAME);
        answer_free(&answer);
    }
    expect_fault(ask_many(HEAD, "f", 65536 + 4, NAME_END TAIL), RPC_BAD_NAME);
}
END_TEST

START_TEST(test_xmlrpc_limits_depth) {
    /* methodCall, params, param, value and three for each array, the last one empty */
    enum { ARRAYS = (RPC_XMLRPC_DEPTH_MAX - 4) / 3, REST = (RPC_XMLRPC_DEPTH_MAX - 4) % 3 };
    static const char *const inner[] = {"", "<nil/>", "<array><data/></array>"};
    static const char array[] = "<array><data><value>", array_end[] = "</value></data></array>";
    for (int more = -1; more <= 1; more++) {
        struct rpc_bytes doc = {0};
        rpc_bytes_puts(&doc, OPEN);
        put_many(&doc, array, ARRAYS);
        rpc_bytes_puts(&doc, more + REST < 0 ? "" : inner[more + REST]);
        put_many(&doc, array_end, ARRAYS);
        rpc_bytes_puts(&doc, CLOSE);
        expect_fault(ask_and_free(&doc), more > 0 ? RPC_BAD_REQUEST : RPC_BAD_ARG);
    }
}
END_TEST

START_TEST(test_xmlrpc_limits_nested_100000_deep) {
    static const char *const tags[] = {"<array><data><value>", "<value>", "<methodCall>", "<a>",
                                       "<struct><member><name>a</name><value>"};
    for (size_t i = 0; i < sizeof(tags) / sizeof(tags[0]); i++) {
        expect_fault(ask_many(OPEN, tags[i], 100000, ""), RPC_BAD_REQUEST);
        expect_fault(ask_many("", tags[i], 100000, ""), RPC_BAD_REQUEST);
    }
}
END_TEST

/* Pieces where their content does not matter: within the limits the call lacks but its name. */
static void ask_foreign(const char *piece, size_t count, bool beyond) {
    static const char head[] =
        HEAD "system.multicall" NAME_END
             "<param><value><array><data><value><struct><member><name>x</name><value>";
    static const char end[] =
        "</value></member></struct></value></data></array></value></param>" TAIL;
    struct answer answer = ask_many(head, piece, count, end);
    if (beyond)
        assert_fault(&answer, RPC_BAD_REQUEST);
    else
        ck_assert_ptr_nonnull(memmem(answer.response.data, answer.response.len,
                                     "<string>no function name</string>", 33));
    answer_free(&answer);
}

START_TEST(test_xmlrpc_limits_foreign) {
    enum { MAX = RPC_XMLRPC_FOREIGN_MAX };
    static const char *const pieces[] = {"<a/>", "<?a?>", "<nil a=''/>", "<a:nil/>"};
    for (size_t count = MAX - 1; count <= MAX + 1; count++)
        for (size_t i = 0; i < sizeof(pieces) / sizeof(pieces[0]); i++)
            ask_foreign(pieces[i], count, count > MAX);
    for (size_t count = RPC_XMLRPC_NAMESPACES_MAX - 1; count <= RPC_XMLRPC_NAMESPACES_MAX + 1;
         count++)
        ask_foreign("<nil xmlns:a='u'/>", count, count > RPC_XMLRPC_NAMESPACES_MAX);
    /* It is still not well formed first, unless it is given up before its end. */
    expect_fault(ask_many("<html>", "<br>", 100, "</html>"), RPC_NOT_WELL_FORMED);
    expect_fault(ask_many("<methodCall>", "<a/>", MAX + 1, ""), RPC_BAD_REQUEST);
}
END_TEST

START_TEST(test_xmlrpc_limits_tag) {
    /* Counted in chunks of 4 KiB, and with what stands before. */
    enum { FITS = RPC_XMLRPC_TAG_MAX - 4096, BEYOND = RPC_XMLRPC_TAG_MAX + 2 * 4096 };
    static const struct {
        const char *before, *text, *after;
        bool is_tag;
    } cases[] = {
        {"<methodCall a='", "a", "'><methodName>echo</methodName></methodCall>", true},
        {"<methodCall", " ", "><methodName>echo</methodName></methodCall>", true},
        {"<!--", "a", "-->" OPEN "x" CLOSE, false},
        {OPEN "<!--", "<a>", "-->" CLOSE, false},
        {OPEN "<?p ", "a", "?>" CLOSE, false},
        {"<methodCall>", " ", "<methodName>echo</methodName></methodCall>", false},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        expect_call(ask_many(cases[i].before, cases[i].text, FITS, cases[i].after));
        struct answer answer = ask_many(cases[i].before, cases[i].text, BEYOND, cases[i].after);
        if (cases[i].is_tag && LIBXML_VERSION < 21200)
            assert_fault(&answer, RPC_BAD_REQUEST);
        else
            ck_assert_uint_gt(answer.calls.len, 0);
        answer_free(&answer);
    }
}
END_TEST

/* A call whose first tag has that many attributes. */
static struct answer ask_attributes(int count) {
    struct rpc_bytes doc = {0};
    for (int i = 0; i < count; i++) {
        char attribute[32];
        snprintf(attribute, sizeof(attribute), "%s a%d=''", i ? "" : "<methodCall", i);
        rpc_bytes_puts(&doc, attribute);
    }
    rpc_bytes_puts(&doc, "><methodName>echo</methodName></methodCall>");
    return ask_and_free(&doc);
}

/* libxml2 compares each of a tag with each. */
START_TEST(test_xmlrpc_limits_attributes) {
    expect_call(ask_attributes(RPC_XMLRPC_ATTRIBUTES_MAX - 1));
    expect_call(ask_attributes(RPC_XMLRPC_ATTRIBUTES_MAX));
    expect_fault(ask_attributes(RPC_XMLRPC_ATTRIBUTES_MAX + 1), RPC_BAD_REQUEST);
    expect_fault(ask_attributes(1000000), RPC_BAD_REQUEST);
}
END_TEST

/* Distinct names of len bytes each; libxml2 keeps a copy of every one. */
static struct answer ask_names(size_t len, size_t bytes) {
    struct rpc_bytes doc = {0};
    rpc_bytes_puts(&doc, OPEN "<array>");
    for (size_t i = 0, named = 0; named < bytes; i++, named += len) {
        char name[16];
        snprintf(name, sizeof(name), "<a%08zu", i);
        rpc_bytes_puts(&doc, name);
        put_many(&doc, "a", len - 9);
        rpc_bytes_puts(&doc, "/>");
    }
    rpc_bytes_puts(&doc, "</array>" CLOSE);
    return ask_and_free(&doc);
}

/* Names in a dictionary's pools are what its limit counts: it is exact to a pool. */
START_TEST(test_xmlrpc_limits_names) {
    static const size_t lens[] = {100, 1000, 4000};
    for (size_t i = 0; i < sizeof(lens) / sizeof(lens[0]); i++) {
        expect_fault(ask_names(lens[i], RPC_XMLRPC_NAMES_MAX / 4), RPC_BAD_REQUEST);
        expect_fault(ask_names(lens[i], RPC_XMLRPC_NAMES_MAX * 4), RPC_NOT_WELL_FORMED);
    }
    expect_fault(ask_names(1000, 11000000), RPC_NOT_WELL_FORMED);
}
END_TEST

START_TEST(test_xmlrpc_limits_multicall) {
    static const char call[] = "<value><struct><member><name>methodName</name><value>echo</value>"
                               "</member></struct></value>";
    static const char before[] = HEAD "system.multicall" NAME_END "<param><value><array><data>",
                      after[] = "</data></array></value></param>" TAIL;
    expect_call(ask_many(before, call, MAX_CALLS - 1, after));
    expect_call(ask_many(before, call, MAX_CALLS, after));
    expect_fault(ask_many(before, call, MAX_CALLS + 1, after), RPC_TOO_MANY_CALLS);
    expect_fault(ask_many(before, "<value/>", MAX_CALLS + 1, after), RPC_TOO_MANY_CALLS);
    expect_fault(ask_many(before, call, 100000, after), RPC_TOO_MANY_CALLS);
    /* 255 arguments of one call leave the others alone. */
    struct rpc_bytes doc = {0};
    rpc_bytes_puts(&doc, before);
    rpc_bytes_puts(&doc, "<value><struct><member><name>params</name><value><array><data>");
    put_many(&doc, "<value>1</value>", 255);
    rpc_bytes_puts(&doc, "</data></array></value></member><member><name>methodName</name>"
                         "<value>join</value></member></struct></value>");
    rpc_bytes_puts(&doc, call);
    rpc_bytes_puts(&doc, after);
    struct answer answer = ask_and_free(&doc);
    assert_bytes(&answer.calls, "call echo\n");
    rpc_bytes_append(&answer.response, "", 1);
    ck_assert(strstr(answer.response.data, rpc_status_info(RPC_TOO_MANY_ARGS)->message) != NULL);
    answer_free(&answer);
}
END_TEST

/* --- pieces: wherever the parser's input is divided, the calls are the same --- */

START_TEST(test_xmlrpc_limits_any_division) {
    static const char rest[] = "join</methodName><params><param><value><string>a&amp;b\r\n\xc3\xbc"
                               "\xe4\xb8\x96\xf0\x9f\x98\x80</string></value></param><param><value>"
                               "<![CDATA[<x>]]>&#x1F600;<!-- c --></value></param><param><value>"
                               "<base64>AP8=</base64></value></param>" TAIL "\n";
    for (size_t pad = 4096 - sizeof(rest) - 30; pad < 4096; pad++) {
        struct rpc_bytes text = {0};
        rpc_bytes_puts(&text, "<methodCall");
        put_many(&text, " ", pad);
        rpc_bytes_puts(&text, "><methodName>");
        rpc_bytes_puts(&text, rest);
        struct answer answer = ask_and_free(&text);
        assert_bytes(&answer.calls,
                     "call join [a&b\\x0a\\xc3\\xbc\\xe4\\xb8\\x96\\xf0\\x9f\\x98\\x80]"
                     " [<x>\\xf0\\x9f\\x98\\x80] [\\x00\\xff]\n");
        answer_free(&answer);
    }
}
END_TEST

START_TEST(test_xmlrpc_limits_long_text_in_any_division) {
    static const char *const texts[] = {"\xc3\xbc", "\xe4\xb8\x96", "\xf0\x9f\x98\x80", "a\xc3\xbc",
                                        "&lt;\xe4\xb8\x96\n"};
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        for (size_t pad = 0; pad < 8; pad++) {
            struct rpc_bytes doc = {0}, expected = {0};
            put_many(&doc, "\n", pad);
            rpc_bytes_puts(&doc, OPEN);
            put_many(&doc, texts[i], 6000);
            rpc_bytes_puts(&doc, CLOSE);
            rpc_bytes_puts(&expected, "<string>");
            put_many(&expected, texts[i], 6000);
            rpc_bytes_puts(&expected, "</string>");
            rpc_bytes_append(&expected, "", 1);
            struct answer answer = ask_and_free(&doc);
            assert_value(&answer, expected.data);
            answer_free(&answer);
            rpc_bytes_free(&expected);
        }
    }
}
END_TEST

/* Were a parser to end a document too early and say nothing, there would still be no call. */
START_TEST(test_xmlrpc_limits_end_not_reported) {
    static const char *const tags[] = {"methodCall", "methodName"};
    struct rpc_xmlrpc_calls calls;
    rpc_xmlrpc_calls_init(&calls, MAX_CALLS);
    ck_assert_int_eq(rpc_xmlrpc_calls_status(&calls), RPC_NOT_WELL_FORMED);
    for (int i = 0; i < 2; i++) {
        ck_assert(rpc_xmlrpc_calls_start(&calls, tags[i]));
        ck_assert_int_eq(rpc_xmlrpc_calls_status(&calls), RPC_NOT_WELL_FORMED);
    }
    ck_assert(rpc_xmlrpc_calls_text(&calls, "f", 1));
    ck_assert(rpc_xmlrpc_calls_end(&calls));
    ck_assert_int_eq(rpc_xmlrpc_calls_status(&calls), RPC_NOT_WELL_FORMED);
    ck_assert(rpc_xmlrpc_calls_end(&calls));
    ck_assert_int_eq(rpc_xmlrpc_calls_status(&calls), RPC_OK);
    rpc_xmlrpc_calls_free(&calls);
}
END_TEST

/* --- results --- */

struct fixed {
    const char *data;
    size_t len;
};

static enum rpc_status fixed_call(void *ctx, const struct rpc_call *call,
                                  struct rpc_result *result) {
    const struct fixed *fixed = ctx;
    struct rpc_bytes bytes = {0};
    (void)call;
    rpc_bytes_append(&bytes, fixed->data, fixed->len);
    give(result, &bytes);
    return RPC_OK;
}

/* The response to a function that returns these bytes, NUL-terminated. */
static char *result_of(const char *data, size_t len) {
    static const char doc[] = HEAD "f" NAME_END TAIL;
    struct guarded g = guarded_copy(data, len);
    struct fixed fixed = {g.data, len};
    struct rpc_bridge bridge = {
        .find = find_any, .call = fixed_call, .ctx = &fixed, .max_calls = 1};
    struct rpc_bytes response = {0};
    ck_assert_int_eq(rpc_xmlrpc_handle(&bridge, doc, strlen(doc), NULL, &response), RPC_OK);
    rpc_bytes_append(&response, "", 1);
    guarded_free(&g);
    return response.data;
}

/* What an XML parser reads as the text of the result; *base64 tells which element it stood in. */
static char *parsed_result(const char *data, size_t len, bool *base64) {
    char *response = result_of(data, len);
    xmlDocPtr doc = xmlReadMemory(response, (int)strlen(response), NULL, NULL, XML_PARSE_NONET);
    ck_assert_ptr_ne(doc, NULL);
    xmlNodePtr node = xmlDocGetRootElement(doc);
    while (node->children && node->children->type == XML_ELEMENT_NODE)
        node = node->children;
    *base64 = !strcmp((const char *)node->name, "base64");
    ck_assert(*base64 || !strcmp((const char *)node->name, "string"));
    xmlChar *content = xmlNodeGetContent(node);
    char *text = strdup((const char *)content);
    xmlFree(content);
    xmlFreeDoc(doc);
    free(response);
    return text;
}

/* Checks that a parser gets these bytes back as the kind of element they must stand in. */
static void check_result(const char *data, size_t len, bool is_text) {
    bool base64;
    char *text = parsed_result(data, len, &base64);
    ck_assert_msg(base64 == !is_text, "%.*s", (int)len, data);
    size_t got = strlen(text);
    if (base64)
        ck_assert(rpc_base64_decode(text, got, text, &got));
    ck_assert_uint_eq(got, len);
    ck_assert_mem_eq(text, data, len);
    free(text);
}

START_TEST(test_xmlrpc_limits_result_bytes) {
    for (int c = 0; c < 256; c++) {
        char text[] = {'a', (char)c, 'z'};
        bool is_text = c == '\t' || c == '\n' || c == '\r' || (c >= ' ' && c < 0x80);
        check_result(text, 3, is_text);
        check_result(text + 1, 1, is_text);
    }
    check_result("", 0, true);
    check_result("]]>", 3, true);
    check_result("\r\n\r", 3, true);
    check_result(" \n a \t", 6, true);
}
END_TEST

START_TEST(test_xmlrpc_limits_result_utf8) {
    static const char *const good[] = {
        "\xc2\x80",         "\xdf\xbf",         "\xe0\xa0\x80",
        "\xed\x9f\xbf",     "\xee\x80\x80",     "\xef\xbf\xbd",
        "\xf0\x90\x80\x80", "\xf4\x8f\xbf\xbf", "\xef\xbf\xbd\xc3\xbc<"};
    static const char *const bad[] = {"\x80",
                                      "\xc0\x80",
                                      "\xc1\xbf",
                                      "\xc2",
                                      "\xc2"
                                      "a",
                                      "\xe0\x9f\xbf",
                                      "\xe0\xa0",
                                      "\xed\xa0\x80",
                                      "\xed\xbf\xbf",
                                      "\xef\xbf\xbe",
                                      "\xef\xbf\xbf",
                                      "\xf0\x8f\xbf\xbf",
                                      "\xf0\x90\x80",
                                      "\xf0\x90\x80"
                                      "a",
                                      "\xf4\x90\x80\x80",
                                      "\xf5\x80\x80\x80",
                                      "\xff",
                                      "\xe4\xb8\xc0"};
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
        check_result(good[i], strlen(good[i]), true);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        check_result(bad[i], strlen(bad[i]), false);
}
END_TEST

/* --- faults that are told --- */

static void check_told(const char *doc, enum rpc_status status, const char *name) {
    struct answer answer = ask(doc, strlen(doc));
    ck_assert_uint_eq(answer.told, 1);
    ck_assert_int_eq(answer.told_status, status);
    ck_assert_str_eq(answer.told_name, name);
    answer_free(&answer);
}

START_TEST(test_xmlrpc_limits_told) {
    check_told("<methodCall", RPC_NOT_WELL_FORMED, "(none)");
    check_told("<call/>", RPC_BAD_REQUEST, "(none)");
    check_told(HEAD "echo" NAME_END "<param><value><int>x</int></value></param>" TAIL, RPC_BAD_ARG,
               "echo");
    check_told(HEAD "system.methodHelp" NAME_END TAIL, RPC_BAD_ARG, "system.methodHelp");
}
END_TEST

/* --- without introspection --- */

START_TEST(test_xmlrpc_limits_no_introspection) {
    static const char *const names[] = {"system.listMethods", "system.methodHelp",
                                        "system.methodSignature"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        struct rpc_bytes doc = {0};
        struct answer answer = {0};
        struct rpc_bridge bridge = {
            .find = find_any, .call = server_call, .ctx = &answer, .max_calls = MAX_CALLS};
        rpc_bytes_puts(&doc, HEAD);
        rpc_bytes_puts(&doc, names[i]);
        rpc_bytes_puts(&doc, NAME_END TAIL);
        ck_assert_int_eq(rpc_xmlrpc_handle(&bridge, doc.data, doc.len, NULL, &answer.response),
                         RPC_OK);
        ck_assert_uint_gt(answer.calls.len, 0);
        rpc_bytes_free(&answer.calls);
        assert_fault(&answer, RPC_UNKNOWN);
        answer_free(&answer);
        rpc_bytes_free(&doc);
    }
}
END_TEST

UNIT_MAIN("xmlrpc_limits", test_xmlrpc_limits_told, test_xmlrpc_limits_arguments,
          test_xmlrpc_limits_argument_length, test_xmlrpc_limits_name, test_xmlrpc_limits_depth,
          test_xmlrpc_limits_nested_100000_deep, test_xmlrpc_limits_foreign, test_xmlrpc_limits_tag,
          test_xmlrpc_limits_attributes, test_xmlrpc_limits_names, test_xmlrpc_limits_multicall,
          test_xmlrpc_limits_any_division, test_xmlrpc_limits_long_text_in_any_division,
          test_xmlrpc_limits_end_not_reported, test_xmlrpc_limits_result_bytes,
          test_xmlrpc_limits_result_utf8, test_xmlrpc_limits_no_introspection)
