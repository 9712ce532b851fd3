// SPDX-License-Identifier: MIT
/*
 * Connections, see server/connection.h.
 */
#include "connection.h"

#include "log.h"

/* --- half a request --------------------------------------------------------------------------- */

void rpc_connection_drop_half_read(struct wsgi_request *request, const char *where) {
    rpc_connection_forget_half_read(request->fd);
    rpc_log(where, NULL, 0, RPC_CUT_SHORT);
    rpc_connection_close_after(request);
}

/* What uWSGI parses a socket's requests with. */
struct parser {
    const struct uwsgi_socket *socket;
    int (*parse)(struct wsgi_request *);
};

static struct parser *parsers;

static int parse_or_forget(struct wsgi_request *request) {
    const struct parser *parser = parsers;

    while (parser->socket != request->socket)
        parser++;
    int ret = parser->parse(request);
    if (ret < 0 && rpc_connection_is_half_read(request)) {
        if (uwsgi.harakiri_options.workers > 0)
            rpc_set_harakiri(request, 0);
        if (request->socket->retry)
            request->socket->retry[request->async_id] = 0;
        rpc_connection_renew(request);
    }
    return ret;
}

void rpc_connection_init(void) {
    size_t count = 0;

    for (struct uwsgi_socket *sock = uwsgi.sockets; sock; sock = sock->next)
        count++;
    parsers = uwsgi_calloc(sizeof(*parsers) * UMAX(count, 1));
    count = 0;
    for (struct uwsgi_socket *sock = uwsgi.sockets; sock; sock = sock->next)
        if (sock->proto) {
            parsers[count++] = (struct parser){sock, sock->proto};
            sock->proto = parse_or_forget;
        }
}

/* --- the next request ------------------------------------------------------------------------- */

static void free_owned(struct wsgi_request *request) {
    struct uwsgi_logvar *following;

    for (struct uwsgi_logvar *var = request->logvars; var; var = following) {
        following = var->next;
        free(var);
    }
    free(request->proto_parser_buf);
#ifdef UWSGI_SSL
    SSL_free(request->ssl);
#endif
}

void rpc_connection_renew(struct wsgi_request *request) {
    const struct wsgi_request before = *request;

    free_owned(request);
    rpc_packet_forget(request);
    memset(request, 0, sizeof(*request));
    request->fd = before.fd;
    request->socket = before.socket;
    request->client_addr = before.client_addr;
    request->c_len = before.c_len;
    request->async_status = before.async_status;
    request->async_timeout = before.async_timeout;
    request->waiting_fds = before.waiting_fds;
    request->suspended = before.suspended;
    request->switches = before.switches;
    wsgi_req_setup(request, before.async_id, NULL);
}

bool rpc_connection_is_kept(const struct wsgi_request *request) {
    return request->socket->retry && request->socket->retry[request->async_id];
}

/* --- its end ---------------------------------------------------------------------------------- */

size_t rpc_connection_send_last(const struct wsgi_request *request, struct iovec *iov,
                                size_t count) {
    const struct msghdr message = {.msg_iov = iov, .msg_iovlen = count};
    size_t len = 0;

    for (size_t i = 0; i < count; i++)
        len += iov[i].iov_len;
    ssize_t sent = sendmsg(request->fd, &message, MSG_MORE | MSG_NOSIGNAL);
    if (sent < 0)
        return 0;
    if ((size_t)sent == len)
        shutdown(request->fd, SHUT_WR);
    return (size_t)sent;
}

/* --- its other end ---------------------------------------------------------------------------- */

/* uWSGI learns it when it accepts: on a persistent socket, for the first request only. */
const struct sockaddr *rpc_connection_peer(struct wsgi_request *request) {
    struct sockaddr *peer = (struct sockaddr *)&request->client_addr;
    socklen_t len = sizeof(request->client_addr);

    if (!rpc_connection_knows_peer(request) && getpeername(request->fd, peer, &len) == 0)
        request->c_len = (int)len;
    return peer;
}

void rpc_connection_peer_text(const struct sockaddr *peer, char *text) {
    const void *addr = NULL;
    text[0] = 0;
    if (peer->sa_family == AF_INET)
        addr = &((const struct sockaddr_in *)peer)->sin_addr;
    else if (peer->sa_family == AF_INET6)
        addr = &((const struct sockaddr_in6 *)peer)->sin6_addr;
    if (addr)
        inet_ntop(peer->sa_family, addr, text, INET6_ADDRSTRLEN);
}
