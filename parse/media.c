// SPDX-License-Identifier: MIT
/*
 * Media types, see parse/media.h.
 */
#include "media.h"

#include <string.h>
#include <strings.h>

/* What is left of a header's value. */
struct rest {
    const char *p, *end;
};

/* RFC 9110, section 5.6.2 */
static const bool token_char[256] = {
    ['0' ... '9'] = true, ['A' ... 'Z'] = true, ['a' ... 'z'] = true, ['!'] = true,  ['#'] = true,
    ['$'] = true,         ['%'] = true,         ['&'] = true,         ['\''] = true, ['*'] = true,
    ['+'] = true,         ['-'] = true,         ['.'] = true,         ['^'] = true,  ['_'] = true,
    ['`'] = true,         ['|'] = true,         ['~'] = true,
};

static void skip_blanks(struct rest *rest) {
    while (rest->p < rest->end && (*rest->p == ' ' || *rest->p == '\t'))
        rest->p++;
}

static bool take(struct rest *rest, char c) {
    if (rest->p == rest->end || *rest->p != c)
        return false;
    rest->p++;
    return true;
}

static size_t take_token(struct rest *rest) {
    const char *start = rest->p;
    while (rest->p < rest->end && token_char[(unsigned char)*rest->p])
        rest->p++;
    return (size_t)(rest->p - start);
}

/* type "/" subtype; its length, 0 for anything else */
static size_t take_type(struct rest *rest) {
    const char *start = rest->p;
    if (!take_token(rest) || !take(rest, '/') || !take_token(rest))
        return 0;
    return (size_t)(rest->p - start);
}

static bool is_control(char c) {
    return ((unsigned char)c < ' ' && c != '\t') || c == 0x7f;
}

/*
 * The inside of a quoted string whose first quote has been taken (section 5.6.4). A backslash lets
 * the byte behind it stand for itself, but not a control character.
 */
static bool take_quoted(struct rest *rest) {
    for (; rest->p < rest->end && *rest->p != '"'; rest->p++) {
        if (*rest->p == '\\' && ++rest->p == rest->end)
            return false;
        if (is_control(*rest->p))
            return false;
    }
    return rest->p < rest->end;
}

/* A parameter: its name, and its value without quotes. */
struct parameter {
    const char *name, *value;
    size_t name_len, value_len;
};

static bool take_parameter(struct rest *rest, struct parameter *parameter) {
    parameter->name = rest->p;
    parameter->name_len = take_token(rest);
    if (!parameter->name_len || !take(rest, '='))
        return false;
    bool quoted = take(rest, '"');
    parameter->value = rest->p;
    if (quoted ? !take_quoted(rest) : !take_token(rest))
        return false;
    parameter->value_len = (size_t)(rest->p - parameter->value);
    return !quoted || take(rest, '"');
}

/*
 * The next parameter behind its ";", of those that are there. False at the end of the value, and
 * where it is broken: then there is something left.
 */
static bool next_parameter(struct rest *rest, struct parameter *parameter) {
    for (;;) {
        const char *start = rest->p;
        skip_blanks(rest);
        if (rest->p == rest->end)
            return false;
        if (!take(rest, ';'))
            break;
        skip_blanks(rest);
        if (rest->p == rest->end || *rest->p == ';')
            continue;
        if (take_parameter(rest, parameter))
            return true;
        rest->p = start;
        return false;
    }
    return false;
}

static bool is_name(const struct parameter *parameter, const char *name) {
    size_t len = strlen(name);
    return parameter->name_len == len && strncasecmp(parameter->name, name, len) == 0;
}

bool rpc_media_parse(const char *text, size_t len, struct rpc_media *media) {
    struct rest rest = {text, text + len};
    struct parameter parameter;

    skip_blanks(&rest);
    *media = (struct rpc_media){.type = rest.p};
    media->type_len = take_type(&rest);
    if (!media->type_len)
        return false;
    while (next_parameter(&rest, &parameter))
        if (!media->charset && is_name(&parameter, "charset")) {
            media->charset = parameter.value;
            media->charset_len = parameter.value_len;
        }
    return rest.p == rest.end;
}

bool rpc_media_is(const struct rpc_media *media, const char *type) {
    size_t len = strlen(type);
    return media->type_len == len && strncasecmp(media->type, type, len) == 0;
}

/* A weight of 0 says "not acceptable" (RFC 9110, section 12.4.2). */
static bool is_zero(const struct parameter *weight) {
    for (size_t i = 0; i < weight->value_len; i++)
        if (weight->value[i] != '0' && weight->value[i] != '.')
            return false;
    return true;
}

size_t rpc_media_accepted(const char *accept, size_t len) {
    struct rest rest = {accept, accept + len};
    struct parameter parameter;
    bool weighted = false;

    /* a range is what most clients send */
    if (!len || *accept == '*' || !take_type(&rest) ||
        memchr(accept, '*', (size_t)(rest.p - accept)))
        return 0;
    const char *end = rest.p;
    while (next_parameter(&rest, &parameter)) {
        if (!weighted && is_name(&parameter, "q")) {
            if (is_zero(&parameter))
                return 0;
            weighted = true;
        }
        if (!weighted)
            end = rest.p;
    }
    return rest.p == rest.end ? (size_t)(end - accept) : 0;
}
