// SPDX-License-Identifier: MIT
/*
 * The characters of JSON strings, see parse/json_chars.h.
 */
#include "json_chars.h"

#include <string.h>

static int hex_digit(char c) {
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

long rpc_json_hex4(const char *digits) {
    long unit = 0;
    for (int i = 0; i < 4; i++) {
        int digit = hex_digit(digits[i]);
        if (digit < 0)
            return -1;
        unit = unit * 16 + digit;
    }
    return unit;
}

/* Writes a character in UTF-8 and returns its length. */
static uint8_t put_utf8(char *out, uint32_t c) {
    if (c < 0x80) {
        out[0] = (char)c;
        return 1;
    }
    uint8_t len = c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
    for (int i = len - 1; i > 0; i--, c >>= 6)
        out[i] = (char)(0x80 | (c & 0x3f));
    out[0] = (char)(c | 0xffu << (8 - len));
    return len;
}

uint8_t rpc_json_unescape(const char **p, char *out) {
    static const char from[] = "bfnrt", to[] = "\b\f\n\r\t";
    char c = (*p)[1];

    if (c != 'u') {
        const char *known = strchr(from, c);
        *out = known ? to[known - from] : c;
        *p += 2;
        return 1;
    }
    uint32_t unit = (uint32_t)rpc_json_hex4(*p + 2);
    *p += 6;
    if (rpc_json_is_high(unit)) {
        unit = 0x10000 + ((unit & 0x3ff) << 10 | ((uint32_t)rpc_json_hex4(*p + 2) & 0x3ff));
        *p += 6;
    }
    return put_utf8(out, unit);
}

int rpc_json_char(struct rpc_json_chars *chars) {
    if (chars->escape_at < chars->escape_len)
        return (unsigned char)chars->escape[chars->escape_at++];
    if (*chars->p == '"')
        return -1;
    if (*chars->p != '\\')
        return (unsigned char)*chars->p++;
    chars->escape_len = rpc_json_unescape(&chars->p, chars->escape);
    chars->escape_at = 1;
    return (unsigned char)chars->escape[0];
}
