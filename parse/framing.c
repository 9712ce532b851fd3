// SPDX-License-Identifier: MIT
/*
 * Framing of bodies, see parse/framing.h.
 */
#include "framing.h"

#include <string.h>
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

static bool is_chunked(const struct rpc_field *coding) {
    return coding->text && coding->len == 7 && strncasecmp(coding->text, "chunked", 7) == 0;
}

static bool is_http11(const struct rpc_field *protocol) {
    return protocol->len == 8 && memcmp(protocol->text, "HTTP/1.1", 8) == 0;
}

struct rpc_framing rpc_framing_read(const struct rpc_field *length, const struct rpc_field *coding,
                                    const struct rpc_field *protocol) {
    struct rpc_framing framing = {RPC_FRAMING_SENSELESS, 0};
    bool has_length = length->text && (protocol || length->len);
    bool has_coding = coding->text && (protocol || coding->len);

    if (has_length && !(protocol && has_coding)) {
        if (read_length(length, &framing.length))
            framing.kind = RPC_FRAMING_LENGTH;
    } else if (!has_length && !has_coding) {
        framing.kind = RPC_FRAMING_NONE;
    } else if (!has_length && is_chunked(coding) && (!protocol || is_http11(protocol))) {
        framing.kind = RPC_FRAMING_CHUNKED;
    }
    return framing;
}
