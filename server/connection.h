// SPDX-License-Identifier: MIT
/*
 * The connection a request came on: what it speaks, who is at its other end, and whether it ends
 * with the answer.
 */
#ifndef RPC_CONNECTION_H
#define RPC_CONNECTION_H

#include "server.h"

/* The protocol of a socket, by uWSGI's name for it: "uwsgi", "puwsgi", "http", ... */
static inline const char *rpc_socket_protocol(const struct uwsgi_socket *sock) {
    const char *protocol = sock->proto_name ? sock->proto_name : uwsgi.protocol;
    return protocol ? protocol : "uwsgi";
}

/* Whether a socket speaks HTTP: http-socket, http11-socket, https-socket. */
static inline bool rpc_socket_speaks_http(const struct uwsgi_socket *sock) {
    const char *protocol = rpc_socket_protocol(sock);
    return protocol[0] == 'h' && protocol[1] == 't' && protocol[2] == 't' && protocol[3] == 'p';
}

/* Whether a socket carries uwsgi packets: socket, puwsgi-socket, suwsgi-socket. */
static inline bool rpc_socket_speaks_packets(const struct uwsgi_socket *sock) {
    return strstr(rpc_socket_protocol(sock), "uwsgi");
}

/*
 * Has the connection closed when the request ends although its socket is a persistent one
 * (http11-socket, puwsgi-socket): the other side can tell the end of an answer without a length, or
 * that there is none, by nothing else.
 */
static inline void rpc_connection_close_after(struct wsgi_request *request) {
    if (!request->socket->retry)
        return;
    /* Both protocols close what they take for a request that was not read to its end. */
    request->proto_parser_status = 0; /* http11 */
    request->proto_parser_pos = 0;    /* puwsgi */
}

/*
 * Whether uWSGI runs a request that has not arrived: its async loop does so after socket-timeout,
 * and what the buffer holds beyond what came is another caller's request.
 */
static inline bool rpc_connection_is_half_read(const struct wsgi_request *request) {
    return uwsgi.async_proto_fd_table && request->fd >= 0 &&
           uwsgi.async_proto_fd_table[request->fd] == request;
}

/* Has the async loop forget the half request of a descriptor. It goes on to take what comes on the
   descriptor's next use for the rest of it. */
static inline void rpc_connection_forget_half_read(int fd) {
    if (uwsgi.async_proto_fd_table)
        uwsgi.async_proto_fd_table[fd] = NULL;
}

/* Logs that such a request is not answered, where saying what it was for, and has its connection
   closed, and forgotten. */
void rpc_connection_drop_half_read(struct wsgi_request *request, const char *where);

/*
 * Mends what uWSGI does with connections in loops other than that of plain processes and threads;
 * once, in the master, where one of those runs.
 *   - After a client that leaves half a request, or sends what is none, its async loop gives the
 * core to another as it is, and takes that one's bytes for the rest of the half request: each
 * begins anew, and what TLS has of the former is freed.
 *   - A client that leaves in the moment its time is over has its core given to another twice: it
 * is run once, and closed.
 *   - They never come back to a kept connection (http11-socket, puwsgi-socket), and when the core
 * has another, crash or hang: it is closed after the answer, whoever gave it.
 */
void rpc_connection_init(void);

/* Makes a request one that has not been read yet, on the same connection and in the same green
   thread. It has nothing of its own but log variables and what its parser has. */
void rpc_connection_renew(struct wsgi_request *request);

/* Whether the connection of a request that has ended is kept for the next one. */
bool rpc_connection_is_kept(const struct wsgi_request *request);

/*
 * Whether uWSGI is going to close a TCP connection after this answer, and there is nothing between
 * it and the socket. A persistent socket keeps it, suwsgi has TLS there.
 */
static inline bool rpc_connection_is_last(const struct wsgi_request *request) {
    return !request->socket->retry && request->socket->proto_write == uwsgi_proto_base_write &&
           request->client_addr.sin.sin_family != AF_UNIX;
}

/*
 * Sends the last bytes of a connection, for which rpc_connection_is_last holds, in one system call
 * and one segment with its end, instead of two and a second acknowledgement. They are on their way
 * when this returns, not only when uWSGI closes: bytes of the caller's that nobody has read turn
 * that into a reset, which would take them along.
 * Returns how many bytes have left, 0 for none. When these are not all, the connection has not been
 * ended, and the caller writes the others in uWSGI's way, which waits, and logs what fails.
 */
size_t rpc_connection_send_last(const struct wsgi_request *request, struct iovec *iov,
                                size_t count);

/* Whether uWSGI knows the peer already. */
static inline bool rpc_connection_knows_peer(const struct wsgi_request *request) {
    /* The length of the address would not tell: an accept that finds nothing sets it, too. */
    return request->client_addr.sin.sin_family != AF_UNSPEC;
}

/* The peer of a request whose connection is open; of no family at all when it cannot be found out.
 */
const struct sockaddr *rpc_connection_peer(struct wsgi_request *request);

/* The text of an IPv4 or IPv6 address; "" for any other. text has INET6_ADDRSTRLEN bytes. */
void rpc_connection_peer_text(const struct sockaddr *peer, char *text);

#endif
