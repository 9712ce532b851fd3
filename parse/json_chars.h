// SPDX-License-Identifier: MIT
/*
 * The characters of a JSON string, one by one: shared by the check and by what comes behind it.
 */
#ifndef RPC_JSON_CHARS_H
#define RPC_JSON_CHARS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The two halves of a character beyond U+FFFF (RFC 8259, section 7). */
static inline bool rpc_json_is_high(long unit) {
    return unit >= 0xd800 && unit < 0xdc00;
}

static inline bool rpc_json_is_low(long unit) {
    return unit >= 0xdc00 && unit < 0xe000;
}

static inline bool rpc_json_is_space(char c) {
    return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

/* The number four hexadecimal digits write, -1 if they are none. */
long rpc_json_hex4(const char *digits);

/* A string that is being read: what is left of it, and of the escape read last. */
struct rpc_json_chars {
    const char *p;
    char escape[4];
    uint8_t escape_len, escape_at;
};

/* Begins a sound string, which stands there with its quotes. */
static inline struct rpc_json_chars rpc_json_chars(const char *string) {
    return (struct rpc_json_chars){.p = string + 1};
}

/*
 * Decodes the escape at *p, or the two that make one character, which are sound.
 *   p     moved on
 *   out   room for 4 bytes of UTF-8
 * Returns how many there are.
 */
uint8_t rpc_json_unescape(const char **p, char *out);

/* The next byte of its UTF-8, -1 at its end. */
int rpc_json_char(struct rpc_json_chars *chars);

#endif
