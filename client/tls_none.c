// SPDX-License-Identifier: MIT
/*
 * TLS where there is no OpenSSL: rpc_nodes_parse lets no node in that would need it.
 */
#include "tls.h"

#ifndef RPC_TLS
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

bool rpc_tls_is_built(void) {
    return false;
}

struct rpc_tls_context *rpc_tls_context_new(void) {
    return NULL;
}

bool rpc_tls_context_read(struct rpc_tls_context *context, enum rpc_tls_file kind, const char *file,
                          char *error, size_t error_size) {
    (void)context, (void)kind, (void)file;
    return rpc_tls_context_finish(context, error, error_size);
}

bool rpc_tls_context_finish(struct rpc_tls_context *context, char *error, size_t error_size) {
    (void)context;
    snprintf(error, error_size, "this was built without OpenSSL");
    return false;
}

void rpc_tls_context_free(struct rpc_tls_context *context) {
    (void)context;
}

struct rpc_tls *rpc_tls_new(const struct rpc_tls_context *context, struct rpc_tls_peer *peer,
                            int fd, bool resume, int64_t now_ms) {
    (void)context, (void)peer, (void)fd, (void)resume, (void)now_ms;
    return NULL;
}

bool rpc_tls_handshake(struct rpc_tls *tls) {
    (void)tls;
    errno = EPROTO;
    return false;
}

ssize_t rpc_tls_send(struct rpc_tls *tls, const void *data, size_t len) {
    (void)tls, (void)data, (void)len;
    errno = EPROTO;
    return -1;
}

ssize_t rpc_tls_recv(struct rpc_tls *tls, void *data, size_t len) {
    (void)tls, (void)data, (void)len;
    errno = EPROTO;
    return -1;
}

bool rpc_tls_waits_for_write(const struct rpc_tls *tls) {
    (void)tls;
    return false;
}

const char *rpc_tls_reason(const struct rpc_tls *tls) {
    (void)tls;
    return NULL;
}

bool rpc_tls_is_resumed(const struct rpc_tls *tls) {
    (void)tls;
    return false;
}

void rpc_tls_free(struct rpc_tls *tls) {
    (void)tls;
}

void rpc_tls_peer_free(struct rpc_tls_peer *peer) {
    free(peer->host);
}
#endif
