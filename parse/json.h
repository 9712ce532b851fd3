// SPDX-License-Identifier: MIT
/*
 * JSON text (RFC 8259) as slices of itself: checked in one pass, then walked without a tree, so
 * that numbers, escapes and the order of members stay what they are. No uWSGI.
 */
#ifndef RPC_JSON_H
#define RPC_JSON_H

#include "../rpc.h"
#include "bytes.h"

/* Arrays and objects open at once. */
#define RPC_JSON_DEPTH_MAX 128

/*
 * Values in one text, nested ones and names of members counted. What is remembered of a name while
 * its object is open takes some bytes, so this bounds the memory of a check: 4 MiB, whatever the
 * text.
 */
#define RPC_JSON_VALUES_MAX (1u << 18)

/* A value, or a name: a slice of a text that has been checked, no white space around it. */
struct rpc_json {
    const char *text;
    size_t len;
};

/*
 * Checks that a text is one JSON value, in UTF-8, white space around it aside. In linear time; what
 * two readers could take for two values is refused.
 *   text, len   need not end in a NUL
 *   value       filled on RPC_OK: the value
 * Returns RPC_OK, RPC_NOT_WELL_FORMED (lone surrogates are), RPC_TOO_DEEP, RPC_TOO_MANY_VALUES,
 * RPC_REPEATED_MEMBER (a name twice in an object, however it is written) or RPC_NO_MEMORY. A text
 * that is wrong in several ways gets the first of them.
 */
enum rpc_status rpc_json_check(const char *text, size_t len, struct rpc_json *value);

/* The functions below take what rpc_json_check has found sound, and its parts. */

static inline bool rpc_json_is_string(struct rpc_json value) {
    return *value.text == '"';
}

static inline bool rpc_json_is_array(struct rpc_json value) {
    return *value.text == '[';
}

static inline bool rpc_json_is_object(struct rpc_json value) {
    return *value.text == '{';
}

static inline bool rpc_json_is_null(struct rpc_json value) {
    return *value.text == 'n';
}

static inline bool rpc_json_is_number(struct rpc_json value) {
    return *value.text == '-' || (*value.text >= '0' && *value.text <= '9');
}

/* Whether a value is a string of these characters, however it is written; text is NUL-terminated.
 */
bool rpc_json_equals(struct rpc_json value, const char *text);

/*
 * Takes the next token: a bracket, a name, or a scalar; commas and colons are passed over.
 *   rest    what has not been read yet; moved on
 *   token   the token; *token->text tells what it is
 * False at the end.
 */
bool rpc_json_token(struct rpc_json *rest, struct rpc_json *token);

/* Whether the string that has just been taken is a name: a colon follows. */
bool rpc_json_was_name(const struct rpc_json *rest);

/* What stands between the brackets of an array or object, for rpc_json_next. */
struct rpc_json rpc_json_inside(struct rpc_json container);

/* Takes the next value, a whole one; in an object names and values in turn. False at the end. */
bool rpc_json_next(struct rpc_json *rest, struct rpc_json *value);

/*
 * Decodes a string: UTF-8, NULs included.
 *   out, size   room for it; value.len - 2 bytes are always enough
 * Returns its length; SIZE_MAX if there is not room for it.
 */
size_t rpc_json_decode(struct rpc_json value, char *out, size_t size);

/* Copies a value without the white space outside of its strings. out has room for value.len bytes.
   Returns how many were written. */
size_t rpc_json_compact(struct rpc_json value, char *out);

/* Appends bytes as a JSON string; false, and nothing appended, when they are not UTF-8. */
bool rpc_json_put_string(struct rpc_bytes *out, const char *data, size_t len);

#endif
