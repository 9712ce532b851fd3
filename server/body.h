// SPDX-License-Identifier: MIT
/*
 * The body of a bridge's request, read through uWSGI.
 */
#ifndef RPC_BODY_H
#define RPC_BODY_H

#include "../parse/bytes.h"
#include "../parse/coding.h"
#include "../parse/framing.h"
#include "server.h"

struct rpc_body {
    const char *data; /* not NUL-terminated; never NULL */
    size_t len;
    struct rpc_bytes owned; /* holds a chunked or a decoded body; otherwise the data is uWSGI's */
};

/*
 * Reads the whole body, waiting for it through uWSGI's hooks.
 *   expect the Expect header
 *   max    bytes it may have; what says that it has more is not waited for
 *   body   filled; rpc_body_free releases it, whatever is returned
 * Returns RPC_OK, RPC_BODY_TOO_LARGE, RPC_BODY_SHORT (the client closed, or kept quiet for
 * socket-timeout or chunked-input-timeout), RPC_BODY_LENGTH (its length, or that of a chunk, is no
 * number), RPC_NO_MEMORY.
 */
enum rpc_status rpc_body_read(struct wsgi_request *request, const struct rpc_framing *framing,
                              const struct rpc_field *expect, size_t max, struct rpc_body *body);

/* Decodes a body that has been read, to max bytes at the most. Returns as rpc_coding_decode. */
enum rpc_status rpc_body_decode(struct rpc_body *body, enum rpc_coding coding, size_t max);

void rpc_body_free(struct rpc_body *body);

/*
 * Leaves a body unread that may have one still; to be called before the answer. Returns false when
 * there is none. Otherwise the connection is going to be closed, and the answer says so, as where
 * the next request would begin cannot be told.
 */
bool rpc_body_leave(struct wsgi_request *request, const struct rpc_framing *framing);

/* The same for a request that a routing action answers, whose variables nobody has looked at. */
bool rpc_body_leave_routed(struct wsgi_request *request);

/* Drops what the client is still sending, for a while: closing the connection before would reset
   it, and the client might not get to read the answer. */
void rpc_body_discard(struct wsgi_request *request);

#endif
