// SPDX-License-Identifier: MIT
/*
 * Routing variables in an argument, see parse/template.h.
 */
#include "template.h"

#include <stdlib.h>
#include <string.h>

enum kind {
    LITERAL,
    GROUP,
    OPEN,  /* "${": what follows, up to CLOSE, is the name of a variable */
    CLOSE, /* "}" */
};

struct piece {
    enum kind kind;
    unsigned number;  /* GROUP */
    const char *text; /* LITERAL: in the template's own copy */
    size_t len;
};

struct rpc_template {
    char *text;
    size_t count;
    struct piece piece[];
};

static bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

/* Whether a variable starts at p, which points to a '$': a digit, or a brace that is closed. */
static bool starts_variable(const char *p) {
    return is_digit(p[1]) || (p[1] == '{' && strchr(p, '}'));
}

bool rpc_template_is_constant(const char *text) {
    return !strchr(text, '$');
}

static void add(struct rpc_template *tmpl, enum kind kind, const char *text, size_t len) {
    if (kind == LITERAL && len == 0)
        return;
    tmpl->piece[tmpl->count++] =
        (struct piece){.kind = kind,
                       .text = text,
                       .len = len,
                       .number = kind == GROUP ? (unsigned)(*text - '0') : 0};
}

static void compile(struct rpc_template *tmpl) {
    const char *p = tmpl->text, *literal = p;
    bool in_name = false;

    while (*p) {
        if (in_name && *p == '}') {
            add(tmpl, LITERAL, literal, (size_t)(p - literal));
            add(tmpl, CLOSE, p, 1);
            in_name = false;
            literal = ++p;
        } else if (*p == '$' && starts_variable(p) && (is_digit(p[1]) || !in_name)) {
            add(tmpl, LITERAL, literal, (size_t)(p - literal));
            in_name = in_name || p[1] == '{';
            add(tmpl, p[1] == '{' ? OPEN : GROUP, p + 1, 1);
            literal = p += 2;
        } else {
            /* A '$' that starts nothing takes the next character with it: "$$1" is no group. */
            p += *p == '$' && p[1] && p[1] != '{' && !in_name ? 2 : 1;
        }
    }
    add(tmpl, LITERAL, literal, (size_t)(p - literal));
}

struct rpc_template *rpc_template_new(const char *text) {
    size_t len = strlen(text);
    /* No piece is shorter than one character, but each CLOSE and the literal behind it. */
    struct rpc_template *tmpl = malloc(sizeof(*tmpl) + (len + 1) * sizeof(struct piece));

    if (!tmpl)
        return NULL;
    tmpl->count = 0;
    tmpl->text = strdup(text);
    if (!tmpl->text) {
        free(tmpl);
        return NULL;
    }
    compile(tmpl);
    return tmpl;
}

void rpc_template_free(struct rpc_template *tmpl) {
    if (!tmpl)
        return;
    free(tmpl->text);
    free(tmpl);
}

/* Takes the name that has been built at the end of out since name_at away and puts its value there.
 */
static void substitute(const struct rpc_template_source *source, size_t name_at,
                       struct rpc_bytes *out) {
    char *name = out->data + name_at;
    size_t name_len = out->len - name_at;
    char stack[256], *copy = name_len <= sizeof(stack) ? stack : malloc(name_len);

    out->len = name_at;
    if (!copy) {
        rpc_bytes_free(out);
        out->failed = true;
        return;
    }
    memcpy(copy, name, name_len);
    source->variable(source->ctx, copy, name_len, out);
    if (copy != stack)
        free(copy);
}

void rpc_template_expand(const struct rpc_template *tmpl, const struct rpc_template_source *source,
                         struct rpc_bytes *out) {
    size_t name_at = 0;

    for (size_t i = 0; i < tmpl->count; i++) {
        const struct piece *piece = &tmpl->piece[i];
        switch (piece->kind) {
        case LITERAL:
            rpc_bytes_append(out, piece->text, piece->len);
            break;
        case GROUP:
            source->group(source->ctx, piece->number, out);
            break;
        case OPEN:
            name_at = out->len;
            break;
        case CLOSE:
            if (!out->failed && out->len > name_at)
                substitute(source, name_at, out);
            break;
        }
    }
}
