// SPDX-License-Identifier: MIT
/*
 * Connections, see server/connection.h.
 */
#include "connection.h"

const char *rpc_socket_protocol(const struct uwsgi_socket *sock) {
    const char *protocol = sock->proto_name ? sock->proto_name : uwsgi.protocol;
    return protocol ? protocol : "uwsgi";
}

bool rpc_socket_speaks_http(const struct uwsgi_socket *sock) {
    const char *protocol = rpc_socket_protocol(sock);
    return protocol[0] == 'h' && protocol[1] == 't' && protocol[2] == 't' && protocol[3] == 'p';
}

bool rpc_connection_is_kept(const struct wsgi_request *request) {
    return request->socket->retry && request->socket->retry[request->async_id];
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
