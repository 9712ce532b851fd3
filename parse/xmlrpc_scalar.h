// SPDX-License-Identifier: MIT
/*
 * The scalar types of XML-RPC: their names, and what the text of each may be.
 */
#ifndef RPC_XMLRPC_SCALAR_H
#define RPC_XMLRPC_SCALAR_H

#include <stdbool.h>
#include <stddef.h>

enum rpc_xmlrpc_type {
    RPC_XMLRPC_STRING,
    RPC_XMLRPC_INT,
    RPC_XMLRPC_BOOLEAN,
    RPC_XMLRPC_DOUBLE,
    RPC_XMLRPC_DATETIME,
    RPC_XMLRPC_BASE64,
    RPC_XMLRPC_NIL
};

/*
 * The type an element stands for: those of the specification, i8 and nil as they are widely
 * used, and the scalars of Apache XML-RPC's extensions. False when name (NUL-terminated, without
 * prefix) is none.
 */
bool rpc_xmlrpc_type(const char *name, enum rpc_xmlrpc_type *type);

/* Whether there is nothing but XML's white space (space, tab, CR, LF). */
bool rpc_xmlrpc_is_space(const char *text, size_t len);

/*
 * Turns the text of a scalar into the argument for a function, in place: a string stays as it is,
 * base64 is decoded, anything else loses the white space around it.
 *   text, len   the text; its content and *len are changed, it never gets longer
 * Returns false when it is not of the type: an integer beyond 64 bit, a boolean other than 0 and 1
 * (true and false become these), a double that is neither decimal (with or without exponent) nor
 * nan or inf, a date and time that is not ISO 8601 (basic or extended, with or without fraction and
 * zone), bad base64, a nil that is not empty.
 */
bool rpc_xmlrpc_scalar(enum rpc_xmlrpc_type type, char *text, size_t *len);

#endif
