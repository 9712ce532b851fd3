// SPDX-License-Identifier: MIT
/*
 * TLS over a connected socket, as a client: handshake, bytes, and sessions to resume. It never
 * waits. All that is known of OpenSSL is in here; without it there is a plugin that knows no node
 * of TLS. No uWSGI.
 *
 * A node's certificate is always verified, and that it is for the host that was asked: TLS 1.2 at
 * least, no renegotiation, no early data (which could be sent twice). An end of the connection that
 * TLS has not announced is told apart from one that it has: only the second is an end of data.
 */
#ifndef RPC_TLS_H
#define RPC_TLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* A session is resumed for this long after the certificate of its node was last verified. */
#define RPC_TLS_SESSION_MS 600000

/* CAs, certificate and key: constant, for any number of connections and threads at once. */
struct rpc_tls_context;
/* One connection. */
struct rpc_tls;
struct rpc_tls_session;

/* What is known of a node: all zero for one that is not spoken to in TLS. */
struct rpc_tls_peer {
    char *host; /* the name or address that its certificate has to bear; malloc'ed */
    _Atomic(struct rpc_tls_session *) session; /* the last one, or NULL */
};

/* Whether OpenSSL was there when this was built. */
bool rpc_tls_is_built(void);

/* What a file is read for, in PEM. */
enum rpc_tls_file {
    RPC_TLS_CA,   /* the CAs to trust instead of the system's */
    RPC_TLS_CERT, /* the client's certificate and its chain, perhaps with its key */
    RPC_TLS_KEY   /* the key of that certificate, without a passphrase */
};

/* One without files; NULL when memory is out, or without OpenSSL. For rpc_tls_context_free, when no
   connection is left. */
struct rpc_tls_context *rpc_tls_context_new(void);

/* Reads a file, in any order. False when that fails: then error is one line, NUL-terminated. */
bool rpc_tls_context_read(struct rpc_tls_context *context, enum rpc_tls_file kind, const char *file,
                          char *error, size_t error_size);

/* The last step before the first connection. False, with error, when the files do not fit together.
 */
bool rpc_tls_context_finish(struct rpc_tls_context *context, char *error, size_t error_size);

void rpc_tls_context_free(struct rpc_tls_context *context);

/*
 * Prepares to speak TLS on a socket, which stays the caller's and does not block.
 *   context  NULL: the CAs of the system, and no certificate
 *   peer     has a host; stays until rpc_tls_free
 *   resume   whether to resume the peer's session, and to keep the next one
 *   now_ms   a monotonic clock
 * NULL when memory is out.
 */
struct rpc_tls *rpc_tls_new(const struct rpc_tls_context *context, struct rpc_tls_peer *peer,
                            int fd, bool resume, int64_t now_ms);

/*
 * Goes on with the handshake. True when it is done; otherwise errno says why not: EAGAIN when there
 * is something to wait for, EPROTO where TLS has failed, 0 when the node has closed, or what the
 * socket said.
 */
bool rpc_tls_handshake(struct rpc_tls *tls);

/*
 * As send(2) and recv(2), without signals, once the handshake is done; errno as above. What
 * rpc_tls_recv returns is less than len only when nothing more has arrived; it is 0 at an end that
 * the node has announced.
 */
ssize_t rpc_tls_send(struct rpc_tls *tls, const void *data, size_t len);
ssize_t rpc_tls_recv(struct rpc_tls *tls, void *data, size_t len);

/*
 * Whether to wait until the socket can be written to, and not until it can be read. That is so when
 * there is something to send, and also when received bytes are left in here: the socket would not
 * tell of them, and it can nearly always be written to.
 */
bool rpc_tls_waits_for_write(const struct rpc_tls *tls);

/* Why it has failed, in OpenSSL's words; lives for ever. NULL when there is nothing to say. */
const char *rpc_tls_reason(const struct rpc_tls *tls);

/* Whether the handshake has resumed a session. */
bool rpc_tls_is_resumed(const struct rpc_tls *tls);

/* Releases a connection; nothing is sent. NULL is fine. */
void rpc_tls_free(struct rpc_tls *tls);

/* Releases what is known of a node. */
void rpc_tls_peer_free(struct rpc_tls_peer *peer);

#endif
