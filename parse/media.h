// SPDX-License-Identifier: MIT
/*
 * Media types, as Content-Type and Accept have them (RFC 9110, section 8.3.1). Nothing here
 * allocates or copies. No uWSGI.
 */
#ifndef RPC_MEDIA_H
#define RPC_MEDIA_H

#include <stdbool.h>
#include <stddef.h>

/* Slices of the header's value. */
struct rpc_media {
    const char *type; /* type "/" subtype */
    size_t type_len;
    const char *charset; /* NULL when there is none; without its quotes */
    size_t charset_len;
};

/*
 * Reads a Content-Type: type "/" subtype and parameters, each name "=" a token or a quoted string
 * (section 5.6.6; empty ones and a last ";" are passed over). The first charset counts; one that is
 * quoted with a backslash in it is no charset anybody has. False for anything else, an empty value
 * included.
 */
bool rpc_media_parse(const char *text, size_t len, struct rpc_media *media);

/* Whether a type is this one, in any case of letters. */
bool rpc_media_is(const struct rpc_media *media, const char *type);

/*
 * The length of an Accept header that is one concrete media type, up to its weight (section
 * 12.4.2); 0 for a list, a range, a weight of 0 or anything else. These bytes, which hold no
 * control characters but tabs, may stand in an answer's Content-Type.
 */
size_t rpc_media_accepted(const char *accept, size_t len);

#endif
