// SPDX-License-Identifier: MIT
/*
 * The options of the plugin, as the configuration gave them: read and checked here, once, so that
 * whoever uses one finds a value that makes sense.
 */
#ifndef RPC_OPTIONS_H
#define RPC_OPTIONS_H

#include "../client/tls.h"
#include "../parse/access.h"
#include "../parse/origin.h"
#include "server.h"

/* Filled while uWSGI reads its configuration and constant from then on. */
struct rpc_options {
    struct rpc_globs allow, bridge_allow, json;
    struct rpc_cidrs allow_from;
    struct uwsgi_string_list *remote, *metric; /* metric: names of functions, none of them twice */
    struct rpc_origins origins;
    struct rpc_tls_context *tls; /* of the files that were given, not finished; NULL: none was */
    bool empty_is_error;
    bool introspection;
    bool post_only;
    const char *client;       /* PREFIX of functions; NULL: none */
    const char *http_prefix;  /* begins with a slash; NULL: none */
    uint64_t max_body;        /* bytes, fits a size_t */
    uint64_t max_batch;       /* calls */
    uint64_t timeout;         /* seconds; 0: not given */
    uint64_t connect_timeout; /* seconds; 0: not given */
    uint64_t max_response;    /* bytes, fits a size_t; 0: no limit */
    uint64_t keepalive;       /* connections */
};

extern struct rpc_options rpc_options;

/* What uWSGI is told of them. A value that makes no sense ends the start with one line. */
extern struct uwsgi_option rpc_option_table[];

#endif
