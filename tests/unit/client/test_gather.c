// SPDX-License-Identifier: MIT
/* rpc_gather: many calls at once, to good nodes and bad ones, with too few descriptors, without a
   way to wait. */
#include "client/gather.h"
#include "echo_node.h"

#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>

#define SHORT_MS 1500
#define SLACK_MS 5000

/* Adds count calls whose argument is their number. */
static void add_calls(struct rpc_gather *gather, struct rpc_nodes *nodes, unsigned count) {
    for (unsigned i = 0; i < count; i++) {
        char text[16];
        snprintf(text, sizeof(text), "%u", rpc_gather_count(gather));
        const struct rpc_call call = call_of("echo", text);
        rpc_gather_add(gather, nodes, &call);
    }
}

/* Checks that a call was answered, with its own answer. */
static void check_answered(const struct rpc_gather *gather, unsigned number) {
    struct rpc_gathered got = rpc_gather_get(gather, number);
    char text[16];

    snprintf(text, sizeof(text), "%u", number);
    ck_assert_msg(got.status == RPC_OK, "%u: %s", number, rpc_status_info(got.status)->name);
    ck_assert_str_eq(got.result.data, text);
    ck_assert_uint_eq(got.args_len, strlen(text));
    ck_assert_str_eq(got.name, "echo");
}

static void check_joined(const struct rpc_gather *gather) {
    struct rpc_result joined;
    char expected[4 * RPC_GATHER_MAX + 1] = "", *end = expected;

    for (unsigned i = 0; i < rpc_gather_count(gather); i++)
        end += sprintf(end, "%u", i);
    ck_assert_int_eq(rpc_gather_join(gather, &joined), RPC_OK);
    ck_assert_str_eq(joined.data, expected);
    ck_assert_uint_eq(joined.len, strlen(expected));
    free(joined.data);
}

static void gather_from_one_node(bool persistent, unsigned count, unsigned keepalive) {
    const struct rpc_client_opts opts = {.timeout_ms = 30000, .keepalive = keepalive};
    struct echo_node node;
    unsigned descriptors = open_descriptors();

    echo_open(&node, persistent);
    struct rpc_nodes *nodes = nodes_of(node.fake.name);
    for (int round = 0; round < 3; round++) {
        struct rpc_gather *gather = rpc_gather_new(&opts, count);
        add_calls(gather, nodes, count);
        rpc_gather_run(gather);
        ck_assert_uint_eq(rpc_gather_count(gather), count);
        for (unsigned i = 0; i < count; i++)
            check_answered(gather, i);
        check_joined(gather);
        rpc_gather_free(gather);
    }
    rpc_nodes_free(nodes);
    echo_close(&node);
    ck_assert_uint_eq(open_descriptors(), descriptors);
}

START_TEST(test_gather_from_one_node) {
    gather_from_one_node(false, 0, 0);
    gather_from_one_node(false, 1, 0);
    gather_from_one_node(false, 2, 0);
    gather_from_one_node(false, RPC_GATHER_MAX, 0);
}
END_TEST

START_TEST(test_gather_over_kept_connections) {
    gather_from_one_node(true, 20, 20);
    gather_from_one_node(true, 20, 3);
    gather_from_one_node(false, 20, 20);
}
END_TEST

/* Each bad node's call has its own outcome, within the deadline; the good ones are whole. */
START_TEST(test_gather_bad_nodes) {
    const struct rpc_client_opts opts = {.timeout_ms = SHORT_MS};
    struct echo_node good;
    struct fake_node silent, refusing;
    unsigned descriptors = open_descriptors();

    echo_open(&good, false);
    fake_open(&silent, NULL);
    fake_open(&refusing, NULL);
    fake_close(&refusing);
    struct rpc_nodes *to_good = nodes_of(good.fake.name), *to_silent = nodes_of(silent.name),
                     *to_refusing = nodes_of(refusing.name);
    struct rpc_gather *gather = rpc_gather_new(&opts, 8);
    const struct rpc_call no_name = call_of("", NULL);
    add_calls(gather, to_good, 1);
    add_calls(gather, to_silent, 2);
    add_calls(gather, to_refusing, 2);
    rpc_gather_add_outcome(gather, RPC_BAD_ARG);
    rpc_gather_add(gather, to_good, &no_name);
    add_calls(gather, to_good, 1);
    int64_t start = rpc_client_now(&opts);
    rpc_gather_run(gather);
    int64_t took = rpc_client_now(&opts) - start;
    ck_assert(took >= SHORT_MS && took < SHORT_MS + SLACK_MS);
    static const enum rpc_status expected[] = {RPC_OK,
                                               RPC_NODE_TIMEOUT,
                                               RPC_NODE_TIMEOUT,
                                               RPC_NODE_UNREACHABLE,
                                               RPC_NODE_UNREACHABLE,
                                               RPC_BAD_ARG,
                                               RPC_NO_NAME,
                                               RPC_OK};
    for (unsigned i = 0; i < 8; i++)
        ck_assert_int_eq(rpc_gather_get(gather, i).status, expected[i]);
    check_answered(gather, 0);
    check_answered(gather, 7);
    struct rpc_result joined;
    ck_assert_int_eq(rpc_gather_join(gather, &joined), RPC_NODE_TIMEOUT);
    ck_assert_ptr_null(joined.data);
    rpc_gather_free(gather);
    rpc_nodes_free(to_good);
    rpc_nodes_free(to_silent);
    rpc_nodes_free(to_refusing);
    fake_close(&silent);
    echo_close(&good);
    ck_assert_uint_eq(open_descriptors(), descriptors);
}
END_TEST

/* Fewer descriptors than calls: those that find none wait for those that give one back. The node
   is another process, which has its own. */
START_TEST(test_gather_few_descriptors) {
    const struct rpc_client_opts opts = {.timeout_ms = 30000};
    struct echo_node node;
    struct rlimit limit, few;
    int ready[2];
    char byte;

    ck_assert_int_eq(pipe(ready), 0);
    fake_open(&node.fake, NULL);
    pid_t child = fork();
    if (child == 0) {
        fcntl(node.fake.listener, F_SETFL, 0);
        listen(node.fake.listener, 512);
        close(ready[0]);
        close(ready[1]);
        for (int fd; (fd = accept(node.fake.listener, NULL, NULL)) >= 0;) {
            echo_once(fd);
            close(fd);
        }
        _exit(0);
    }
    close(ready[1]);
    ck_assert_int_eq(read(ready[0], &byte, 1), 0); /* it listens */
    close(ready[0]);
    unsigned descriptors = open_descriptors();
    struct rpc_nodes *nodes = nodes_of(node.fake.name);
    struct rpc_gather *gather = rpc_gather_new(&opts, 60);
    add_calls(gather, nodes, 60);
    getrlimit(RLIMIT_NOFILE, &limit);
    few = limit;
    few.rlim_cur = descriptors + 8;
    setrlimit(RLIMIT_NOFILE, &few);
    rpc_gather_run(gather);
    setrlimit(RLIMIT_NOFILE, &limit);
    for (unsigned i = 0; i < 60; i++)
        check_answered(gather, i);
    rpc_gather_free(gather);
    rpc_nodes_free(nodes);
    ck_assert_uint_eq(open_descriptors(), descriptors);
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    fake_close(&node.fake);
}
END_TEST

/* Not one descriptor left: each has its outcome, at once. */
START_TEST(test_gather_no_descriptor) {
    const struct rpc_client_opts opts = {.timeout_ms = 30000};
    struct rpc_nodes *nodes = nodes_of("127.0.0.1:1");
    struct rpc_gather *gather = rpc_gather_new(&opts, 5);
    struct rlimit limit, none;

    add_calls(gather, nodes, 5);
    getrlimit(RLIMIT_NOFILE, &limit);
    none = limit;
    none.rlim_cur = 0;
    setrlimit(RLIMIT_NOFILE, &none);
    rpc_gather_run(gather);
    setrlimit(RLIMIT_NOFILE, &limit);
    for (unsigned i = 0; i < 5; i++) {
        struct rpc_gathered got = rpc_gather_get(gather, i);
        ck_assert_int_eq(got.status, RPC_NODE_UNREACHABLE);
        ck_assert_int_eq(got.report.error, EMFILE);
    }
    rpc_gather_free(gather);
    rpc_nodes_free(nodes);
}
END_TEST

static int cannot_wait(void *ctx, int fd, bool for_write, int timeout_ms) {
    (void)ctx, (void)fd, (void)for_write, (void)timeout_ms;
    return -1;
}

START_TEST(test_gather_cannot_wait) {
    const struct rpc_client_opts opts = {.timeout_ms = 30000, .wait = cannot_wait};
    struct fake_node silent;
    unsigned descriptors = open_descriptors();

    fake_open(&silent, NULL);
    struct rpc_nodes *nodes = nodes_of(silent.name);
    struct rpc_gather *gather = rpc_gather_new(&opts, 5);
    add_calls(gather, nodes, 5);
    rpc_gather_run(gather);
    for (unsigned i = 0; i < 5; i++) {
        struct rpc_gathered got = rpc_gather_get(gather, i);
        ck_assert_int_eq(got.status, RPC_NODE_TIMEOUT);
        ck_assert_int_eq(got.report.error, ECANCELED);
    }
    rpc_gather_free(gather);
    rpc_nodes_free(nodes);
    fake_close(&silent);
    ck_assert_uint_eq(open_descriptors(), descriptors);
}
END_TEST

UNIT_MAIN("gather", test_gather_from_one_node, test_gather_over_kept_connections,
          test_gather_bad_nodes, test_gather_few_descriptors, test_gather_no_descriptor,
          test_gather_cannot_wait)
