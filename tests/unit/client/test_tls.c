// SPDX-License-Identifier: MIT
/* client/tls against a server that OpenSSL plays: what is right, and everything that is not. */
#include "tls_peer.h"

#include <poll.h>

#define LARGE 200000

/* Nothing has come, or nothing more. */
static void ck_assert_waits(struct link *link) {
    char byte;
    ck_assert_int_eq(rpc_tls_recv(link->client, &byte, 1), -1);
    ck_assert_int_eq(errno, EAGAIN);
    ck_assert(!rpc_tls_waits_for_write(link->client));
}

static void ck_assert_fails(struct link *link, const char *reason) {
    char byte;
    ck_assert_int_eq(rpc_tls_recv(link->client, &byte, 1), -1);
    ck_assert_int_eq(errno, EPROTO);
    ck_assert_msg(strstr(rpc_tls_reason(link->client), reason), "%s", rpc_tls_reason(link->client));
}

/* --- what is right ---------------------------------------------------------------------------- */

START_TEST(test_tls_call) {
    begin(version_of[_i]);
    struct link link = linked(false, NOW_MS);
    char byte;

    ck_assert(!rpc_tls_is_resumed(link.client));
    ck_assert_waits(&link);
    client_says(&link, "request");
    client_hears(&link, "answer");
    ck_assert_waits(&link);
    SSL_shutdown(link.server);
    link_deliver(&link, SIZE_MAX);
    link_hang_up(&link);
    for (int again = 0; again < 2; again++)
        ck_assert_int_eq(rpc_tls_recv(link.client, &byte, 1), 0);
    ck_assert_ptr_null(rpc_tls_reason(link.client));
    link_close(&link);
    end();
}
END_TEST

START_TEST(test_tls_address) {
    begin(TLS1_3_VERSION);
    free(peer.host);
    peer.host = strdup("127.0.0.1");
    struct link link = linked(false, NOW_MS);
    ck_assert_ptr_null(SSL_get_servername(link.server, TLSEXT_NAMETYPE_host_name));
    link_close(&link);
    end();
}
END_TEST

/* What it says it waits for is there as long as there is something to be read. */
START_TEST(test_tls_large_result_in_pieces) {
    begin(version_of[_i]);
    struct link link = linked(false, NOW_MS);
    static char data[LARGE], got[LARGE];
    size_t len = 0;

    for (size_t i = 0; i < LARGE; i++)
        data[i] = (char)(i * 7);
    link_say(&link, data, LARGE);
    while (len < LARGE) {
        short events = rpc_tls_waits_for_write(link.client) ? POLLOUT : POLLIN;
        struct pollfd p = {.fd = link.fd, .events = events};
        if (poll(&p, 1, 0) == 0) {
            ck_assert_uint_gt(link_deliver(&link, 5000), 0);
            continue;
        }
        ssize_t n = rpc_tls_recv(link.client, got + len, LARGE - len < 1000 ? LARGE - len : 1000);
        ck_assert(n > 0 || errno == EAGAIN);
        len += n > 0 ? (size_t)n : 0;
    }
    ck_assert_mem_eq(got, data, LARGE);
    link_close(&link);
    end();
}
END_TEST

START_TEST(test_tls_large_request_to_a_slow_reader) {
    begin(version_of[_i]);
    struct link link = linked(false, NOW_MS);
    static char data[LARGE * 5], got[LARGE * 5];
    size_t sent = 0, len = 0, waited = 0;

    memset(data, 'q', sizeof(data));
    while (len < sizeof(data)) {
        ssize_t n =
            sent < sizeof(data) ? rpc_tls_send(link.client, data + sent, sizeof(data) - sent) : 0;
        if (n > 0)
            sent += (size_t)n;
        if (n > 0 && sent < sizeof(data))
            continue;
        ck_assert(n >= 0 || sent == sizeof(data) ||
                  (errno == EAGAIN && rpc_tls_waits_for_write(link.client)));
        waited += n < 0;
        link_collect(&link);
        size_t more = 0;
        while (len < sizeof(got) && SSL_read_ex(link.server, got + len, sizeof(got) - len, &more))
            len += more;
    }
    ck_assert_uint_gt(waited, 0);
    ck_assert_mem_eq(got, data, sizeof(data));
    link_close(&link);
    end();
}
END_TEST

/* --- certificates ----------------------------------------------------------------------------- */

static const struct {
    const char *names;
    long from_day;
    bool foreign;
    const char *reason;
} BAD[] = {{"DNS:elsewhere.example", 0, false, "ostname mismatch"},
           {"IP:127.0.0.1", 0, false, "ostname mismatch"},
           {"DNS:localhost.example,DNS:*", 0, false, "ostname mismatch"},
           {"DNS:localhost", -10, false, "certificate has expired"},
           {"DNS:localhost", 10, false, "certificate is not yet valid"},
           {"DNS:localhost", 0, true, "unable to get local issuer certificate"}};

/* Nothing of a call is sent, and no session is kept. */
START_TEST(test_tls_certificate) {
    begin(version_of[_i % VERSIONS]);
    struct identity bad = identity_new("bad", BAD[_i / VERSIONS].names, BAD[_i / VERSIONS].from_day,
                                       BAD[_i / VERSIONS].foreign ? &other_ca : &ca);
    SSL_CTX_free(server);
    server = server_context(&bad, version_of[_i % VERSIONS]);
    struct link link;
    link_open(&link, server, context, &peer, true, NOW_MS);
    ck_assert_int_eq(link_handshake(&link), EPROTO);
    ck_assert_msg(strstr(rpc_tls_reason(link.client), BAD[_i / VERSIONS].reason), "%s",
                  rpc_tls_reason(link.client));
    ck_assert_ptr_null(peer.session);
    link_close(&link);
    identity_free(&bad);
    end();
}
END_TEST

static void demand_certificate(void) {
    X509_STORE_add_cert(SSL_CTX_get_cert_store(server), ca.cert);
    SSL_CTX_set_verify(server, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
}

START_TEST(test_tls_certificate_of_the_client) {
    begin(version_of[_i]);
    rpc_tls_context_free(context);
    context = context_for(&ca, &good);
    demand_certificate();
    struct link link = linked(false, NOW_MS);
    client_says(&link, "request");
    client_hears(&link, "answer");
    link_close(&link);
    end();
}
END_TEST

/* In TLS 1.3 that is told after the handshake. */
START_TEST(test_tls_no_certificate_of_the_client) {
    begin(version_of[_i]);
    demand_certificate();
    struct link link;
    link_open(&link, server, context, &peer, false, NOW_MS);
    if (link_handshake(&link) == 0) {
        ck_assert_fails(&link, "certificate required");
        ck_assert_int_eq(rpc_tls_send(link.client, "x", 1), -1);
    } else {
        ck_assert_ptr_nonnull(strstr(rpc_tls_reason(link.client), "handshake failure"));
    }
    link_close(&link);
    end();
}
END_TEST

START_TEST(test_tls_files) {
    begin(TLS1_3_VERSION);
    char error[200];
    struct rpc_tls_context *made = rpc_tls_context_new();
    const struct identity another = {.key = ca.key};

    ck_assert(!rpc_tls_context_read(made, RPC_TLS_CA, "/nonexistent.pem", error, sizeof(error)));
    ck_assert_str_eq(error, "No such file or directory");
    ck_assert(!rpc_tls_context_read(made, RPC_TLS_CA, "/proc/self/status", error, sizeof(error)));
    ck_assert_str_ne(error, "");
    ck_assert(context_read(made, RPC_TLS_CERT, &good));
    ck_assert(!rpc_tls_context_finish(made, error, sizeof(error)));
    ck_assert_str_ne(error, "");
    ck_assert(!context_read(made, RPC_TLS_KEY, &another));
    rpc_tls_context_free(made);
    end();
}
END_TEST

/* --- what is no TLS --------------------------------------------------------------------------- */

static const char *const TEXT[] = {"HTTP/1.0 400 Bad Request\r\n\r\n", "\xad\5\0\0hello",
                                   "220 ready\r\n", "\x16\x03\x01\xff\xff\xff\xff\xff\xff",
                                   "\x15\x03\x03\0\2\2\x28"};
static const size_t TEXT_LEN[] = {28, 9, 11, 9, 7};

START_TEST(test_tls_plain_text) {
    begin(TLS1_3_VERSION);
    struct link link;
    link_open(&link, server, context, &peer, false, NOW_MS);
    ck_assert(!rpc_tls_handshake(link.client) && errno == EAGAIN);
    ck_assert_int_eq(send(link.peer_fd, TEXT[_i], TEXT_LEN[_i], 0), (ssize_t)TEXT_LEN[_i]);
    ck_assert(!rpc_tls_handshake(link.client));
    ck_assert_int_eq(errno, EPROTO);
    ck_assert_ptr_nonnull(rpc_tls_reason(link.client));
    link_close(&link);
    end();
}
END_TEST

/* A handshake up to the server's first flight, which has not been sent yet; returns its length,
   which varies with the signature in it. */
static size_t first_flight(struct link *link, char **flight) {
    link_open(link, server, context, &peer, false, NOW_MS);
    ck_assert(!rpc_tls_handshake(link->client) && errno == EAGAIN);
    link_collect(link);
    SSL_do_handshake(link->server);
    return link_pending(link, flight);
}

static void check_waits_and_ends(struct link *link, size_t cut) {
    ck_assert_uint_eq(link_deliver(link, cut), cut);
    ck_assert(!rpc_tls_handshake(link->client));
    ck_assert_int_eq(errno, EAGAIN);
    ck_assert(!rpc_tls_waits_for_write(link->client));
    link_hang_up(link);
    ck_assert(!rpc_tls_handshake(link->client));
    ck_assert_msg(errno == 0, "byte %zu: %s", cut, strerror(errno));
    ck_assert_str_eq(rpc_tls_reason(link->client), "closed in the handshake");
}

/* The flight cut behind each of its bytes: first there is something to wait for, then the end. */
START_TEST(test_tls_handshake_that_stops) {
    begin(version_of[_i]);
    for (size_t cut = 0, whole = 1; cut < whole; cut++) {
        struct link link;
        char *flight;
        whole = first_flight(&link, &flight);
        if (cut < whole)
            check_waits_and_ends(&link, cut);
        link_close(&link);
    }
    end();
}
END_TEST

/* One byte of it changed is noticed, but for the version that its first record bears. */
START_TEST(test_tls_handshake_with_a_wrong_byte) {
    begin(version_of[_i]);
    for (size_t at = 0, whole = 1; at < whole; at++) {
        struct link link;
        char *flight;
        whole = first_flight(&link, &flight);
        flight[at < whole ? at : 0] ^= 0x55;
        ck_assert_msg(link_handshake(&link) != 0 || at == 1 || at == 2, "byte %zu", at);
        link_close(&link);
    }
    end();
}
END_TEST

/* --- afterwards ------------------------------------------------------------------------------- */

/* Where a record says how long it is: a longer one is not whole before the end. */
static bool is_length(size_t at) {
    return at == 3 || at == 4;
}

/* Each byte of a record that holds an answer. */
START_TEST(test_tls_garbage_in_a_record) {
    begin(version_of[_i]);
    for (size_t at = 0, whole = 1; at < whole; at++) {
        struct link link = linked(false, NOW_MS);
        char *record, got[100];
        client_hears(&link, "before");
        link_say(&link, "answer", 6);
        whole = link_pending(&link, &record);
        record[at] ^= 0x55;
        link_deliver(&link, SIZE_MAX);
        link_hang_up(&link);
        ck_assert_int_eq(rpc_tls_recv(link.client, got, sizeof(got)), -1);
        ck_assert_msg(errno == EPROTO ? rpc_tls_reason(link.client) != NULL
                                      : errno == 0 && is_length(at),
                      "byte %zu: %s", at, strerror(errno));
        link_close(&link);
    }
    end();
}
END_TEST

/* An end without a word may be anybody's: it is an error, behind the bytes that came before it. */
START_TEST(test_tls_end_without_a_word) {
    begin(version_of[_i]);
    struct link link = linked(false, NOW_MS);
    char got[100];

    link_say(&link, "answer", 6);
    link_deliver(&link, SIZE_MAX);
    link_hang_up(&link);
    ck_assert_int_eq(rpc_tls_recv(link.client, got, sizeof(got)), 6);
    ck_assert(rpc_tls_waits_for_write(link.client));
    ck_assert_int_eq(rpc_tls_recv(link.client, got, sizeof(got)), -1);
    ck_assert_int_eq(errno, 0);
    ck_assert_int_eq(rpc_tls_send(link.client, "x", 1), -1);
    link_close(&link);
    end();
}
END_TEST

/* A server of TLS 1.2 that wants another handshake is told that there is none. */
START_TEST(test_tls_renegotiation) {
    begin(TLS1_2_VERSION);
    struct link link = linked(false, NOW_MS);

    ck_assert_int_eq(SSL_renegotiate(link.server), 1);
    SSL_do_handshake(link.server);
    link_deliver(&link, SIZE_MAX);
    ck_assert_waits(&link);
    link_collect(&link);
    ck_assert_int_le(SSL_read(link.server, &(char){0}, 1), 0);
    ck_assert_int_eq(ERR_GET_REASON(ERR_get_error()), SSL_R_NO_RENEGOTIATION);
    link_close(&link);
    end();
}
END_TEST

START_TEST(test_tls_old_version) {
    begin(TLS1_3_VERSION);
    SSL_CTX_set_security_level(server, 0);
    SSL_CTX_set_min_proto_version(server, TLS1_VERSION);
    SSL_CTX_set_max_proto_version(server, TLS1_1_VERSION);
    struct link link;
    link_open(&link, server, context, &peer, false, NOW_MS);
    ck_assert_int_eq(link_handshake(&link), EPROTO);
    ck_assert_ptr_nonnull(strstr(rpc_tls_reason(link.client), "protocol version"));
    link_close(&link);
    end();
}
END_TEST

int main(void) {
    TCase *tcase = unit_case("tls");

    tcase_add_loop_test(tcase, test_tls_call, 0, VERSIONS);
    tcase_add_loop_test(tcase, test_tls_address, 0, 1);
    tcase_add_loop_test(tcase, test_tls_large_result_in_pieces, 0, VERSIONS);
    tcase_add_loop_test(tcase, test_tls_large_request_to_a_slow_reader, 0, VERSIONS);
    tcase_add_loop_test(tcase, test_tls_certificate, 0, VERSIONS * COUNT(BAD));
    tcase_add_loop_test(tcase, test_tls_certificate_of_the_client, 0, VERSIONS);
    tcase_add_loop_test(tcase, test_tls_no_certificate_of_the_client, 0, VERSIONS);
    tcase_add_loop_test(tcase, test_tls_files, 0, 1);
    tcase_add_loop_test(tcase, test_tls_plain_text, 0, COUNT(TEXT));
    tcase_add_loop_test(tcase, test_tls_handshake_that_stops, 0, VERSIONS);
    tcase_add_loop_test(tcase, test_tls_handshake_with_a_wrong_byte, 0, VERSIONS);
    tcase_add_loop_test(tcase, test_tls_garbage_in_a_record, 0, VERSIONS);
    tcase_add_loop_test(tcase, test_tls_end_without_a_word, 0, VERSIONS);
    tcase_add_loop_test(tcase, test_tls_renegotiation, 0, 1);
    tcase_add_loop_test(tcase, test_tls_old_version, 0, 1);
    return unit_run_case("tls", tcase);
}
