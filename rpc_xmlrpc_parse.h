// SPDX-License-Identifier: MIT
/*
 * Reads an XML-RPC request document. Everything there is to say to libxml2 is said here.
 */
#ifndef RPC_XMLRPC_PARSE_H
#define RPC_XMLRPC_PARSE_H

#include "rpc_xmlrpc_calls.h"

/* Bytes of one tag, comment or processing instruction, which the parser reads in one piece. */
#define RPC_XMLRPC_MARKUP_MAX 65536

/*
 * Reads a document to its end and reports it to calls.
 *   body, len, charset   as for rpc_xmlrpc_handle
 *   calls                ready to be reported to; the caller frees it in any case
 * Returns RPC_OK; RPC_NOT_WELL_FORMED, also for a document that is cut short, or in an encoding
 * that is unknown or not adhered to; RPC_BAD_REQUEST also for a document type declaration; or what
 * rpc_xmlrpc_calls_status says. A document that is wrong in several ways is not well formed first.
 */
enum rpc_status rpc_xmlrpc_parse(const char *body, size_t len, const char *charset,
                                 struct rpc_xmlrpc_calls *calls);

#endif
