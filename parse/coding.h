// SPDX-License-Identifier: MIT
/*
 * Content codings of a request's body (RFC 9110, section 8.4), decoded by zlib. No uWSGI.
 */
#ifndef RPC_CODING_H
#define RPC_CODING_H

#include "../rpc.h"
#include "bytes.h"
#include "field.h"

enum rpc_coding {
    RPC_CODING_IDENTITY, /* none */
    RPC_CODING_GZIP,     /* gzip, x-gzip: RFC 1952, of one member or several */
    RPC_CODING_DEFLATE,  /* zlib's format: RFC 1950 */
    RPC_CODING_OTHER,    /* one that is not decoded, or more than one */
};

/* What is decoded, for an Accept-Encoding that tells a client. */
#define RPC_CODINGS "gzip, deflate"

/* Reads a Content-Encoding; one that is missing or empty is none. */
enum rpc_coding rpc_coding_read(struct rpc_field field);

/*
 * Decodes a body.
 *   coding   gzip or deflate
 *   max      bytes it may be decoded to
 *   out      an empty buffer; it never holds more than max + 1 bytes, nor room for more than twice
 *            as many, and is released by rpc_bytes_free whatever is returned
 * Returns RPC_OK, RPC_BAD_CODING (cut, corrupt, or with something behind it), RPC_BODY_TOO_LARGE,
 * RPC_NO_MEMORY. Takes linear time in what goes in and what comes out.
 */
enum rpc_status rpc_coding_decode(enum rpc_coding coding, const char *data, size_t len, size_t max,
                                  struct rpc_bytes *out);

#endif
