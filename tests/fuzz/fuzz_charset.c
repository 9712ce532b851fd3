// SPDX-License-Identifier: MIT
/*
 * Any bytes as the charset of a Content-Type (the first line) and a document: what is found is one
 * of a short list, and does not depend on what a mark overrules.
 */
#include "parse/xmlrpc_charset.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static void require(bool holds) {
    if (!holds)
        abort();
}

static bool is_listed(const char *name) {
    static const char *const names[] = {"UTF-8",       "UTF-16LE",     "UTF-16BE",
                                        "US-ASCII",    "ISO-8859-1",   "ISO-8859-2",
                                        "ISO-8859-15", "WINDOWS-1251", "WINDOWS-1252"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (strcmp(names[i], name) == 0)
            return true;
    return false;
}

static void fuzz(const char *body, size_t len, const char *charset) {
    struct rpc_xmlrpc_charset found, other;

    if (!rpc_xmlrpc_charset(body, len, charset, &found)) {
        require(!found.name && !found.mark_len);
        return;
    }
    require(is_listed(found.name) && found.mark_len <= len && found.mark_len <= 3);
    if (found.mark_len)
        require(rpc_xmlrpc_charset(body, len, "utf-7", &other) && other.name == found.name);
    else if (charset)
        require(!rpc_xmlrpc_charset(body, len, "utf-7", &other));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    const uint8_t *end = size ? memchr(data, '\n', size) : NULL;
    size_t charset_len = end ? (size_t)(end - data) : 0, body_at = end ? charset_len + 1 : 0;
    size_t len = size - body_at;
    char *charset = malloc(charset_len + 1), *body = malloc(len ? len : 1);

    require(charset && body);
    memcpy(charset, data, charset_len);
    charset[charset_len] = 0;
    memcpy(body, data + body_at, len);
    fuzz(body, len, charset);
    fuzz(body, len, NULL);
    free(charset);
    free(body);
    return 0;
}
