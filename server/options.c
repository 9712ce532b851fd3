// SPDX-License-Identifier: MIT
/*
 * The options, see server/options.h.
 */
#include "options.h"

#define DEFAULT_MAX_BODY (16u << 20)
#define DEFAULT_MAX_BATCH 100

struct rpc_options rpc_options = {.max_body = DEFAULT_MAX_BODY, .max_batch = DEFAULT_MAX_BATCH};

struct uwsgi_option rpc_option_table[] = {
    {"rpc-allow", required_argument, 0,
     "let sockets call only functions whose name matches the glob (repeatable)",
     uwsgi_opt_add_string_list, &rpc_options.allow, 0},
    {"rpc-bridge-allow", required_argument, 0,
     "let the HTTP bridges call only functions whose name matches the glob too (repeatable)",
     uwsgi_opt_add_string_list, &rpc_options.bridge_allow, 0},
    {"rpc-allow-from", required_argument, 0,
     "take array packets over TCP only from these addresses (repeatable; CIDR)",
     uwsgi_opt_add_string_list, &rpc_options.allow_from, 0},
    {"rpc-empty-is-error", no_argument, 0, "take an empty result for a failed call", uwsgi_opt_true,
     &rpc_options.empty_is_error, 0},
    {"rpc-introspection", no_argument, 0,
     "let the XML-RPC and JSON-RPC bridges list the functions a caller may call", uwsgi_opt_true,
     &rpc_options.introspection, 0},
    {"rpc-http-prefix", required_argument, 0,
     "strip this from PATH_INFO before the PATH_INFO bridge reads it", uwsgi_opt_set_str,
     &rpc_options.http_prefix, 0},
    {"rpc-max-body", required_argument, 0,
     "largest request body of a bridge in bytes (default 16777216)", uwsgi_opt_set_64bit,
     &rpc_options.max_body, 0},
    {"rpc-max-batch", required_argument, 0,
     "most calls in one JSON-RPC batch or system.multicall (default 100)", uwsgi_opt_set_int,
     &rpc_options.max_batch, 0},
    {"rpc-timeout", required_argument, 0,
     "seconds a remote call may take in all (default: socket-timeout)", uwsgi_opt_set_int,
     &rpc_options.timeout, 0},
    {"rpc-connect-timeout", required_argument, 0,
     "seconds connecting to a node may take (default: socket-timeout)", uwsgi_opt_set_int,
     &rpc_options.connect_timeout, 0},
    {"rpc-max-response", required_argument, 0,
     "largest answer of a node in bytes (default: no limit)", uwsgi_opt_set_64bit,
     &rpc_options.max_response, 0},
    {"rpc-keepalive", required_argument, 0,
     "idle connections kept per node and process, for nodes on a puwsgi-socket (default 0)",
     uwsgi_opt_set_int, &rpc_options.keepalive, 0},
    {"rpc-remote", required_argument, 0,
     "register a remote function as a local one (syntax: NAME NODE[,NODE...] [REMOTE_NAME])",
     uwsgi_opt_add_string_list, &rpc_options.remote, 0},
    {"rpc-metric", required_argument, 0,
     "count the calls of this function in metrics of its own (repeatable)",
     uwsgi_opt_add_string_list, &rpc_options.metric, 0},
    UWSGI_END_OF_OPTIONS};
