// SPDX-License-Identifier: MIT
/*
 * A server of TLS for one client, in the client's own thread: it takes a step when a test says so,
 * and every byte it sends passes through the test's hands. Certificates are made on the spot.
 */
#ifndef TLS_PEER_H
#define TLS_PEER_H

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/socket.h>

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include "client/tls.h"
#include "unit.h"

#define DAY_SEC 86400L

/* --- certificates ----------------------------------------------------------------------------- */

struct identity {
    EVP_PKEY *key;
    X509 *cert;
};

static inline void add_extension(X509 *cert, int nid, const char *value) {
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, NULL, nid, value);
    ck_assert_ptr_nonnull(extension);
    ck_assert_int_eq(X509_add_ext(cert, extension, -1), 1);
    X509_EXTENSION_free(extension);
}

/* Valid for a day or so from so many days on. Names as in "DNS:localhost"; NULL for a CA. */
static inline struct identity identity_new(const char *name, const char *names, long from_day,
                                           const struct identity *ca) {
    struct identity made = {EVP_EC_gen("P-256"), X509_new()};

    ck_assert(made.key && made.cert);
    X509_set_version(made.cert, X509_VERSION_3);
    ASN1_INTEGER_set(X509_get_serialNumber(made.cert), (long)(unsigned char)name[0]);
    X509_gmtime_adj(X509_getm_notBefore(made.cert), (from_day - 1) * DAY_SEC);
    X509_gmtime_adj(X509_getm_notAfter(made.cert), (from_day + 1) * DAY_SEC);
    X509_set_pubkey(made.cert, made.key);
    X509_NAME_add_entry_by_txt(X509_get_subject_name(made.cert), "CN", MBSTRING_ASC,
                               (const unsigned char *)name, -1, -1, 0);
    X509_set_issuer_name(made.cert, X509_get_subject_name(ca ? ca->cert : made.cert));
    if (names)
        add_extension(made.cert, NID_subject_alt_name, names);
    else
        add_extension(made.cert, NID_basic_constraints, "critical,CA:TRUE");
    ck_assert_int_gt(X509_sign(made.cert, ca ? ca->key : made.key, EVP_sha256()), 0);
    return made;
}

static inline void identity_free(struct identity *identity) {
    EVP_PKEY_free(identity->key);
    X509_free(identity->cert);
}

/* Reads an identity's certificate or key into a context, through a file, as users do. */
static inline bool context_read(struct rpc_tls_context *context, enum rpc_tls_file kind,
                                const struct identity *identity) {
    char path[] = "/tmp/rpc-tls-XXXXXX", error[200];
    FILE *file = fdopen(mkstemp(path), "w");

    ck_assert_ptr_nonnull(file);
    if (kind == RPC_TLS_KEY)
        ck_assert(PEM_write_PrivateKey(file, identity->key, NULL, NULL, 0, NULL, NULL));
    else
        ck_assert(PEM_write_X509(file, identity->cert));
    fclose(file);
    bool read = rpc_tls_context_read(context, kind, path, error, sizeof(error));
    unlink(path);
    return read;
}

/* --- the server ------------------------------------------------------------------------------- */

/* What goes between the two, and both ends of it. */
struct link {
    struct rpc_tls *client;
    SSL *server;
    BIO *to_server, *from_server; /* the server's */
    int fd, peer_fd;
};

static inline SSL_CTX *server_context(const struct identity *identity, int version) {
    SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());

    ck_assert_int_eq(SSL_CTX_use_certificate(ctx, identity->cert), 1);
    ck_assert_int_eq(SSL_CTX_use_PrivateKey(ctx, identity->key), 1);
    SSL_CTX_set_session_id_context(ctx, (const unsigned char *)"unit", 4);
    ck_assert_int_eq(SSL_CTX_set_max_proto_version(ctx, version), 1);
    return ctx;
}

static inline void link_open(struct link *link, SSL_CTX *ctx, const struct rpc_tls_context *context,
                             struct rpc_tls_peer *peer, bool resume, int64_t now_ms) {
    int fds[2];

    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
    *link = (struct link){.fd = fds[0], .peer_fd = fds[1], .server = SSL_new(ctx)};
    link->to_server = BIO_new(BIO_s_mem());
    link->from_server = BIO_new(BIO_s_mem());
    SSL_set_bio(link->server, link->to_server, link->from_server);
    SSL_set_accept_state(link->server);
    link->client = rpc_tls_new(context, peer, link->fd, resume, now_ms);
    ck_assert_ptr_nonnull(link->client);
}

/* The server's end of the socket. */
static inline void link_hang_up(struct link *link) {
    if (link->peer_fd >= 0)
        close(link->peer_fd);
    link->peer_fd = -1;
}

static inline void link_close(struct link *link) {
    rpc_tls_free(link->client);
    SSL_free(link->server);
    link_hang_up(link);
    close(link->fd);
}

/* Hands what the client has sent to the server. */
static inline void link_collect(struct link *link) {
    char data[4096];
    ssize_t n;

    while ((n = recv(link->peer_fd, data, sizeof(data), 0)) > 0)
        ck_assert_int_eq(BIO_write(link->to_server, data, (int)n), n);
}

/* What the server has said and not sent yet: valid until it is sent. */
static inline size_t link_pending(struct link *link, char **data) {
    return (size_t)BIO_get_mem_data(link->from_server, data);
}

/* Sends up to max bytes of that; returns how many. */
static inline size_t link_deliver(struct link *link, size_t max) {
    char *data;
    size_t len = link_pending(link, &data);

    len = len < max ? len : max;
    ssize_t n = len ? send(link->peer_fd, data, len, MSG_NOSIGNAL) : 0;
    ck_assert(n >= 0 || errno == EAGAIN);
    for (ssize_t left = n; left > 0;) {
        char taken[4096];
        left -= BIO_read(link->from_server, taken, left < 4096 ? (int)left : 4096);
    }
    return n > 0 ? (size_t)n : 0;
}

/* One step of the server, after which all it says is on its way. */
static inline void link_step(struct link *link) {
    link_collect(link);
    if (!SSL_is_init_finished(link->server))
        SSL_do_handshake(link->server);
    ERR_clear_error();
    link_deliver(link, SIZE_MAX);
}

/* The client's handshake, as far as it goes: 0 when it is done, EAGAIN when neither has anything
   left to say, else its errno, EPIPE for an end. */
static inline int link_handshake(struct link *link) {
    for (int turn = 0; turn < 20; turn++) {
        if (rpc_tls_handshake(link->client)) {
            link_step(link);
            return 0;
        }
        if (errno != EAGAIN)
            return errno ? errno : EPIPE;
        link_step(link);
    }
    return EAGAIN;
}

static inline void link_say(struct link *link, const char *data, size_t len) {
    ck_assert_int_eq(SSL_write(link->server, data, (int)len), (int)len);
}

/* --- a test ----------------------------------------------------------------------------------- */

#define COUNT(array) ((int)(sizeof(array) / sizeof(*(array))))
#define NOW_MS 1000

/* Each of the versions that are spoken. */
#define VERSIONS 2
static const int version_of[VERSIONS] = {TLS1_2_VERSION, TLS1_3_VERSION};

static struct identity ca, other_ca, good;
static struct rpc_tls_context *context;
static struct rpc_tls_peer peer;
static SSL_CTX *server;

static inline struct rpc_tls_context *context_for(const struct identity *trusted,
                                                  const struct identity *own) {
    char error[200];
    struct rpc_tls_context *made = rpc_tls_context_new();

    ck_assert_ptr_nonnull(made);
    ck_assert(context_read(made, RPC_TLS_CA, trusted));
    if (own)
        ck_assert(context_read(made, RPC_TLS_CERT, own) && context_read(made, RPC_TLS_KEY, own));
    ck_assert_msg(rpc_tls_context_finish(made, error, sizeof(error)), "%s", error);
    return made;
}

static inline void begin(int version) {
    ca = identity_new("ca", NULL, 0, NULL);
    other_ca = identity_new("other", NULL, 0, NULL);
    good = identity_new("good", "DNS:localhost,IP:127.0.0.1", 0, &ca);
    context = context_for(&ca, NULL);
    peer = (struct rpc_tls_peer){.host = strdup("localhost")};
    server = server_context(&good, version);
}

static inline void end(void) {
    SSL_CTX_free(server);
    rpc_tls_peer_free(&peer);
    rpc_tls_context_free(context);
    identity_free(&good);
    identity_free(&other_ca);
    identity_free(&ca);
}

static inline struct link linked(bool resume, int64_t now_ms) {
    struct link link;
    link_open(&link, server, context, &peer, resume, now_ms);
    ck_assert_int_eq(link_handshake(&link), 0);
    return link;
}

static inline void client_says(struct link *link, const char *text) {
    char got[100];
    int len = (int)strlen(text);

    ck_assert_int_eq(rpc_tls_send(link->client, text, (size_t)len), len);
    link_collect(link);
    ck_assert_int_eq(SSL_read(link->server, got, sizeof(got)), len);
    ck_assert_mem_eq(got, text, (size_t)len);
}

static inline void client_hears(struct link *link, const char *text) {
    char got[100];

    link_say(link, text, strlen(text));
    link_deliver(link, SIZE_MAX);
    ck_assert_int_eq(rpc_tls_recv(link->client, got, sizeof(got)), (ssize_t)strlen(text));
    ck_assert_mem_eq(got, text, strlen(text));
}

#endif
