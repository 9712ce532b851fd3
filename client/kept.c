// SPDX-License-Identifier: MIT
/*
 * Connections kept to a node, see client/kept.h. Nothing here waits.
 */
#include "kept.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <unistd.h>

/* One connection. Whoever has taken it out of its slot owns it alone. */
struct connection {
    int fd;
    pid_t pid; /* who opened it: a forked child must not talk on its parent's connections */
    int64_t since_ms;
};

/* Taken and filled one atomic exchange at a time: no lock that a fork, a signal or a green thread
   could find held. */
struct rpc_kept_slots {
    unsigned size;
    _Atomic(struct connection *) slot[];
};

/* --- what is known of the node ---------------------------------------------------------------- */

static int proof_of(int losses) {
    if (losses == RPC_KEPT_PERSISTENT)
        return 0;
    return RPC_KEPT_PROOF_MS << 2 * (losses < RPC_KEPT_PROOF_LOSSES ? losses
                                                                    : RPC_KEPT_PROOF_LOSSES);
}

static int64_t rest_of(int losses) {
    int64_t rest = RPC_KEPT_REST_MS;
    while (losses-- > 0 && rest < RPC_KEPT_REST_MAX_MS)
        rest *= 4;
    return rest < RPC_KEPT_REST_MAX_MS ? rest : RPC_KEPT_REST_MAX_MS;
}

void rpc_kept_learn(struct rpc_kept *kept, enum rpc_kept_event event, int64_t now_ms) {
    int before = atomic_load_explicit(&kept->losses, memory_order_relaxed), after = before;
    bool was_persistent = before == RPC_KEPT_PERSISTENT;

    if (event == RPC_KEPT_ANSWERED)
        after = RPC_KEPT_PERSISTENT;
    else if (was_persistent)
        after = 0;
    else if (event == RPC_KEPT_LOST && rest_of(before) < RPC_KEPT_REST_MAX_MS)
        after = before + 1;
    if (after != before)
        atomic_store_explicit(&kept->losses, after, memory_order_relaxed);
    if (event != RPC_KEPT_ANSWERED && !was_persistent)
        atomic_store_explicit(&kept->rests_until_ms, now_ms + rest_of(after), memory_order_relaxed);
}

bool rpc_kept_is_over(int fd) {
    char byte;
    return recv(fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) >= 0 ||
           (errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR);
}

/* --- slots ------------------------------------------------------------------------------------ */

static void connection_close(struct connection *connection) {
    if (connection)
        close(connection->fd);
    free(connection);
}

static bool is_stale(const struct connection *connection, int64_t now_ms, int64_t idle_ms) {
    return connection->pid != getpid() || now_ms - connection->since_ms >= idle_ms;
}

static bool put_into(_Atomic(struct connection *) *slot, struct connection *connection) {
    struct connection *none = NULL;
    return atomic_compare_exchange_strong(slot, &none, connection);
}

/* What stands in a slot, now the caller's. An empty slot is not written to. */
static struct connection *take_from(_Atomic(struct connection *) *slot) {
    if (!atomic_load_explicit(slot, memory_order_relaxed))
        return NULL;
    return atomic_exchange(slot, NULL);
}

/* Whether a call may go out on it some time. */
static bool is_good(struct rpc_kept *kept, const struct connection *connection, int64_t now_ms,
                    int64_t idle_ms) {
    if (is_stale(connection, now_ms, idle_ms))
        return false;
    if (!rpc_kept_is_over(connection->fd))
        return true;
    rpc_kept_learn(kept, RPC_KEPT_CLOSED, now_ms);
    return false;
}

/* How much longer it has to stay open. */
static int proof_left(const struct rpc_kept *kept, const struct connection *connection,
                      int64_t now_ms) {
    int64_t proof = proof_of(atomic_load_explicit(&kept->losses, memory_order_relaxed));
    int64_t age = now_ms - connection->since_ms;
    return age < proof ? (int)(proof - age) : 0;
}

/* The first one that has no more than limit_ms to prove; those that are over are closed on the
   way. */
static struct connection *take(struct rpc_kept *kept, int64_t now_ms, int64_t idle_ms, int limit_ms,
                               int *proof_ms) {
    struct rpc_kept_slots *slots = atomic_load(&kept->slots);

    for (unsigned i = 0; slots && i < slots->size; i++) {
        struct connection *connection = take_from(&slots->slot[i]);
        if (!connection)
            continue;
        bool good = is_good(kept, connection, now_ms, idle_ms);
        *proof_ms = good ? proof_left(kept, connection, now_ms) : 0;
        if (good && *proof_ms <= limit_ms)
            return connection;
        if (!good || !put_into(&slots->slot[i], connection))
            connection_close(connection);
    }
    return NULL;
}

int rpc_kept_take(struct rpc_kept *kept, int64_t now_ms, int64_t idle_ms, int *proof_ms) {
    struct connection *connection = take(kept, now_ms, idle_ms, 0, proof_ms);
    if (!connection)
        connection = take(kept, now_ms, idle_ms, proof_of(RPC_KEPT_PROOF_LOSSES), proof_ms);
    int fd = connection ? connection->fd : -1;
    free(connection);
    return fd;
}

/* The slots of a node, made by the first who needs them. NULL when memory is out. */
static struct rpc_kept_slots *slots_of(struct rpc_kept *kept, unsigned max) {
    struct rpc_kept_slots *slots = atomic_load(&kept->slots), *none = NULL;

    if (slots)
        return slots;
    slots = calloc(1, sizeof(*slots) + (size_t)max * sizeof(slots->slot[0]));
    if (!slots)
        return NULL;
    slots->size = max;
    if (!atomic_compare_exchange_strong(&kept->slots, &none, slots)) {
        free(slots);
        slots = none;
    }
    return slots;
}

void rpc_kept_put(struct rpc_kept *kept, int fd, unsigned max, int64_t now_ms, int64_t idle_ms) {
    bool rests = now_ms < atomic_load_explicit(&kept->rests_until_ms, memory_order_relaxed);
    struct rpc_kept_slots *slots = rests ? NULL : slots_of(kept, max);
    struct connection *mine = slots ? malloc(sizeof(*mine)) : NULL;

    if (!mine) {
        close(fd);
        return;
    }
    *mine = (struct connection){fd, getpid(), now_ms};
    /* The first free slot is filled and the first full one taken, so the last ones grow old. */
    for (unsigned i = 0; i < slots->size; i++) {
        if (mine && i < max && put_into(&slots->slot[i], mine)) {
            mine = NULL;
            continue;
        }
        struct connection *old = take_from(&slots->slot[i]);
        if (old && (is_stale(old, now_ms, idle_ms) || !put_into(&slots->slot[i], old)))
            connection_close(old);
    }
    connection_close(mine);
}

void rpc_kept_free(struct rpc_kept *kept) {
    struct rpc_kept_slots *slots = atomic_load(&kept->slots);
    for (unsigned i = 0; slots && i < slots->size; i++)
        connection_close(atomic_load(&slots->slot[i]));
    free(slots);
}
