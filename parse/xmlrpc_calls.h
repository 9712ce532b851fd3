// SPDX-License-Identifier: MIT
/*
 * The calls an XML-RPC request asks for, gathered tag by tag. Knows the grammar of XML-RPC, but no
 * XML parser: parse/xmlrpc_parse.c reports to it what the document holds, parse/xmlrpc.c reads the
 * calls from it.
 */
#ifndef RPC_XMLRPC_CALLS_H
#define RPC_XMLRPC_CALLS_H

#include "../rpc.h"
#include "bytes.h"
#include "xmlrpc_scalar.h"

/* Elements open at once. The deepest that means anything, an argument of a multicall, is 14. */
#define RPC_XMLRPC_DEPTH_MAX 128

/*
 * Attributes, prefixes, processing instructions and elements of other names in a document. XML-RPC
 * has no use for any of them, and a parser keeps a copy of each name.
 */
#define RPC_XMLRPC_FOREIGN_MAX 65536

/* The function that makes several calls at once. */
#define RPC_XMLRPC_MULTICALL "system.multicall"

/*
 * A document while it is read, and its calls.
 *   multicall   the calls came in a system.multicall and are answered as a list
 *   tape        the calls, as parse/xmlrpc_tape.h reads them
 * The rest is the reader's own.
 */
struct rpc_xmlrpc_calls {
    bool multicall;
    struct rpc_bytes tape;

    uint8_t place[RPC_XMLRPC_DEPTH_MAX + 1]; /* in each open element; [0] is the document */
    unsigned depth;
    size_t max_calls;
    size_t count;                /* entries of the multicall so far */
    size_t call_at;              /* the open call's entry on the tape */
    bool call_open;              /* whether there is one */
    bool seen_name, seen_params; /* of the members of the open call */
    size_t args;                 /* of the open call */
    unsigned nested;             /* arrays and structs open in the last of them */
    enum rpc_xmlrpc_type type;   /* of the open scalar */
    size_t text_at;              /* the entry of the text being gathered */
    size_t foreign;
    enum rpc_status refused;
};

/* Makes calls ready to be reported to. max_calls: calls a system.multicall may hold. */
void rpc_xmlrpc_calls_init(struct rpc_xmlrpc_calls *calls, size_t max_calls);

/*
 * An element begins; name is its name without prefix. Returns false when there is no point in
 * reading on (rpc_xmlrpc_calls_status tells why), and so do the other reports. Nothing may be
 * reported after that.
 */
bool rpc_xmlrpc_calls_start(struct rpc_xmlrpc_calls *calls, const char *name);

/* Text in UTF-8, in pieces of any length. */
bool rpc_xmlrpc_calls_text(struct rpc_xmlrpc_calls *calls, const char *text, size_t len);

/* The innermost element ends. */
bool rpc_xmlrpc_calls_end(struct rpc_xmlrpc_calls *calls);

/* There are count more things in the document that XML-RPC does not have. */
bool rpc_xmlrpc_calls_foreign(struct rpc_xmlrpc_calls *calls, size_t count);

/*
 * What is to be said of the document as a whole: RPC_OK; RPC_BAD_REQUEST or RPC_NO_NAME when it is
 * no methodCall or goes beyond the limits above; RPC_BAD_ARG when system.multicall has not got one
 * array; RPC_TOO_MANY_CALLS; RPC_NO_MEMORY; RPC_NOT_WELL_FORMED when its end has not been reported.
 * Whether it is well formed apart from that, the parser knows.
 */
enum rpc_status rpc_xmlrpc_calls_status(const struct rpc_xmlrpc_calls *calls);

/* Releases what calls holds. */
void rpc_xmlrpc_calls_free(struct rpc_xmlrpc_calls *calls);

#endif
