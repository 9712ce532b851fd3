// SPDX-License-Identifier: MIT
/* Sessions of client/tls: kept, resumed, and when they are not. */
#include "tls_peer.h"

/* A call, after which a session may be there; returns whether one was resumed. */
static bool call(bool resume, int64_t now_ms) {
    struct link link = linked(resume, now_ms);
    bool resumed = rpc_tls_is_resumed(link.client);

    client_says(&link, "request");
    client_hears(&link, "answer");
    link_close(&link);
    return resumed;
}

START_TEST(test_tls_session) {
    begin(version_of[_i]);
    ck_assert(!call(false, NOW_MS) && !peer.session);
    ck_assert(!call(true, NOW_MS) && peer.session);
    for (int again = 0; again < 3; again++)
        ck_assert(call(true, NOW_MS + again));
    ck_assert(!call(false, NOW_MS));
    ck_assert(call(true, NOW_MS));
    end();
}
END_TEST

/* Since the certificate was last verified; resuming it does not make it younger. */
START_TEST(test_tls_session_that_is_old) {
    begin(version_of[_i]);
    ck_assert(!call(true, NOW_MS));
    ck_assert(call(true, NOW_MS + RPC_TLS_SESSION_MS / 2));
    ck_assert(call(true, NOW_MS + RPC_TLS_SESSION_MS - 1));
    ck_assert(!call(true, NOW_MS + RPC_TLS_SESSION_MS));
    ck_assert(call(true, NOW_MS + RPC_TLS_SESSION_MS));
    end();
}
END_TEST

START_TEST(test_tls_session_of_another_context) {
    begin(version_of[_i]);
    ck_assert(!call(true, NOW_MS));
    struct rpc_tls_context *first = context;
    context = context_for(&ca, NULL);
    ck_assert(!call(true, NOW_MS));
    ck_assert(call(true, NOW_MS));
    rpc_tls_context_free(first);
    end();
}
END_TEST

/* As one that was started again. */
START_TEST(test_tls_session_that_the_server_has_forgotten) {
    begin(version_of[_i]);
    ck_assert(!call(true, NOW_MS));
    SSL_CTX_free(server);
    server = server_context(&good, version_of[_i]);
    ck_assert(!call(true, NOW_MS));
    ck_assert(call(true, NOW_MS));
    end();
}
END_TEST

START_TEST(test_tls_session_after_a_handshake_that_failed) {
    begin(version_of[_i]);
    ck_assert(!call(true, NOW_MS) && peer.session);
    struct link link;
    link_open(&link, server, context, &peer, true, NOW_MS);
    ck_assert(!rpc_tls_handshake(link.client) && errno == EAGAIN);
    link_collect(&link);
    link_hang_up(&link);
    ck_assert(!rpc_tls_handshake(link.client) && errno == 0);
    ck_assert_str_eq(rpc_tls_reason(link.client), "closed in the handshake");
    ck_assert_ptr_null(peer.session);
    link_close(&link);
    end();
}
END_TEST

int main(void) {
    TCase *tcase = unit_case("tls");

    tcase_add_loop_test(tcase, test_tls_session, 0, VERSIONS);
    tcase_add_loop_test(tcase, test_tls_session_that_is_old, 0, VERSIONS);
    tcase_add_loop_test(tcase, test_tls_session_of_another_context, 0, VERSIONS);
    tcase_add_loop_test(tcase, test_tls_session_that_the_server_has_forgotten, 0, VERSIONS);
    tcase_add_loop_test(tcase, test_tls_session_after_a_handshake_that_failed, 0, VERSIONS);
    return unit_run_case("tls", tcase);
}
