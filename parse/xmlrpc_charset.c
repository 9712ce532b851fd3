// SPDX-License-Identifier: MIT
/*
 * Encodings, see parse/xmlrpc_charset.h.
 */
#include "xmlrpc_charset.h"

#include <string.h>
#include <strings.h>

static const char utf8[] = "UTF-8", utf16le[] = "UTF-16LE", utf16be[] = "UTF-16BE";
static const char utf16[] = "UTF-16";

/* What may be written, and what it is called here. */
static const struct {
    const char *alias, *name;
} charsets[] = {
    {"utf-8", utf8},
    {"utf8", utf8},
    {"utf-16", utf16},
    {"utf-16le", utf16le},
    {"utf-16be", utf16be},
    {"us-ascii", "US-ASCII"},
    {"ascii", "US-ASCII"},
    {"iso-8859-1", "ISO-8859-1"},
    {"latin1", "ISO-8859-1"},
    {"iso-8859-2", "ISO-8859-2"},
    {"iso-8859-15", "ISO-8859-15"},
    {"windows-1251", "WINDOWS-1251"},
    {"windows-1252", "WINDOWS-1252"},
    {"cp1252", "WINDOWS-1252"},
};

static const struct {
    const char bytes[4];
    size_t len;
    const char *name;
} marks[] = {
    {"\xef\xbb\xbf", 3, utf8},
    {"\xff\xfe", 2, utf16le},
    {"\xfe\xff", 2, utf16be},
};

static const char *charset_named(const char *text, size_t len) {
    for (size_t i = 0; i < sizeof(charsets) / sizeof(charsets[0]); i++)
        if (strlen(charsets[i].alias) == len && strncasecmp(charsets[i].alias, text, len) == 0)
            return charsets[i].name;
    return NULL;
}

/* What is left of an XML declaration. */
struct rest {
    const char *p, *end;
};

static bool is_space(char c) {
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static void skip_space(struct rest *rest) {
    while (rest->p < rest->end && is_space(*rest->p))
        rest->p++;
}

/* Name = "value", in either kind of quotes. */
struct attribute {
    struct rest name, value;
};

static bool take_attribute(struct rest *rest, struct attribute *attribute) {
    skip_space(rest);
    attribute->name.p = rest->p;
    while (rest->p < rest->end && *rest->p != '=' && !is_space(*rest->p))
        rest->p++;
    attribute->name.end = rest->p;
    skip_space(rest);
    if (rest->p == rest->end || *rest->p++ != '=')
        return false;
    skip_space(rest);
    if (rest->p == rest->end || (*rest->p != '"' && *rest->p != '\''))
        return false;
    char quote = *rest->p++;
    attribute->value.p = rest->p;
    attribute->value.end = memchr(rest->p, quote, (size_t)(rest->end - rest->p));
    if (!attribute->value.end)
        return false;
    rest->p = attribute->value.end + 1;
    return true;
}

/* Where "?>" stands behind p, which is not the first byte there is. */
static const char *find_end(const char *p, const char *end) {
    while ((p = memchr(p, '>', (size_t)(end - p))) != NULL) {
        if (p[-1] == '?')
            return p - 1;
        p++;
    }
    return NULL;
}

/* What a document in some superset of ASCII declares; the parser judges the declaration itself. */
static const char *declared(const char *body, size_t len) {
    /* the one that nearly all have */
    static const char whole[] = "<?xml version=\"1.0\"?>";
    struct attribute attribute;
    size_t looked_at = len < RPC_XMLRPC_DECLARATION_MAX ? len : RPC_XMLRPC_DECLARATION_MAX;

    if (len < 6 || memcmp(body, "<?xml", 5) != 0 || !is_space(body[5]))
        return utf8;
    if (len >= sizeof(whole) - 1 && memcmp(body, whole, sizeof(whole) - 1) == 0)
        return utf8;
    struct rest rest = {body + 5, find_end(body + 5, body + looked_at)};
    if (!rest.end)
        return NULL;
    while (take_attribute(&rest, &attribute)) {
        size_t name_len = (size_t)(attribute.name.end - attribute.name.p);
        if (name_len == 8 && memcmp(attribute.name.p, "encoding", 8) == 0)
            return charset_named(attribute.value.p,
                                 (size_t)(attribute.value.end - attribute.value.p));
    }
    return utf8;
}

/* The kind of UTF-16 that a document without a mark looks like, or NULL. */
static const char *order_of(const char *body, size_t len) {
    if (len > 1 && body[0] && !body[1])
        return utf16le;
    return len > 1 && !body[0] && body[1] ? utf16be : NULL;
}

bool rpc_xmlrpc_charset(const char *body, size_t len, const char *charset,
                        struct rpc_xmlrpc_charset *found) {
    const char *order = order_of(body, len);

    *found = (struct rpc_xmlrpc_charset){NULL, 0};
    for (size_t i = 0; i < sizeof(marks) / sizeof(marks[0]); i++)
        if (len >= marks[i].len && memcmp(body, marks[i].bytes, marks[i].len) == 0)
            *found = (struct rpc_xmlrpc_charset){marks[i].name, marks[i].len};
    if (!found->name && charset)
        found->name = charset_named(charset, strlen(charset));
    else if (!found->name)
        found->name = order ? order : declared(body, len);
    if (found->name == utf16)
        found->name = order;
    return found->name != NULL;
}
