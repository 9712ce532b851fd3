// SPDX-License-Identifier: MIT
/*
 * The encodings of XML-RPC documents: what is found out about one, and that it is read so.
 */
#include "parse/xmlrpc_charset.h"
#include "xmlrpc_server.h"

#define OPEN "<methodCall><methodName>echo</methodName><params><param><value>"
#define CLOSE "</value></param></params></methodCall>"

/* What is found of a document that ends at a guard page; "-" for none. */
static const char *find(const char *body, size_t len, const char *charset, size_t *mark_len) {
    struct guarded g = guarded_copy(body, len);
    struct rpc_xmlrpc_charset found;
    bool known = rpc_xmlrpc_charset(g.data, len, charset, &found);
    guarded_free(&g);
    ck_assert(known == (found.name != NULL));
    *mark_len = found.mark_len;
    return known ? found.name : "-";
}

#define DECLARED(encoding) "<?xml version='1.0' " encoding "?><a/>"

START_TEST(test_xmlrpc_charset_found) {
    static const struct {
        const char *body, *charset, *name;
        size_t mark_len;
    } cases[] = {
        {"", NULL, "UTF-8", 0},
        {"<a/>", NULL, "UTF-8", 0},
        {"<a/>", "UTF-8", "UTF-8", 0},
        {"<a/>", "uTf8", "UTF-8", 0},
        {"<a/>", "latin1", "ISO-8859-1", 0},
        {"<a/>", "Windows-1252", "WINDOWS-1252", 0},
        {"<a/>", "cp1252", "WINDOWS-1252", 0},
        {"<a/>", "us-ascii", "US-ASCII", 0},
        {"<a/>", "utf-16le", "UTF-16LE", 0},
        {"<a/>", "utf-16", "-", 0},
        {"<a/>", "utf-7", "-", 0},
        {"<a/>", "iso-8859-1//TRANSLIT", "-", 0},
        {"<a/>", "iso-8859-1 ", "-", 0},
        {"<a/>", "", "-", 0},
        {"\xef\xbb\xbf<a/>", "iso-8859-1", "UTF-8", 3},
        {"\xff\xfe<", "iso-8859-1", "UTF-16LE", 2},
        {"\xfe\xff", NULL, "UTF-16BE", 2},
        {DECLARED("encoding='iso-8859-15'"), NULL, "ISO-8859-15", 0},
        {DECLARED("encoding = \"ISO-8859-2\" standalone='yes'"), NULL, "ISO-8859-2", 0},
        {DECLARED("\n\tencoding='windows-1251'\r\n"), NULL, "WINDOWS-1251", 0},
        {DECLARED("standalone='yes'"), NULL, "UTF-8", 0},
        {DECLARED("encoding=utf-7"), NULL, "UTF-8", 0}, /* the parser refuses it */
        {DECLARED("encoding='utf-7'"), NULL, "-", 0},
        {DECLARED("encoding='utf-7'"), "utf-8", "UTF-8", 0},
        {DECLARED("encoding=''"), NULL, "-", 0},
        {DECLARED("encoding='utf-16'"), NULL, "-", 0},
        {DECLARED("x='encoding=\"utf-7\"'"), NULL, "UTF-8", 0},
        {"<?xml encoding='utf-7'", NULL, "-", 0},
        {"<?xml", NULL, "UTF-8", 0},
        {"<?xml ", NULL, "-", 0},
        {"<?xmlx encoding='utf-7'?>", NULL, "UTF-8", 0},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        size_t mark_len;
        const char *name = find(cases[i].body, strlen(cases[i].body), cases[i].charset, &mark_len);
        ck_assert_msg(!strcmp(name, cases[i].name), "case %zu: %s", i, name);
        ck_assert_uint_eq(mark_len, cases[i].mark_len);
    }
}
END_TEST

START_TEST(test_xmlrpc_charset_order) {
    size_t mark_len;
    ck_assert_str_eq(find("<\0a\0", 4, NULL, &mark_len), "UTF-16LE");
    ck_assert_str_eq(find("\0<\0a", 4, NULL, &mark_len), "UTF-16BE");
    ck_assert_str_eq(find("<\0a\0", 4, "utf-16", &mark_len), "UTF-16LE");
    ck_assert_str_eq(find("\0<\0a", 4, "UTF-16", &mark_len), "UTF-16BE");
    ck_assert_str_eq(find("\0\0\0<", 4, "UTF-16", &mark_len), "-");
    ck_assert_str_eq(find("<", 1, "UTF-16", &mark_len), "-");
}
END_TEST

/* A declaration may be as long as that. */
START_TEST(test_xmlrpc_charset_declaration_max) {
    for (int more = -1; more <= 1; more++) {
        char body[RPC_XMLRPC_DECLARATION_MAX + 10];
        size_t end = (size_t)(RPC_XMLRPC_DECLARATION_MAX + more), mark_len;
        memset(body, ' ', sizeof(body));
        memcpy(body, "<?xml encoding='latin1'", 23);
        memcpy(body + end - 2, "?>", 2);
        ck_assert_str_eq(find(body, sizeof(body), NULL, &mark_len), more > 0 ? "-" : "ISO-8859-1");
    }
}
END_TEST

/* --- documents in them --- */

static void check_charset(const char *doc, const char *charset, const char *calls) {
    struct answer answer = ask_charset(doc, strlen(doc), charset);
    if (calls)
        assert_bytes(&answer.calls, calls);
    else
        assert_fault(&answer, RPC_NOT_WELL_FORMED);
    answer_free(&answer);
}

START_TEST(test_xmlrpc_charset_of_documents) {
    static const char ue[] = "call echo [\\xc3\\xbc]\n", latin[] = OPEN "\xfc" CLOSE,
                      utf8[] = OPEN "\xc3\xbc" CLOSE;
    check_charset(utf8, NULL, ue);
    check_charset(utf8, "utf-8", ue);
    check_charset(utf8, "UTF8", ue);
    check_charset(latin, NULL, NULL);
    check_charset(latin, "utf-8", NULL);
    check_charset(latin, "iso-8859-1", ue);
    check_charset(latin, "ISO-8859-15", ue);
    check_charset(OPEN "\x80" CLOSE, "windows-1252", "call echo [\\xe2\\x82\\xac]\n");
    check_charset(OPEN "x" CLOSE, "us-ascii", "call echo [x]\n");
    check_charset(utf8, "us-ascii", NULL);
    /* the header wins over the document, a byte order mark over both */
    check_charset("<?xml version='1.0' encoding='utf-8'?>" OPEN "\xfc" CLOSE, "iso-8859-1", ue);
    check_charset("<?xml version='1.0' encoding='iso-8859-1'?>" OPEN "\xc3\xbc" CLOSE, "utf-8", ue);
    check_charset("<?xml version='1.0' encoding='x-nosuch'?>" OPEN "\xc3\xbc" CLOSE, "utf-8", ue);
    check_charset("\xef\xbb\xbf" OPEN "\xc3\xbc" CLOSE, "iso-8859-1", ue);
    check_charset("\xef\xbb\xbf<?xml version='1.0' encoding='iso-8859-1'?>" OPEN "\xc3\xbc" CLOSE,
                  NULL, ue);
    /* not adhered to, even behind the document */
    check_charset(OPEN "x" CLOSE "\n\xff", "us-ascii", NULL);
    check_charset(OPEN "x" CLOSE "\n\x81", "windows-1252", NULL);
    check_charset("<?xml version='1.0' encoding='us-ascii'?>" OPEN "x" CLOSE "\n\xff", NULL, NULL);
    check_charset(OPEN "x" CLOSE "\n\xff", NULL, NULL);
    /* no such encoding, or no name of one */
    check_charset(utf8, "x-nosuch", NULL);
    check_charset(OPEN "x" CLOSE, "utf-7", NULL);
    check_charset(OPEN "x" CLOSE, "shift_jis", NULL);
    check_charset("<?xml version='1.0' encoding='utf-7'?>" OPEN "x" CLOSE, NULL, NULL);
    check_charset("<?xml version='1.0' encoding='UTF-16'?>" OPEN "x" CLOSE, NULL, NULL);
    check_charset(utf8, "", NULL);
    check_charset(utf8, "utf-8//IGNORE", NULL);
    check_charset(utf8, "../../x", NULL);
    check_charset(utf8, "iso-8859-1 ", NULL);
    check_charset(utf8,
                  "iso-8859-1iso-8859-1iso-8859-1iso-8859-1iso-8859-1iso-8859-1iso-8859-1iso-8859",
                  NULL);
    check_charset(utf8, "utf-16", NULL);
}
END_TEST

UNIT_MAIN("xmlrpc_charset", test_xmlrpc_charset_found, test_xmlrpc_charset_order,
          test_xmlrpc_charset_declaration_max, test_xmlrpc_charset_of_documents)
