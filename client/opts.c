// SPDX-License-Identifier: MIT
/*
 * Defaults, the clock and the wait of a call, see client/opts.h.
 */
#include "opts.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>

struct rpc_client_opts rpc_client_opts_complete(const struct rpc_client_opts *given) {
    struct rpc_client_opts opts = given ? *given : (struct rpc_client_opts){0};
    if (opts.timeout_ms <= 0)
        opts.timeout_ms = RPC_CLIENT_TIMEOUT_MS;
    if (opts.idle_ms <= 0)
        opts.idle_ms = RPC_CLIENT_IDLE_MS;
    if (opts.rest_ms <= 0)
        opts.rest_ms = RPC_CLIENT_REST_MS;
    if (opts.raw)
        opts.keepalive = 0; /* such a reply ends with its connection */
    if (!opts.wait)
        opts.wait = rpc_wait_poll;
    opts.complete = true;
    return opts;
}

int rpc_wait_poll(void *ctx, int fd, bool for_write, int timeout_ms) {
    struct pollfd p = {.fd = fd, .events = for_write ? POLLOUT : POLLIN};
    (void)ctx;
    int ready = poll(&p, 1, timeout_ms);
    return ready < 0 && errno == EINTR ? 1 : ready;
}

int rpc_client_wait(const struct rpc_client_opts *opts, int fd, bool for_write, int64_t now_ms,
                    int64_t until_ms) {
    int64_t left = until_ms - now_ms;

    if (left <= 0)
        return 0;
    errno = 0;
    int ready = opts->wait(opts->wait_ctx, fd, for_write, left > INT_MAX ? INT_MAX : (int)left);
    if (ready < 0 && errno == EINTR)
        return 1;
    if (ready < 0 && errno == 0)
        errno = ECANCELED;
    return ready == 0 && left > INT_MAX ? 1 : ready;
}
