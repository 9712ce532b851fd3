// SPDX-License-Identifier: MIT
/*
 * What goes inside a <value>, see parse/xmlrpc_value.h.
 */
#include "xmlrpc_value.h"

#include <stdlib.h>
#include <string.h>

/* Beyond this many places a decimal point is not moved: no double is that large, or small. */
#define EXPONENT_MAX 400

/* --- text --------------------------------------------------------------------------------------
 */

/* What a byte of a result is to XML 1.0. */
enum byte_class {
    PLAIN,     /* stands for itself */
    ESCAPED,   /* must be written as an entity */
    LEADING,   /* begins a character of several bytes */
    FORBIDDEN, /* cannot be carried, or no UTF-8 */
};

static enum byte_class byte_class(unsigned char c) {
    if (c >= 0x80)
        return c >= 0xc2 && c <= 0xf4 ? LEADING : FORBIDDEN;
    if (c < ' ')
        return c == '\t' || c == '\n' ? PLAIN : c == '\r' ? ESCAPED : FORBIDDEN;
    return c == '<' || c == '>' || c == '&' ? ESCAPED : PLAIN;
}

/* Length of the character of several bytes that begins at p, or 0 when it is none that XML 1.0 can
   carry (section 2.2). */
static size_t char_len(const char *p, size_t left) {
    size_t len = rpc_utf8_len(p, left);
    bool noncharacter = len == 3 && !memcmp(p, "\xef\xbf", 2) && (unsigned char)p[2] > 0xbd;
    return noncharacter ? 0 : len;
}

/* Bytes of the character at data, 0 when it is none that an XML document can carry. */
static size_t text_step(const char *data, size_t len) {
    enum byte_class class = byte_class((unsigned char)*data);
    return class == LEADING ? char_len(data, len) : class != FORBIDDEN;
}

/* Whether data is text an XML document can carry. */
static bool is_text(const char *data, size_t len) {
    for (size_t i = 0, step; i < len; i += step)
        if (!(step = text_step(data + i, len - i)))
            return false;
    return true;
}

/*
 * Appends text, with what would be taken for markup, or for a line's end, as entities. An empty
 * text may be NULL.
 */
static void put_text(struct rpc_bytes *out, const char *text, size_t len) {
    size_t from = 0;
    for (size_t i = 0; i < len; i++) {
        if (byte_class((unsigned char)text[i]) != ESCAPED)
            continue;
        rpc_bytes_append(out, text + from, i - from);
        rpc_bytes_puts(out, text[i] == '<'   ? "&lt;"
                            : text[i] == '>' ? "&gt;"
                            : text[i] == '&' ? "&amp;"
                                             : "&#13;");
        from = i + 1;
    }
    if (from < len)
        rpc_bytes_append(out, text + from, len - from);
}

void rpc_xmlrpc_put_bytes(struct rpc_bytes *out, const char *data, size_t len) {
    if (is_text(data, len)) {
        rpc_bytes_puts(out, "<string>");
        put_text(out, data, len);
        rpc_bytes_puts(out, "</string>");
    } else {
        rpc_bytes_puts(out, "<base64>");
        rpc_bytes_put_base64(out, data, len);
        rpc_bytes_puts(out, "</base64>");
    }
}

void rpc_xmlrpc_put_fault(struct rpc_bytes *out, int code, const char *message, size_t len) {
    rpc_bytes_puts(out, "<struct><member><name>faultCode</name><value><int>");
    rpc_bytes_put_int(out, code);
    rpc_bytes_puts(out, "</int></value></member><member><name>faultString</name><value><string>");
    for (size_t step; len; message += step, len -= step) {
        step = text_step(message, len);
        if (step) {
            put_text(out, message, step);
        } else {
            rpc_bytes_puts(out, "?");
            step = (unsigned char)*message < 0x80 ? 1 : rpc_utf8_len(message, len);
        }
    }
    rpc_bytes_puts(out, "</string></value></member></struct>");
}

/* --- numbers -----------------------------------------------------------------------------------
 */

static void put_tagged(struct rpc_bytes *out, const char *tag, const char *text, size_t len) {
    rpc_bytes_puts(out, "<");
    rpc_bytes_puts(out, tag);
    rpc_bytes_puts(out, ">");
    rpc_bytes_append(out, text, len);
    rpc_bytes_puts(out, "</");
    rpc_bytes_puts(out, tag);
    rpc_bytes_puts(out, ">");
}

/* Whether the digits of an integer are no more than a limit, which is the same for both signs but
   for one. */
static bool fits(struct rpc_json number, const char *most, const char *most_negative) {
    bool negative = *number.text == '-';
    size_t len = number.len - negative, limit_len = strlen(most);
    const char *limit = negative ? most_negative : most;
    return len < limit_len || (len == limit_len && memcmp(number.text + negative, limit, len) <= 0);
}

/* A number's digits with the point left out, and where it stands. */
struct decimal {
    struct rpc_bytes *out;
    const char *whole, *fraction;
    size_t whole_len, fraction_len;
};

/* Behind its digits, it goes on with zeros. */
static const char *digit_at(const struct decimal *d, size_t i) {
    if (i < d->whole_len)
        return d->whole + i;
    return i < d->whole_len + d->fraction_len ? d->fraction + (i - d->whole_len) : "0";
}

static void put_digits(const struct decimal *d, size_t from, size_t to) {
    for (size_t i = from; i < to; i++)
        rpc_bytes_append(d->out, digit_at(d, i), 1);
}

/* The same number without an exponent, and with a digit on both sides of the point. */
static void put_decimal(const struct decimal *d, long exponent) {
    long point = (long)d->whole_len + exponent;
    size_t digits = d->whole_len + d->fraction_len, from = 0;

    if (point <= 0) {
        rpc_bytes_puts(d->out, "0.");
        for (; point < 0; point++)
            rpc_bytes_puts(d->out, "0");
    } else {
        while (from + 1 < (size_t)point && *digit_at(d, from) == '0')
            from++;
        put_digits(d, from, (size_t)point);
        rpc_bytes_puts(d->out, ".");
        if ((size_t)point >= digits)
            rpc_bytes_puts(d->out, "0");
        from = (size_t)point;
    }
    put_digits(d, from, digits);
}

static size_t count_digits(const char *p, const char *end) {
    const char *from = p;
    while (p < end && *p >= '0' && *p <= '9')
        p++;
    return (size_t)(p - from);
}

static bool put_double(struct rpc_bytes *out, struct rpc_json number) {
    char text[32] = "";
    struct decimal d = {.out = out};
    size_t left = number.len;
    const char *p = number.text, *end = p + left, *e = memchr(p, 'e', left);

    if (!e)
        e = memchr(p, 'E', left);
    if (e && left - (size_t)(e - p) - 1 < sizeof(text))
        memcpy(text, e + 1, left - (size_t)(e - p) - 1);
    long exponent = strtol(text, NULL, 10);
    if ((e && !*text) || exponent > EXPONENT_MAX || exponent < -EXPONENT_MAX)
        return false;
    rpc_bytes_puts(out, *p == '-' ? "<double>-" : "<double>");
    d.whole = p += *p == '-';
    d.whole_len = count_digits(p, end);
    p += d.whole_len;
    if (p < end && *p == '.') {
        d.fraction = p + 1;
        d.fraction_len = count_digits(d.fraction, end);
    }
    put_decimal(&d, exponent);
    rpc_bytes_puts(out, "</double>");
    return true;
}

static bool put_number(struct rpc_bytes *out, struct rpc_json number) {
    bool integer = true;
    for (size_t i = 0; i < number.len; i++)
        integer = integer && !strchr(".eE", number.text[i]); /* no NUL in a number */
    if (!integer)
        return put_double(out, number);
    if (fits(number, "2147483647", "2147483648"))
        put_tagged(out, "int", number.text, number.len);
    else if (fits(number, "9223372036854775807", "9223372036854775808"))
        put_tagged(out, "i8", number.text, number.len);
    else
        return put_double(out, number);
    return true;
}

/* --- JSON --------------------------------------------------------------------------------------
 */

/* JSON on its way out: what is left of it, and the brackets around. */
struct writer {
    struct rpc_bytes *out;
    struct rpc_bytes text; /* the string being written */
    struct rpc_json rest;
    unsigned depth;
    char open[RPC_JSON_DEPTH_MAX];
};

/* Decodes a string into text. */
static void decode(struct writer *w, struct rpc_json string) {
    w->text.len = 0;
    char *room = rpc_bytes_reserve(&w->text, string.len);
    if (room)
        w->text.len = rpc_json_decode(string, room, string.len);
}

static void begin_value(struct writer *w) {
    if (w->depth)
        rpc_bytes_puts(w->out, "<value>");
}

static void end_value(struct writer *w) {
    if (w->depth)
        rpc_bytes_puts(w->out, w->open[w->depth - 1] == '{' ? "</value></member>" : "</value>");
}

/* Takes the rest of {"base64": "..."} if it is that, and decodes it. */
static bool take_base64(struct writer *w) {
    struct rpc_json rest = w->rest, name, coded, end;
    size_t len;

    if (!rpc_json_token(&rest, &name) || !rpc_json_equals(name, "base64") ||
        !rpc_json_token(&rest, &coded) || !rpc_json_is_string(coded) ||
        !rpc_json_token(&rest, &end) || *end.text != '}')
        return false;
    decode(w, coded);
    if (w->text.failed || !rpc_base64_decode(w->text.data, w->text.len, w->text.data, &len))
        return false;
    w->text.len = len;
    w->rest = rest;
    return true;
}

static void open_container(struct writer *w, char bracket) {
    begin_value(w);
    if (bracket == '{' && take_base64(w)) {
        rpc_bytes_puts(w->out, "<base64>");
        rpc_bytes_put_base64(w->out, w->text.data, w->text.len);
        rpc_bytes_puts(w->out, "</base64>");
        end_value(w);
        return;
    }
    w->open[w->depth++] = bracket;
    rpc_bytes_puts(w->out, bracket == '{' ? "<struct>" : "<array><data>");
}

static bool put_name(struct writer *w, struct rpc_json name) {
    decode(w, name);
    rpc_bytes_puts(w->out, "<member><name>");
    put_text(w->out, w->text.data, w->text.len);
    rpc_bytes_puts(w->out, "</name>");
    return w->text.failed || is_text(w->text.data, w->text.len);
}

static bool put_scalar(struct writer *w, struct rpc_json scalar) {
    switch (*scalar.text) {
    case '"':
        decode(w, scalar);
        rpc_xmlrpc_put_bytes(w->out, w->text.data, w->text.len);
        return true;
    case 't':
        rpc_bytes_puts(w->out, "<boolean>1</boolean>");
        return true;
    case 'f':
        rpc_bytes_puts(w->out, "<boolean>0</boolean>");
        return true;
    case 'n':
        rpc_bytes_puts(w->out, "<nil/>");
        return true;
    default:
        return put_number(w->out, scalar);
    }
}

static bool put_token(struct writer *w, struct rpc_json token) {
    bool sound = true;

    switch (*token.text) {
    case '[':
    case '{':
        open_container(w, *token.text);
        break;
    case ']':
    case '}':
        rpc_bytes_puts(w->out, *token.text == '}' ? "</struct>" : "</data></array>");
        w->depth--;
        end_value(w);
        break;
    default:
        if (rpc_json_is_string(token) && rpc_json_was_name(&w->rest))
            return put_name(w, token);
        begin_value(w);
        sound = put_scalar(w, token);
        end_value(w);
        break;
    }
    return sound;
}

bool rpc_xmlrpc_put_json(struct rpc_bytes *out, struct rpc_json value) {
    struct writer w = {.out = out, .rest = value};
    struct rpc_json token;
    bool sound = true;

    while (sound && !out->failed && !w.text.failed && rpc_json_token(&w.rest, &token))
        sound = put_token(&w, token);
    if (w.text.failed) {
        rpc_bytes_free(out);
        out->failed = true;
    }
    rpc_bytes_free(&w.text);
    return sound;
}
