// SPDX-License-Identifier: MIT
/*
 * rpc_xmlrpc over the documents of tests/data/xmlrpc. Beside each NAME.xml stands NAME.expected:
 *
 *   valid     the calls made, one a line, an empty line, and the answer's root element, where white
 *             space between tags does not count
 *   invalid   code and message of the one fault answered; nothing is called
 *
 * Every document is also cut at each byte, and the valid ones are read in other encodings.
 */
#include "xmlrpc_server.h"

#include <glob.h>
#include <libxml/xmlerror.h>

#define DATA RPC_TEST_DATA "/xmlrpc/"

/* Runs check for each document of a folder, with the expectation beside it. */
static void for_each(const char *folder, void (*check)(struct file *doc, struct file *expected)) {
    char pattern[512];
    glob_t found;
    snprintf(pattern, sizeof(pattern), DATA "%s/*.xml", folder);
    ck_assert_int_eq(glob(pattern, 0, NULL, &found), 0);
    ck_assert_uint_gt(found.gl_pathc, 20);
    for (size_t i = 0; i < found.gl_pathc; i++) {
        char path[512];
        size_t stem = strlen(found.gl_pathv[i]) - strlen(".xml");
        snprintf(path, sizeof(path), "%.*s.expected", (int)stem, found.gl_pathv[i]);
        struct file doc = read_file(found.gl_pathv[i]), expected = read_file(path);
        check(&doc, &expected);
        free(doc.data);
        free(expected.data);
    }
    globfree(&found);
}

/* Drops white space between tags, in place. */
static void strip(char *xml) {
    char *to = xml;
    for (char *p = xml; *p;) {
        size_t space = strspn(p, " \n");
        if (space && (to == xml || to[-1] == '>') && (p[space] == '<' || !p[space])) {
            p += space;
            continue;
        }
        *to++ = *p++;
    }
    *to = 0;
}

static void assert_expected(const struct answer *answer, const struct file *doc, char *expected) {
    char *root = strstr(expected, "\n<");
    ck_assert_msg(root != NULL, "%s: no answer expected", doc->name);
    *root++ = 0;
    strip(root);
    struct rpc_bytes response = {0};
    rpc_bytes_puts(&response, PROLOG);
    rpc_bytes_puts(&response, root);
    rpc_bytes_append(&response, "\n", 2);
    ck_assert_msg(
        answer->calls.len == strlen(expected) &&
            (!answer->calls.len || !memcmp(answer->calls.data, expected, answer->calls.len)),
        "%s:\n%s---\n%.*s", doc->name, expected, (int)answer->calls.len, answer->calls.data);
    ck_assert_msg(answer->response.len == response.len - 1 &&
                      !memcmp(answer->response.data, response.data, response.len - 1),
                  "%s:\n%s---\n%.*s", doc->name, response.data, (int)answer->response.len,
                  answer->response.data);
    rpc_bytes_free(&response);
}

static void check_valid(struct file *doc, struct file *expected) {
    struct answer answer = ask(doc->data, doc->len);
    assert_expected(&answer, doc, expected->data);
    answer_free(&answer);
}

START_TEST(test_xmlrpc_valid) {
    for_each("valid", check_valid);
}
END_TEST

static void check_invalid(struct file *doc, struct file *expected) {
    struct answer answer = ask(doc->data, doc->len);
    char *message;
    long code = strtol(expected->data, &message, 10);
    char text[1024];
    snprintf(text, sizeof(text),
             "<int>%ld</int></value></member><member><name>faultString</name>"
             "<value><string>%.*s</string>",
             code, (int)strcspn(message + 1, "\n"), message + 1);
    rpc_bytes_append(&answer.response, "", 1);
    ck_assert_msg(strstr(answer.response.data, "<methodResponse><fault>") != NULL &&
                      strstr(answer.response.data, text) != NULL,
                  "%s: expected %s got %s", doc->name, expected->data, answer.response.data);
    ck_assert_msg(!answer.calls.len, "%s", doc->name);
    answer_free(&answer);
}

START_TEST(test_xmlrpc_invalid) {
    for_each("invalid", check_invalid);
}
END_TEST

/* Bytes after which the document is complete: to the end of its last tag. */
static size_t complete_at(const struct file *doc) {
    size_t len = doc->len;
    while (len && doc->data[len - 1] != '>')
        len--;
    return len;
}

static void check_cut_valid(struct file *doc, struct file *expected) {
    (void)expected;
    for (size_t len = 0; len < complete_at(doc); len++) {
        struct answer answer = ask(doc->data, len);
        assert_fault(&answer, RPC_NOT_WELL_FORMED);
        answer_free(&answer);
    }
}

START_TEST(test_xmlrpc_valid_cut) {
    for_each("valid", check_cut_valid);
}
END_TEST

static void check_cut_invalid(struct file *doc, struct file *expected) {
    (void)expected;
    for (size_t len = 0; len < complete_at(doc); len++) {
        /* Without what stands behind its root, a document may be fine. */
        if (len > 10 && !memcmp(doc->data + len - 10, "ethodCall>", 10))
            continue;
        struct answer answer = ask(doc->data, len);
        rpc_bytes_append(&answer.response, "", 1);
        ck_assert(strstr(answer.response.data, "<methodResponse><fault>") != NULL);
        ck_assert_msg(!answer.calls.len, "%s cut at %zu", doc->name, len);
        answer_free(&answer);
    }
}

START_TEST(test_xmlrpc_invalid_cut) {
    for_each("invalid", check_cut_invalid);
}
END_TEST

/* UTF-8 -> UTF-16 with a byte order mark, in either order. */
static struct file utf16(const struct file *doc, bool big) {
    struct file out = {.data = malloc(2 * doc->len + 2)};
    const unsigned char *p = (const unsigned char *)doc->data, *end = p + doc->len;
    unsigned units[2] = {0xfeff};
    unsigned count = memcmp(p, "\xef\xbb\xbf", 3) ? 1 : 0;
    for (;;) {
        for (unsigned i = 0; i < count; i++) {
            out.data[out.len++] = (char)(big ? units[i] / 256 : units[i] % 256);
            out.data[out.len++] = (char)(big ? units[i] % 256 : units[i] / 256);
        }
        if (p == end)
            return out;
        unsigned lead = *p++, more = lead < 0x80 ? 0 : lead < 0xe0 ? 1 : lead < 0xf0 ? 2 : 3;
        unsigned value = more ? lead % (64u >> more) : lead;
        while (more--)
            value = value * 64 + *p++ % 64;
        count = value < 0x10000 ? 1 : 2;
        units[0] = count == 1 ? value : 0xd800 + (value - 0x10000) / 1024;
        units[1] = 0xdc00 + value % 1024;
    }
}

static void check_utf16(struct file *doc, struct file *expected) {
    if (strstr(doc->name, "iso-8859-1"))
        return;
    for (int big = 0; big < 2; big++) {
        struct file converted = utf16(doc, big);
        char *copy = strdup(expected->data);
        struct answer answer = ask(converted.data, converted.len);
        assert_expected(&answer, doc, copy);
        answer_free(&answer);
        free(copy);
        /* The declared encoding does not count, and neither does the header's, with a mark. */
        copy = strdup(expected->data);
        answer = ask_charset(converted.data, converted.len, "iso-8859-1");
        assert_expected(&answer, doc, copy);
        answer_free(&answer);
        free(copy);
        /* Without a mark the header has to tell. */
        copy = strdup(expected->data);
        answer = ask_charset(converted.data + 2, converted.len - 2, "UTF-16");
        assert_expected(&answer, doc, copy);
        answer_free(&answer);
        free(copy);
        for (size_t len = 0; len < converted.len - 4 && doc->len < 300; len++) {
            answer = ask(converted.data, len);
            assert_fault(&answer, RPC_NOT_WELL_FORMED);
            answer_free(&answer);
        }
        free(converted.data);
    }
}

START_TEST(test_xmlrpc_utf16) {
    for_each("valid", check_utf16);
}
END_TEST

/* Nothing is said on stderr, and handlers somebody else has set are there again. */
static int others_messages;

static void others_handler(void *ctx, const char *format, ...) {
    (void)ctx, (void)format;
    others_messages++;
}

START_TEST(test_xmlrpc_silent) {
    fflush(stderr);
    int saved = dup(2);
    FILE *stream = tmpfile();
    dup2(fileno(stream), 2);
    for_each("invalid", check_invalid);
    for_each("invalid", check_cut_invalid);
    xmlSetGenericErrorFunc(&others_messages, others_handler);
    xmlSetStructuredErrorFunc(&saved, NULL);
    for_each("invalid", check_invalid);
    dup2(saved, 2);
    close(saved);
    ck_assert_int_eq(fseek(stream, 0, SEEK_END), 0);
    ck_assert_int_eq(ftell(stream), 0);
    fclose(stream);
    ck_assert_int_eq(others_messages, 0);
    ck_assert_ptr_eq(xmlGenericErrorContext, &others_messages);
    ck_assert(xmlGenericError == others_handler);
    ck_assert(xmlStructuredError == NULL);
    ck_assert_ptr_eq(xmlStructuredErrorContext, &saved);
}
END_TEST

UNIT_MAIN("xmlrpc", test_xmlrpc_valid, test_xmlrpc_invalid, test_xmlrpc_valid_cut,
          test_xmlrpc_invalid_cut, test_xmlrpc_utf16, test_xmlrpc_silent)
