// SPDX-License-Identifier: MIT
/*
 * Where the body of an HTTP request ends, as its headers say (RFC 9112, section 6). Decided here
 * and nowhere else. No uWSGI.
 */
#ifndef RPC_FRAMING_H
#define RPC_FRAMING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "field.h"

enum rpc_framing_kind {
    RPC_FRAMING_NONE,      /* there is no body */
    RPC_FRAMING_LENGTH,    /* it has a length, which may be 0 */
    RPC_FRAMING_CHUNKED,   /* it says itself where it ends */
    RPC_FRAMING_SENSELESS, /* nobody can tell: neither it nor anything behind it may be read */
};

struct rpc_framing {
    enum rpc_framing_kind kind;
    uint64_t length; /* bytes; UINT64_MAX for a number that is too large to be held */
};

/*
 * Tells how the body of a request is framed.
 *   length   Content-Length: digits, blanks around them
 *   coding   Transfer-Encoding
 *   protocol the version in the request line where the client itself is at the other end. Then any
 *            Transfer-Encoding but exactly "chunked" (in any case of letters) of HTTP/1.1, and any
 *            beside a Content-Length, is senseless (sections 6.1 and 6.3): two readers of it would
 *            not agree where the next request begins. NULL behind a front server, which has done
 *            that reading and passes on what it found: its Content-Length is believed, an empty
 *            field is none.
 */
struct rpc_framing rpc_framing_read(const struct rpc_field *length, const struct rpc_field *coding,
                                    const struct rpc_field *protocol);

#endif
