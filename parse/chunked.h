// SPDX-License-Identifier: MIT
/*
 * Decodes a chunked body (RFC 9112, section 7.1) as it arrives. Nothing here allocates, reads,
 * logs or knows uWSGI.
 */
#ifndef RPC_CHUNKED_H
#define RPC_CHUNKED_H

#include <stddef.h>
#include <stdint.h>

/*
 * What a body may bring besides its data, in bytes: each chunk has some for its size line and for
 * the line's end behind its data; what goes beyond that, in extensions, zeros before sizes and
 * trailers, is counted over the whole body.
 */
#define RPC_CHUNKED_FREE 16
#define RPC_CHUNKED_EXCESS_MAX 4096

enum rpc_chunked_status {
    RPC_CHUNKED_MORE = 0, /* so far so good */
    RPC_CHUNKED_END,      /* the body is complete */
    RPC_CHUNKED_BAD,      /* this is no chunked body */
};

/* Where a decoder stands; all zero is the beginning of a body. */
struct rpc_chunked {
    uint8_t place;
    uint16_t excess; /* bytes that are not the body's, beyond what its chunks have free */
    uint64_t left;   /* bytes to come of this chunk; no number is too large to be told apart */
};

/*
 * Decodes the next bytes in place.
 *   data   *len bytes as they arrived; then *len bytes of body
 *   rest   with RPC_CHUNKED_END the number of bytes that stood behind the body
 * RPC_CHUNKED_END and RPC_CHUNKED_BAD are final. Extensions and trailers are passed over.
 */
enum rpc_chunked_status rpc_chunked_decode(struct rpc_chunked *decoder, char *data, size_t *len,
                                           size_t *rest);

#endif
