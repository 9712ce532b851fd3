// SPDX-License-Identifier: MIT
/*
 * The front door: options, hooks, the modifier1 173 request handler and the plugin struct. What a
 * packet says is decoded in rpc_wire.c, who may call what is decided in server/table.c.
 */
#include "server/plugin.h"

#include "server/http.h"
#ifdef RPC_JSONRPC
#include "parse/jsonrpc.h"
#endif
#include "server/metrics.h"
#include "server/remote.h"
#include "server/routing.h"
#include "server/table.h"
#include "rpc_wire.h"

#define DEFAULT_MAX_BODY (16u << 20)
#define DEFAULT_MAX_BATCH 100
/* A result up to this length is copied behind its head, which costs less than writing a vector. */
#define SMALL_RESULT 1024
/* "packet from " and the longest address. */
#define WHERE_MAX (sizeof("packet from ") + INET6_ADDRSTRLEN)

struct rpc_options rpc_options = {.max_body = DEFAULT_MAX_BODY, .max_batch = DEFAULT_MAX_BATCH};

static struct rpc_core *cores;
/* Whether log-format names %(rpcfunc) or %(rpcstatus). */
static bool cores_noted;
/* Whether an option has some requests logged where disable-logging has the others not. */
static bool log_is_conditional;
static struct rpc_cidr *allow_from;
static size_t allow_from_count;

static struct uwsgi_option options[] = {
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

/* --- the log --------------------------------------------------------------------------------- */

/* Copies a name so that it stays on one line: what cannot be printed becomes '?'. */
static void printable(char *out, size_t size, const char *name, size_t len) {
    size_t i;
    for (i = 0; i < len && i < size - 1; i++)
        out[i] = name[i] > ' ' && name[i] < 0x7f ? name[i] : '?';
    out[i] = 0;
}

static void log_failure(const char *prefix, const char *where, const char *name, size_t name_len,
                        enum rpc_status status) {
    const struct rpc_status_info *info = rpc_status_info(status);

    if (name) {
        char shown[RPC_NAME_MAX + 1];
        printable(shown, sizeof(shown), name, name_len);
        uwsgi_log("[rpc] %s%s: \"%s\": %s (%s)\n", prefix, where, shown, info->message, info->name);
    } else {
        uwsgi_log("[rpc] %s%s: %s (%s)\n", prefix, where, info->message, info->name);
    }
}

void rpc_log(const char *where, const char *name, size_t name_len, enum rpc_status status) {
    if (rpc_status_is_remote(status))
        return;
    rpc_metrics_failure(status);
    log_failure("", where, name, name_len, status);
}

void rpc_log_node(const char *node, const char *name, size_t name_len, enum rpc_status status) {
    log_failure("node ", node, name, name_len, status);
}

struct rpc_core *rpc_core_of(struct wsgi_request *request) {
    return &cores[request->async_id];
}

__attribute__((noinline)) static void note(struct wsgi_request *request, const char *name,
                                           size_t name_len, enum rpc_status status) {
    struct rpc_core *core = rpc_core_of(request);
    printable(core->function, sizeof(core->function), name, name_len);
    core->status = status;
    core->noted = request->start_of_request;
}

void rpc_core_note(struct wsgi_request *request, const char *name, size_t name_len,
                   enum rpc_status status) {
    if (cores_noted)
        note(request, name, name_len, status);
}

/* A core serves other requests too, which call nothing. */
static ssize_t log_noted(struct wsgi_request *request, char **buf, const char *text) {
    *buf = rpc_core_of(request)->noted == request->start_of_request ? (char *)text : "";
    return (ssize_t)strlen(*buf);
}

static ssize_t log_function(struct wsgi_request *request, char **buf) {
    return log_noted(request, buf, rpc_core_of(request)->function);
}

static ssize_t log_status(struct wsgi_request *request, char **buf) {
    return log_noted(request, buf, rpc_status_info(rpc_core_of(request)->status)->name);
}

/* --- peers ----------------------------------------------------------------------------------- */

/* The length of the address would not tell: an accept that finds nothing sets it, too. */
static bool knows_peer(const struct wsgi_request *request) {
    return request->client_addr.sin.sin_family != AF_UNSPEC;
}

/*
 * The peer of a request whose connection is open; of no family at all when it cannot be found out.
 * uWSGI learns it when it accepts: on a persistent socket, for the first request only.
 */
static const struct sockaddr *peer_of(struct wsgi_request *request) {
    struct sockaddr *peer = (struct sockaddr *)&request->client_addr;
    socklen_t len = sizeof(request->client_addr);

    if (!knows_peer(request) && getpeername(request->fd, peer, &len) == 0)
        request->c_len = (int)len;
    return peer;
}

/* Whether the connection of a request that has ended is kept for the next one. */
static bool is_kept(const struct wsgi_request *request) {
    return request->socket->retry && request->socket->retry[request->async_id];
}

/* The text of an IPv4 or IPv6 address; "" for any other. */
static void peer_text(const struct sockaddr *peer, char *text, socklen_t size) {
    const void *addr = NULL;
    text[0] = 0;
    if (peer->sa_family == AF_INET)
        addr = &((const struct sockaddr_in *)peer)->sin_addr;
    else if (peer->sa_family == AF_INET6)
        addr = &((const struct sockaddr_in6 *)peer)->sin6_addr;
    if (addr)
        inet_ntop(peer->sa_family, addr, text, size);
}

/* Whether rpc-allow-from, which is set, lets the peer of a request call. */
__attribute__((noinline)) static bool peer_allowed(struct wsgi_request *request) {
    const struct sockaddr *peer = peer_of(request);

    if (peer->sa_family == AF_UNIX)
        return true;
    for (size_t i = 0; i < allow_from_count; i++)
        if (rpc_cidr_match(&allow_from[i], peer))
            return true;
    return false;
}

/* --- array packets (modifier2 0 and 1) ---------------------------------------------------------
 */

/* Closes without a reply. */
static int reject(struct wsgi_request *request, const struct rpc_call *call,
                  enum rpc_status status) {
    char where[WHERE_MAX] = "packet from ";
    size_t prefix = strlen(where);

    peer_text(peer_of(request), where + prefix, (socklen_t)(sizeof(where) - prefix));
    if (!where[prefix])
        strcpy(where, "packet");
    rpc_log(where, call ? call->name : NULL, call ? call->name_len : 0, status);
    request->status = rpc_status_info(status)->http;
    rpc_http_close_after(request);
    return -1;
}

/*
 * Writes without asking for headers, transformations and response routes, of which a packet has
 * none.
 */
static int write_packet(struct wsgi_request *request, char *data, size_t len) {
    if (uwsgi_simple_write(request, data, len))
        return -1;
    request->response_size += request->write_pos;
    request->write_pos = 0;
    return UWSGI_OK;
}

/*
 * Whether uWSGI is going to close a TCP connection after this answer, and there is nothing between
 * it and the socket. A persistent socket keeps it, suwsgi has TLS there.
 */
static bool is_last(const struct wsgi_request *request) {
    return !request->socket->retry && request->socket->proto_write == uwsgi_proto_base_write &&
           request->client_addr.sin.sin_family != AF_UNIX;
}

/*
 * Has the last bytes of a connection leave in one segment with its end, instead of two and a second
 * acknowledgement. They are on their way when this returns, not only when uWSGI closes: bytes of
 * the caller's that nobody has read turn that into a reset, which would take them along.
 */
static int write_last(struct wsgi_request *request, char *data, size_t len) {
    ssize_t sent = send(request->fd, data, len, MSG_MORE | MSG_NOSIGNAL);

    if (sent != (ssize_t)len) {
        size_t done = sent > 0 ? (size_t)sent : 0;
        request->response_size += done;
        return write_packet(request, data + done, len - done);
    }
    shutdown(request->fd, SHUT_WR);
    request->response_size += len;
    return UWSGI_OK;
}

/* What is short leaves in one piece anyway. */
static int write_short(struct wsgi_request *request, char *data, size_t len) {
    return is_last(request) ? write_last(request, data, len) : write_packet(request, data, len);
}

/* A result with its head before it, in one system call. */
__attribute__((noinline)) static int write_large(struct wsgi_request *request, char *head,
                                                 size_t head_len, const struct rpc_result *result) {
    struct iovec iov[2] = {{head, head_len}, {result->data, (size_t)result->len}};

    if (request->socket->proto_writev)
        return uwsgi_response_writev_body_do(request, iov, 2);
    /* Without vectors uWSGI's fallback loses the first bytes of the second one. */
    if (write_packet(request, head, head_len))
        return -1;
    return write_packet(request, result->data, (size_t)result->len);
}

static int reply_framed(struct wsgi_request *request, const struct rpc_result *result) {
    char packet[RPC_WIRE_REPLY_HEAD_MAX + SMALL_RESULT];
    size_t head_len = rpc_wire_reply_head(result->len, packet);

    if (result->len > SMALL_RESULT)
        return write_large(request, packet, head_len, result);
    if (result->data)
        memcpy(packet + head_len, result->data, result->len);
    return write_short(request, packet, head_len + result->len);
}

static int reply_raw(struct wsgi_request *request, const struct rpc_result *result) {
    if (result->len == 0) {
        rpc_http_close_after(request);
        return UWSGI_OK;
    }
    return (result->len > SMALL_RESULT ? write_packet : write_short)(request, result->data,
                                                                     (size_t)result->len);
}

static int packet_request(struct wsgi_request *request) {
    size_t len = rpc_packet_len(request);
    bool spare = len < (size_t)uwsgi.buffer_size && !request->proto_parser_remains;
    struct rpc_call call;
    struct rpc_result result;

    /* No variables in it: nothing for final or response routes to match either. */
    request->is_routing = request->is_response_routing = 1;
    enum rpc_status status = rpc_wire_decode(request->buffer, len, spare, &call);
    if (status != RPC_OK)
        return reject(request, NULL, status);
    request->uri = (char *)call.name;
    request->uri_len = call.name_len;
    if (allow_from_count && !peer_allowed(request))
        return reject(request, &call, RPC_PEER);

    status = rpc_table_call(RPC_CALLER_PACKET, &call, &result);
    rpc_core_note(request, call.name, call.name_len, status);
    if (status != RPC_OK)
        return reject(request, &call, status);
    request->status = rpc_status_info(status)->http;
    int ret = request->uh->modifier2 == RPC_PACKET_FRAMED ? reply_framed(request, &result)
                                                          : reply_raw(request, &result);
    free(result.data);
    return ret;
}

static int rpc_request(struct wsgi_request *request) {
    switch (request->uh->modifier2) {
    case RPC_PACKET_FRAMED:
    case RPC_PACKET_RAW:
        return packet_request(request);
    case RPC_HTTP_PATH:
    case RPC_HTTP_XML:
    case RPC_HTTP_JSON:
        return rpc_http_request(request);
    default:
        return reject(request, NULL, RPC_MODIFIER2);
    }
}

/*
 * Of uWSGI's loops only its own two, of processes and of threads, come back to a persistent
 * connection. In any other its next call would wait until the caller gives up, and so would whoever
 * is given this core next.
 */
static int rpc_request_and_close(struct wsgi_request *request) {
    int ret = rpc_request(request);
    rpc_http_close_after(request);
    return ret;
}

/* The access log's line: what uWSGI fills from variables, an array packet has none of. */
__attribute__((noinline)) static void log_line(struct wsgi_request *request) {
    char addr[INET6_ADDRSTRLEN], name[RPC_NAME_MAX + 1];

    if (request->uh->modifier2 > RPC_PACKET_RAW || request->parsed) {
        log_request(request);
        return;
    }
    addr[0] = 0;
    if (knows_peer(request) || is_kept(request))
        peer_text(peer_of(request), addr, sizeof(addr));
    printable(name, sizeof(name), request->uri, request->uri_len);
    request->method = "RPC";
    request->method_len = 3;
    request->uri = name;
    request->uri_len = (uint16_t)strlen(name);
    request->remote_addr = addr;
    request->remote_addr_len = (uint16_t)strlen(addr);
    log_request(request);
    /* A hook may still look at the request, when the text on the stack is gone. */
    request->uri_len = request->remote_addr_len = 0;
}

/* Without a line there is nothing to prepare for one. */
static void rpc_after_request(struct wsgi_request *request) {
    if (uwsgi.logging_options.enabled || log_is_conditional || request->log_this)
        log_line(request);
}

/* --- request routes ----------------------------------------------------------------------------
 */

#ifdef UWSGI_ROUTING
/*
 * With request routes uWSGI reads every packet as variables, an array too, and drops it. The parser
 * of each uwsgi-protocol socket is wrapped, so that an array packet comes out of it marked as one
 * whose routes have been dealt with.
 */
static int mark_array(struct wsgi_request *request, int ret) {
    if (ret == UWSGI_OK && request->uh->modifier1 == rpc_plugin.modifier1 &&
        request->uh->modifier2 <= RPC_PACKET_RAW)
        request->is_routing = 1;
    return ret;
}

#define WRAPPED_PROTOCOLS(X) X(uwsgi) X(puwsgi) X(suwsgi)

#define DEFINE_WRAPPER(protocol)                                                                   \
    static int (*parse_##protocol)(struct wsgi_request *);                                         \
    static int parse_and_mark_##protocol(struct wsgi_request *request) {                           \
        return mark_array(request, parse_##protocol(request));                                     \
    }
WRAPPED_PROTOCOLS(DEFINE_WRAPPER)

static const struct {
    const char *protocol;
    int (**parse)(struct wsgi_request *);
    int (*parse_and_mark)(struct wsgi_request *);
} wrappers[] = {
#define WRAPPER_ROW(protocol) {#protocol, &parse_##protocol, parse_and_mark_##protocol},
    WRAPPED_PROTOCOLS(WRAPPER_ROW)};
#endif

static const char *socket_protocol(const struct uwsgi_socket *sock) {
    const char *protocol = sock->proto_name ? sock->proto_name : uwsgi.protocol;
    return protocol ? protocol : "uwsgi";
}

bool rpc_socket_speaks_http(const struct uwsgi_socket *sock) {
    const char *protocol = socket_protocol(sock);
    return protocol[0] == 'h' && protocol[1] == 't' && protocol[2] == 't' && protocol[3] == 'p';
}

static void wrap_parsers(void) {
#ifdef UWSGI_ROUTING
    if (!uwsgi.routes)
        return;
    for (struct uwsgi_socket *sock = uwsgi.sockets; sock; sock = sock->next)
        for (size_t i = 0; i < sizeof(wrappers) / sizeof(*wrappers); i++)
            if (sock->proto && strcmp(socket_protocol(sock), wrappers[i].protocol) == 0) {
                *wrappers[i].parse = sock->proto;
                sock->proto = wrappers[i].parse_and_mark;
            }
#endif
}

/* --- hooks ---------------------------------------------------------------------------------------
 */

static void read_allow_from(void) {
    for (struct uwsgi_string_list *item = rpc_options.allow_from; item; item = item->next)
        allow_from_count++;
    allow_from = uwsgi_calloc(sizeof(*allow_from) * (allow_from_count + 1));
    struct rpc_cidr *cidr = allow_from;
    for (struct uwsgi_string_list *item = rpc_options.allow_from; item; item = item->next, cidr++)
        if (!rpc_cidr_parse(item->value, cidr)) {
            uwsgi_log("[rpc] rpc-allow-from: \"%s\" is not an address or CIDR range\n",
                      item->value);
            exit(1);
        }
}

static bool is_loopback(const struct sockaddr *addr) {
    static const struct rpc_cidr v4 = {.family = AF_INET, .addr = {127}, .bits = 8};
    static const struct rpc_cidr v6 = {.family = AF_INET6, .addr = {[15] = 1}, .bits = 128};
    return rpc_cidr_match(&v4, addr) || rpc_cidr_match(&v6, addr);
}

static void warn_open_sockets(void) {
    if (rpc_options.allow || rpc_options.allow_from)
        return;
    for (struct uwsgi_socket *sock = uwsgi.sockets; sock; sock = sock->next) {
        struct sockaddr_storage addr = {.ss_family = AF_UNSPEC};
        socklen_t len = sizeof(addr);
        if (!strstr(socket_protocol(sock), "uwsgi") ||
            getsockname(sock->fd, (struct sockaddr *)&addr, &len) != 0 ||
            addr.ss_family == AF_UNIX || is_loopback((struct sockaddr *)&addr))
            continue;
        uwsgi_log("[rpc] warning: whoever reaches socket %s can call every function; "
                  "see rpc-allow and rpc-allow-from\n",
                  sock->name);
    }
}

static void init_bridges(void) {
#ifndef RPC_XMLRPC
    uwsgi_log("[rpc] built without libxml2: the XML-RPC bridge answers 501\n");
#endif
#ifdef RPC_JSONRPC
    rpc_jsonrpc_init();
#else
    uwsgi_log("[rpc] built without jansson: the JSON-RPC bridge answers 501\n");
#endif
}

static void rpc_post_init(void) {
    const struct uwsgi_logging_options *log = &uwsgi.logging_options;

    cores = uwsgi_calloc(sizeof(*cores) * (size_t)UMAX(uwsgi.async, UMAX(uwsgi.threads, 1)));
    uwsgi_register_logchunk("rpcfunc", log_function, 0);
    uwsgi_register_logchunk("rpcstatus", log_status, 0);
    if (uwsgi.async > 1 || uwsgi.loop)
        rpc_plugin.request = rpc_request_and_close;
    cores_noted = uwsgi.logformat && strstr(uwsgi.logformat, "rpc");
    log_is_conditional = log->zero || log->slow || log->_4xx || log->_5xx || log->big ||
                         log->sendfile || log->ioerror;
    read_allow_from();
    rpc_table_init();
    rpc_remote_init();
    rpc_metrics_init();
    wrap_parsers();
    warn_open_sockets();
    init_bridges();
}

static const char *replaced_name;

static void rpc_on_load(void) {
    if (replaced_name)
        uwsgi_log("[rpc] taking the place of the \"%s\" plugin already loaded\n", replaced_name);
    rpc_routing_register();
}

struct uwsgi_plugin rpc_plugin __attribute__((visibility("default"))) = {
    .name = "rpc",
    .modifier1 = RPC_MODIFIER1,
    .options = options,
    .on_load = rpc_on_load,
    .post_init = rpc_post_init,
    .preinit_apps = rpc_remote_register,
    .pre_uwsgi_fork = rpc_table_inherit,
    .post_fork = rpc_table_forget,
    .request = rpc_request,
    .after_request = rpc_after_request,
    .rpc = rpc_remote_function,
};

/*
 * uWSGI drops a plugin whose name is already taken, so the name is changed before it looks: this
 * runs while the .so is being opened.
 */
__attribute__((constructor)) static void take_another_name(void) {
    struct uwsgi_plugin *present = uwsgi.p[RPC_MODIFIER1];
    if (!present || !present->name || strcmp(present->name, rpc_plugin.name) != 0)
        return;
    replaced_name = rpc_plugin.name;
    rpc_plugin.alias = rpc_plugin.name;
    rpc_plugin.name = "rpc-next";
}
