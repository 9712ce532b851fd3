// SPDX-License-Identifier: MIT
/*
 * The client inside uWSGI, see server/remote.h. Connecting, failover and replies are in
 * client/client.c.
 */
#include "remote.h"

#include <sys/epoll.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "log.h"
#include "metrics.h"
#include "options.h"

/* A wait that ends this much late is good enough; a longer rest is waited for with a timer. */
#define ROUND_UP_MS 400
/* A kept connection is not used in the last second before the node may close it, taking its
   socket-timeout to be like ours, or the default when ours is longer. */
#define IDLE_MARGIN_MS 1000

/* A function of rpc-remote. */
struct remote {
    const char *local_name;
    const char *name;
    uint16_t name_len;
    struct rpc_nodes *nodes;
};

static struct remote *remotes;
static size_t remote_count;
static struct rpc_client_opts client_opts;

/* --- waiting ---------------------------------------------------------------------------------- */

static int64_t monotonic_ms(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/*
 * uWSGI's hooks count in seconds. What is shorter is waited for through an epoll descriptor that
 * becomes readable with fd or with a timer, whichever is first; the hook's own timeout, which some
 * engines let end up to a second early, stays out of its way.
 */
static int wait_with_timer(int fd, bool for_write, int timeout_ms) {
    struct itimerspec when = {.it_value = {timeout_ms / 1000, timeout_ms % 1000 * 1000000L}};
    struct epoll_event on_fd = {.events = for_write ? EPOLLOUT : EPOLLIN, .data.fd = fd}, event;
    int ret = -1, epoll = epoll_create1(EPOLL_CLOEXEC);
    int timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
    struct epoll_event on_timer = {.events = EPOLLIN, .data.fd = timer};

    if (epoll >= 0 && timer >= 0 && timerfd_settime(timer, 0, &when, NULL) == 0 &&
        epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &on_fd) == 0 &&
        epoll_ctl(epoll, EPOLL_CTL_ADD, timer, &on_timer) == 0) {
        ret = uwsgi.wait_read_hook(epoll, timeout_ms / 1000 + 2);
        if (ret > 0)
            ret = epoll_wait(epoll, &event, 1, 0) == 1 && event.data.fd == fd;
    }
    if (epoll >= 0)
        close(epoll);
    if (timer >= 0)
        close(timer);
    return ret;
}

/*
 * Waits by the hook's seconds where they are good enough, which saves the descriptors of a timer:
 * not in uWSGI's own async loop, whose timers end anywhere within a second of their time.
 */
static int wait_with_hook(int fd, bool for_write, int timeout_ms) {
    int64_t end = monotonic_ms() + timeout_ms;
    int seconds = (timeout_ms + ROUND_UP_MS) / 1000;

    if (seconds == 0 || uwsgi.rb_async_timeouts)
        return wait_with_timer(fd, for_write, timeout_ms);
    int ret = for_write ? uwsgi.wait_write_hook(fd, seconds) : uwsgi.wait_read_hook(fd, seconds);
    /* Too early: the client looks again, and waits for the rest. */
    return ret == 0 && monotonic_ms() < end ? 1 : ret;
}

/*
 * Whether uWSGI's hooks let other requests run meanwhile; where they do not, poll() does as well or
 * better:
 *   - in plain processes and threads the hook is a poll() in whole seconds;
 *   - a loop that needs a suspend engine and has none returns at once from its hooks;
 *   - the engines switch in the one thread of their loop, and not inside uWSGI's signal handlers,
 *     which run on the loop's own stack.
 */
static bool hooks_switch(void) {
    if (uwsgi.wait_read_hook == uwsgi_simple_wait_read_hook)
        return false;
    if (uwsgi.schedule_to_req && !uwsgi.schedule_to_main)
        return false;
    if (uwsgi.threads > 1)
        return true;
    return syscall(SYS_gettid) == uwsgi.mypid && !uwsgi.workers[uwsgi.mywid].sig;
}

static int wait_hook(void *ctx, int fd, bool for_write, int timeout_ms) {
    struct wsgi_request *request = NULL;

    /* Only a request can be suspended. Not asked for elsewhere: Coro::AnyEvent's answer to having
       none is to exit. */
    if (!hooks_switch() || (uwsgi.schedule_to_main && !(request = current_wsgi_req())))
        return rpc_wait_poll(ctx, fd, for_write, timeout_ms);
    if (!request)
        return wait_with_hook(fd, for_write, timeout_ms);
    /* The hooks leave both behind: the Python plugin would take the request for one that has been
       started already, and the asyncio and tornado loops each later wait for one timed out. */
    int force_again = request->async_force_again;
    request->async_timed_out = 0;
    int ret = wait_with_hook(fd, for_write, timeout_ms);
    request->async_timed_out = 0;
    request->async_force_again = force_again;
    return ret;
}

/* --- calling ---------------------------------------------------------------------------------- */

enum rpc_status rpc_remote_ask(struct rpc_nodes *nodes, const struct rpc_call *call,
                               struct rpc_result *result) {
    struct rpc_client_report report = {0};
    uint64_t start = rpc_metrics_start();
    enum rpc_status status = rpc_client_call(nodes, &client_opts, call, result, &report);
    rpc_metrics_remote(start, report.node, call, status, result);

    if (status != RPC_OK)
        rpc_log_node(report.node ? report.node->name : "(none)", call->name, call->name_len,
                     status);
    return status;
}

enum rpc_status rpc_remote_call(void *function, const struct rpc_call *call,
                                struct rpc_result *result) {
    const struct remote *remote = function;
    struct rpc_call renamed;

    renamed.name = remote->name;
    renamed.name_len = remote->name_len;
    renamed.arg_count = call->arg_count;
    memcpy(renamed.arg, call->arg, call->arg_count * sizeof(*call->arg));
    memcpy(renamed.arg_len, call->arg_len, call->arg_count * sizeof(*call->arg_len));
    return rpc_remote_ask(remote->nodes, &renamed, result);
}

uint64_t rpc_remote_function(void *function, uint8_t arg_count, char **arg, uint16_t *arg_len,
                             char **output) {
    const struct remote *remote = function;
    struct rpc_call call = {.name = remote->name, .name_len = remote->name_len};
    struct rpc_result result = {0};

    if (arg_count > RPC_ARGS_MAX) {
        rpc_log("rpc-remote", remote->local_name, strlen(remote->local_name), RPC_TOO_MANY_ARGS);
        return 0;
    }
    call.arg_count = arg_count;
    memcpy(call.arg, arg, arg_count * sizeof(*arg));
    memcpy(call.arg_len, arg_len, arg_count * sizeof(*arg_len));
    if (rpc_remote_ask(remote->nodes, &call, &result) != RPC_OK)
        return 0;
    *output = result.data;
    return result.len;
}

/* --- configuration ---------------------------------------------------------------------------- */

struct rpc_nodes *rpc_remote_nodes(const char *list) {
    char error[RPC_NODES_ERROR_MAX];
    struct rpc_nodes *nodes;

    if (rpc_nodes_parse(list, &nodes, error, sizeof(error)) == RPC_OK)
        return nodes;
    uwsgi_log("[rpc] \"%s\": %s\n", list, error);
    return NULL;
}

static void read_remote(struct remote *remote, char *value) {
    char *context = NULL;
    const char *nodes;

    value = uwsgi_str(value);
    remote->local_name = strtok_r(value, " \t", &context);
    nodes = strtok_r(NULL, " \t", &context);
    remote->name = strtok_r(NULL, " \t", &context);
    if (!remote->local_name || !nodes || (remote->name && strtok_r(NULL, " \t", &context))) {
        uwsgi_log("[rpc] rpc-remote: the syntax is NAME NODE[,NODE...] [REMOTE_NAME]\n");
        exit(1);
    }
    if (!remote->name)
        remote->name = remote->local_name;
    if (strlen(remote->name) > RPC_NAME_MAX || strlen(remote->local_name) > RPC_NAME_MAX) {
        uwsgi_log("[rpc] rpc-remote: \"%s\": %s\n", remote->local_name,
                  rpc_status_info(RPC_BAD_NAME)->message);
        exit(1);
    }
    remote->name_len = (uint16_t)strlen(remote->name);
    remote->nodes = rpc_remote_nodes(nodes);
    if (!remote->nodes)
        exit(1);
}

void rpc_remote_init(void) {
    int timeout = rpc_options.timeout ? rpc_options.timeout : uwsgi.socket_timeout;

    client_opts = (struct rpc_client_opts){
        .timeout_ms = (int64_t)timeout * 1000,
        .connect_timeout_ms = (int64_t)rpc_options.connect_timeout * 1000,
        .max_response = rpc_options.max_response,
        .keepalive = (unsigned)UMAX(rpc_options.keepalive, 0),
        .idle_ms = UMAX(UMIN((int64_t)uwsgi.socket_timeout * 1000 - IDLE_MARGIN_MS,
                             RPC_CLIENT_IDLE_MS),
                        IDLE_MARGIN_MS / 2),
        .wait = wait_hook,
    };
    for (struct uwsgi_string_list *item = rpc_options.remote; item; item = item->next)
        remote_count++;
    remotes = uwsgi_calloc(sizeof(*remotes) * (remote_count + 1));
    struct remote *remote = remotes;
    for (struct uwsgi_string_list *item = rpc_options.remote; item; item = item->next)
        read_remote(remote++, item->value);
}

void rpc_remote_register(struct uwsgi_plugin *own) {
    for (size_t i = 0; i < remote_count; i++)
        if (uwsgi_register_rpc((char *)remotes[i].local_name, own, 0, &remotes[i])) {
            uwsgi_log("[rpc] rpc-remote: no room for \"%s\", see rpc-max\n", remotes[i].local_name);
            exit(1);
        }
}
