// SPDX-License-Identifier: MIT
/*
 * The variables of a bridge's request: what uWSGI keeps no pointer to.
 */
#ifndef RPC_VARIABLES_H
#define RPC_VARIABLES_H

#include "../parse/field.h"
#include "../parse/framing.h"
#include "server.h"

/* Slices of the request's buffer. */
struct rpc_variables {
    struct wsgi_request *request;
    struct rpc_field accept, expect;
    struct rpc_field connection;   /* Connection */
    struct rpc_field site, origin; /* Sec-Fetch-Site, Origin */
    struct rpc_field coding;       /* Content-Encoding */
    struct rpc_framing framing;    /* of its body */
};

/*
 * Looks for all of them in one walk through the variables of a request, which uwsgi_parse_vars has
 * read. Of one that stands there twice the last counts, but for those which decide who is let in
 * and how a body is read: they become a list, of which nobody can make anything.
 */
void rpc_variables_read(struct wsgi_request *request, struct rpc_variables *variables);

/* One that few requests need; of several, the last. Its text is NULL where there is none. */
struct rpc_field rpc_variables_get(struct wsgi_request *request, const char *name);

#endif
