// SPDX-License-Identifier: MIT
/*
 * The encoding of an XML-RPC document. No XML parser here, and no iconv: what a stranger writes as
 * the name of an encoding never reaches one, only names of a short list do.
 */
#ifndef RPC_XMLRPC_CHARSET_H
#define RPC_XMLRPC_CHARSET_H

#include <stdbool.h>
#include <stddef.h>

/* Bytes within which an XML declaration has to end. */
#define RPC_XMLRPC_DECLARATION_MAX 1024

struct rpc_xmlrpc_charset {
    const char *name; /* "UTF-8", "UTF-16LE", "UTF-16BE" or another of the list; never freed */
    size_t mark_len;  /* bytes of a byte order mark, with which the document begins */
};

/*
 * Tells the encoding of a document (RFC 7303, section 3; XML 1.0, appendix F): a byte order mark
 * wins over the Content-Type, and that over what the document declares; UTF-8 when nothing is said.
 * In UTF-16 without a mark the first character tells the order of bytes.
 *   body, len   the document
 *   charset     of the Content-Type, NUL-terminated, or NULL
 * The list: UTF-8, UTF-16, UTF-16BE, UTF-16LE, US-ASCII, ISO-8859-1, ISO-8859-2, ISO-8859-15,
 * windows-1251, windows-1252, in any case of letters. False for any other.
 */
bool rpc_xmlrpc_charset(const char *body, size_t len, const char *charset,
                        struct rpc_xmlrpc_charset *found);

#endif
