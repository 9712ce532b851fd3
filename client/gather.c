// SPDX-License-Identifier: MIT
/*
 * Many exchanges and one wait for all of them, see client/gather.h.
 */
#include "gather.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "drive.h"

#define EVENTS 64

/* One call. */
struct part {
    struct rpc_exchange *x; /* NULL when there is only an outcome */
    enum rpc_status outcome;
    const char *name;
    uint16_t name_len, args_len;
    unsigned watched; /* the socket the epoll descriptor knows, by its number in x->dialled */
    bool running;
    bool ready;
};

struct rpc_gather {
    struct rpc_client_opts opts;
    int epoll;
    unsigned count;
    unsigned running;
    int64_t now_ms;
    struct part part[];
};

struct rpc_gather *rpc_gather_new(const struct rpc_client_opts *opts, unsigned max) {
    struct rpc_gather *gather = calloc(1, sizeof(*gather) + max * sizeof(gather->part[0]));
    if (gather)
        gather->opts = rpc_client_opts_complete(opts);
    return gather;
}

static uint16_t args_len_of(const struct rpc_call *call) {
    size_t len = 0;
    for (unsigned i = 0; i < call->arg_count; i++)
        len += call->arg_len[i];
    return len <= UINT16_MAX ? (uint16_t)len : 0;
}

void rpc_gather_add(struct rpc_gather *gather, struct rpc_nodes *nodes,
                    const struct rpc_call *call) {
    struct part *part = &gather->part[gather->count++];

    part->name = call->name;
    part->name_len = call->name_len;
    part->args_len = args_len_of(call);
    part->x = malloc(sizeof(*part->x));
    part->outcome = RPC_NO_MEMORY;
    part->running = part->x && rpc_exchange_begin(part->x, nodes, &gather->opts, call, true);
    gather->running += part->running;
}

void rpc_gather_add_outcome(struct rpc_gather *gather, enum rpc_status status) {
    gather->part[gather->count++].outcome = status;
}

/* --- running ---------------------------------------------------------------------------------- */

static int watch(const struct rpc_gather *gather, int op, unsigned number) {
    const struct rpc_exchange_need *need = &gather->part[number].x->need;
    struct epoll_event event = {.events = (need->for_write ? EPOLLOUT : EPOLLIN) | EPOLLONESHOT,
                                .data.u32 = number};
    return epoll_ctl(gather->epoll, op, need->fd, &event);
}

/*
 * Has the epoll descriptor tell once when what an exchange needs is ready. A socket that has been
 * given up is forgotten by itself; one that is kept for the next call stays known, but silent.
 */
static bool watch_need(struct rpc_gather *gather, unsigned number) {
    struct part *part = &gather->part[number];
    int op = part->watched == part->x->dialled ? EPOLL_CTL_MOD : EPOLL_CTL_ADD;

    if (part->x->need.fd < 0)
        return true;
    part->watched = part->x->dialled;
    return watch(gather, op, number) == 0 ||
           (errno == EEXIST && watch(gather, EPOLL_CTL_MOD, number) == 0);
}

static void run(struct rpc_gather *gather, unsigned number, enum rpc_exchange_event event) {
    struct part *part = &gather->part[number];

    part->ready = false;
    bool over = rpc_exchange_run(part->x, event);
    while (!over && !watch_need(gather, number)) {
        part->x->report.error = errno;
        over = rpc_exchange_run(part->x, RPC_EXCHANGE_STUCK);
    }
    part->running = !over;
    gather->running -= over;
}

/* When the first of them has waited long enough. */
static int64_t first_until(const struct rpc_gather *gather) {
    int64_t until_ms = INT64_MAX;
    for (unsigned i = 0; i < gather->count; i++) {
        const struct part *part = &gather->part[i];
        if (part->running && part->x->need.until_ms < until_ms)
            until_ms = part->x->need.until_ms;
    }
    return until_ms;
}

static void collect_ready(struct rpc_gather *gather) {
    struct epoll_event events[EVENTS];
    int count = epoll_wait(gather->epoll, events, EVENTS, 0);

    for (int i = 0; i < count; i++)
        gather->part[events[i].data.u32].ready = true;
}

/* Waits for all, and lets each go on that can. */
static void wait_and_run(struct rpc_gather *gather) {
    int64_t until_ms = first_until(gather);
    int ready = rpc_client_wait(&gather->opts, gather->epoll, false, gather->now_ms, until_ms);
    int error = errno;

    gather->now_ms = rpc_client_now(&gather->opts);
    if (ready == 0 && gather->now_ms < until_ms)
        gather->now_ms = until_ms;
    collect_ready(gather);
    for (unsigned i = 0; i < gather->count; i++) {
        struct part *part = &gather->part[i];
        if (!part->running)
            continue;
        if (ready < 0)
            part->x->report.error = error;
        if (part->ready)
            run(gather, i, RPC_EXCHANGE_READY);
        else if (part->x->need.until_ms <= gather->now_ms)
            run(gather, i, RPC_EXCHANGE_LATE);
        else if (ready < 0)
            run(gather, i, RPC_EXCHANGE_STUCK);
    }
}

/* One after the other: a single one, or where there is no descriptor to wait for all with. */
static void run_in_a_row(struct rpc_gather *gather) {
    for (unsigned i = 0; i < gather->count; i++)
        if (gather->part[i].running) {
            gather->part[i].x->patient = false;
            rpc_drive(gather->part[i].x);
        }
}

void rpc_gather_run(struct rpc_gather *gather) {
    gather->now_ms = rpc_client_now(&gather->opts);
    for (unsigned i = 0; i < gather->count; i++)
        if (gather->part[i].running)
            gather->part[i].x->deadline_ms = gather->now_ms + gather->opts.timeout_ms;
    gather->epoll = gather->running > 1 ? epoll_create1(EPOLL_CLOEXEC) : -1;
    if (gather->epoll < 0) {
        run_in_a_row(gather);
        return;
    }
    for (unsigned i = 0; i < gather->count; i++)
        if (gather->part[i].running)
            run(gather, i, RPC_EXCHANGE_START);
    while (gather->running > 0)
        wait_and_run(gather);
    close(gather->epoll);
}

/* --- what came of it -------------------------------------------------------------------------- */

unsigned rpc_gather_count(const struct rpc_gather *gather) {
    return gather->count;
}

struct rpc_gathered rpc_gather_get(const struct rpc_gather *gather, unsigned number) {
    const struct part *part = &gather->part[number];
    struct rpc_gathered gathered = {.status = part->outcome,
                                    .name = part->name,
                                    .name_len = part->name_len,
                                    .args_len = part->args_len};
    if (part->x) {
        gathered.status = part->x->status;
        gathered.result = part->x->result;
        gathered.report = part->x->report;
    }
    return gathered;
}

enum rpc_status rpc_gather_join(const struct rpc_gather *gather, struct rpc_result *joined) {
    uint64_t len = 0;

    *joined = (struct rpc_result){0};
    for (unsigned i = 0; i < gather->count; i++) {
        struct rpc_gathered got = rpc_gather_get(gather, i);
        if (got.status != RPC_OK)
            return got.status;
        len += got.result.len;
    }
    joined->data = malloc((size_t)len + 1);
    if (!joined->data)
        return RPC_NO_MEMORY;
    for (unsigned i = 0; i < gather->count; i++) {
        struct rpc_gathered got = rpc_gather_get(gather, i);
        if (got.result.data) /* an outcome alone has none */
            memcpy(joined->data + joined->len, got.result.data, (size_t)got.result.len);
        joined->len += got.result.len;
    }
    joined->data[joined->len] = 0;
    return RPC_OK;
}

void rpc_gather_free(struct rpc_gather *gather) {
    for (unsigned i = 0; gather && i < gather->count; i++) {
        if (gather->part[i].x)
            free(gather->part[i].x->result.data);
        free(gather->part[i].x);
    }
    free(gather);
}
