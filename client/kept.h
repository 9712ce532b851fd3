// SPDX-License-Identifier: MIT
/*
 * The connections kept to one node, and what was learnt about it from them. A connection enters
 * when an answer has come over it and leaves when the next call goes out; in between nobody looks
 * at it. No uWSGI.
 *
 * A node on a plain uwsgi socket closes after its answer, at once or whenever its worker gets round
 * to it. A call sent in between is lost, and must not be sent again. So a connection has to prove
 * itself: it is not used before it has stayed open for a while, unless the node has answered over a
 * kept one before. That is one state, the number of calls lost:
 *
 *   state         event     then
 *   0             ANSWERED  persistent: connections need no proof
 *   0             CLOSED    0, nothing is kept for a while
 *   n             LOST      n + 1: a longer proof, and nothing is kept for a longer while
 *   persistent    CLOSED    0: it may have closed for being idle, and may keep the next
 *   persistent    LOST      0: so a worker ends that is reloaded or killed
 *
 * All functions may be called from any thread.
 */
#ifndef RPC_KEPT_H
#define RPC_KEPT_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/* How long a connection has to stay open before it is used, when no call was lost so far: the time
   a worker takes to close. Four times that after each loss, RPC_KEPT_PROOF_LOSSES times. */
#define RPC_KEPT_PROOF_MS 20
#define RPC_KEPT_PROOF_LOSSES 2
/* How long nothing is kept of a node that has closed when no call was lost so far; four times that
   after each loss, up to the maximum. */
#define RPC_KEPT_REST_MS 5000
#define RPC_KEPT_REST_MAX_MS 3600000

struct rpc_kept_slots;

/* All zero in the beginning. */
struct rpc_kept {
    _Atomic(struct rpc_kept_slots *) slots; /* NULL before the first connection */
    atomic_int losses;                      /* RPC_KEPT_PERSISTENT, or calls lost */
    _Atomic int64_t rests_until_ms;         /* nothing is kept before */
};

#define RPC_KEPT_PERSISTENT (-1)

enum rpc_kept_event {
    RPC_KEPT_ANSWERED, /* over a kept connection */
    RPC_KEPT_CLOSED,   /* a kept connection, while nobody used it; or sent something unasked */
    RPC_KEPT_LOST      /* a call sent over one: not a byte of an answer came */
};

/* Tells what has happened to a connection that was kept. */
void rpc_kept_learn(struct rpc_kept *kept, enum rpc_kept_event event, int64_t now_ms);

/*
 * Takes a connection of this process, kept for less than idle_ms, that has neither been closed nor
 * received a byte; those that have are closed on the way, and learnt from.
 *   proof_ms  how much longer it has to stay open, with nothing to be read, before a call may go
 *             out on it; 0 for one that may be used at once, which is preferred
 * Returns its descriptor, which is the caller's from then on, or -1.
 */
int rpc_kept_take(struct rpc_kept *kept, int64_t now_ms, int64_t idle_ms, int *proof_ms);

/*
 * Whether something has happened to a connection that waits for its call: the node has closed it,
 * or sent what nobody asked for.
 */
bool rpc_kept_is_over(int fd);

/*
 * Keeps fd, or closes it when max are kept already, when the node closes its connections, or when
 * memory is out: it is no longer the caller's. The room for connections is made once, for the max
 * of the first call. Connections kept for idle_ms are closed on the way.
 */
void rpc_kept_put(struct rpc_kept *kept, int fd, unsigned max, int64_t now_ms, int64_t idle_ms);

/* Closes all of them. Nobody may be using them. */
void rpc_kept_free(struct rpc_kept *kept);

#endif
