// SPDX-License-Identifier: MIT
/*
 * A growing buffer and base64, see parse/bytes.h.
 */
#include "bytes.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* The first allocation: most answers fit, so most buffers grow once. */
#define FIRST_SIZE 512

void rpc_bytes_free(struct rpc_bytes *bytes) {
    free(bytes->data);
    *bytes = (struct rpc_bytes){0};
}

char *rpc_bytes_reserve(struct rpc_bytes *bytes, size_t len) {
    if (bytes->failed)
        return NULL;
    if (!bytes->data || bytes->size - bytes->len < len) {
        size_t size = bytes->size ? bytes->size : FIRST_SIZE;
        while (size - bytes->len < len && size <= SIZE_MAX / 2)
            size *= 2;
        char *data = size - bytes->len < len ? NULL : realloc(bytes->data, size);
        if (!data) {
            rpc_bytes_free(bytes);
            bytes->failed = true;
            return NULL;
        }
        bytes->data = data;
        bytes->size = size;
    }
    return bytes->data + bytes->len;
}

void rpc_bytes_append(struct rpc_bytes *bytes, const void *data, size_t len) {
    char *p = rpc_bytes_reserve(bytes, len);
    if (!p || !len)
        return;
    memcpy(p, data, len);
    bytes->len += len;
}

void rpc_bytes_puts(struct rpc_bytes *bytes, const char *string) {
    rpc_bytes_append(bytes, string, strlen(string));
}

void rpc_bytes_put_int(struct rpc_bytes *bytes, int64_t value) {
    char digits[RPC_DECIMAL_MAX + 1], *end = digits + sizeof(digits);
    char *first = rpc_decimal(value < 0 ? -(uint64_t)value : (uint64_t)value, end);

    if (value < 0)
        *--first = '-';
    rpc_bytes_append(bytes, first, (size_t)(end - first));
}

size_t rpc_utf8_len(const char *text, size_t left) {
    const unsigned char *p = (const unsigned char *)text;

    if (*p < 0xc2 || *p > 0xf4)
        return 0;
    size_t len = *p < 0xe0 ? 2 : *p < 0xf0 ? 3 : 4;
    if (left < len)
        return 0;
    for (size_t i = 1; i < len; i++)
        if (p[i] < 0x80 || p[i] > 0xbf)
            return 0;
    bool longer = (*p == 0xe0 && p[1] < 0xa0) || (*p == 0xf0 && p[1] < 0x90);
    bool surrogate = *p == 0xed && p[1] > 0x9f, beyond = *p == 0xf4 && p[1] > 0x8f;
    return longer || surrogate || beyond ? 0 : len;
}

static inline uint64_t word_at(const char *p) {
    uint64_t word;
    memcpy(&word, p, sizeof(word));
    return word;
}

/* What most text is: looked at in words, of which the last may reach into the one before it. */
static bool is_ascii(const char *p, size_t len) {
    const char *end = p + len;
    uint64_t bits = 0;

    if (len < sizeof(bits)) {
        while (p < end)
            bits |= (unsigned char)*p++;
    } else {
        for (; (size_t)(end - p) > sizeof(bits); p += sizeof(bits))
            bits |= word_at(p);
        bits |= word_at(end - sizeof(bits));
    }
    return !(bits & 0x8080808080808080u);
}

bool rpc_utf8_is_valid(const char *text, size_t len) {
    if (is_ascii(text, len))
        return true;
    for (size_t step; len; text += step, len -= step) {
        step = (unsigned char)*text < 0x80 ? 1 : rpc_utf8_len(text, len);
        if (!step)
            return false;
    }
    return true;
}

static const char base64_digits[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void rpc_bytes_put_base64(struct rpc_bytes *bytes, const void *data, size_t len) {
    const unsigned char *in = data;
    char *p = len > SIZE_MAX / 2 ? NULL : rpc_bytes_reserve(bytes, (len + 2) / 3 * 4);
    if (!p)
        return;
    for (; len >= 3; len -= 3, in += 3) {
        *p++ = base64_digits[in[0] >> 2];
        *p++ = base64_digits[(in[0] & 3) << 4 | in[1] >> 4];
        *p++ = base64_digits[(in[1] & 15) << 2 | in[2] >> 6];
        *p++ = base64_digits[in[2] & 63];
    }
    if (len) {
        unsigned second = len == 2 ? in[1] : 0;
        *p++ = base64_digits[in[0] >> 2];
        *p++ = base64_digits[(in[0] & 3) << 4 | second >> 4];
        *p++ = len == 2 ? base64_digits[(second & 15) << 2] : '=';
        *p++ = '=';
    }
    bytes->len = (size_t)(p - bytes->data);
}

/* What a character is to the decoder: its digit, or one of these. */
enum { OTHER = 64, SPACE, PAD };

static unsigned base64_class(unsigned char c) {
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26u;
    if (c >= '0' && c <= '9')
        return c - '0' + 52u;
    switch (c) {
    case '+':
        return 62;
    case '/':
        return 63;
    case '=':
        return PAD;
    case ' ':
    case '\t':
    case '\r':
    case '\n':
        return SPACE;
    default:
        return OTHER;
    }
}

bool rpc_base64_decode(const char *text, size_t len, char *out, size_t *out_len) {
    char *p = out;
    unsigned bits = 0, digits = 0, pads = 0;

    for (size_t i = 0; i < len; i++) {
        unsigned class = base64_class((unsigned char)text[i]);
        if (class == SPACE)
            continue;
        if (class == PAD) {
            pads++;
            continue;
        }
        if (class == OTHER || pads)
            return false;
        bits = bits << 6 | class;
        digits++;
        if (digits % 4 != 1)
            *p++ = (char)(bits >> (6 - 2 * ((digits - 1) % 4)) & 0xff);
    }
    unsigned tail = digits % 4;
    if (tail == 1 || (pads && pads != (4 - tail) % 4))
        return false;
    if ((tail == 2 && bits & 15) || (tail == 3 && bits & 3))
        return false;
    *out_len = (size_t)(p - out);
    return true;
}
