// SPDX-License-Identifier: MIT
/*
 * Framing of bodies, see parse/framing.h.
 */
#include "framing.h"

#include <strings.h>

static bool is_blank(char c) {
    return c == ' ' || c == '\t';
}

/* Digits with blanks around them, of which there is at least one. */
static bool read_length(const struct rpc_field *field, uint64_t *value) {
    const char *p = field->text, *end = p + field->len;

    while (p < end && is_blank(*p))
        p++;
    while (end > p && is_blank(end[-1]))
        end--;
    *value = 0;
    if (p == end)
        return false;
    for (; p < end; p++) {
        uint64_t digit = (uint64_t)(unsigned char)*p - '0';
        if (digit > 9)
            return false;
        *value = *value > (UINT64_MAX - digit) / 10 ? UINT64_MAX : *value * 10 + digit;
    }
    return true;
}

struct rpc_framing rpc_framing_read(const struct rpc_field *length, const struct rpc_field *coding,
                                    bool http) {
    struct rpc_framing framing = {RPC_FRAMING_SENSELESS, 0};
    bool chunked = coding->text && coding->len == 7 && !strncasecmp(coding->text, "chunked", 7);
    bool has_length = length->text && (http || length->len);
    bool has_coding = coding->text && (http || coding->len);

    if (has_length && !(http && has_coding)) {
        if (read_length(length, &framing.length))
            framing.kind = RPC_FRAMING_LENGTH;
    } else if (!has_length && (chunked || !has_coding)) {
        framing.kind = chunked ? RPC_FRAMING_CHUNKED : RPC_FRAMING_NONE;
    }
    return framing;
}
