// SPDX-License-Identifier: MIT
/* rpc_client on the real clock, with its own poll() and many threads: good calls beside bad nodes,
   and one pool of kept connections for all. */
#include "echo_node.h"

#include <time.h>

#define GOOD_THREADS 50
#define GOOD_CALLS 10
#define BAD_TIMEOUT_MS 200
#define SLACK_MS 5000 /* how much later than its deadline a call may return */

/* --- callers -----------------------------------------------------------------------------------
 */

struct caller {
    struct rpc_nodes *nodes;
    struct rpc_client_opts opts;
    unsigned calls;
    unsigned number;
    unsigned good;    /* calls answered, with what was sent */
    unsigned on_time; /* calls that did not return later than deadline and slack */
    enum rpc_status last;
};

static int64_t real_ms(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void *caller_run(void *data) {
    struct caller *caller = data;
    for (unsigned i = 0; i < caller->calls; i++) {
        char text[32];
        snprintf(text, sizeof(text), "%u-%u", caller->number, i);
        const struct rpc_call call = call_of("echo", text);
        struct rpc_result result;
        int64_t start = real_ms();
        caller->last = rpc_client_call(caller->nodes, &caller->opts, &call, &result, NULL);
        caller->on_time += real_ms() - start <= caller->opts.timeout_ms + SLACK_MS;
        caller->good += caller->last == RPC_OK && strcmp(result.data, text) == 0;
        free(result.data);
    }
    return NULL;
}

static void callers_start(struct caller *callers, pthread_t *threads, unsigned count) {
    for (unsigned i = 0; i < count; i++) {
        callers[i].number = i;
        ck_assert_int_eq(pthread_create(&threads[i], NULL, caller_run, &callers[i]), 0);
    }
}

START_TEST(test_live_good_calls_beside_bad_nodes) {
    struct echo_node good;
    struct fake_node silent, refusing;
    struct caller callers[GOOD_THREADS + 2];
    pthread_t threads[GOOD_THREADS + 2];
    unsigned descriptors = open_descriptors();

    echo_open(&good, false);
    fake_open(&silent, NULL);
    fake_open(&refusing, NULL);
    fake_close(&refusing);
    struct rpc_nodes *to_good = nodes_of(good.fake.name), *to_silent = nodes_of(silent.name);
    char both[300];
    snprintf(both, sizeof(both), "%s,%s", refusing.name, good.fake.name);
    struct rpc_nodes *to_both = nodes_of(both);
    for (unsigned i = 0; i < GOOD_THREADS; i++)
        callers[i] = (struct caller){
            .nodes = i % 2 ? to_good : to_both, .calls = GOOD_CALLS, .opts = {.timeout_ms = 10000}};
    for (unsigned i = GOOD_THREADS; i < GOOD_THREADS + 2; i++)
        callers[i] =
            (struct caller){.nodes = to_silent, .calls = 2, .opts = {.timeout_ms = BAD_TIMEOUT_MS}};
    callers_start(callers, threads, GOOD_THREADS + 2);
    for (unsigned i = 0; i < GOOD_THREADS + 2; i++) {
        pthread_join(threads[i], NULL);
        ck_assert_uint_eq(callers[i].good, i < GOOD_THREADS ? GOOD_CALLS : 0);
        ck_assert_uint_eq(callers[i].on_time, callers[i].calls);
        ck_assert_int_eq(callers[i].last, i < GOOD_THREADS ? RPC_OK : RPC_NODE_TIMEOUT);
    }
    rpc_nodes_free(to_good);
    rpc_nodes_free(to_silent);
    rpc_nodes_free(to_both);
    echo_close(&good);
    fake_close(&silent);
    ck_assert_uint_eq(open_descriptors(), descriptors);
}
END_TEST

#define KEPT 4

/* Threads take from and give to one pool: every answer reaches who asked, no descriptor is lost.
   Returns the number of calls lost. */
static unsigned share_a_pool(bool persistent, unsigned thread_count, unsigned calls) {
    struct echo_node node;
    struct caller callers[16];
    pthread_t threads[16];
    unsigned descriptors = open_descriptors(), lost = 0;

    echo_open(&node, persistent);
    struct rpc_nodes *nodes = nodes_of(node.fake.name);
    for (unsigned i = 0; i < thread_count; i++)
        callers[i] = (struct caller){
            .nodes = nodes, .calls = calls, .opts = {.timeout_ms = 10000, .keepalive = KEPT}};
    callers_start(callers, threads, thread_count);
    for (unsigned i = 0; i < thread_count; i++) {
        pthread_join(threads[i], NULL);
        lost += calls - callers[i].good;
    }
    if (persistent)
        ck_assert_uint_lt(node.accepted, thread_count * calls);
    rpc_nodes_free(nodes);
    echo_close(&node);
    ck_assert_uint_eq(open_descriptors(), descriptors);
    return lost;
}

START_TEST(test_live_shared_pool) {
    ck_assert_uint_eq(share_a_pool(true, 8, 1000), 0);
}
END_TEST

/* A node that closes after each answer, though the caller hopes to keep connections: calls are not
   lost on those that are about to be closed, but for the few that were kept when it was learnt, of
   a node that takes longer to close than a connection has to prove itself. */
START_TEST(test_live_pool_of_a_node_that_closes) {
    ck_assert_uint_le(share_a_pool(false, 4, 500), KEPT);
}
END_TEST

UNIT_MAIN("live", test_live_good_calls_beside_bad_nodes, test_live_shared_pool,
          test_live_pool_of_a_node_that_closes)
