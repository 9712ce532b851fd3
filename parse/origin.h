// SPDX-License-Identifier: MIT
/*
 * Whose page a browser sends a request for, as its headers tell (Fetch Metadata, section 2.1;
 * Fetch, sections 3.2 and 4.8; RFC 6454). Decided here and nowhere else. No uWSGI.
 */
#ifndef RPC_ORIGIN_H
#define RPC_ORIGIN_H

#include "field.h"

/* The origins that are let in; the strings are not owned. */
struct rpc_origins {
    const char **origin;
    size_t count;
    bool everybody;
};

enum rpc_origin_verdict {
    RPC_ORIGIN_OWN,     /* of this site, typed in by somebody, or sent by no browser */
    RPC_ORIGIN_GRANTED, /* of another site that is let in */
    RPC_ORIGIN_FOREIGN, /* of another site, or of one nobody can tell */
};

/* The headers that tell. */
struct rpc_origin_headers {
    struct rpc_field site;   /* Sec-Fetch-Site */
    struct rpc_field origin; /* Origin */
    struct rpc_field host;   /* Host */
};

/*
 * Judges a request. Sec-Fetch-Site decides where it is sent, as a page cannot set it: only
 * "same-origin" and "none" (the address bar, a bookmark) are the user's own doing. Browsers that do
 * not send it send an Origin, which is their own if it has the Host's name and port; its scheme
 * says nothing, as TLS may have ended before, and a port that is the scheme's default one is as
 * good as none. An empty header is none, as front servers pass on those they have not got.
 */
enum rpc_origin_verdict rpc_origin_judge(const struct rpc_origin_headers *headers,
                                         const struct rpc_origins *granted);

/* Whether text is an origin that can be let in: scheme://host or scheme://host:port, and nothing
   behind it. "null" is none: the pages of everybody can have it. */
bool rpc_origin_is_valid(const char *text);

/* Names of headers that a page may ask for in one go, in bytes. */
#define RPC_ORIGIN_NAMES_MAX 4096

/* Whether Access-Control-Request-Headers is a list of names, as a browser sends it, and can be
   repeated in an answer. */
bool rpc_origin_names_are_valid(struct rpc_field names);

#endif
