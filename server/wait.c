// SPDX-License-Identifier: MIT
/*
 * Waiting, see server/wait.h.
 */
#include "wait.h"

#include <sys/epoll.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "../client/client.h"
#include "connection.h"
#include "coro.h"
#include "greenlets.h"
#include "ruby.h"

/* A wait that ends this much late is good enough; a longer rest is waited for with a timer. */
#define ROUND_UP_MS 400

static int64_t monotonic_ms(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static int call_hook(bool for_write, int fd, int seconds) {
    /* which another connection may have had before */
    rpc_connection_forget_half_read(fd);
    int (*hook)(int, int) = for_write ? uwsgi.wait_write_hook : uwsgi.wait_read_hook;

    return rpc_ruby_has_threads() ? rpc_ruby_wait(hook, fd, seconds) : hook(fd, seconds);
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
        ret = call_hook(false, epoll, timeout_ms / 1000 + 2);
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
    int ret = call_hook(for_write, fd, seconds);
    /* Too early: the client looks again, and waits for the rest. */
    return ret == 0 && monotonic_ms() < end ? 1 : ret;
}

/* Asks the kernel once in each process. */
static bool is_main_thread(void) {
    static __thread pid_t self;

    if (self != uwsgi.mypid)
        self = (pid_t)syscall(SYS_gettid);
    return self == uwsgi.mypid;
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
    return is_main_thread() && !uwsgi.workers[uwsgi.mywid].sig;
}

/* A request as a hook of uWSGI's finds it, and has to leave it. */
static int before_hook(struct wsgi_request *request) {
    request->async_timed_out = 0;
    return request->async_force_again;
}

/* The hooks leave both behind: the Python plugin would take the request for one that has been
   started already, and the asyncio and tornado loops each later wait for one timed out. */
static int after_hook(struct wsgi_request *request, int force_again, int ret) {
    request->async_timed_out = 0;
    request->async_force_again = force_again;
    return ret;
}

/* In a request, which the hooks suspend. */
static int wait_in_request(struct wsgi_request *request, int fd, bool for_write, int timeout_ms) {
    int force_again = before_hook(request);

    return after_hook(request, force_again, wait_with_hook(fd, for_write, timeout_ms));
}

/* In a greenlet, which serves a request or something of the application's own. */
static int wait_in_greenlet(int fd, bool for_write, int timeout_ms) {
    struct wsgi_request *request = rpc_greenlets_request();

    if (request)
        return wait_in_request(request, fd, for_write, timeout_ms);
    if (!rpc_greenlets_can_wait())
        return rpc_wait_poll(NULL, fd, for_write, timeout_ms);
    int held = rpc_greenlets_hold();
    int ret = wait_with_hook(fd, for_write, timeout_ms);
    rpc_greenlets_let_go(held);
    return ret;
}

int rpc_wait(void *ctx, int fd, bool for_write, int timeout_ms) {
    if (!hooks_switch())
        return rpc_wait_poll(ctx, fd, for_write, timeout_ms);
    if (rpc_greenlets_used())
        return wait_in_greenlet(fd, for_write, timeout_ms);
    /* Only a request can be suspended by schedule_to_main. Not asked for elsewhere:
       Coro::AnyEvent's answer to having none is to exit. */
    if (!uwsgi.schedule_to_main)
        return rpc_coro_is_loop() ? rpc_wait_poll(ctx, fd, for_write, timeout_ms)
                                  : wait_with_hook(fd, for_write, timeout_ms);
    struct wsgi_request *request = current_wsgi_req();
    return request ? wait_in_request(request, fd, for_write, timeout_ms)
                   : rpc_wait_poll(ctx, fd, for_write, timeout_ms);
}

struct wsgi_request *rpc_wait_current(void) {
    if (uwsgi.threads > 1 || !hooks_switch())
        return NULL;
    if (rpc_greenlets_used())
        return rpc_greenlets_request();
    return uwsgi.schedule_to_main ? current_wsgi_req() : rpc_coro_request();
}

bool rpc_wait_switches(void) {
    return hooks_switch() && (uwsgi.schedule_to_main || rpc_greenlets_used() ||
                              (uwsgi.loop && strcmp(uwsgi.loop, "coroae") == 0));
}

/* By a hook of uWSGI's, on the request's own connection. */
static int suspend(struct wsgi_request *request, int (*hook)(int, int)) {
    int force_again = before_hook(request);

    return after_hook(request, force_again, hook(request->fd, uwsgi.socket_timeout));
}

int rpc_wait_request(struct wsgi_request *request, struct rpc_greenlets_watch *watch) {
    request->switches++;
    if (!rpc_greenlets_are_gevents())
        return suspend(request, uwsgi.wait_read_hook);
    if (!rpc_greenlets_watches(watch) &&
        !rpc_greenlets_watch(watch, request->fd, uwsgi.socket_timeout))
        return -1;
    return rpc_greenlets_wait(watch);
}

int rpc_wait_turn(struct wsgi_request *request) {
    request->switches++;
    return suspend(request, uwsgi.wait_write_hook);
}
