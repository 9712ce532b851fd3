// SPDX-License-Identifier: MIT
/*
 * Values in an XML-RPC response: what goes inside a <value>.
 */
#ifndef RPC_XMLRPC_VALUE_H
#define RPC_XMLRPC_VALUE_H

#include "bytes.h"
#include "json.h"

/* Appends bytes: as a string if they are text that XML 1.0 can carry, otherwise as base64. */
void rpc_xmlrpc_put_bytes(struct rpc_bytes *out, const char *data, size_t len);

/* Appends a fault's struct. What XML cannot carry of the message, which is UTF-8, becomes "?". */
void rpc_xmlrpc_put_fault(struct rpc_bytes *out, int code, const char *message, size_t len);

/*
 * Appends JSON that has been checked: integers of 32 bits as int, of 64 as i8, other numbers as
 * double without an exponent, {"base64": ...} of base64 as base64, strings as
 * rpc_xmlrpc_put_bytes. Returns false, with something appended, for what XML-RPC has no way to say:
 * a member's name that XML cannot carry, a number with an exponent beyond those of doubles.
 */
bool rpc_xmlrpc_put_json(struct rpc_bytes *out, struct rpc_json value);

#endif
