// SPDX-License-Identifier: MIT
/*
 * What the rooms that do know uWSGI share: its header, the differences between its versions, the
 * options and the log.
 */
#ifndef RPC_PLUGIN_H
#define RPC_PLUGIN_H

#include <uwsgi.h>

#include "../rpc.h"
#include "../parse/access.h"
#include "../parse/bytes.h"

/* uWSGI 2.1 counts the bytes of a request's variables apart from its header. */
#if UWSGI_PLUGIN_API >= 2
#define rpc_packet_len(request) ((size_t)(request)->len)
#else
#define rpc_packet_len(request) ((size_t)(request)->uh->pktsize)
#endif

/* modifier2 of a request. */
enum rpc_modifier2 {
    RPC_PACKET_FRAMED = 0,
    RPC_PACKET_RAW = 1,
    RPC_HTTP_PATH = 2,
    RPC_HTTP_XML = 3,
    RPC_HTTP_JSON = 4,
};

/* The options, filled while uWSGI reads its configuration and constant from then on. */
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

extern struct uwsgi_server uwsgi;
extern struct rpc_options rpc_options;
extern struct uwsgi_plugin rpc_plugin;

/*
 * What a core remembers between and within its requests. Arguments of a route are built in scratch,
 * which keeps its memory from one request to the next.
 */
struct rpc_core {
    struct rpc_bytes scratch;
    uint64_t noted;                  /* the start of the request that has noted what follows */
    char function[RPC_NAME_MAX + 1]; /* %(rpcfunc): the last function called */
    enum rpc_status status;          /* %(rpcstatus): how that went */
};

/* Whether a socket speaks HTTP: http-socket, http11-socket, https-socket. */
bool rpc_socket_speaks_http(const struct uwsgi_socket *sock);

/* The core that serves a request. */
struct rpc_core *rpc_core_of(struct wsgi_request *request);

/* Remembers for %(rpcfunc) and %(rpcstatus) what a request called, if the log format asks for it.
   name: NULL when it came to no call. */
void rpc_core_note(struct wsgi_request *request, const char *name, size_t name_len,
                   enum rpc_status status);

/*
 * Logs and counts a call that failed, in one line:
 *   where    what was being done: "packet from 10.0.0.1", "jsonrpc bridge", "route rpc", ...
 *   name     the function as the caller gave it, name_len bytes, or NULL when there is none;
 *            unprintable bytes are shown as '?'
 *   status   why; failures of a remote call are passed over, as server/remote.c has seen to them
 */
void rpc_log(const char *where, const char *name, size_t name_len, enum rpc_status status);

/* The same for a remote call: node is what was asked. */
void rpc_log_node(const char *node, const char *name, size_t name_len, enum rpc_status status);

#endif
