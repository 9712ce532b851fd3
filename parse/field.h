// SPDX-License-Identifier: MIT
/*
 * The value of an HTTP header, a slice of the request it came in. No uWSGI.
 */
#ifndef RPC_FIELD_H
#define RPC_FIELD_H

#include <stdbool.h>
#include <stddef.h>

/* text is NULL where the request does not have the header. */
struct rpc_field {
    const char *text;
    size_t len;
};

/* The value without the blanks around it (RFC 9110, section 5.5). */
struct rpc_field rpc_field_trim(struct rpc_field field);

/* Whether a value, blanks around it aside, is a word, in any case of letters. */
bool rpc_field_is(struct rpc_field field, const char *word);

/*
 * Takes the next element of a comma-separated list off its front (section 5.6.1), without blanks
 * around it and perhaps empty. False at the end of the list.
 */
bool rpc_field_next(struct rpc_field *list, struct rpc_field *element);

/* Whether a comma-separated list has a word in it, in any case of letters. */
bool rpc_field_lists(struct rpc_field list, const char *word);

/* Whether a value is one token (section 5.6.2), the name of a header for example. */
bool rpc_field_is_token(struct rpc_field field);

#endif
