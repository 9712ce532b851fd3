// SPDX-License-Identifier: MIT
/*
 * Array packets, see server/packets.h.
 */
#include "packets.h"

#include "../parse/access.h"
#include "../parse/discover.h"
#include "../rpc_wire.h"
#include "answer.h"
#include "connection.h"
#include "core.h"
#include "log.h"
#include "options.h"
#include "table.h"

/* A result up to this length is copied behind its head, which costs less than writing a vector. */
#define SMALL_RESULT 1024
/* "packet from " and the longest address. */
#define WHERE_MAX (sizeof("packet from ") + INET6_ADDRSTRLEN)

/* Whether rpc-allow-from, which is set, lets the peer of a request call. */
__attribute__((noinline)) static bool peer_allowed(struct wsgi_request *request) {
    const struct sockaddr *peer = rpc_connection_peer(request);

    return peer->sa_family == AF_UNIX || rpc_cidrs_match(&rpc_options.allow_from, peer);
}

/* --- packets ---------------------------------------------------------------------------------- */

int rpc_packets_reject(struct wsgi_request *request, const struct rpc_call *call,
                       enum rpc_status status) {
    char where[WHERE_MAX] = "packet from ";
    size_t prefix = strlen(where);
    bool is_packet = rpc_socket_speaks_packets(request->socket);

    /* What looked like its items were the variables of an HTTP request. */
    if (!is_packet) {
        call = NULL;
        status = RPC_MODIFIER2;
    }
    rpc_connection_peer_text(rpc_connection_peer(request), where + prefix);
    if (!where[prefix])
        strcpy(where, "packet");
    /* The master may print it while the line below is being written. */
    if (call)
        rpc_log_printable(request->uri, request->uri_len + 1u, request->uri, request->uri_len);
    rpc_log(where, call ? call->name : NULL, call ? call->name_len : 0, status);
    request->status = rpc_status_info(status)->http;
    if (!is_packet) {
        rpc_connection_close_after(request);
        rpc_answer_error(request, request->status, rpc_status_info(status)->message);
    }
    return -1;
}

/*
 * Writes without asking for headers, transformations and response routes, of which a packet has
 * none.
 */
__attribute__((noinline)) static int write_packet(struct wsgi_request *request, char *data,
                                                  size_t len) {
    if (uwsgi_simple_write(request, data, len))
        return -1;
    request->response_size += request->write_pos;
    request->write_pos = 0;
    return UWSGI_OK;
}

/* rpc_connection_send_last for a single piece, in fewer instructions. */
static inline int write_last(struct wsgi_request *request, char *data, size_t len) {
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
static inline int write_short(struct wsgi_request *request, char *data, size_t len) {
    return rpc_connection_is_last(request) ? write_last(request, data, len)
                                           : write_packet(request, data, len);
}

/* Two pieces, the first of which may have left already, at least in part. */
static int write_pieces(struct wsgi_request *request, const struct iovec *iov, size_t sent) {
    request->response_size += sent;
    for (int i = 0; i < 2; i++) {
        size_t done = UMIN(sent, iov[i].iov_len);
        sent -= done;
        if (done < iov[i].iov_len &&
            write_packet(request, (char *)iov[i].iov_base + done, iov[i].iov_len - done))
            return -1;
    }
    return UWSGI_OK;
}

/* A result with its head before it, in one system call. Without vectors uWSGI's own fallback loses
   the first bytes of the second one. */
__attribute__((noinline)) static int write_large(struct wsgi_request *request, char *head,
                                                 size_t head_len, const struct rpc_result *result) {
    struct iovec iov[2] = {{head, head_len}, {result->data, (size_t)result->len}};

    if (rpc_connection_is_last(request))
        return write_pieces(request, iov, rpc_connection_send_last(request, iov, 2));
    if (request->socket->proto_writev)
        return uwsgi_response_writev_body_do(request, iov, 2);
    return write_pieces(request, iov, 0);
}

static inline int reply_framed(struct wsgi_request *request, const struct rpc_result *result) {
    char packet[RPC_WIRE_REPLY_HEAD_MAX + SMALL_RESULT];
    size_t head_len = rpc_wire_reply_head(result->len, packet);

    if (result->len > SMALL_RESULT)
        return write_large(request, packet, head_len, result);
    if (result->data)
        memcpy(packet + head_len, result->data, result->len);
    return write_short(request, packet, head_len + result->len);
}

static inline int reply_raw(struct wsgi_request *request, const struct rpc_result *result) {
    if (result->len == 0)
        return -1;
    if (result->len > SMALL_RESULT)
        return write_packet(request, result->data, (size_t)result->len);
    return write_short(request, result->data, (size_t)result->len);
}

static enum rpc_status find_function(void *ctx, const char *name, size_t name_len, bool *typed) {
    (void)ctx;
    return rpc_table_find(RPC_CALLER_PACKET, name, name_len, typed);
}

static void list_functions(void *ctx, void (*visit)(void *visitor, const char *name),
                           void *visitor) {
    (void)ctx;
    rpc_table_list(RPC_CALLER_PACKET, visit, visitor);
}

/* What is answered here when nobody has registered it, as on the bridges; otherwise status. */
__attribute__((cold, noinline)) static enum rpc_status
discover(const struct rpc_call *call, struct rpc_result *result, enum rpc_status status) {
    static const struct rpc_bridge bridge = {.find = find_function, .list = list_functions};

    if ((status != RPC_UNKNOWN && status != RPC_FORBIDDEN) || !rpc_options.introspection ||
        !rpc_discover_is(call->name))
        return status;
    return call->arg_count ? RPC_BAD_ARG : rpc_discover(&bridge, call->name, result);
}

static inline __attribute__((always_inline)) int serve(struct wsgi_request *request, size_t len) {
    bool spare = len < (size_t)uwsgi.buffer_size && !request->proto_parser_remains;
    struct rpc_call call;
    struct rpc_result result;

    /* No variables in it: nothing for final or response routes to match either. */
    request->is_routing = request->is_response_routing = 1;
    enum rpc_status status = rpc_wire_decode(request->buffer, len, spare, &call);
    if (status != RPC_OK)
        return rpc_packets_reject(request, NULL, status);
    request->uri = (char *)call.name;
    request->uri_len = call.name_len;
    if (rpc_options.allow_from.count && !peer_allowed(request))
        return rpc_packets_reject(request, &call, RPC_PEER);

    status = rpc_table_call(RPC_CALLER_PACKET, &call, &result);
    if (status != RPC_OK)
        status = discover(&call, &result, status);
    rpc_core_note(request, call.name, call.name_len, status);
    if (status != RPC_OK)
        return rpc_packets_reject(request, &call, status);
    request->status = rpc_status_info(status)->http;
    int ret = request->uh->modifier2 == RPC_PACKET_FRAMED ? reply_framed(request, &result)
                                                          : reply_raw(request, &result);
    free(result.data);
    return ret;
}

/* While it has a length, the stats server takes it for variables, and answers nothing when there
   are none. */
int rpc_packets_request(struct wsgi_request *request) {
    __typeof__(rpc_packet_len(request)) len = rpc_packet_len(request);

    rpc_packet_len(request) = 0;
    int ret = serve(request, len);
    rpc_packet_len(request) = len;
    return ret;
}

/* --- the access log --------------------------------------------------------------------------- */

/*
 * The line tells how long the packet was, so that it has its length again, and the stats server may
 * come by while it is being written: what is left of the packet becomes one variable, or none.
 */
static void become_variable(struct wsgi_request *request) {
    size_t len = rpc_packet_len(request);

    if (len < 5) {
        rpc_packet_len(request) = 0;
        return;
    }
    char *p = rpc_wire_put_len(request->buffer, 1);
    *p++ = '-';
    p = rpc_wire_put_len(p, len - 5);
    memset(p, '-', len - 5);
}

/* The access log's line: what uWSGI fills from variables, an array packet has none of. */
void rpc_packets_log_line(struct wsgi_request *request) {
    struct rpc_core_line *line = rpc_core_line_of(request);

    if (request->uh->modifier2 > RPC_PACKET_RAW || request->parsed) {
        log_request(request);
        return;
    }
    line->peer[0] = 0;
    if (rpc_connection_knows_peer(request) || rpc_connection_is_kept(request))
        rpc_connection_peer_text(rpc_connection_peer(request), line->peer);
    rpc_log_printable(line->name, sizeof(line->name), request->uri, request->uri_len);
    request->method = "RPC";
    request->method_len = 3;
    request->uri = line->name;
    request->uri_len = (uint16_t)strlen(line->name);
    request->remote_addr = line->peer;
    request->remote_addr_len = (uint16_t)strlen(line->peer);
    become_variable(request);
    log_request(request);
}

/* --- request routes --------------------------------------------------------------------------- */

#ifdef UWSGI_ROUTING
/*
 * With request routes uWSGI reads every packet as variables, an array too, and drops it. The parser
 * of each uwsgi-protocol socket is wrapped, so that an array packet comes out of it marked as one
 * whose routes have been dealt with.
 */
static int mark_array(struct wsgi_request *request, int ret) {
    if (ret == UWSGI_OK && request->uh->modifier1 == RPC_MODIFIER1 &&
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

static void wrap_parsers(void) {
#ifdef UWSGI_ROUTING
    if (!uwsgi.routes)
        return;
    for (struct uwsgi_socket *sock = uwsgi.sockets; sock; sock = sock->next)
        for (size_t i = 0; i < sizeof(wrappers) / sizeof(*wrappers); i++)
            if (sock->proto && strcmp(rpc_socket_protocol(sock), wrappers[i].protocol) == 0) {
                *wrappers[i].parse = sock->proto;
                sock->proto = wrappers[i].parse_and_mark;
            }
#endif
}

/* --- configuration ---------------------------------------------------------------------------- */

static bool is_loopback(const struct sockaddr *addr) {
    static const struct rpc_cidr v4 = {.family = AF_INET, .addr = {127}, .bits = 8};
    static const struct rpc_cidr v6 = {.family = AF_INET6, .addr = {[15] = 1}, .bits = 128};
    return rpc_cidr_match(&v4, addr) || rpc_cidr_match(&v6, addr);
}

static void warn_open_sockets(void) {
    if (rpc_options.allow.count || rpc_options.allow_from.count)
        return;
    for (struct uwsgi_socket *sock = uwsgi.sockets; sock; sock = sock->next) {
        struct sockaddr_storage addr = {.ss_family = AF_UNSPEC};
        socklen_t len = sizeof(addr);
        if (!rpc_socket_speaks_packets(sock) ||
            getsockname(sock->fd, (struct sockaddr *)&addr, &len) != 0 ||
            addr.ss_family == AF_UNIX || is_loopback((struct sockaddr *)&addr))
            continue;
        uwsgi_log("[rpc] warning: whoever reaches socket %s can call every function; "
                  "see rpc-allow and rpc-allow-from\n",
                  sock->name);
    }
}

static void warn_modifier2(const char *option, uint64_t modifier1, uint64_t modifier2) {
    if (modifier1 == RPC_MODIFIER1 && modifier2 <= RPC_PACKET_RAW)
        uwsgi_log("[rpc] warning: with %smodifier1 = %d, requests are answered 400; "
                  "%smodifier2 chooses a bridge\n",
                  option, RPC_MODIFIER1, option);
}

void rpc_packets_init(void) {
    wrap_parsers();
    warn_open_sockets();
    warn_modifier2("http-socket-", uwsgi.http_modifier1, uwsgi.http_modifier2);
    warn_modifier2("https-socket-", uwsgi.https_modifier1, uwsgi.https_modifier2);
    warn_modifier2("fastcgi-", uwsgi.fastcgi_modifier1, uwsgi.fastcgi_modifier2);
    warn_modifier2("scgi-", uwsgi.scgi_modifier1, uwsgi.scgi_modifier2);
}
