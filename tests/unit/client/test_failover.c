// SPDX-License-Identifier: MIT
/* rpc_client over several nodes: failover, rest, at most once, full queues, what this side runs out
   of. */
#include "fleet.h"

#include <sys/resource.h>

/* --- several nodes -----------------------------------------------------------------------------
 */

START_TEST(test_failover_round_robin) {
    struct fleet fleet;
    fleet_open(&fleet, 3, answer_and_close);
    for (int i = 0; i < 9; i++) {
        ck_assert_int_eq(fleet_call(&fleet), RPC_OK);
        ck_assert_ptr_eq(fleet.report.node, fleet.nodes->node[i % 3]);
        ck_assert_str_eq(fleet.report.node->name, fleet.node[i % 3].name);
    }
    fleet_close(&fleet);
    for (int i = 0; i < 3; i++)
        ck_assert_uint_eq(fleet.node[i].requests, 3);
}
END_TEST

START_TEST(test_failover_dead_node_rests) {
    struct fleet fleet;
    unsigned tried = 0;

    fleet_open(&fleet, 2, answer_and_close);
    fake_close(&fleet.node[0]);
    ck_assert_int_eq(fleet_call(&fleet), RPC_OK);
    ck_assert_uint_eq(fleet.report.tried, 2);
    ck_assert_int_eq(fleet.report.error, 0);
    fake_clock_ms += RPC_CLIENT_REST_MS - 1;
    for (int i = 0; i < 4; i++) {
        ck_assert_int_eq(fleet_call(&fleet), RPC_OK);
        ck_assert_uint_eq(fleet.report.tried, 1);
    }
    fake_clock_ms += 1;
    for (int i = 0; i < 2; i++) {
        ck_assert_int_eq(fleet_call(&fleet), RPC_OK);
        tried += fleet.report.tried;
    }
    ck_assert_uint_eq(tried, 3);
    fleet_close(&fleet);
    ck_assert_uint_eq(fleet.node[1].requests, 7);
}
END_TEST

START_TEST(test_failover_all_dead) {
    struct fleet fleet;
    unsigned descriptors = open_descriptors();

    fleet_open(&fleet, 2, answer_and_close);
    for (int i = 0; i < 2; i++)
        fake_close(&fleet.node[i]);
    for (int i = 0; i < 3; i++) { /* resting or not, there is nobody else */
        ck_assert_int_eq(fleet_call(&fleet), RPC_NODE_UNREACHABLE);
        ck_assert_uint_eq(fleet.report.tried, 2);
        ck_assert_int_eq(fleet.report.error, ECONNREFUSED);
    }
    /* one of them comes back while both rest */
    struct sockaddr_in addr = {.sin_family = AF_INET,
                               .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
                               .sin_port = htons((uint16_t)fleet.node[1].port)};
    if (fake_listen(&fleet.node[1], (struct sockaddr *)&addr, sizeof(addr)) >= 0) {
        ck_assert_int_eq(fleet_call(&fleet), RPC_OK);
        ck_assert_int_eq(fleet_call(&fleet), RPC_OK);
        ck_assert_uint_eq(fleet.report.tried, 1); /* it does not rest any more */
    }
    fleet_close(&fleet);
    ck_assert_uint_eq(open_descriptors(), descriptors);
}
END_TEST

START_TEST(test_failover_at_most_once) {
    const struct fake_step *const bad[] = {SCRIPT(CLOSE), SCRIPT(RESET), SCRIPT({0}),
                                           SCRIPT(SEND("garbage!")),
                                           SCRIPT(SEND("\xad\5\0\0o"), CLOSE)};

    for (size_t i = 0; i < COUNT(bad); i++) {
        struct fleet fleet;
        fleet_open(&fleet, 2, answer_and_close);
        fleet.node[0].script = bad[i];
        ck_assert_int_ne(fleet_call(&fleet), RPC_OK);
        ck_assert_uint_eq(fleet.report.tried, 1);
        ck_assert_uint_eq(fleet.node[0].requests, 1);
        ck_assert_uint_eq(fleet.node[1].accepted, 0);
        ck_assert_int_eq(fleet.nodes->node[0]->rest_until_ms, 0);
        fleet_close(&fleet);
    }
}
END_TEST

/* --- nodes that cannot be connected to ---------------------------------------------------------
 */

/* A listening socket whose queue is full: whoever connects waits. */
struct full_queue {
    int listener;
    int filler[32];
    unsigned count;
};

static void full_queue_open(struct full_queue *full, struct fake_node *node) {
    struct sockaddr_storage addr;
    socklen_t len = sizeof(addr);

    full->listener = node->listener;
    full->count = 0;
    ck_assert_int_eq(listen(full->listener, 0), 0);
    ck_assert_int_eq(getsockname(full->listener, (struct sockaddr *)&addr, &len), 0);
    for (int connected = 1; connected && full->count < COUNT(full->filler); full->count++) {
        int fd = socket(addr.ss_family, SOCK_STREAM | SOCK_NONBLOCK, 0);
        struct pollfd p = {.fd = fd, .events = POLLOUT};
        connected = connect(fd, (struct sockaddr *)&addr, len) == 0 ||
                    (errno == EINPROGRESS && poll(&p, 1, 0) > 0);
        full->filler[full->count] = fd;
    }
}

static void full_queue_drain(struct full_queue *full) {
    for (unsigned i = 0; i < full->count; i++)
        close(full->filler[i]);
    for (int fd; (fd = accept(full->listener, NULL, NULL)) >= 0;)
        close(fd);
    full->count = 0;
    listen(full->listener, 16);
}

START_TEST(test_failover_node_that_does_not_accept) {
    struct fleet fleet;
    struct full_queue full;
    int64_t start = fake_clock_ms;

    fleet_open(&fleet, 2, answer_and_close);
    full_queue_open(&full, &fleet.node[0]);
    fleet.scene.node[0] = &fleet.node[1]; /* nobody accepts on the first */
    fleet.scene.node[1] = NULL;
    /* a fair share of the time, half of it, goes to the first */
    ck_assert_int_eq(fleet_call(&fleet), RPC_OK);
    ck_assert_int_eq(fake_clock_ms - start, TIMEOUT_MS / 2);
    ck_assert_uint_eq(fleet.report.tried, 2);
    ck_assert_int_eq(fleet.nodes->node[0]->rest_until_ms, fake_clock_ms + RPC_CLIENT_REST_MS);
    ck_assert_int_eq(fleet_call(&fleet), RPC_OK);
    /* its rest over, the shorter limit holds */
    fake_clock_ms = start += 100000;
    fleet.opts.connect_timeout_ms = 100;
    ck_assert_int_eq(fleet_call(&fleet), RPC_OK);
    ck_assert_int_eq(fake_clock_ms - start, 100);

    /* alone it takes all the time there is, or the limit */
    struct rpc_nodes *both = fleet.nodes;
    fleet.nodes = nodes_of(fleet.node[0].name);
    start = fake_clock_ms;
    ck_assert_int_eq(fleet_call(&fleet), RPC_NODE_UNREACHABLE);
    ck_assert_int_eq(fleet.report.error, ETIMEDOUT);
    ck_assert_int_eq(fake_clock_ms - start, 100);
    fleet.opts.connect_timeout_ms = 0;
    ck_assert_int_eq(fleet_call(&fleet), RPC_NODE_TIMEOUT);
    ck_assert_int_eq(fake_clock_ms - start, 100 + TIMEOUT_MS);
    rpc_nodes_free(both);
    full_queue_drain(&full);
    close(full.listener);
    fleet_close(&fleet);
}
END_TEST

/* Plays the first fake node once its full queue has been emptied, which the first wait does. */
struct draining_scene {
    struct fake_scene scene;
    struct full_queue full;
};

static int draining_wait(void *ctx, int fd, bool for_write, int timeout_ms) {
    struct draining_scene *draining = ctx;
    if (!draining->full.count)
        return fake_wait(&draining->scene, fd, for_write, timeout_ms);
    full_queue_drain(&draining->full);
    return rpc_wait_poll(NULL, fd, for_write, timeout_ms);
}

START_TEST(test_failover_full_unix_queue) {
    struct fleet fleet;
    struct draining_scene draining = {0};
    char name[64];

    fleet_open(&fleet, 1, answer_and_close);
    fake_close(&fleet.node[0]);
    draining.scene.node[0] = &fleet.node[0];
    snprintf(name, sizeof(name), "@rpc-test-full-%d", (int)getpid());
    fake_open_unix(&fleet.node[0], name, true, answer_and_close);
    rpc_nodes_free(fleet.nodes);
    fleet.nodes = nodes_of(name);
    full_queue_open(&draining.full, &fleet.node[0]);
    fleet.opts.wait = draining_wait;
    fleet.opts.wait_ctx = &draining;
    unsigned descriptors = open_descriptors() - draining.full.count;
    ck_assert_int_eq(fleet_call(&fleet), RPC_OK);
    fake_hang_up(&fleet.node[0]);
    ck_assert_uint_eq(open_descriptors(), descriptors);
    fleet_close(&fleet);
}
END_TEST

static int cannot_wait(void *ctx, int fd, bool for_write, int timeout_ms) {
    (void)ctx, (void)fd, (void)for_write, (void)timeout_ms;
    return -1;
}

START_TEST(test_failover_unix_queue_full_for_ever) {
    struct fleet fleet;
    struct full_queue full;
    char name[64];

    fleet_open(&fleet, 1, answer_and_close);
    fake_close(&fleet.node[0]);
    snprintf(name, sizeof(name), "@rpc-test-full-%d", (int)getpid());
    fake_open_unix(&fleet.node[0], name, true, answer_and_close);
    rpc_nodes_free(fleet.nodes);
    fleet.nodes = nodes_of(name);
    full_queue_open(&full, &fleet.node[0]);
    fleet.opts.wait = NULL; /* on the real clock */
    fleet.opts.now_ms = NULL;
    fleet.opts.timeout_ms = 50;
    unsigned descriptors = open_descriptors();
    ck_assert_int_eq(fleet_call(&fleet), RPC_NODE_TIMEOUT);
    ck_assert_int_eq(fleet.report.error, EAGAIN);
    ck_assert_uint_eq(open_descriptors(), descriptors);
    fleet.opts.wait = cannot_wait;
    ck_assert_int_eq(fleet_call(&fleet), RPC_NODE_TIMEOUT);
    full_queue_drain(&full);
    fleet_close(&fleet);
}
END_TEST

START_TEST(test_failover_cannot_wait) {
    struct fleet fleet;
    struct full_queue full;

    fleet_open(&fleet, 2, answer_and_close);
    fleet.opts.wait = cannot_wait;
    ck_assert_int_eq(fleet_call(&fleet), RPC_NODE_TIMEOUT);
    ck_assert_int_eq(fleet.report.error, ECANCELED);
    full_queue_open(&full, &fleet.node[1]);
    ck_assert_int_eq(fleet_call(&fleet), RPC_NODE_TIMEOUT);
    /* no fault of the node: it does not rest, and the others would not fare better */
    ck_assert_uint_eq(fleet.report.tried, 1);
    ck_assert_ptr_eq(fleet.report.node, fleet.nodes->node[1]);
    ck_assert_int_eq(fleet.nodes->node[1]->rest_until_ms, 0);
    full_queue_drain(&full);
    fleet_close(&fleet);
}
END_TEST

/* --- connections to oneself, and descriptors that run out --------------------------------------
 */

static enum { CONNECT_REAL, CONNECT_ONESELF, CONNECT_NO_PORT } connecting;

int __real_connect(int fd, const struct sockaddr *addr, socklen_t len);
int __wrap_connect(int fd, const struct sockaddr *addr, socklen_t len);

/* What the kernel does by chance: it chooses the very port that is called, or has none. */
int __wrap_connect(int fd, const struct sockaddr *addr, socklen_t len) {
    if (connecting == CONNECT_ONESELF)
        ck_assert_int_eq(bind(fd, addr, len), 0);
    if (connecting != CONNECT_NO_PORT)
        return __real_connect(fd, addr, len);
    errno = EADDRNOTAVAIL;
    return -1;
}

START_TEST(test_failover_not_to_oneself) {
    for (int raw = 0; raw < 2; raw++) {
        struct fleet fleet;
        fleet_open(&fleet, 1, answer_and_close);
        fake_close(&fleet.node[0]);
        fleet.opts.raw = raw;
        connecting = CONNECT_ONESELF;
        ck_assert_int_eq(fleet_call(&fleet), RPC_NODE_UNREACHABLE);
        connecting = CONNECT_REAL;
        ck_assert_int_eq(fleet.report.error, ECONNREFUSED);
        ck_assert_int_gt(fleet.nodes->node[0]->rest_until_ms, fake_clock_ms);
        fleet_close(&fleet);
    }
}
END_TEST

/* No port or no descriptor left here is no fault of the node: it does not rest. */
START_TEST(test_failover_out_of_ports_and_descriptors) {
    struct fleet fleet;
    struct rlimit limit, none;

    fleet_open(&fleet, 2, answer_and_close);
    connecting = CONNECT_NO_PORT;
    ck_assert_int_eq(fleet_call(&fleet), RPC_NODE_UNREACHABLE);
    connecting = CONNECT_REAL;
    ck_assert_int_eq(fleet.report.error, EADDRNOTAVAIL);
    ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
    none = limit;
    none.rlim_cur = 0;
    setrlimit(RLIMIT_NOFILE, &none);
    enum rpc_status status = fleet_call(&fleet);
    setrlimit(RLIMIT_NOFILE, &limit);
    ck_assert_int_eq(status, RPC_NODE_UNREACHABLE);
    ck_assert_int_eq(fleet.report.error, EMFILE);
    for (int i = 0; i < 2; i++)
        ck_assert_int_eq(fleet.nodes->node[i]->rest_until_ms, 0);
    ck_assert_int_eq(fleet_call(&fleet), RPC_OK);
    fleet_close(&fleet);
}
END_TEST

/* Limits beyond 2^31 ms, and a wait that counts in int. */
START_TEST(test_failover_long_timeout) {
    struct fleet fleet;
    int64_t start = fake_clock_ms, timeout_ms = (int64_t)3000000 * 1000;

    fleet_open(&fleet, 1, SCRIPT({0}));
    fleet.opts.timeout_ms = timeout_ms;
    fleet.opts.connect_timeout_ms = timeout_ms;
    ck_assert_int_eq(fleet_call(&fleet), RPC_NODE_TIMEOUT);
    ck_assert_int_eq(fake_clock_ms - start, timeout_ms);
    fleet_close(&fleet);
}
END_TEST

UNIT_MAIN("failover", test_failover_round_robin, test_failover_dead_node_rests,
          test_failover_all_dead, test_failover_at_most_once,
          test_failover_node_that_does_not_accept, test_failover_full_unix_queue,
          test_failover_unix_queue_full_for_ever, test_failover_cannot_wait,
          test_failover_not_to_oneself, test_failover_out_of_ports_and_descriptors,
          test_failover_long_timeout)
