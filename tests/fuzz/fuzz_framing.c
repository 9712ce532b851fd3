// SPDX-License-Identifier: MIT
/*
 * Any two header values as Content-Length and Transfer-Encoding. An input is lines: the length, the
 * coding, the protocol; an empty line is no such header. What is taken for the framing of a body is
 * what a reader that goes by the letter of RFC 9112 takes; nothing else is.
 */
#include "parse/framing.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

static void require(bool holds) {
    if (!holds)
        abort();
}

/* The next line, in memory of its own. */
static struct rpc_field next_line(const uint8_t **data, size_t *size) {
    const uint8_t *end = *size ? memchr(*data, '\n', *size) : NULL;
    size_t len = end ? (size_t)(end - *data) : *size, taken = len + (end != NULL);
    char *copy = len ? malloc(len) : NULL;
    if (len)
        memcpy(copy, *data, len);
    *data += taken;
    *size -= taken;
    return (struct rpc_field){copy, len};
}

static bool equals(const struct rpc_field *field, const char *text) {
    return field->len == strlen(text) && strncasecmp(field->text, text, field->len) == 0;
}

/* Digits, and blanks around them. */
static bool is_number(const struct rpc_field *field) {
    size_t digits = 0, ended = 0;
    for (size_t i = 0; i < field->len; i++) {
        bool digit = field->text[i] >= '0' && field->text[i] <= '9';
        if (!digit && field->text[i] != ' ' && field->text[i] != '\t')
            return false;
        if (digit && ended)
            return false;
        digits += digit;
        ended = digits && !digit;
    }
    return digits;
}

static void require_client(const struct rpc_field *length, const struct rpc_field *coding,
                           const struct rpc_field *protocol) {
    struct rpc_framing framing = rpc_framing_read(length, coding, protocol);
    require((framing.kind == RPC_FRAMING_NONE) == (!length->text && !coding->text));
    require((framing.kind == RPC_FRAMING_LENGTH) ==
            (!coding->text && length->text && is_number(length)));
    require((framing.kind == RPC_FRAMING_CHUNKED) ==
            (!length->text && equals(coding, "chunked") && equals(protocol, "HTTP/1.1") &&
             !memcmp(protocol->text, "HTTP", 4)));
}

static void require_front(const struct rpc_field *length, const struct rpc_field *coding) {
    struct rpc_framing framing = rpc_framing_read(length, coding, NULL);
    require((framing.kind == RPC_FRAMING_LENGTH) == (length->text && is_number(length)));
    require((framing.kind == RPC_FRAMING_CHUNKED) == (!length->text && equals(coding, "chunked")));
    if (framing.kind == RPC_FRAMING_LENGTH && length->len < 20) {
        char digits[21] = "";
        memcpy(digits, length->text, length->len);
        require(framing.length == strtoull(digits, NULL, 10));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct rpc_field length = next_line(&data, &size), coding = next_line(&data, &size),
                     protocol = next_line(&data, &size);
    require_client(&length, &coding, &protocol);
    require_front(&length, &coding);
    free((char *)length.text);
    free((char *)coding.text);
    free((char *)protocol.text);
    return 0;
}
