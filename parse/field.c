// SPDX-License-Identifier: MIT
/*
 * Values of headers, see parse/field.h.
 */
#include "field.h"

#include <string.h>
#include <strings.h>

static bool is_blank(char c) {
    return c == ' ' || c == '\t';
}

struct rpc_field rpc_field_trim(struct rpc_field field) {
    for (; field.len && is_blank(*field.text); field.len--)
        field.text++;
    while (field.len && is_blank(field.text[field.len - 1]))
        field.len--;
    return field;
}

bool rpc_field_is(struct rpc_field field, const char *word) {
    struct rpc_field value = rpc_field_trim(field);
    size_t len = strlen(word);
    return value.len == len && (len == 0 || strncasecmp(value.text, word, len) == 0);
}

bool rpc_field_next(struct rpc_field *list, struct rpc_field *element) {
    if (!list->text)
        return false;
    const char *comma = list->len ? memchr(list->text, ',', list->len) : NULL;
    size_t len = comma ? (size_t)(comma - list->text) : list->len;

    *element = rpc_field_trim((struct rpc_field){list->text, len});
    *list =
        comma ? (struct rpc_field){comma + 1, list->len - len - 1} : (struct rpc_field){NULL, 0};
    return true;
}

bool rpc_field_lists(struct rpc_field list, const char *word) {
    struct rpc_field element;

    while (rpc_field_next(&list, &element))
        if (rpc_field_is(element, word))
            return true;
    return false;
}

bool rpc_field_is_token(struct rpc_field field) {
    for (size_t i = 0; i < field.len; i++) {
        unsigned char c = (unsigned char)field.text[i] | 0x20u;
        bool letter = c >= 'a' && c <= 'z', digit = field.text[i] >= '0' && field.text[i] <= '9';
        if (!letter && !digit && (!field.text[i] || !strchr("!#$%&'*+-.^_`|~", field.text[i])))
            return false;
    }
    return field.len > 0;
}
