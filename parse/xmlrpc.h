// SPDX-License-Identifier: MIT
/*
 * The XML-RPC bridge without its transport: the bytes of a request document and a way to call a
 * function in, the bytes of the response document out. No uWSGI here.
 *
 * Sources: "XML-RPC Specification" (xmlrpc.com, 1999 with the 2003 updates), "Specification for
 * Fault Code Interoperability" for the fault codes (they stand in rpc.h), "XML-RPC Introspection"
 * for system.list*, system.method*, and the "system.multicall" proposal.
 */
#ifndef RPC_XMLRPC_H
#define RPC_XMLRPC_H

#include "../rpc.h"
#include "bytes.h"

/*
 * Answers one request.
 *
 * Nothing is called before the whole document is known to be well formed and a methodCall. Then the
 * functions are called one after the other, in the order of the document: string (typed or bare)
 * passes its text, numbers, booleans and dates their text without surrounding white space, base64
 * the decoded bytes, nil an empty argument. An array or struct, a value that is not of its type, a
 * 255th parameter and one over 65535 bytes are a fault, and the call is not made. In a
 * system.multicall such a fault stands in the place of that call's result. A result is answered as
 * <string> when it is text that XML 1.0 can carry, otherwise as <base64>.
 *
 *   bridge      how to call a function; with bridge->list set system.listMethods,
 *               system.methodHelp and system.methodSignature are answered here
 *   body, len   the document; not written to, need not end in a NUL, not used after the return
 *   charset     charset of the request's Content-Type, or NULL: it wins over the encoding declared
 *               in the document, and a byte order mark wins over both (RFC 7303, section 3)
 *   response    the document to send, appended; the caller frees it
 *
 * Returns RPC_OK when there is a response, whether it tells a result or a fault (HTTP 200 either
 * way, as the specification asks), and RPC_NO_MEMORY when memory ran out; *response is then empty.
 * Memory used: for a document in UTF-8 at most about twice its size, and the results.
 */
enum rpc_status rpc_xmlrpc_handle(const struct rpc_bridge *bridge, const char *body, size_t len,
                                  const char *charset, struct rpc_bytes *response);

#endif
