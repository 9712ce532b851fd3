// SPDX-License-Identifier: MIT
/*
 * TLS by OpenSSL, see client/tls.h.
 */
#include "tls.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#ifdef RPC_TLS
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

/* Reads of the socket in one call of ours: a node that floods with messages of TLS itself, which
   bring no data, must not keep us from looking at the time. */
#define READS_MAX 64

struct rpc_tls_context {
    SSL_CTX *ctx;
    BIO_METHOD *socket;
    bool has_ca;
    bool has_cert; /* or a key */
};

struct rpc_tls {
    SSL *ssl;
    struct rpc_tls_peer *peer;
    const char *reason;
    int64_t verified_ms; /* the peer's certificate: now, or when the session offered was made */
    int64_t now_ms;
    int fd;
    int error; /* errno of the socket */
    unsigned reads;
    bool resume;
    bool for_write;
    bool ended; /* by the node, with a word */
};

struct rpc_tls_session {
    SSL_SESSION *session;
    const SSL_CTX *ctx; /* whose CAs have verified it */
    int64_t verified_ms;
};

bool rpc_tls_is_built(void) {
    return true;
}

/* --- the socket ------------------------------------------------------------------------------- */

static bool would_block(int error) {
    return error == EAGAIN || error == EWOULDBLOCK || error == EINTR;
}

/* OpenSSL's own socket BIO writes, which can raise SIGPIPE. */
static int socket_write(BIO *bio, const char *data, int len) {
    struct rpc_tls *tls = BIO_get_data(bio);
    int sent = (int)send(tls->fd, data, (size_t)len, MSG_NOSIGNAL);

    BIO_clear_retry_flags(bio);
    if (sent >= 0)
        return sent;
    if (would_block(errno))
        BIO_set_retry_write(bio);
    else
        tls->error = errno;
    return -1;
}

static int socket_read(BIO *bio, char *data, int len) {
    struct rpc_tls *tls = BIO_get_data(bio);
    bool enough = tls->reads++ >= READS_MAX;
    int got = enough ? -1 : (int)recv(tls->fd, data, (size_t)len, 0);

    BIO_clear_retry_flags(bio);
    if (got >= 0)
        return got;
    if (enough || would_block(errno))
        BIO_set_retry_read(bio);
    else
        tls->error = errno;
    return -1;
}

static long socket_ctrl(BIO *bio, int command, long number, void *data) {
    (void)bio, (void)number, (void)data;
    return command == BIO_CTRL_FLUSH;
}

static BIO_METHOD *socket_method(void) {
    BIO_METHOD *method = BIO_meth_new(BIO_TYPE_SOURCE_SINK, "rpc socket");

    if (method) {
        BIO_meth_set_write(method, socket_write);
        BIO_meth_set_read(method, socket_read);
        BIO_meth_set_ctrl(method, socket_ctrl);
    }
    return method;
}

/* --- sessions --------------------------------------------------------------------------------- */

static void session_free(struct rpc_tls_session *session) {
    if (session)
        SSL_SESSION_free(session->session);
    free(session);
}

static void session_forget(struct rpc_tls_peer *peer) {
    session_free(atomic_exchange(&peer->session, NULL));
}

/* OpenSSL has a session that may be resumed. In TLS 1.3 that is while the answer is read, and again
   on a connection that was resumed itself. Returns whether it has been taken. */
static int session_keep(SSL *ssl, SSL_SESSION *session) {
    const struct rpc_tls *tls = SSL_get_app_data(ssl);
    struct rpc_tls_session *kept = tls->resume ? malloc(sizeof(*kept)) : NULL;

    if (!kept)
        return 0;
    *kept = (struct rpc_tls_session){session, SSL_get_SSL_CTX(ssl),
                                     SSL_session_reused(ssl) ? tls->verified_ms : tls->now_ms};
    session_free(atomic_exchange(&tls->peer->session, kept));
    return 1;
}

/* Offers the session kept last. It is taken out meanwhile, so that nobody releases it; another
   thread makes a session of its own. */
static void session_offer(struct rpc_tls *tls) {
    struct rpc_tls_session *kept = atomic_exchange(&tls->peer->session, NULL), *none = NULL;

    if (!kept)
        return;
    if (kept->ctx == SSL_get_SSL_CTX(tls->ssl) &&
        tls->now_ms - kept->verified_ms < RPC_TLS_SESSION_MS &&
        SSL_set_session(tls->ssl, kept->session) == 1) {
        tls->verified_ms = kept->verified_ms;
        if (atomic_compare_exchange_strong(&tls->peer->session, &none, kept))
            return;
    }
    session_free(kept);
}

void rpc_tls_peer_free(struct rpc_tls_peer *peer) {
    session_forget(peer);
    free(peer->host);
}

/* --- CAs, certificate and key ----------------------------------------------------------------- */

/* Nobody is there to type one. */
static int no_passphrase(char *buffer, int size, int for_writing, void *data) {
    (void)buffer, (void)size, (void)for_writing, (void)data;
    return 0;
}

static const char *openssl_reason(void) {
    const char *reason = ERR_reason_error_string(ERR_peek_error());
    return reason ? reason : "TLS failed";
}

static void configure(SSL_CTX *ctx) {
    SSL_CTX_set_options(ctx, SSL_OP_NO_RENEGOTIATION);
    SSL_CTX_set_mode(ctx, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    SSL_CTX_set_read_ahead(ctx, 1); /* a record in one read, not in two */
    SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
    SSL_CTX_set_default_passwd_cb(ctx, no_passphrase);
    SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
    SSL_CTX_sess_set_new_cb(ctx, session_keep);
}

struct rpc_tls_context *rpc_tls_context_new(void) {
    struct rpc_tls_context *context = calloc(1, sizeof(*context));

    if (!context)
        return NULL;
    context->ctx = SSL_CTX_new(TLS_client_method());
    context->socket = socket_method();
    if (context->ctx && context->socket &&
        SSL_CTX_set_min_proto_version(context->ctx, TLS1_2_VERSION) == 1) {
        configure(context->ctx);
        return context;
    }
    rpc_tls_context_free(context);
    return NULL;
}

static bool read_file(struct rpc_tls_context *context, enum rpc_tls_file kind, const char *file) {
    if (kind == RPC_TLS_CA) {
        context->has_ca = true;
        return SSL_CTX_load_verify_locations(context->ctx, file, NULL) == 1;
    }
    context->has_cert = true;
    if (kind == RPC_TLS_KEY)
        return SSL_CTX_use_PrivateKey_file(context->ctx, file, SSL_FILETYPE_PEM) == 1;
    if (SSL_CTX_use_certificate_chain_file(context->ctx, file) != 1)
        return false;
    /* if the key is not in there it is in a file of its own */
    SSL_CTX_use_PrivateKey_file(context->ctx, file, SSL_FILETYPE_PEM);
    return true;
}

bool rpc_tls_context_read(struct rpc_tls_context *context, enum rpc_tls_file kind, const char *file,
                          char *error, size_t error_size) {
    FILE *opened = fopen(file, "re"); /* of that OpenSSL says less than errno */

    snprintf(error, error_size, "%s", opened ? "out of memory" : strerror(errno));
    if (opened)
        fclose(opened);
    if (!opened || !context)
        return false;
    ERR_clear_error();
    bool good = read_file(context, kind, file);
    if (!good)
        snprintf(error, error_size, "%s", openssl_reason());
    ERR_clear_error();
    return good;
}

bool rpc_tls_context_finish(struct rpc_tls_context *context, char *error, size_t error_size) {
    ERR_clear_error();
    bool good = (context->has_ca || SSL_CTX_set_default_verify_paths(context->ctx) == 1) &&
                (!context->has_cert || SSL_CTX_check_private_key(context->ctx) == 1);
    snprintf(error, error_size, "%s", good ? "" : openssl_reason());
    ERR_clear_error();
    return good;
}

void rpc_tls_context_free(struct rpc_tls_context *context) {
    if (!context)
        return;
    SSL_CTX_free(context->ctx);
    BIO_meth_free(context->socket);
    free(context);
}

static struct rpc_tls_context *system_context;

static void make_system_context(void) {
    char error[256];
    struct rpc_tls_context *context = rpc_tls_context_new();

    if (context && rpc_tls_context_finish(context, error, sizeof(error)))
        system_context = context;
    else
        rpc_tls_context_free(context);
}

static const struct rpc_tls_context *context_or_system(const struct rpc_tls_context *context) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;

    if (context)
        return context;
    pthread_once(&once, make_system_context);
    return system_context;
}

/* --- one connection --------------------------------------------------------------------------- */

/* The certificate has to be for this host: an address, or a name, which the node is told. */
static bool expect_host(SSL *ssl, const char *host) {
    SSL_set_hostflags(ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    if (X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), host) == 1)
        return true;
    return SSL_set1_host(ssl, host) == 1 && SSL_set_tlsext_host_name(ssl, host) == 1;
}

static bool open_ssl(struct rpc_tls *tls, const struct rpc_tls_context *context) {
    tls->ssl = SSL_new(context->ctx);
    BIO *bio = tls->ssl ? BIO_new(context->socket) : NULL;
    if (!bio)
        return false;
    BIO_set_data(bio, tls);
    BIO_set_init(bio, 1);
    SSL_set_bio(tls->ssl, bio, bio);
    SSL_set_app_data(tls->ssl, tls);
    SSL_set_connect_state(tls->ssl);
    return expect_host(tls->ssl, tls->peer->host);
}

struct rpc_tls *rpc_tls_new(const struct rpc_tls_context *context, struct rpc_tls_peer *peer,
                            int fd, bool resume, int64_t now_ms) {
    context = context_or_system(context);
    struct rpc_tls *tls = context ? calloc(1, sizeof(*tls)) : NULL;
    if (!tls)
        return NULL;
    tls->peer = peer;
    tls->fd = fd;
    tls->resume = resume;
    tls->now_ms = now_ms;
    bool opened = open_ssl(tls, context);
    ERR_clear_error();
    if (!opened) {
        rpc_tls_free(tls);
        return NULL;
    }
    if (resume)
        session_offer(tls);
    return tls;
}

/* Without this mark OpenSSL takes a connection that is closed without a word for an attack on the
   session, which is then not resumed. */
void rpc_tls_free(struct rpc_tls *tls) {
    if (!tls)
        return;
    if (tls->ssl)
        SSL_set_shutdown(tls->ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
    SSL_free(tls->ssl);
    free(tls);
}

static void begin(struct rpc_tls *tls) {
    ERR_clear_error(); /* others of this thread may have left something */
    tls->error = 0;
    tls->reads = 0;
}

static void keep_reason(struct rpc_tls *tls) {
    long verified = SSL_get_verify_result(tls->ssl);

    tls->reason =
        verified == X509_V_OK ? openssl_reason() : X509_verify_cert_error_string(verified);
    ERR_clear_error();
}

/* errno for what OpenSSL has returned; 0 for a connection that has ended. */
static int error_of(struct rpc_tls *tls, int returned) {
    switch (SSL_get_error(tls->ssl, returned)) {
    case SSL_ERROR_WANT_READ:
        tls->for_write = false;
        return EAGAIN;
    case SSL_ERROR_WANT_WRITE:
        tls->for_write = true;
        return EAGAIN;
    case SSL_ERROR_ZERO_RETURN:
        tls->ended = true;
        return 0;
    case SSL_ERROR_SYSCALL:
        return tls->error;
    default:
        keep_reason(tls);
        return EPROTO;
    }
}

/* After success: what has come along and is still in here can be read at once. */
static void end(struct rpc_tls *tls) {
    tls->for_write = SSL_has_pending(tls->ssl);
}

bool rpc_tls_handshake(struct rpc_tls *tls) {
    begin(tls);
    int returned = SSL_do_handshake(tls->ssl);
    if (returned == 1) {
        end(tls);
        return true;
    }
    int error = error_of(tls, returned);
    if (error == 0)
        tls->reason = "closed in the handshake";
    if (!would_block(error))
        session_forget(tls->peer);
    errno = error;
    return false;
}

ssize_t rpc_tls_send(struct rpc_tls *tls, const void *data, size_t len) {
    size_t sent = 0;

    begin(tls);
    int returned = SSL_write_ex(tls->ssl, data, len, &sent);
    if (returned == 1) {
        end(tls);
        return (ssize_t)sent;
    }
    int error = error_of(tls, returned);
    if (error != EAGAIN && !tls->reason) { /* it may have said why before it closed */
        char byte;
        error_of(tls, SSL_peek_ex(tls->ssl, &byte, 1, &sent));
    }
    errno = error;
    return -1;
}

ssize_t rpc_tls_recv(struct rpc_tls *tls, void *data, size_t len) {
    size_t got = 0, more = 0;
    int returned = 1;

    begin(tls);
    while (got < len &&
           (returned = SSL_read_ex(tls->ssl, (char *)data + got, len - got, &more)) == 1)
        got += more;
    if (returned == 1) {
        end(tls);
        return (ssize_t)got;
    }
    int error = error_of(tls, returned);
    if (got > 0) { /* what ends it comes again with the next call, at once */
        tls->for_write = tls->for_write || error != EAGAIN;
        return (ssize_t)got;
    }
    errno = error;
    return tls->ended ? 0 : -1;
}

bool rpc_tls_waits_for_write(const struct rpc_tls *tls) {
    return tls->for_write;
}

const char *rpc_tls_reason(const struct rpc_tls *tls) {
    return tls->reason;
}

bool rpc_tls_is_resumed(const struct rpc_tls *tls) {
    return SSL_session_reused(tls->ssl);
}

#endif
