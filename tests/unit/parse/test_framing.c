// SPDX-License-Identifier: MIT
/*
 * rpc_framing: what a request's headers say of its body, to a server that reads it from the client
 * itself and to one behind a front server.
 */
#include "parse/framing.h"
#include "unit.h"

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

enum {
    NONE = RPC_FRAMING_NONE,
    LENGTH = RPC_FRAMING_LENGTH,
    CHUNKED = RPC_FRAMING_CHUNKED,
    SENSELESS = RPC_FRAMING_SENSELESS,
};

/* A field whose value ends at a guard page; NULL for none. */
static struct rpc_field field_of(const char *text, struct guarded *g) {
    *g = guarded_copy(text ? text : "", text ? strlen(text) : 0);
    return (struct rpc_field){text ? g->data : NULL, text ? strlen(text) : 0};
}

static struct rpc_framing framing(const char *length, const char *coding, const char *protocol) {
    struct guarded g[3];
    struct rpc_field l = field_of(length, &g[0]), c = field_of(coding, &g[1]),
                     p = field_of(protocol, &g[2]);
    struct rpc_framing framing = rpc_framing_read(&l, &c, protocol ? &p : NULL);
    for (size_t i = 0; i < COUNT(g); i++)
        guarded_free(&g[i]);
    return framing;
}

/* What two headers say to a server of HTTP/1.1, and to one behind a front server. */
START_TEST(test_framing_headers) {
    static const struct {
        const char *length, *coding;
        int http, behind;
    } cases[] = {
        {NULL, NULL, NONE, NONE},
        {"0", NULL, LENGTH, LENGTH},
        {"10", NULL, LENGTH, LENGTH},
        {"", NULL, SENSELESS, NONE},
        {NULL, "chunked", CHUNKED, CHUNKED},
        {NULL, "CHUNKED", CHUNKED, CHUNKED},
        {NULL, "Chunked", CHUNKED, CHUNKED},
        {"", "chunked", SENSELESS, CHUNKED},
        {NULL, "", SENSELESS, NONE},
        {"10", "", SENSELESS, LENGTH},
        {"10", "chunked", SENSELESS, LENGTH},
        {"0", "chunked", SENSELESS, LENGTH},
        {"x", "chunked", SENSELESS, SENSELESS},
        {"10", "gzip", SENSELESS, LENGTH},
        {NULL, "gzip", SENSELESS, SENSELESS},
        {NULL, "gzip, chunked", SENSELESS, SENSELESS},
        {NULL, "chunked, chunked", SENSELESS, SENSELESS},
        {NULL, "chunked,", SENSELESS, SENSELESS},
        {NULL, "chunked ", SENSELESS, SENSELESS},
        {NULL, "\tchunked", SENSELESS, SENSELESS},
        {NULL, "chunked;q=1", SENSELESS, SENSELESS},
        {NULL, "\"chunked\"", SENSELESS, SENSELESS},
        {NULL, "identity", SENSELESS, SENSELESS},
        {NULL, "chunke", SENSELESS, SENSELESS},
        {NULL, "chunkedx", SENSELESS, SENSELESS},
        {NULL, "xchunked", SENSELESS, SENSELESS},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        int http = framing(cases[i].length, cases[i].coding, "HTTP/1.1").kind;
        int behind = framing(cases[i].length, cases[i].coding, NULL).kind;
        ck_assert_msg(http == cases[i].http && behind == cases[i].behind, "case %zu: %d %d", i,
                      http, behind);
    }
}
END_TEST

/* Before HTTP/1.1 there was no Transfer-Encoding (RFC 9112, section 6.1). */
START_TEST(test_framing_protocols) {
    static const char *const others[] = {"HTTP/1.0", "HTTP/0.9", "HTTP/1.", "HTTP/1.10", "", "x"};
    for (size_t i = 0; i < COUNT(others); i++) {
        ck_assert_int_eq(framing(NULL, "chunked", others[i]).kind, SENSELESS);
        ck_assert_int_eq(framing("3", NULL, others[i]).kind, LENGTH);
        ck_assert_int_eq(framing(NULL, NULL, others[i]).kind, NONE);
    }
}
END_TEST

START_TEST(test_framing_lengths) {
    static const struct {
        const char *text;
        uint64_t length;
    } good[] = {
        {"0", 0},
        {"00", 0},
        {"0010", 10},
        {" 10", 10},
        {"10\t ", 10},
        {"18446744073709551614", UINT64_MAX - 1},
        {"18446744073709551615", UINT64_MAX},
        {"18446744073709551616", UINT64_MAX},
        {"18446744073709551620", UINT64_MAX},
        {"184467440737095516150", UINT64_MAX},
        {"999999999999999999999999999999999999999", UINT64_MAX},
    };
    static const char *const bad[] = {
        " ",   "-1",  "+1",  "0x10", "1e3",  "10,",  "10, 10", "10,10",
        "1 0", "ten", "10;", "10.0", "\n10", "10\r", "/",      ":",
    };
    for (size_t i = 0; i < COUNT(good); i++) {
        struct rpc_framing f = framing(good[i].text, NULL, "HTTP/1.1");
        ck_assert_msg(f.kind == RPC_FRAMING_LENGTH && f.length == good[i].length, "%s",
                      good[i].text);
    }
    for (size_t i = 0; i < COUNT(bad); i++) {
        ck_assert_msg(framing(bad[i], NULL, "HTTP/1.1").kind == RPC_FRAMING_SENSELESS, "%s",
                      bad[i]);
        ck_assert_msg(framing(bad[i], NULL, NULL).kind == RPC_FRAMING_SENSELESS, "%s", bad[i]);
    }
}
END_TEST

UNIT_MAIN("framing", test_framing_headers, test_framing_protocols, test_framing_lengths)
