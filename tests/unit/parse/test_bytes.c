// SPDX-License-Identifier: MIT
/* rpc_bytes: base64 against the vectors of RFC 4648 section 10, and what is not base64; UTF-8. */
#include "parse/bytes.h"
#include "unit.h"

static const struct {
    const char *plain, *encoded;
} vectors[] = {{"", ""},
               {"f", "Zg=="},
               {"fo", "Zm8="},
               {"foo", "Zm9v"},
               {"foob", "Zm9vYg=="},
               {"fooba", "Zm9vYmE="},
               {"foobar", "Zm9vYmFy"}};

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

START_TEST(test_bytes_base64_vectors) {
    for (size_t i = 0; i < COUNT(vectors); i++) {
        struct rpc_bytes bytes = {0};
        rpc_bytes_put_base64(&bytes, vectors[i].plain, strlen(vectors[i].plain));
        ck_assert_uint_eq(bytes.len, strlen(vectors[i].encoded));
        if (bytes.len)
            ck_assert_mem_eq(bytes.data, vectors[i].encoded, bytes.len);
        char out[16];
        size_t out_len;
        ck_assert(rpc_base64_decode(vectors[i].encoded, bytes.len, out, &out_len));
        ck_assert_uint_eq(out_len, strlen(vectors[i].plain));
        ck_assert_mem_eq(out, vectors[i].plain, out_len);
        rpc_bytes_free(&bytes);
    }
}
END_TEST

START_TEST(test_bytes_base64_every_byte_and_length) {
    char plain[300], back[RPC_BASE64_DECODED_MAX(400)];
    for (size_t i = 0; i < sizeof(plain); i++)
        plain[i] = (char)(i * 7);
    for (size_t len = 0; len <= sizeof(plain); len++) {
        struct rpc_bytes bytes = {0};
        size_t back_len;
        rpc_bytes_put_base64(&bytes, plain, len);
        struct guarded g = guarded_copy(bytes.data, bytes.len);
        ck_assert(rpc_base64_decode(g.data, bytes.len, back, &back_len));
        ck_assert_uint_eq(back_len, len);
        ck_assert_mem_eq(back, plain, len);
        guarded_free(&g);
        rpc_bytes_free(&bytes);
    }
}
END_TEST

START_TEST(test_bytes_base64_white_space_and_no_padding) {
    static const char *const same[] = {" Z\tm\r\n9 v\nYg==\n", "Zm9vYg", "Zm9vYg= ="};
    for (size_t i = 0; i < COUNT(same); i++) {
        char out[16];
        size_t out_len;
        ck_assert(rpc_base64_decode(same[i], strlen(same[i]), out, &out_len));
        ck_assert_uint_eq(out_len, 4);
        ck_assert_mem_eq(out, "foob", 4);
    }
}
END_TEST

START_TEST(test_bytes_base64_rejects) {
    static const char *const bad[] = {
        "Z",        "Zm9vY", "Zg=",  "Zg===", "Zm8==", "Zm9v=",   "=",
        "Zg==Zg==", "Zm9-",  "Zm9_", "Zh==",  "Zm9=",  "Zm\x80v", "Zm9v!"};
    for (size_t i = 0; i < COUNT(bad); i++) {
        char out[16];
        size_t out_len;
        ck_assert_msg(!rpc_base64_decode(bad[i], strlen(bad[i]), out, &out_len), "%s", bad[i]);
    }
    char out[4];
    size_t out_len;
    ck_assert(!rpc_base64_decode("Zg\0=", 4, out, &out_len));
}
END_TEST

/* A character, or what is none, behind 0 to 8 others and before as many: at every place of a word.
 */
static void check_utf8(const char *what, size_t what_len, bool valid) {
    char text[8 + 4 + 8];
    memset(text, 'a', sizeof(text));
    for (size_t before = 0; before <= 8; before++) {
        memcpy(text + before, what, what_len);
        for (size_t after = 0; after <= 8; after++) {
            struct guarded g = guarded_copy(text, before + what_len + after);
            ck_assert(rpc_utf8_is_valid(g.data, before + what_len + after) == valid);
            guarded_free(&g);
        }
        memset(text + before, 'a', what_len);
    }
}

START_TEST(test_bytes_utf8) {
    static const char *const good[] = {"",
                                       "\x7f",
                                       "\xc2\x80",
                                       "\xdf\xbf",
                                       "\xe0\xa0\x80",
                                       "\xed\x9f\xbf",
                                       "\xef\xbf\xbf",
                                       "\xf0\x90\x80\x80",
                                       "\xf4\x8f\xbf\xbf"};
    static const char *const bad[] = {
        "\x80",         "\xbf",     "\xc0\x80",         "\xc1\xbf",         "\xe0\x9f\xbf",
        "\xed\xa0\x80", "\xe2\x82", "\xf0\x8f\xbf\xbf", "\xf4\x90\x80\x80", "\xf5\x80\x80\x80",
        "\xf0\x9f\x98", "\xff"};

    for (size_t i = 0; i < COUNT(good); i++)
        check_utf8(good[i], strlen(good[i]), true);
    for (size_t i = 0; i < COUNT(bad); i++)
        check_utf8(bad[i], strlen(bad[i]), false);
    check_utf8("", 1, true);
}
END_TEST

START_TEST(test_bytes_grow) {
    struct rpc_bytes bytes = {0};
    for (int i = 0; i < 10000; i++)
        rpc_bytes_puts(&bytes, "0123456789");
    ck_assert_uint_eq(bytes.len, 100000);
    ck_assert_mem_eq(bytes.data + 99990, "0123456789", 10);
    ck_assert_ptr_null(rpc_bytes_reserve(&bytes, (size_t)-1));
    ck_assert(bytes.failed);
    rpc_bytes_puts(&bytes, "lost");
    ck_assert_ptr_null(bytes.data);
    rpc_bytes_free(&bytes);
}
END_TEST

UNIT_MAIN("bytes", test_bytes_base64_vectors, test_bytes_base64_every_byte_and_length,
          test_bytes_base64_white_space_and_no_padding, test_bytes_base64_rejects, test_bytes_utf8,
          test_bytes_grow)
