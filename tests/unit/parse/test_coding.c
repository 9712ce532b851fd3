// SPDX-License-Identifier: MIT
/*
 * rpc_coding: bodies of zlib's formats whole, cut at each byte, broken, and larger than allowed.
 */
#include "parse/coding.h"
#include "unit.h"

#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#define COUNT(array) (sizeof(array) / sizeof(*(array)))
#define ROOM 200000

static const char text[] = "{\"jsonrpc\":\"2.0\",\"method\":\"hello\",\"id\":1}";

/* Compresses len bytes into out; windowBits as zlib has them. */
static size_t compress_to(int bits, const char *data, size_t len, char *out) {
    z_stream stream = {.next_in = (unsigned char *)data,
                       .avail_in = (uInt)len,
                       .next_out = (unsigned char *)out,
                       .avail_out = ROOM};
    ck_assert_int_eq(deflateInit2(&stream, 9, Z_DEFLATED, bits, 8, Z_DEFAULT_STRATEGY), Z_OK);
    ck_assert_int_eq(deflate(&stream, Z_FINISH), Z_STREAM_END);
    deflateEnd(&stream);
    return ROOM - stream.avail_out;
}

static const struct {
    enum rpc_coding coding;
    int bits;
} codings[] = {{RPC_CODING_GZIP, MAX_WBITS + 16}, {RPC_CODING_DEFLATE, MAX_WBITS}};

/* Decodes a copy that ends at a guard page. */
static enum rpc_status decode(enum rpc_coding coding, const char *data, size_t len, size_t max,
                              struct rpc_bytes *out) {
    struct guarded g = guarded_copy(data, len);
    *out = (struct rpc_bytes){0};
    enum rpc_status status = rpc_coding_decode(coding, g.data, len, max, out);
    ck_assert_uint_le(out->len, max + 1);
    guarded_free(&g);
    return status;
}

static enum rpc_coding read_name(const char *name) {
    return rpc_coding_read((struct rpc_field){name, name ? strlen(name) : 0});
}

START_TEST(test_coding_names) {
    ck_assert_int_eq(read_name(NULL), RPC_CODING_IDENTITY);
    ck_assert_int_eq(read_name(""), RPC_CODING_IDENTITY);
    ck_assert_int_eq(read_name("Identity"), RPC_CODING_IDENTITY);
    ck_assert_int_eq(read_name("gzip"), RPC_CODING_GZIP);
    ck_assert_int_eq(read_name(" X-GZip\t"), RPC_CODING_GZIP);
    ck_assert_int_eq(read_name("deflate"), RPC_CODING_DEFLATE);
    static const char *const others[] = {"br", "gzip, gzip", "gzip,", "identity, gzip", "gzip;q=1",
                                         ",",  "gzi",        "gzipp", "compress",       "*"};
    for (size_t i = 0; i < COUNT(others); i++)
        ck_assert_msg(read_name(others[i]) == RPC_CODING_OTHER, "%s", others[i]);
}
END_TEST

START_TEST(test_coding_whole_and_cut) {
    static char data[ROOM];
    struct rpc_bytes out;

    for (size_t i = 0; i < COUNT(codings); i++) {
        size_t len = compress_to(codings[i].bits, text, sizeof(text), data);
        ck_assert_int_eq(decode(codings[i].coding, data, len, sizeof(text), &out), RPC_OK);
        ck_assert_uint_eq(out.len, sizeof(text));
        ck_assert_mem_eq(out.data, text, sizeof(text));
        rpc_bytes_free(&out);
        for (size_t cut = 0; cut < len; cut++) {
            ck_assert_int_eq(decode(codings[i].coding, data, cut, 1000, &out), RPC_BAD_CODING);
            rpc_bytes_free(&out);
        }
        data[len] = 'x';
        ck_assert_int_eq(decode(codings[i].coding, data, len + 1, 1000, &out), RPC_BAD_CODING);
        rpc_bytes_free(&out);
    }
}
END_TEST

START_TEST(test_coding_corrupt) {
    static char data[ROOM];
    struct rpc_bytes out;

    for (size_t i = 0; i < COUNT(codings); i++) {
        size_t len = compress_to(codings[i].bits, text, sizeof(text), data);
        data[len - 5] ^= 1;
        ck_assert_int_ne(decode(codings[i].coding, data, len, 1000, &out), RPC_OK);
        rpc_bytes_free(&out);
        ck_assert_int_eq(decode(codings[i].coding, text, sizeof(text), 1000, &out), RPC_BAD_CODING);
        rpc_bytes_free(&out);
        /* the other one, and deflate without zlib's head, are not what was said */
        len = compress_to(codings[1 - i].bits, text, sizeof(text), data);
        ck_assert_int_eq(decode(codings[i].coding, data, len, 1000, &out), RPC_BAD_CODING);
        rpc_bytes_free(&out);
        len = compress_to(-MAX_WBITS, text, sizeof(text), data);
        ck_assert_int_eq(decode(codings[i].coding, data, len, 1000, &out), RPC_BAD_CODING);
        rpc_bytes_free(&out);
    }
}
END_TEST

/* Lengths around the rooms' sizes, and bounds just below, at and above each. */
START_TEST(test_coding_bound) {
    static const size_t sizes[] = {1, 4095, 4096, 4097, 8192, 16384, 100000};
    static char plain[100000], data[ROOM];
    struct rpc_bytes out;

    for (size_t i = 0; i < COUNT(sizes); i++)
        for (size_t c = 0; c < COUNT(codings); c++) {
            size_t len = compress_to(codings[c].bits, plain, sizes[i], data);
            for (size_t max = sizes[i] - 1; max <= sizes[i] + 1; max++) {
                enum rpc_status status = decode(codings[c].coding, data, len, max, &out);
                ck_assert_int_eq(status, max < sizes[i] ? RPC_BODY_TOO_LARGE : RPC_OK);
                if (status == RPC_OK)
                    ck_assert_uint_eq(out.len, sizes[i]);
                rpc_bytes_free(&out);
            }
        }
}
END_TEST

/* 100 MB of zeros in 100 KB: no more memory than what is allowed. */
START_TEST(test_coding_bomb) {
    enum { SIZE = 100 << 20, MAX = 1 << 20 };
    char *plain = calloc(1, SIZE), *data = malloc(ROOM);
    struct rpc_bytes out;

    ck_assert_ptr_nonnull(plain);
    ck_assert_ptr_nonnull(data);
    size_t len = compress_to(MAX_WBITS + 16, plain, SIZE, data);
    ck_assert_int_eq(decode(RPC_CODING_GZIP, data, len, MAX, &out), RPC_BODY_TOO_LARGE);
    ck_assert_uint_le(out.size, 2 * (MAX + 1));
    rpc_bytes_free(&out);
    free(data);
    free(plain);
}
END_TEST

START_TEST(test_coding_members) {
    static char data[ROOM];
    struct rpc_bytes out;
    size_t len = compress_to(MAX_WBITS + 16, "one ", 4, data);

    len += compress_to(MAX_WBITS + 16, "", 0, data + len);
    len += compress_to(MAX_WBITS + 16, "two", 3, data + len);
    ck_assert_int_eq(decode(RPC_CODING_GZIP, data, len, 7, &out), RPC_OK);
    ck_assert_uint_eq(out.len, 7);
    ck_assert_mem_eq(out.data, "one two", 7);
    rpc_bytes_free(&out);
    ck_assert_int_eq(decode(RPC_CODING_GZIP, data, len, 6, &out), RPC_BODY_TOO_LARGE);
    rpc_bytes_free(&out);
    len = compress_to(MAX_WBITS, "one", 3, data);
    len += compress_to(MAX_WBITS, "two", 3, data + len);
    ck_assert_int_eq(decode(RPC_CODING_DEFLATE, data, len, 7, &out), RPC_BAD_CODING);
    rpc_bytes_free(&out);
}
END_TEST

UNIT_MAIN("coding", test_coding_names, test_coding_whole_and_cut, test_coding_corrupt,
          test_coding_bound, test_coding_bomb, test_coding_members)
