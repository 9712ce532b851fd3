// SPDX-License-Identifier: MIT
/*
 * The JSON-RPC bridge: a request document in, the calls it asks for, a response document out. No
 * uWSGI, no HTTP.
 *
 * Sources: "JSON-RPC 2.0 Specification" (jsonrpc.org/specification), whose sections are cited where
 * they decide something, and "JSON-RPC 1.0 Specification" (2005) for the requests of older clients.
 */
#ifndef RPC_JSONRPC_H
#define RPC_JSONRPC_H

#include "../rpc.h"
#include "bytes.h"

/*
 * Answers a document: one request or a batch. Nothing is called before all of it is known to be
 * well formed, in linear time. Memory is at most twice the document's length, 4 MiB, and the
 * answer's.
 *
 * Requests
 *   - "jsonrpc" is "2.0", "method" a string, "params" an array, an object, null or left out, "id" a
 *     string, a number or null; no id makes it a notification. Other members are ignored. A member
 *     that stands twice in an object makes the document invalid: two readers could take it for two
 *     requests.
 *   - Without "jsonrpc", or with "1.0", but with params an array and an id it is JSON-RPC 1.0,
 *     whose answers have a result, an error and an id, and an id of null makes it a notification.
 *   - An invalid request is answered even without an id (section 5), with its own id if that is
 *     valid, else null. No other notification is ever answered.
 *   - A function's name has 1 to 255 bytes and no NUL; any other is an unknown function. What is
 *     called is looked at before what it is called with.
 *   - Numbers are of any size; an id is answered as it was written.
 *
 * Arguments of a typed function (bridge->find): one, the text of params, "[]" where there are none,
 * without the white space outside of its strings, up to 65535 bytes. Of any other function:
 *   - A string is the argument itself, in UTF-8, NULs included. {"base64": "..."}, with that one
 *     member, is the bytes it decodes to. Everything else is its text, white space apart.
 *   - Named parameters, broken base64, more than 254 parameters or one over 65535 bytes are the
 *     error -32602, and its message says which one and why.
 *
 * Results
 *   - A typed function's JSON is the result as it stands, its error the error.
 *   - Otherwise UTF-8 is answered as a string, anything else as {"base64": "..."}.
 *   - With bridge->list set, system.listMethods and rpc.discover (parse/discover.h) are answered
 *     here, unless there are functions of these names.
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
