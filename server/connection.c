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

/* --- loops that are not made for connections that are kept, or left --------------------------- */

/* A socket's protocol as uWSGI has it. */
static struct protocol {
    struct uwsgi_socket *socket;
    int (*parse)(struct wsgi_request *);
    void (*close)(struct wsgi_request *);
} * protocols;

static const struct protocol *protocol_of(const struct wsgi_request *request) {
    const struct protocol *protocol = protocols;

    while (protocol->socket != request->socket)
        protocol++;
    return protocol;
}

static void forget_kept(struct wsgi_request *request) {
    request->socket->retry[request->async_id] = 0;
    request->socket->fd_threads[request->async_id] = -1;
}

static void forget_half_read(struct wsgi_request *request) {
    if (uwsgi.harakiri_options.workers > 0)
        rpc_set_harakiri(request, 0);
    if (request->socket->retry)
        forget_kept(request);
    rpc_connection_renew(request);
}

/* The loop runs a request whose time is over, whatever has come of it, and closes it: its core must
   not be another's before that. One that has become whole just then has time for its body. */
static int parse_or_forget(struct wsgi_request *request) {
    int ret = protocol_of(request)->parse(request);

    if (ret == UWSGI_OK)
        request->async_timed_out = 0;
    if (ret >= 0 || !rpc_connection_is_half_read(request))
        return ret;
    if (request->async_timed_out)
        return UWSGI_AGAIN;
    forget_half_read(request);
    return ret;
}

static void close_for_good(struct wsgi_request *request) {
    protocol_of(request)->close(request);
    if (rpc_connection_is_kept(request)) {
        forget_kept(request);
        close(request->fd);
    }
}

void rpc_connection_init(void) {
    struct protocol *protocol;
    size_t count = 0;

    for (struct uwsgi_socket *sock = uwsgi.sockets; sock; sock = sock->next)
        count++;
    protocol = protocols = uwsgi_calloc(sizeof(*protocols) * UMAX(count, 1));
    for (struct uwsgi_socket *sock = uwsgi.sockets; sock; sock = sock->next) {
        if (!sock->proto)
            continue;
        *protocol++ = (struct protocol){sock, sock->proto, sock->proto_close};
        sock->proto = parse_or_forget;
        if (sock->retry)
            sock->proto_close = close_for_good;
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
