// SPDX-License-Identifier: MIT
/*
 * Reads an XML-RPC request document. Everything there is to say to libxml2 is said here.
 */
#ifndef RPC_XMLRPC_PARSE_H
#define RPC_XMLRPC_PARSE_H

#include "xmlrpc_calls.h"

/*
 * What XML-RPC has no use for, and libxml2 takes more time for the more there is of it: bytes of
 * one start tag, within the 4 KiB that are fed at a time (before 2.12 it compares each attribute
 * with each), and attributes; namespaces declared in a document (it looks through the open ones for
 * each element); bytes of all names in it.
 */
#define RPC_XMLRPC_TAG_MAX 8192
#define RPC_XMLRPC_ATTRIBUTES_MAX 64
#define RPC_XMLRPC_NAMESPACES_MAX 128
#define RPC_XMLRPC_NAMES_MAX (1u << 20)

/*
 * Reads a document to its end and reports it to calls.
 *   body, len, charset   as for rpc_xmlrpc_handle
 *   calls                ready to be reported to; the caller frees it in any case
 * Returns RPC_OK; RPC_NOT_WELL_FORMED, also for a document that is cut short, or in an encoding
 * that is unknown or not adhered to; RPC_BAD_REQUEST also for a document type declaration; or what
 * rpc_xmlrpc_calls_status says. A document that is wrong in several ways is not well formed first,
 * unless a limit ends the reading before. Beyond RPC_XMLRPC_NAMES_MAX, and beyond libxml2's own
 * limits, a document is not well formed: 10 MB for a comment, a processing instruction or a CDATA
 * section, 50,000 bytes for a name. The time it takes is linear in its length.
 */
enum rpc_status rpc_xmlrpc_parse(const char *body, size_t len, const char *charset,
                                 struct rpc_xmlrpc_calls *calls);

/* Prepares libxml2, which must not be left to the first of several threads; once. */
void rpc_xmlrpc_parse_init(void);

#endif
