// SPDX-License-Identifier: MIT
/*
 * Any bytes as a Content-Type and as an Accept header. What is found stands in the value where it
 * says, holds nothing that must not be in a header, and white space around the value changes
 * nothing.
 */
#include "parse/media.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static void require(bool holds) {
    if (!holds)
        abort();
}

static bool is_clean(const char *text, size_t len) {
    for (size_t i = 0; i < len; i++)
        if (((unsigned char)text[i] < ' ' && text[i] != '\t') || text[i] == 0x7f)
            return false;
    return true;
}

static void require_inside(const char *text, size_t len, const char *part, size_t part_len) {
    require(part >= text && part_len <= len && part - text <= (ptrdiff_t)(len - part_len));
}

static void require_type(const char *text, size_t len) {
    struct rpc_media media;

    if (!rpc_media_parse(text, len, &media))
        return;
    require(is_clean(text, len));
    require_inside(text, len, media.type, media.type_len);
    require(media.type_len >= 3 && memchr(media.type, '/', media.type_len));
    if (media.charset)
        require_inside(text, len, media.charset, media.charset_len);
    require(media.charset || media.charset_len == 0);
}

/* The same value with blanks around it, in memory of its own. */
static void require_same(const char *text, size_t len) {
    struct rpc_media bare, padded;
    char *copy = malloc(len + 2);

    require(copy != NULL);
    copy[0] = '\t';
    memcpy(copy + 1, text, len);
    copy[len + 1] = ' ';
    bool good = rpc_media_parse(text, len, &bare);
    require(rpc_media_parse(copy, len + 2, &padded) == good);
    if (good) {
        require(bare.type_len == padded.type_len && bare.charset_len == padded.charset_len);
        require(bare.type - text == padded.type - copy - 1);
    }
    free(copy);
}

/* A type that is accepted is one that can be sent. */
static void require_accept(const char *text, size_t len) {
    struct rpc_media media;
    size_t accepted = rpc_media_accepted(text, len);

    require(accepted <= len);
    if (accepted) {
        require(rpc_media_parse(text, accepted, &media));
        require(!memchr(media.type, '*', media.type_len));
        require(is_clean(text, accepted));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    char *text = malloc(size ? size : 1);

    require(text != NULL);
    memcpy(text, data, size);
    require_type(text, size);
    require_same(text, size);
    require_accept(text, size);
    free(text);
    return 0;
}
