// SPDX-License-Identifier: MIT
/* rpc_client over kept connections: nodes that keep them, that close them sooner or later, that
   fall silent. */
#include "fleet.h"

START_TEST(test_failover_keepalive) {
    struct fleet fleet;
    unsigned descriptors = open_descriptors();

    fleet_open(&fleet, 1, answer_for_ever);
    fleet.opts.keepalive = 1;
    ck_assert_int_eq(fleet_call(&fleet), RPC_OK);
    ck_assert(!fleet.report.kept);
    fake_clock_ms += RPC_KEPT_PROOF_MS;
    for (int i = 0; i < 4; i++) {
        ck_assert_int_eq(fleet_call(&fleet), RPC_OK);
        ck_assert(fleet.report.kept);
    }
    ck_assert_uint_eq(fleet.node[0].accepted, 1);
    ck_assert_uint_eq(fleet.node[0].requests, 5);
    fake_clock_ms += RPC_CLIENT_IDLE_MS;
    ck_assert_int_eq(fleet_call(&fleet), RPC_OK);
    ck_assert_uint_eq(fleet.node[0].accepted, 2);
    fleet_close(&fleet);
    ck_assert_uint_eq(open_descriptors(), descriptors);
}
END_TEST

/* A node whose kept connections are gone is dialled; none of its calls is lost. */
START_TEST(test_failover_keepalive_stale) {
    const struct fake_step *const after[] = {
        SCRIPT(SEND(ANSWER), CLOSE),              /* closes after the answer */
        SCRIPT(SEND(ANSWER), RESET),              /* resets after it */
        SCRIPT(SEND(ANSWER), SEND("\xad\1\0\0")), /* says more, which no call has asked for */
        SCRIPT(SEND(ANSWER "more")),              /* says more, at once */
    };
    for (size_t i = 0; i < COUNT(after); i++) {
        struct fleet fleet;
        fleet_open(&fleet, 1, after[i]);
        fleet.opts.keepalive = 2;
        for (unsigned n = 1; n <= 3; n++) {
            ck_assert_int_eq(fleet_call(&fleet), RPC_OK);
            ck_assert(!fleet.report.kept);
            ck_assert_uint_eq(fleet.node[0].requests, n);
            ck_assert_uint_eq(fleet.node[0].accepted, n);
            if (fleet.node[0].step->what != FAKE_SILENT)
                fake_play(&fleet.node[0], 1);
            fake_clock_ms += RPC_KEPT_PROOF_MS;
        }
        fleet_close(&fleet);
    }
}
END_TEST

START_TEST(test_failover_keepalive_not_after_failure) {
    struct fleet fleet;
    fleet_open(&fleet, 1, SCRIPT(SEND("garbage!")));
    fleet.opts.keepalive = 2;
    unsigned descriptors = open_descriptors();
    ck_assert_int_eq(fleet_call(&fleet), RPC_NODE_GARBLED);
    ck_assert_uint_eq(open_descriptors(), descriptors + 1); /* the node's end */
    fake_clock_ms += RPC_KEPT_PROOF_MS;
    ck_assert_int_eq(fleet_call(&fleet), RPC_NODE_GARBLED);
    ck_assert(!fleet.report.kept);
    fleet_close(&fleet);
}
END_TEST

/* Over a kept connection too a call is sent once. */
START_TEST(test_failover_keepalive_at_most_once) {
    struct fleet fleet;
    fleet_open(&fleet, 1, SCRIPT(SEND(ANSWER), {FAKE_NEXT, 0, 0, 0}, CLOSE));
    fleet.opts.keepalive = 1;
    ck_assert_int_eq(fleet_call(&fleet), RPC_OK);
    fake_clock_ms += RPC_KEPT_PROOF_MS;
    ck_assert_int_eq(fleet_call(&fleet), RPC_NODE_CLOSED);
    ck_assert(fleet.report.kept);
    ck_assert_uint_eq(fleet.node[0].requests, 2);
    ck_assert_uint_eq(fleet.node[0].accepted, 1);
    fleet_close(&fleet);
}
END_TEST

/* A node that closes some time after its answer, without reading what comes meanwhile. */
struct closing_node {
    struct fleet fleet;
    int later_ms;
    int64_t closes_at_ms;
};

static void close_if_time(struct closing_node *closing) {
    if (fake_clock_ms >= closing->closes_at_ms)
        fake_hang_up(&closing->fleet.node[0]);
}

static int closing_wait(void *ctx, int fd, bool for_write, int timeout_ms) {
    struct closing_node *closing = ctx;
    struct fake_node *node = &closing->fleet.node[0];
    struct pollfd p = {.fd = node->listener, .events = POLLIN};

    if (node->peer >= 0 && node->step->what == FAKE_DONE && poll(&p, 1, 0) == 0) {
        bool closes = closing->closes_at_ms <= fake_clock_ms + timeout_ms;
        fake_clock_ms = closes ? closing->closes_at_ms : fake_clock_ms + timeout_ms;
        close_if_time(closing);
        return closes;
    }
    int ready = fake_wait(&closing->fleet.scene, fd, for_write, timeout_ms);
    closing->closes_at_ms = fake_clock_ms + closing->later_ms;
    return ready;
}

/* A call is lost once or twice, not every few seconds for ever. */
START_TEST(test_failover_keepalive_closes_later) {
    static const int later_ms[] = {RPC_KEPT_PROOF_MS - 1, RPC_KEPT_PROOF_MS + 1, 50, 100, 300};

    for (size_t i = 0; i < COUNT(later_ms); i++) {
        struct closing_node closing = {.later_ms = later_ms[i]};
        unsigned lost = 0, calls = 0;
        fleet_open(&closing.fleet, 1, SCRIPT(SEND(ANSWER), {FAKE_DONE, 0, 0, 0}));
        closing.fleet.opts.keepalive = 1;
        closing.fleet.opts.wait = closing_wait;
        closing.fleet.opts.wait_ctx = &closing;
        for (int64_t end = fake_clock_ms + 150000; fake_clock_ms < end; calls++) {
            enum rpc_status status = fleet_call(&closing.fleet);
            ck_assert(status == RPC_OK || status == RPC_NODE_CLOSED);
            lost += status == RPC_NODE_CLOSED;
            fake_clock_ms += RPC_KEPT_PROOF_MS;
            close_if_time(&closing);
        }
        ck_assert_msg(lost == (unsigned)(i > 0) + (unsigned)(later_ms[i] > 4 * RPC_KEPT_PROOF_MS),
                      "%d ms: %u calls of %u are lost", later_ms[i], lost, calls);
        fleet_close(&closing.fleet);
    }
}
END_TEST

/* Answers the first call of a connection alone and keeps silent afterwards. */
START_TEST(test_failover_keepalive_silent) {
    struct fleet fleet;
    fleet_open(&fleet, 1, SCRIPT(SEND(ANSWER), {FAKE_NEXT, 0, 0, 0}, {0}));
    fleet.opts.keepalive = 1;
    ck_assert_int_eq(fleet_call(&fleet), RPC_OK);
    fake_clock_ms += RPC_KEPT_PROOF_MS;
    ck_assert_int_eq(fleet_call(&fleet), RPC_NODE_TIMEOUT);
    for (int i = 0; i < 3; i++) {
        ck_assert_int_eq(fleet_call(&fleet), RPC_OK);
        fake_clock_ms += RPC_KEPT_PROOF_MS;
    }
    fleet_close(&fleet);
}
END_TEST

/* A connection that has to prove itself beyond the deadline ends the call there, not later. */
START_TEST(test_failover_proof_within_deadline) {
    struct fleet fleet;
    fleet_open(&fleet, 1, answer_for_ever);
    fleet.opts.keepalive = 1;
    ck_assert_int_eq(fleet_call(&fleet), RPC_OK);
    fleet.opts.timeout_ms = RPC_KEPT_PROOF_MS / 2;
    int64_t start = fake_clock_ms;
    ck_assert_int_eq(fleet_call(&fleet), RPC_NODE_TIMEOUT);
    ck_assert_int_eq(fake_clock_ms - start, RPC_KEPT_PROOF_MS / 2);
    ck_assert_uint_eq(fleet.node[0].requests, 1);
    fleet_close(&fleet);
}
END_TEST

UNIT_MAIN("keepalive", test_failover_keepalive, test_failover_keepalive_stale,
          test_failover_keepalive_not_after_failure, test_failover_keepalive_at_most_once,
          test_failover_keepalive_closes_later, test_failover_keepalive_silent,
          test_failover_proof_within_deadline)
