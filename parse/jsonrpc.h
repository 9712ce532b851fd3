// SPDX-License-Identifier: MIT
/*
 * The JSON-RPC 2.0 bridge: a request document in, the calls it asks for, a response document out,
 * over jansson. No uWSGI, no HTTP.
 *
 * Source: "JSON-RPC 2.0 Specification" (jsonrpc.org/specification), whose sections are cited where
 * they decide something.
 */
#ifndef RPC_JSONRPC_H
#define RPC_JSONRPC_H

#include "../rpc.h"
#include "bytes.h"

/*
 * Values in one document, nested ones and names of members counted. Each takes jansson some hundred
 * bytes, whatever it took in the document, so this bounds the memory a stranger's document can
 * take.
 */
#define RPC_JSONRPC_VALUES_MAX (1u << 18)

/*
 * Has jansson tell this module about allocations that fail, as jansson 2.14 itself passes over some
 * of them. Once, before another thread uses jansson.
 */
void rpc_jsonrpc_init(void);

/*
 * Answers a document: one request or a batch. Nothing is called before all of it is known to be
 * well formed. Memory is a small multiple of the document's length.
 *
 * Requests
 *   - "jsonrpc" is "2.0", "method" a string, "params" an array or left out, "id" a string, a number
 *     or null; no id makes it a notification. Other members are ignored. A member that stands twice
 *     in an object makes the document invalid: two readers could take it for two requests.
 *   - An invalid request is answered even without an id (section 5), with its own id if that is
 *     valid, else null. No other notification is ever answered.
 *   - A function's name has 1 to 255 bytes and no NUL; any other is an unknown function.
 *   - Integers beyond 64 bit and numbers beyond a double make the document invalid.
 *
 * Arguments
 *   - A string is the argument itself, in UTF-8, NULs included. {"base64": "..."}, with that one
 *     member, is the bytes it decodes to. Everything else is its compact JSON text.
 *   - Named parameters, broken base64, more than 254 parameters or one over 65535 bytes are the
 *     error -32602: functions here know positions only.
 *
 * Results
 *   - UTF-8 is answered as a string, anything else as {"base64": "..."}.
 *   - system.listMethods, when bridge->list is set, answers an array of names; those that are not
 *     UTF-8 are left out, as no request could name them.
 *
 * A batch over bridge->max_calls is answered with one error, id null, and nothing is called.
 *
 *   body, len   the document; not written to
 *   response    an empty buffer; filled with the answer, which may stay empty: everything was a
 *               notification, HTTP 204. The caller releases it with rpc_bytes_free
 * Returns RPC_OK, whatever the answer says, or RPC_NO_MEMORY, with an empty response: calls may
 * have been made by then, but none after memory ran out.
 */
enum rpc_status rpc_jsonrpc_handle(const struct rpc_bridge *bridge, const char *body, size_t len,
                                   struct rpc_bytes *response);

#endif
