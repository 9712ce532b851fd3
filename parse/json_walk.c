// SPDX-License-Identifier: MIT
/*
 * What is done with JSON text that is sound, see parse/json.h: reading it token by token, decoding
 * its strings; and writing strings.
 */
#include "json.h"
#include "json_chars.h"

#include <string.h>

/* --- strings ---------------------------------------------------------------------------------- */

bool rpc_json_equals(struct rpc_json value, const char *text) {
    if (!rpc_json_is_string(value))
        return false;
    struct rpc_json_chars chars = rpc_json_chars(value.text);
    for (; *text; text++)
        if (rpc_json_char(&chars) != (unsigned char)*text)
            return false;
    return rpc_json_char(&chars) < 0;
}

size_t rpc_json_decode(struct rpc_json value, char *out, size_t size) {
    const char *p = value.text + 1, *end = value.text + value.len - 1;
    size_t len = 0;

    while (p < end) {
        char escape[4];
        const char *run = p, *from = escape;
        p = memchr(p, '\\', (size_t)(end - p));
        size_t run_len = (size_t)((p ? p : end) - run);
        if (run_len) {
            p = run + run_len;
            from = run;
        } else {
            run_len = rpc_json_unescape(&p, escape);
        }
        if (size - len < run_len)
            return SIZE_MAX;
        memcpy(out + len, from, run_len);
        len += run_len;
    }
    return len;
}

/* --- tokens ------------------------------------------------------------------------------------
 */

/* Behind the string at p. */
static const char *string_end(const char *p) {
    for (p++; *p != '"'; p++)
        p += *p == '\\';
    return p + 1;
}

static bool is_between(char c) {
    return rpc_json_is_space(c) || c == ',' || c == ':';
}

static bool is_bracket(char c) {
    return c == '[' || c == ']' || c == '{' || c == '}';
}

bool rpc_json_token(struct rpc_json *rest, struct rpc_json *token) {
    const char *p = rest->text, *end = p + rest->len;

    while (p < end && is_between(*p))
        p++;
    if (p == end)
        return false;
    token->text = p;
    if (*p == '"')
        p = string_end(p);
    else if (is_bracket(*p))
        p++;
    else
        while (p < end && !is_between(*p) && !is_bracket(*p))
            p++;
    token->len = (size_t)(p - token->text);
    *rest = (struct rpc_json){p, (size_t)(end - p)};
    return true;
}

bool rpc_json_was_name(const struct rpc_json *rest) {
    const char *p = rest->text, *end = p + rest->len;
    while (p < end && rpc_json_is_space(*p))
        p++;
    return p < end && *p == ':';
}

struct rpc_json rpc_json_inside(struct rpc_json container) {
    return (struct rpc_json){container.text + 1, container.len - 2};
}

bool rpc_json_next(struct rpc_json *rest, struct rpc_json *value) {
    struct rpc_json token;
    int depth = 0;

    if (!rpc_json_token(rest, value))
        return false;
    token = *value;
    for (;;) {
        if (*token.text == '[' || *token.text == '{')
            depth++;
        else if (*token.text == ']' || *token.text == '}')
            depth--;
        if (depth == 0 || !rpc_json_token(rest, &token))
            break;
    }
    value->len = (size_t)(token.text + token.len - value->text);
    return true;
}

size_t rpc_json_compact(struct rpc_json value, char *out) {
    const char *p = value.text, *end = p + value.len;
    char *to = out;

    while (p < end) {
        if (*p == '"') {
            const char *behind = string_end(p);
            memcpy(to, p, (size_t)(behind - p));
            to += behind - p;
            p = behind;
        } else if (rpc_json_is_space(*p)) {
            p++;
        } else {
            *to++ = *p++;
        }
    }
    return (size_t)(to - out);
}

/* --- writing ---------------------------------------------------------------------------------- */

static void put_escape(struct rpc_bytes *out, unsigned char c) {
    static const char short_from[] = "\b\f\n\r\t\"\\", short_to[] = "bfnrt\"\\";
    static const char digits[] = "0123456789ABCDEF";
    char escape[6] = {'\\', 'u', '0', '0', digits[c >> 4], digits[c & 15]};
    const char *known = c ? strchr(short_from, c) : NULL;

    if (known)
        escape[1] = short_to[known - short_from];
    rpc_bytes_append(out, escape, known ? 2 : 6);
}

/* Length of what needs no escape at data: up to a character that does, or one that is no UTF-8. */
static size_t plain_len(const char *data, size_t len) {
    size_t i = 0, step;
    for (; i < len; i += step) {
        unsigned char c = (unsigned char)data[i];
        step = c >= 0x80 ? rpc_utf8_len(data + i, len - i) : c >= ' ' && c != '"' && c != '\\';
        if (!step)
            break;
    }
    return i;
}

bool rpc_json_put_string(struct rpc_bytes *out, const char *data, size_t len) {
    size_t start = out->len;

    rpc_bytes_append(out, "\"", 1);
    while (len) {
        size_t plain = plain_len(data, len);
        rpc_bytes_append(out, data, plain);
        if (plain == len)
            break;
        if ((unsigned char)data[plain] >= 0x80) {
            if (!out->failed)
                out->len = start;
            return false;
        }
        put_escape(out, (unsigned char)data[plain]);
        data += plain + 1;
        len -= plain + 1;
    }
    rpc_bytes_append(out, "\"", 1);
    return true;
}
