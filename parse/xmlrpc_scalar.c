// SPDX-License-Identifier: MIT
/*
 * Which text is which scalar, see parse/xmlrpc_scalar.h. Values are checked, never converted: a
 * function gets the characters the client sent.
 */
#include "xmlrpc_scalar.h"

#include "bytes.h"

#include <string.h>
#include <strings.h>

/* The magnitude of the least 64 bit integer; the largest one is one less. */
#define INT64_MIN_DIGITS "9223372036854775808"
#define INT64_MAX_DIGITS "9223372036854775807"

static const struct {
    const char *name;
    enum rpc_xmlrpc_type type;
} types[] = {
    {"string", RPC_XMLRPC_STRING},
    {"int", RPC_XMLRPC_INT},
    {"i4", RPC_XMLRPC_INT},
    {"boolean", RPC_XMLRPC_BOOLEAN},
    {"double", RPC_XMLRPC_DOUBLE},
    {"dateTime.iso8601", RPC_XMLRPC_DATETIME},
    {"base64", RPC_XMLRPC_BASE64},
    {"nil", RPC_XMLRPC_NIL},
    {"i8", RPC_XMLRPC_INT},
    {"i1", RPC_XMLRPC_INT},
    {"i2", RPC_XMLRPC_INT},
    {"float", RPC_XMLRPC_DOUBLE},
    {"bigdecimal", RPC_XMLRPC_DOUBLE},
    {"dateTime", RPC_XMLRPC_DATETIME},
};

bool rpc_xmlrpc_type(const char *name, enum rpc_xmlrpc_type *type) {
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
        if (types[i].name[0] == name[0] && !strcmp(types[i].name, name)) {
            *type = types[i].type;
            return true;
        }
    }
    return false;
}

static bool is_space(char c) {
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

bool rpc_xmlrpc_is_space(const char *text, size_t len) {
    while (len && is_space(text[len - 1]))
        len--;
    return !len;
}

/* What is left to be read of a scalar's text. */
struct rest {
    const char *p, *end;
};

/* Steps over one character if it is one of set (or any digit, for NULL). */
static bool take(struct rest *rest, const char *set) {
    if (rest->p == rest->end || !*rest->p)
        return false;
    if (set ? !strchr(set, *rest->p) : (*rest->p < '0' || *rest->p > '9'))
        return false;
    rest->p++;
    return true;
}

/* Steps over digits and returns how many there were. */
static size_t take_digits(struct rest *rest) {
    const char *from = rest->p;
    while (take(rest, NULL))
        ;
    return (size_t)(rest->p - from);
}

/* Steps over a number of exactly that many digits, none of them above most. */
static bool take_field(struct rest *rest, unsigned digits, unsigned most) {
    unsigned value = 0;
    for (; digits; digits--) {
        if (!take(rest, NULL))
            return false;
        value = value * 10 + (unsigned)(rest->p[-1] - '0');
    }
    return value <= most;
}

static bool is_int(struct rest rest) {
    const char *most = rest.p < rest.end && *rest.p == '-' ? INT64_MIN_DIGITS : INT64_MAX_DIGITS;
    take(&rest, "+-");
    if (rest.p == rest.end)
        return false;
    while (rest.end - rest.p > 1 && *rest.p == '0')
        rest.p++;
    const char *digits = rest.p;
    size_t count = take_digits(&rest);
    if (!count || rest.p != rest.end)
        return false;
    return count < strlen(most) || (count == strlen(most) && memcmp(digits, most, count) <= 0);
}

/* 0 or 1; the words, which some clients send, are made these. */
static bool read_boolean(char *text, size_t *len) {
    bool yes = *len == 4 && !memcmp(text, "true", 4), no = *len == 5 && !memcmp(text, "false", 5);

    if (yes || no) {
        *text = yes ? '1' : '0';
        *len = 1;
    }
    return *len == 1 && (*text == '0' || *text == '1');
}

static bool is_double(struct rest rest) {
    take(&rest, "+-");
    static const char *const words[] = {"inf", "nan", "infinity"};
    size_t left = (size_t)(rest.end - rest.p);
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
        if (left == strlen(words[i]) && !strncasecmp(rest.p, words[i], left))
            return true;
    size_t digits = take_digits(&rest);
    if (take(&rest, "."))
        digits += take_digits(&rest);
    if (!digits)
        return false;
    if (take(&rest, "eE")) {
        take(&rest, "+-");
        if (!take_digits(&rest))
            return false;
    }
    return rest.p == rest.end;
}

/* 19980717T14:08:55, 1998-07-17T14:08:55.5+02:00 and what lies between. */
static bool is_datetime(struct rest rest) {
    if (!take_field(&rest, 4, 9999))
        return false;
    take(&rest, "-");
    if (!take_field(&rest, 2, 12))
        return false;
    take(&rest, "-");
    if (!take_field(&rest, 2, 31) || !take(&rest, "T") || !take_field(&rest, 2, 24))
        return false;
    take(&rest, ":");
    if (!take_field(&rest, 2, 59))
        return false;
    take(&rest, ":");
    if (!take_field(&rest, 2, 60))
        return false;
    if (take(&rest, ".,") && !take_digits(&rest))
        return false;
    if (!take(&rest, "Z") && take(&rest, "+-")) {
        if (!take_field(&rest, 2, 23))
            return false;
        take(&rest, ":");
        if (rest.p != rest.end && !take_field(&rest, 2, 59))
            return false;
    }
    return rest.p == rest.end;
}

bool rpc_xmlrpc_scalar(enum rpc_xmlrpc_type type, char *text, size_t *len) {
    if (type == RPC_XMLRPC_STRING)
        return true;
    if (type == RPC_XMLRPC_BASE64)
        return rpc_base64_decode(text, *len, text, len);

    struct rest rest = {text, text + *len};
    while (rest.end > rest.p && is_space(rest.end[-1]))
        rest.end--;
    while (rest.p < rest.end && is_space(*rest.p))
        rest.p++;
    *len = (size_t)(rest.end - rest.p);
    memmove(text, rest.p, *len);
    rest = (struct rest){text, text + *len};
    switch (type) {
    case RPC_XMLRPC_INT:
        return is_int(rest);
    case RPC_XMLRPC_BOOLEAN:
        return read_boolean(text, len);
    case RPC_XMLRPC_DOUBLE:
        return is_double(rest);
    case RPC_XMLRPC_DATETIME:
        return is_datetime(rest);
    default:
        return !*len;
    }
}
