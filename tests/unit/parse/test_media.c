// SPDX-License-Identifier: MIT
/*
 * rpc_media: values of Content-Type and Accept, each up to a guard page.
 */
#include "parse/media.h"
#include "unit.h"

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

/* Reads a value of that length; type and charset are copied, "-" stands for no charset. */
static bool parse(const char *text, size_t len, char type[64], char charset[64]) {
    struct guarded g = guarded_copy(text, len);
    struct rpc_media media;
    bool good = rpc_media_parse(g.data, len, &media);

    if (good) {
        ck_assert_uint_lt(media.type_len, 64);
        ck_assert_uint_lt(media.charset_len, 64);
        memcpy(type, media.type, media.type_len);
        type[media.type_len] = 0;
        strcpy(charset, "-");
        if (media.charset)
            memcpy(charset, media.charset, media.charset_len);
        if (media.charset)
            charset[media.charset_len] = 0;
    }
    guarded_free(&g);
    return good;
}

START_TEST(test_media_good) {
    static const struct {
        const char *text, *type, *charset;
    } cases[] = {
        {"text/xml", "text/xml", "-"},
        {" \ttext/xml \t", "text/xml", "-"},
        {"Text/XML", "Text/XML", "-"},
        {"text/xml;charset=utf-8", "text/xml", "utf-8"},
        {"text/xml; CharSet=UTF-8", "text/xml", "UTF-8"},
        {"text/xml \t; \tcharset=x\t", "text/xml", "x"},
        {"text/xml; charset=\"iso-8859-15\"", "text/xml", "iso-8859-15"},
        {"text/xml; charset=\"\"", "text/xml", ""},
        {"text/xml; charset=\"a b\"", "text/xml", "a b"},
        {"text/xml; charset=\"a\\\"b\"", "text/xml", "a\\\"b"},
        {"text/xml;", "text/xml", "-"},
        {"text/xml;;;", "text/xml", "-"},
        {"text/xml; ;charset=x; ;", "text/xml", "x"},
        {"text/xml; charset=a; charset=b", "text/xml", "a"},
        {"text/xml; x=\"; charset=a\"; charset=b", "text/xml", "b"},
        {"text/xml; x=\"\\\"; charset=a\"; charset=b", "text/xml", "b"},
        {"text/xml; x=\"\xc3\xa9\t\"; charset=b", "text/xml", "b"},
        {"text/xml; xcharset=a; charsetx=b", "text/xml", "-"},
        {"a!#$%&'*+-.^_`|~9/x", "a!#$%&'*+-.^_`|~9/x", "-"},
    };
    char type[64], charset[64];
    for (size_t i = 0; i < COUNT(cases); i++) {
        ck_assert_msg(parse(cases[i].text, strlen(cases[i].text), type, charset), "%s",
                      cases[i].text);
        ck_assert_str_eq(type, cases[i].type);
        ck_assert_str_eq(charset, cases[i].charset);
    }
}
END_TEST

START_TEST(test_media_bad) {
    static const char *const bad[] = {
        "",
        " ",
        ";",
        "text",
        "text/",
        "/xml",
        "text /xml",
        "text/ xml",
        "text/xml garbage",
        "text/xml,text/html",
        "text/xml/x",
        "text/xml charset=x",
        "text/xml; charset",
        "text/xml; charset=",
        "text/xml; charset =x",
        "text/xml; charset= x",
        "text/xml; =x",
        "text/xml; charset=\"x",
        "text/xml; charset=\"x\\",
        "text/xml; charset=\"x\\\"",
        "text/xml; charset=\"x\"y",
        "text/xml; charset=x\"y\"",
        "text/xml; charset=x y",
        "text/xml; charset=\xc3\xa9",
        "text/xml; x=\"\n\"",
        "text/xml; x=\"\\\n\"",
        "text/xml; x=\"\x7f\"",
        "text/xml; x=\"\\\x7f\"",
        "text/xml\r",
        "text/\xc3\xa9",
    };
    char type[64], charset[64];
    for (size_t i = 0; i < COUNT(bad); i++)
        ck_assert_msg(!parse(bad[i], strlen(bad[i]), type, charset), "%s", bad[i]);
    ck_assert(!parse("text/xml\0", 9, type, charset));
    ck_assert(!parse("text/xml; x=\"\0\"", 15, type, charset));
    ck_assert(!parse("text/xml; x=\"\\\0\"", 16, type, charset));
}
END_TEST

/* A parameter is there or the value is refused, wherever it is cut: nothing is taken from half. */
START_TEST(test_media_cut) {
    static const char text[] = "text/xml; x=\"a; charset=no\"; charset=\"iso-8859-15\" ; y=z";
    size_t quote = strlen("text/xml; x=\"a; charset=no\"; charset=\"iso-8859-15\"");
    char type[64], charset[64];
    for (size_t len = 0; len <= strlen(text); len++)
        if (parse(text, len, type, charset))
            ck_assert_str_eq(charset, len < quote ? "-" : "iso-8859-15");
}
END_TEST

START_TEST(test_media_long) {
    char text[5000], type[64], charset[64];
    memset(text, 'a', sizeof(text));
    memcpy(text, "text/xml; ", 10);
    ck_assert(!parse(text, 127, type, charset));
    memcpy(text + sizeof(text) - 12, "=b;charset=x", 12);
    ck_assert(parse(text, sizeof(text), type, charset));
    ck_assert_str_eq(charset, "x");
}
END_TEST

START_TEST(test_media_is) {
    struct rpc_media media = {.type = "Text/XmL", .type_len = 8};
    ck_assert(rpc_media_is(&media, "text/xml"));
    ck_assert(!rpc_media_is(&media, "text/xm"));
    ck_assert(!rpc_media_is(&media, "text/xmlx"));
    ck_assert(!rpc_media_is(&media, ""));
}
END_TEST

START_TEST(test_media_accepted) {
    static const struct {
        const char *accept, *type;
    } cases[] = {
        {"text/html", "text/html"},
        {"text/html ", "text/html"},
        {"text/html;", "text/html"},
        {"text/html; level=1", "text/html; level=1"},
        {"text/html; level=1 ; q=0.5", "text/html; level=1"},
        {"text/html;q=0.5", "text/html"},
        {"text/html;Q=1.000;ext=1", "text/html"},
        {"text/html;q=0.001", "text/html"},
        {"text/html;a=\"b, c\"", "text/html;a=\"b, c\""},
        {"text/html;q=0", ""},
        {"text/html; q=0.000", ""},
        {"text/html;q=", ""},
        {"text/html;q=0.9, */*;q=0.8", ""},
        {"text/html, text/xml", ""},
        {"text/html,", ""},
        {"text/*", ""},
        {"*/*", ""},
        {"*/xml", ""},
        {"", ""},
        {"text", ""},
        {"text/html;a=\"\\\r\"", ""},
        {"text/html;a=\"\\\n\";q=1", ""},
        {"text/html;q=1;a=\"", ""},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct guarded g = guarded_copy(cases[i].accept, strlen(cases[i].accept));
        size_t len = rpc_media_accepted(g.data, strlen(cases[i].accept));
        ck_assert_msg(len == strlen(cases[i].type), "%s: %zu", cases[i].accept, len);
        ck_assert_mem_eq(g.data, cases[i].type, len);
        guarded_free(&g);
    }
}
END_TEST

UNIT_MAIN("media", test_media_good, test_media_bad, test_media_cut, test_media_long, test_media_is,
          test_media_accepted)
