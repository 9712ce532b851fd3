// SPDX-License-Identifier: MIT
/* rpc_kept: connections that are kept, given back, given up, and what is learnt from them. */
#include "client/kept.h"
#include "counted_alloc.h"
#include "unit.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/wait.h>

#define COUNT(array) (sizeof(array) / sizeof(*(array)))
#define IDLE_MS 1000

/* A connection: pair[0] is handed to the node, pair[1] plays the other side. */
static void pair_open(int pair[2]) {
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
}

static void pair_close(const int pair[2]) {
    close(pair[0]);
    close(pair[1]);
}

static bool is_open(int fd) {
    return fcntl(fd, F_GETFD) >= 0;
}

/* One that may be used at once, or -1. */
static int take(struct rpc_kept *kept, int64_t now_ms) {
    int proof_ms, fd = rpc_kept_take(kept, now_ms, IDLE_MS, &proof_ms);
    ck_assert(fd < 0 || proof_ms == 0);
    return fd;
}

START_TEST(test_kept_keeps_and_gives_back) {
    struct rpc_kept kept = {.losses = RPC_KEPT_PERSISTENT};
    int pair[2];

    pair_open(pair);
    ck_assert_int_eq(take(&kept, 0), -1);
    rpc_kept_put(&kept, pair[0], 2, 0, IDLE_MS);
    ck_assert_int_eq(take(&kept, IDLE_MS - 1), pair[0]);
    ck_assert_int_eq(take(&kept, IDLE_MS - 1), -1);
    rpc_kept_put(&kept, pair[0], 2, 0, IDLE_MS);
    rpc_kept_free(&kept);
    ck_assert(!is_open(pair[0]));
    close(pair[1]);
}
END_TEST

START_TEST(test_kept_drops_what_is_over) {
    struct rpc_kept kept = {.losses = RPC_KEPT_PERSISTENT};
    int old[2], closed[2], stale[2], good[2];

    pair_open(old);
    pair_open(closed);
    pair_open(stale);
    pair_open(good);
    rpc_kept_put(&kept, old[0], 4, 0, IDLE_MS);
    rpc_kept_put(&kept, closed[0], 4, 10, IDLE_MS);
    rpc_kept_put(&kept, stale[0], 4, 10, IDLE_MS);
    rpc_kept_put(&kept, good[0], 4, 10, IDLE_MS);
    close(closed[1]);
    ck_assert_int_eq(send(stale[1], "!", 1, 0), 1);
    ck_assert_int_eq(take(&kept, IDLE_MS), good[0]);
    /* it closes its connections, as it seems: the others have to prove themselves */
    ck_assert_int_eq(kept.losses, 0);
    ck_assert(!is_open(old[0]) && !is_open(closed[0]) && !is_open(stale[0]));
    close(good[0]);
    close(good[1]);
    close(old[1]);
    close(stale[1]);
    rpc_kept_free(&kept);
}
END_TEST

START_TEST(test_kept_keeps_no_more_than_max) {
    struct rpc_kept kept = {.losses = RPC_KEPT_PERSISTENT};
    int a[2], b[2], c[2];

    pair_open(a);
    pair_open(b);
    pair_open(c);
    rpc_kept_put(&kept, a[0], 2, 0, IDLE_MS);
    rpc_kept_put(&kept, b[0], 1, 0, IDLE_MS);
    ck_assert(!is_open(b[0]));
    rpc_kept_put(&kept, c[0], 2, IDLE_MS, IDLE_MS); /* a is too old by now */
    ck_assert(is_open(c[0]));
    ck_assert_int_eq(take(&kept, IDLE_MS), c[0]);
    close(c[0]);
    close(a[1]);
    close(b[1]);
    close(c[1]);
    rpc_kept_free(&kept);
}
END_TEST

START_TEST(test_kept_retires_beyond_the_first_slots) {
    struct rpc_kept kept = {.losses = RPC_KEPT_PERSISTENT};
    int a[2], b[2];

    pair_open(a);
    pair_open(b);
    rpc_kept_put(&kept, a[0], 2, 0, IDLE_MS);
    rpc_kept_put(&kept, b[0], 2, 0, IDLE_MS);
    /* one at a time is used: the second slot grows old, and goes without being asked for */
    ck_assert_int_eq(take(&kept, IDLE_MS - 1), a[0]);
    rpc_kept_put(&kept, a[0], 2, IDLE_MS, IDLE_MS);
    ck_assert(is_open(a[0]));
    ck_assert(!is_open(b[0]));
    close(a[1]);
    close(b[1]);
    rpc_kept_free(&kept);
}
END_TEST

START_TEST(test_kept_unproved_connection_waits) {
    struct rpc_kept kept = {0};
    int first[2], second[2], proof_ms;

    pair_open(first);
    rpc_kept_put(&kept, first[0], 2, 0, IDLE_MS);
    ck_assert_int_eq(rpc_kept_take(&kept, 1, IDLE_MS, &proof_ms), first[0]);
    ck_assert_int_eq(proof_ms, RPC_KEPT_PROOF_MS - 1);
    rpc_kept_put(&kept, first[0], 2, 0, IDLE_MS);
    pair_open(second);
    rpc_kept_put(&kept, second[0], 2, RPC_KEPT_PROOF_MS, IDLE_MS);
    /* what has proved itself is preferred */
    ck_assert_int_eq(rpc_kept_take(&kept, RPC_KEPT_PROOF_MS, IDLE_MS, &proof_ms), first[0]);
    ck_assert_int_eq(proof_ms, 0);
    rpc_kept_learn(&kept, RPC_KEPT_ANSWERED, RPC_KEPT_PROOF_MS);
    ck_assert_int_eq(rpc_kept_take(&kept, RPC_KEPT_PROOF_MS, IDLE_MS, &proof_ms), second[0]);
    ck_assert_int_eq(proof_ms, 0);
    pair_close(first);
    pair_close(second);
    rpc_kept_free(&kept);
}
END_TEST

/* What is learnt, step by step: what happens at a time, the proof asked for and the rest then. */
START_TEST(test_kept_learns) {
    static const struct {
        enum rpc_kept_event event;
        int proof_ms;
        int rest_ms;
    } step[] = {
        {RPC_KEPT_CLOSED, 20, 5000},   {RPC_KEPT_CLOSED, 20, 5000},   {RPC_KEPT_LOST, 80, 20000},
        {RPC_KEPT_CLOSED, 80, 20000},  {RPC_KEPT_LOST, 320, 80000},   {RPC_KEPT_LOST, 320, 320000},
        {RPC_KEPT_LOST, 320, 1280000}, {RPC_KEPT_LOST, 320, 3600000}, {RPC_KEPT_LOST, 320, 3600000},
        {RPC_KEPT_ANSWERED, 0, 0},     {RPC_KEPT_ANSWERED, 0, 0},     {RPC_KEPT_LOST, 20, 0},
        {RPC_KEPT_LOST, 80, 20000},    {RPC_KEPT_ANSWERED, 0, 0},     {RPC_KEPT_CLOSED, 20, 0},
        {RPC_KEPT_CLOSED, 20, 5000},
    };
    struct rpc_kept kept = {0};
    int64_t now_ms = 0;

    for (size_t i = 0; i < COUNT(step); i++) {
        int pair[2], proof_ms = -1;
        rpc_kept_learn(&kept, step[i].event, now_ms);
        pair_open(pair);
        if (step[i].rest_ms) {
            rpc_kept_put(&kept, pair[0], 1, now_ms + step[i].rest_ms - 1, IDLE_MS);
            ck_assert_msg(!is_open(pair[0]), "step %zu", i);
            close(pair[1]);
            pair_open(pair);
        }
        now_ms += step[i].rest_ms;
        rpc_kept_put(&kept, pair[0], 1, now_ms, IDLE_MS);
        ck_assert_int_eq(rpc_kept_take(&kept, now_ms, IDLE_MS, &proof_ms), pair[0]);
        ck_assert_msg(proof_ms == step[i].proof_ms, "step %zu: %d", i, proof_ms);
        pair_close(pair);
    }
    rpc_kept_free(&kept);
}
END_TEST

START_TEST(test_kept_child_does_not_use_parents_connections) {
    struct rpc_kept kept = {.losses = RPC_KEPT_PERSISTENT};
    int pair[2], status;

    pair_open(pair);
    rpc_kept_put(&kept, pair[0], 1, 0, IDLE_MS);
    pid_t child = fork();
    if (child == 0)
        _exit(take(&kept, 0) == -1 && !is_open(pair[0]) ? 0 : 1);
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_int_eq(status, 0);
    ck_assert_int_eq(take(&kept, 0), pair[0]);
    close(pair[0]);
    close(pair[1]);
    rpc_kept_free(&kept);
}
END_TEST

START_TEST(test_kept_keep_without_memory) {
    for (size_t failing = 1; failing <= 2; failing++) {
        struct rpc_kept kept = {0};
        int pair[2];
        pair_open(pair);
        alloc_watch(failing);
        rpc_kept_put(&kept, pair[0], 1, 0, IDLE_MS);
        alloc_watch(0);
        ck_assert(!is_open(pair[0]));
        close(pair[1]);
        rpc_kept_free(&kept);
    }
}
END_TEST

UNIT_MAIN("kept", test_kept_keeps_and_gives_back, test_kept_drops_what_is_over,
          test_kept_keeps_no_more_than_max, test_kept_retires_beyond_the_first_slots,
          test_kept_unproved_connection_waits, test_kept_learns,
          test_kept_child_does_not_use_parents_connections, test_kept_keep_without_memory)
