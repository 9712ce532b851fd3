// SPDX-License-Identifier: MIT
/*
 * The options of the plugin, as the configuration gave them.
 */
#ifndef RPC_OPTIONS_H
#define RPC_OPTIONS_H

#include "server.h"

/* Filled while uWSGI reads its configuration and constant from then on. */
struct rpc_options {
    struct uwsgi_string_list *allow, *bridge_allow, *allow_from, *remote, *metric;
    int empty_is_error;
    int introspection;
    char *http_prefix;
    uint64_t max_body;     /* bytes */
    int max_batch;         /* calls */
    int timeout;           /* seconds */
    int connect_timeout;   /* seconds */
    uint64_t max_response; /* bytes, 0: no limit */
    int keepalive;         /* connections */
};

extern struct rpc_options rpc_options;

/* What uWSGI is told of them. */
extern struct uwsgi_option rpc_option_table[];

#endif
