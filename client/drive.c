// SPDX-License-Identifier: MIT
/*
 * One exchange and its waits, see client/drive.h.
 */
#include "drive.h"

#include <errno.h>
#include <sys/timerfd.h>
#include <unistd.h>

static enum rpc_exchange_event event_of(struct rpc_exchange *x, int ready) {
    if (ready < 0)
        x->report.error = errno;
    return ready > 0 ? RPC_EXCHANGE_READY : ready == 0 ? RPC_EXCHANGE_LATE : RPC_EXCHANGE_STUCK;
}

/* Lets time pass in the wait callback, as all waiting: it takes a descriptor. */
static int let_pass(const struct rpc_exchange *x) {
    int64_t left_ms = x->need.until_ms - x->now_ms;
    const struct itimerspec pause = {
        .it_value = {left_ms / 1000, left_ms > 0 ? left_ms % 1000 * 1000000L : 1}};
    int fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);

    if (fd < 0)
        return -1;
    timerfd_settime(fd, 0, &pause, NULL); /* cannot fail with these */
    int ready = rpc_client_wait(x->opts, fd, false, x->now_ms, x->deadline_ms);
    int error = errno;
    close(fd);
    errno = error;
    return ready;
}

static enum rpc_exchange_event await(struct rpc_exchange *x) {
    const struct rpc_exchange_need *need = &x->need;

    return event_of(x, need->fd < 0 ? let_pass(x)
                                    : rpc_client_wait(x->opts, need->fd, need->for_write, x->now_ms,
                                                      need->until_ms));
}

void rpc_drive(struct rpc_exchange *x) {
    enum rpc_exchange_event event = RPC_EXCHANGE_START;
    while (!rpc_exchange_run(x, event))
        event = await(x);
}
