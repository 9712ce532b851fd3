// SPDX-License-Identifier: MIT
/*
 * JSON text, see parse/json.h: the check of a whole text. What is done with one that is sound is in
 * parse/json_walk.c.
 */
#include "json.h"
#include "json_chars.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

/* Names of open objects that need no memory of their own: most documents have no more. */
#define NAMES_FEW 16
/* Up to this many names of an object are compared each with each; beyond, they are hashed. */
#define NAMES_COMPARED 8
/* The hash is a polynomial modulo this prime, 2^31 - 1, at a point nobody can guess. */
#define HASH_PRIME 0x7fffffffu
/* In first[] of an array. */
#define NO_NAMES SIZE_MAX

struct reader {
    const char *p, *end;
    size_t values;
    uint32_t hash_point; /* 0: not chosen yet */
    unsigned depth;
    size_t first[RPC_JSON_DEPTH_MAX]; /* the first name of each open object in names */
    struct rpc_json *names;           /* of the open objects, with their quotes */
    size_t name_count, name_size;
    struct rpc_json few[NAMES_FEW];
};

/* --- characters and scalars ------------------------------------------------------------------- */

/* The next character that is no white space, 0 at the end. */
static char peek(struct reader *r) {
    while (r->p < r->end && rpc_json_is_space(*r->p))
        r->p++;
    return r->p < r->end ? *r->p : 0;
}

static size_t left(const struct reader *r) {
    return (size_t)(r->end - r->p);
}

/* Takes \uXXXX and returns what it says, or -1. */
static long take_unit(struct reader *r) {
    if (left(r) < 6 || r->p[0] != '\\' || r->p[1] != 'u')
        return -1;
    long unit = rpc_json_hex4(r->p + 2);
    r->p += 6;
    return unit;
}

/* Takes an escape (RFC 8259, section 7), or two of them that make one character. */
static bool take_escape(struct reader *r) {
    if (left(r) < 2)
        return false;
    if (r->p[1] != 'u') {
        if (!r->p[1] || !strchr("\"\\/bfnrt", r->p[1]))
            return false;
        r->p += 2;
        return true;
    }
    long unit = take_unit(r);
    if (rpc_json_is_high(unit))
        return rpc_json_is_low(take_unit(r));
    return unit >= 0 && !rpc_json_is_low(unit);
}

static bool take_string(struct reader *r) {
    for (r->p++; r->p < r->end;) {
        unsigned char c = (unsigned char)*r->p;
        if (c == '"') {
            r->p++;
            return true;
        }
        if (c == '\\') {
            if (!take_escape(r))
                return false;
            continue;
        }
        size_t len = c < 0x80 ? c >= ' ' : rpc_utf8_len(r->p, left(r));
        if (!len)
            return false;
        r->p += len;
    }
    return false;
}

static bool take_char(struct reader *r, const char *set) {
    if (r->p == r->end || !*r->p || !strchr(set, *r->p))
        return false;
    r->p++;
    return true;
}

static bool take_digits(struct reader *r) {
    const char *from = r->p;
    while (r->p < r->end && *r->p >= '0' && *r->p <= '9')
        r->p++;
    return r->p > from;
}

/* RFC 8259, section 6; of any size. */
static bool take_number(struct reader *r) {
    take_char(r, "-");
    if (!take_char(r, "0") && !take_digits(r))
        return false;
    if (take_char(r, ".") && !take_digits(r))
        return false;
    if (!take_char(r, "eE"))
        return true;
    take_char(r, "+-");
    return take_digits(r);
}

static bool take_word(struct reader *r, const char *word) {
    size_t len = strlen(word);
    if (left(r) < len || memcmp(r->p, word, len) != 0)
        return false;
    r->p += len;
    return true;
}

static bool take_scalar(struct reader *r, char first) {
    switch (first) {
    case '"':
        return take_string(r);
    case 't':
        return take_word(r, "true");
    case 'f':
        return take_word(r, "false");
    case 'n':
        return take_word(r, "null");
    default:
        return take_number(r);
    }
}

/* --- names of members --------------------------------------------------------------------------
 */

static bool is_escaped(struct rpc_json name) {
    return memchr(name.text, '\\', name.len);
}

static bool same_name(struct rpc_json a, struct rpc_json b) {
    if (a.len == b.len && !memcmp(a.text, b.text, a.len))
        return true;
    if (!is_escaped(a) && !is_escaped(b))
        return false;
    struct rpc_json_chars one = rpc_json_chars(a.text), other = rpc_json_chars(b.text);
    int byte;
    do {
        byte = rpc_json_char(&one);
        if (byte != rpc_json_char(&other))
            return false;
    } while (byte >= 0);
    return true;
}

static uint32_t hash_name(const struct reader *r, struct rpc_json name) {
    struct rpc_json_chars chars = rpc_json_chars(name.text);
    uint64_t hash = 1;
    for (int byte; (byte = rpc_json_char(&chars)) >= 0;)
        hash = (hash * r->hash_point + (unsigned)byte) % HASH_PRIME;
    return (uint32_t)hash;
}

/* A point that whoever sent the text cannot know, so that no names of his share a hash. */
static void choose_hash_point(struct reader *r) {
    uint32_t random = (uint32_t)(uintptr_t)r;
    if (getrandom(&random, sizeof(random), GRND_NONBLOCK) < 0)
        random ^=
            (uint32_t)((uintptr_t)r->names >> 4); /* where memory was put is some secret too */
    r->hash_point = random % (HASH_PRIME - 256) + 256;
}

/* Whether one of many names stands there twice. */
static enum rpc_status find_repeated(struct reader *r, const struct rpc_json *names, size_t count) {
    struct slot {
        uint32_t hash, number; /* of a name, from 1 */
    } * slots;
    size_t mask = 1;

    while (mask < 2 * count)
        mask = 2 * mask + 1;
    slots = malloc((mask + 1) * sizeof(*slots));
    if (!slots)
        return RPC_NO_MEMORY;
    memset(slots, 0, (mask + 1) * sizeof(*slots));
    if (!r->hash_point)
        choose_hash_point(r);
    enum rpc_status status = RPC_OK;
    for (uint32_t i = 0; i < count && status == RPC_OK; i++) {
        uint32_t hash = hash_name(r, names[i]);
        size_t at = hash & mask;
        for (; slots[at].number && status == RPC_OK; at = (at + 1) & mask)
            if (slots[at].hash == hash && same_name(names[slots[at].number - 1], names[i]))
                status = RPC_REPEATED_MEMBER;
        slots[at] = (struct slot){hash, i + 1};
    }
    free(slots);
    return status;
}

static enum rpc_status check_names(struct reader *r, const struct rpc_json *names, size_t count) {
    if (count > NAMES_COMPARED)
        return find_repeated(r, names, count);
    for (size_t i = 1; i < count; i++)
        for (size_t j = 0; j < i; j++)
            if (same_name(names[i], names[j]))
                return RPC_REPEATED_MEMBER;
    return RPC_OK;
}

/* Makes room for one more name. */
static bool grow_names(struct reader *r) {
    if (r->name_count < r->name_size)
        return true;
    size_t size = r->name_size * 2;
    struct rpc_json *own = r->names == r->few ? NULL : r->names;
    struct rpc_json *names = realloc(own, size * sizeof(*names));
    if (!names)
        return false;
    if (!own)
        memcpy(names, r->few, sizeof(r->few));
    r->names = names;
    r->name_size = size;
    return true;
}

/* --- structure ---------------------------------------------------------------------------------
 */

static enum rpc_status read_name(struct reader *r) {
    if (peek(r) != '"')
        return RPC_NOT_WELL_FORMED;
    struct rpc_json name = {r->p, 0};
    if (!take_string(r))
        return RPC_NOT_WELL_FORMED;
    name.len = (size_t)(r->p - name.text);
    if (peek(r) != ':')
        return RPC_NOT_WELL_FORMED;
    r->p++;
    r->values++;
    if (!grow_names(r))
        return RPC_NO_MEMORY;
    r->names[r->name_count++] = name;
    return RPC_OK;
}

static bool in_object(const struct reader *r) {
    return r->depth && r->first[r->depth - 1] != NO_NAMES;
}

static enum rpc_status open_container(struct reader *r, char bracket) {
    if (r->depth == RPC_JSON_DEPTH_MAX)
        return RPC_TOO_DEEP;
    r->p++;
    r->first[r->depth++] = bracket == '{' ? r->name_count : NO_NAMES;
    return RPC_OK;
}

static enum rpc_status close_container(struct reader *r) {
    size_t first = r->first[r->depth - 1];
    enum rpc_status status = RPC_OK;

    if (first != NO_NAMES) {
        status = check_names(r, r->names + first, r->name_count - first);
        r->name_count = first;
    }
    r->p++;
    r->depth--;
    return status;
}

static bool at_closing(struct reader *r) {
    return peek(r) == (in_object(r) ? '}' : ']');
}

/* What stands behind a value: ends of what holds it, up to a comma or the end of the text. */
static enum rpc_status read_behind(struct reader *r) {
    enum rpc_status status = RPC_OK;

    while (r->depth && status == RPC_OK) {
        if (peek(r) == ',') {
            r->p++;
            break;
        }
        status = at_closing(r) ? close_container(r) : RPC_NOT_WELL_FORMED;
    }
    return status;
}

/* A value, its name before it and what stands behind it; of an array or object its beginning. */
static enum rpc_status read_item(struct reader *r) {
    enum rpc_status status = in_object(r) ? read_name(r) : RPC_OK;
    if (status != RPC_OK)
        return status;
    if (++r->values > RPC_JSON_VALUES_MAX)
        return RPC_TOO_MANY_VALUES;
    char first = peek(r);
    if (first == '[' || first == '{') {
        status = open_container(r, first);
        if (status != RPC_OK || !at_closing(r))
            return status;
    } else if (!take_scalar(r, first)) {
        return RPC_NOT_WELL_FORMED;
    }
    return read_behind(r);
}

enum rpc_status rpc_json_check(const char *text, size_t len, struct rpc_json *value) {
    struct reader r;
    enum rpc_status status = RPC_OK;

    if (!len)
        return RPC_NOT_WELL_FORMED;
    r.p = text;
    r.end = text + len;
    r.values = r.depth = r.hash_point = 0;
    r.names = r.few;
    r.name_count = 0;
    r.name_size = NAMES_FEW;
    peek(&r);
    value->text = r.p;
    do
        status = read_item(&r);
    while (status == RPC_OK && r.depth);
    value->len = (size_t)(r.p - value->text);
    peek(&r);
    if (status == RPC_OK && r.p != r.end)
        status = RPC_NOT_WELL_FORMED;
    if (r.names != r.few)
        free(r.names);
    return status;
}
