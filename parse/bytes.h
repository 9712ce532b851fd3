// SPDX-License-Identifier: MIT
/*
 * Bytes the document codecs share: a growing output buffer and base64. No uWSGI.
 */
#ifndef RPC_BYTES_H
#define RPC_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * A buffer that grows as it is written to. All zero is an empty one. When memory runs out the first
 * failure sticks: failed is set, the content is released, and everything written afterwards is
 * dropped, so a writer checks once, at the end.
 */
struct rpc_bytes {
    char *data;
    size_t len;
    size_t size;
    bool failed;
};

/* Releases what the buffer holds and makes it an empty one. */
void rpc_bytes_free(struct rpc_bytes *bytes);

/* Room for len more bytes at data + len, without changing len. NULL when memory ran out. */
char *rpc_bytes_reserve(struct rpc_bytes *bytes, size_t len);

/* Appends len bytes of data. */
void rpc_bytes_append(struct rpc_bytes *bytes, const void *data, size_t len);

/* Appends a NUL-terminated string without its NUL. */
void rpc_bytes_puts(struct rpc_bytes *bytes, const char *string);

/* Appends the base64 of len bytes of data (RFC 4648 section 4, padded, no line breaks). */
void rpc_bytes_put_base64(struct rpc_bytes *bytes, const void *data, size_t len);

/* Digits of the largest 64 bit number. */
#define RPC_DECIMAL_MAX 20

/* Writes value in decimal so that it ends before end; returns where it starts. No NUL. */
static inline char *rpc_decimal(uint64_t value, char *end) {
    do
        *--end = (char)('0' + value % 10);
    while (value /= 10);
    return end;
}

/*
 * Length of the character of several bytes that begins at text, at a byte of 0x80 or more; 0 when
 * it is no UTF-8 (Unicode 15.0, table 3-7: no surrogates, nothing longer than it need be).
 */
size_t rpc_utf8_len(const char *text, size_t left);

/* Whether all of it is UTF-8, which nothing is, too. */
bool rpc_utf8_is_valid(const char *text, size_t len);

/* Appends an integer in decimal. */
void rpc_bytes_put_int(struct rpc_bytes *bytes, int64_t value);

/* Bytes that len characters of base64 decode to at the most. */
#define RPC_BASE64_DECODED_MAX(len) ((len) / 4 * 3 + 3)

/*
 * Decodes base64 (RFC 4648 section 4). White space (space, tab, CR, LF) is skipped wherever it
 * stands, as MIME encoders break lines; the padding may be left out altogether, but not be wrong;
 * bits behind the last byte must be zero.
 *   text, len   the characters; not written to
 *   out         room for RPC_BASE64_DECODED_MAX(len) bytes; may be text itself
 *   out_len     the bytes decoded
 * Returns false when text is not base64.
 */
bool rpc_base64_decode(const char *text, size_t len, char *out, size_t *out_len);

#endif
