// SPDX-License-Identifier: MIT
/*
 * Connections, see server/connection.h.
 */
#include "connection.h"

#include "log.h"

void rpc_connection_drop_half_read(struct wsgi_request *request, const char *where) {
    rpc_connection_forget_half_read(request->fd);
    rpc_log(where, NULL, 0, RPC_CUT_SHORT);
    rpc_connection_close_after(request);
}

bool rpc_connection_is_kept(const struct wsgi_request *request) {
    return request->socket->retry && request->socket->retry[request->async_id];
}

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
