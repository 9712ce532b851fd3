// SPDX-License-Identifier: MIT
/* rpc_template: what is a variable and what stands for itself, and memory that runs out. */
#include "parse/template.h"
#include "unit.h"

#include <stdio.h>

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

/* Group N is "<gN>", group 9 is nothing, group 8 looks like variables. */
static void group(void *ctx, unsigned number, struct rpc_bytes *out) {
    char text[8];
    (void)ctx;
    if (number == 9)
        return;
    snprintf(text, sizeof(text), "<g%u>", number);
    rpc_bytes_puts(out, number == 8 ? "${A}$1" : text);
}

/* A variable is its name in parentheses; EMPTY is nothing, DOLLAR looks like variables, and each
   name is counted in *ctx. */
static void variable(void *ctx, const char *name, size_t name_len, struct rpc_bytes *out) {
    ++*(unsigned *)ctx;
    if (name_len == 5 && memcmp(name, "EMPTY", 5) == 0)
        return;
    if (name_len == 6 && memcmp(name, "DOLLAR", 6) == 0) {
        rpc_bytes_puts(out, "$1${A}");
        return;
    }
    rpc_bytes_puts(out, "(");
    rpc_bytes_append(out, name, name_len);
    rpc_bytes_puts(out, ")");
}

static void expands_to(const char *text, const char *expected) {
    unsigned count = 0;
    const struct rpc_template_source source = {group, variable, &count};
    struct guarded g = guarded_copy(text, strlen(text) + 1);
    struct rpc_template *tmpl = rpc_template_new(g.data);
    struct rpc_bytes out = {0};

    guarded_free(&g);
    ck_assert_ptr_nonnull(tmpl);
    rpc_bytes_puts(&out, "before ");
    for (int round = 0; round < 2; round++) {
        out.len = strlen("before ");
        rpc_template_expand(tmpl, &source, &out);
        rpc_bytes_append(&out, "", 1);
        ck_assert(!out.failed);
        ck_assert_uint_eq(out.len - 1, strlen("before ") + strlen(expected));
        ck_assert_str_eq(out.data + strlen("before "), expected);
        ck_assert_mem_eq(out.data, "before ", 7);
    }
    rpc_template_free(tmpl);
    rpc_bytes_free(&out);
}

static const struct {
    const char *text, *expected;
} cases[] = {
    {"", ""},
    {"plain", "plain"},
    {"$1", "<g1>"},
    {"$0$7", "<g0><g7>"},
    {"a$1b", "a<g1>b"},
    {"$12", "<g1>2"},
    {"$9", ""},
    {"${A}", "(A)"},
    {"x${A}y${B}z", "x(A)y(B)z"},
    {"${A}${B}", "(A)(B)"},
    {"${time[unix]}", "(time[unix])"},
    {"${EMPTY}", ""},
    {"a${EMPTY}b", "ab"},
    /* a group in a name */
    {"${HTTP_$1}", "(HTTP_<g1>)"},
    {"${$1}", "(<g1>)"},
    {"${$9}", ""},
    {"${a$1b$2c}", "(a<g1>b<g2>c)"},
    /* not variables */
    {"$", "$"},
    {"a$", "a$"},
    {"$$", "$$"},
    {"$$1", "$$1"},
    {"$$$1", "$$<g1>"},
    {"$x", "$x"},
    {"$-1", "$-1"},
    {"$ 1", "$ 1"},
    {"${", "${"},
    {"${A", "${A"},
    {"${A$1", "${A<g1>"},
    {"}", "}"},
    {"{A}", "{A}"},
    {"a}b", "a}b"},
    {"$}", "$}"},
    {"${}", ""},
    {"a${}b", "ab"},
    /* inside a name nothing but groups */
    {"${A${B}", "(A${B)"},
    {"${A${B}}", "(A${B)}"},
    {"${A$}", "(A$)"},
    {"${A$$1}", "(A$<g1>)"},
    /* values are not looked at again */
    {"$8", "${A}$1"},
    {"${DOLLAR}", "$1${A}"},
    {"${$8}", "(${A}$1)"},
};

START_TEST(test_template_expand) {
    for (size_t i = 0; i < COUNT(cases); i++)
        expands_to(cases[i].text, cases[i].expected);
}
END_TEST

START_TEST(test_template_constant) {
    ck_assert(rpc_template_is_constant(""));
    ck_assert(rpc_template_is_constant("plain {A} }"));
    ck_assert(!rpc_template_is_constant("$1"));
    ck_assert(!rpc_template_is_constant("a${B}"));
}
END_TEST

/* Names beyond what fits the stack, text of many pieces. */
START_TEST(test_template_long) {
    static char text[70000], expected[70000];
    for (size_t len = 250; len <= 260; len++) {
        snprintf(text, sizeof(text), "${%0*d}", (int)len, 0);
        snprintf(expected, sizeof(expected), "(%0*d)", (int)len, 0);
        expands_to(text, expected);
    }
    for (size_t i = 0; i < 10000; i++)
        memcpy(text + i * 5, "$1${E", 5);
    text[50000] = 0;
    struct rpc_template *tmpl = rpc_template_new(text);
    ck_assert_ptr_nonnull(tmpl);
    rpc_template_free(tmpl);
    for (size_t i = 0; i < 10000; i++) {
        memcpy(text + i * 6, "$1${A}", 6);
        memcpy(expected + i * 7, "<g1>(A)", 7);
    }
    text[9000 * 6] = expected[9000 * 7] = 0;
    expands_to(text, expected);
}
END_TEST

/* Every text of up to six characters out of the ones that mean something. */
START_TEST(test_template_every_short_text) {
    static const char letters[] = "$1{}a";
    unsigned count = 0;
    const struct rpc_template_source source = {group, variable, &count};

    for (unsigned len = 0, texts = 1; len <= 6; len++, texts *= 5) {
        for (unsigned number = 0; number < texts; number++) {
            char text[7] = "";
            for (unsigned i = 0, rest = number; i < len; i++, rest /= 5)
                text[i] = letters[rest % 5];
            struct guarded g = guarded_copy(text, len + 1);
            struct rpc_bytes out = {0};
            struct rpc_template *tmpl = rpc_template_new(g.data);
            ck_assert_ptr_nonnull(tmpl);
            rpc_template_expand(tmpl, &source, &out);
            ck_assert(!out.failed);
            if (rpc_template_is_constant(g.data))
                ck_assert(out.len == len && (len == 0 || memcmp(out.data, text, len) == 0));
            rpc_bytes_free(&out);
            rpc_template_free(tmpl);
            guarded_free(&g);
        }
    }
}
END_TEST

/* A buffer that has failed stays failed, and no variable is asked for. */
START_TEST(test_template_out_of_memory) {
    unsigned count = 0;
    const struct rpc_template_source source = {group, variable, &count};
    struct rpc_template *tmpl = rpc_template_new("a${B}c$1");
    struct rpc_bytes out = {.failed = true};

    rpc_template_expand(tmpl, &source, &out);
    ck_assert(out.failed);
    ck_assert_uint_eq(out.len, 0);
    ck_assert_uint_eq(count, 0);
    rpc_template_free(tmpl);
    rpc_template_free(NULL);
}
END_TEST

UNIT_MAIN("template", test_template_expand, test_template_constant, test_template_long,
          test_template_every_short_text, test_template_out_of_memory)
