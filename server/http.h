// SPDX-License-Identifier: MIT
/*
 * A request at an HTTP bridge: what is let in, whatever the bridge, and how it is answered.
 */
#ifndef RPC_HTTP_H
#define RPC_HTTP_H

#include "../parse/coding.h"
#include "answer.h"
#include "browsers.h"
#include "variables.h"

/* What a bridge lets in. */
struct rpc_http_kind {
    const char *where;   /* its name in the log */
    const char *methods; /* methods it takes, for a client to read */
    bool post_only;      /* whether they are POST alone */
    const char *types;   /* media types it takes, for a client to read; NULL where it takes any */
};

/* A request at a bridge, and whose page has sent it. */
struct rpc_http {
    struct rpc_variables vars;
    const struct rpc_http_kind *kind;
    enum rpc_origin_verdict verdict;
    enum rpc_coding coding; /* of its body */
};

/*
 * Takes a request whose variables uwsgi_parse_vars has read. Returns true when it is the bridge's
 * to serve. Otherwise it has been answered: refused (another site's page, a method the bridge does
 * not take, nothing that could be called), with its line in the log, or an OPTIONS, which calls
 * nothing.
 */
bool rpc_http_take(struct rpc_http *http, struct wsgi_request *request,
                   const struct rpc_http_kind *kind);

/* Begins an answer, with the headers a browser wants to see. */
void rpc_http_start(const struct rpc_http *http, struct rpc_answer *answer, const char *status);

/* Answers 204. */
void rpc_http_empty(const struct rpc_http *http);

/* Answers a request that is refused or has failed: one line of text and what could be done about
   it. A body that nobody has read is left. Does not log. */
void rpc_http_refuse(const struct rpc_http *http, enum rpc_status status);

#endif
