// SPDX-License-Identifier: MIT
/*
 * One call to a node, state by state; see client/exchange.h. What a node is and where it is reached
 * stands in client/node, the bytes of a packet in rpc_wire.
 */
#include "exchange.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../rpc_wire.h"

/* A UNIX socket whose queue is full cannot be waited for: it is tried again after a pause, which
   doubles each time so that many callers do not keep the node from working. */
#define PAUSE_MIN_MS 1
#define PAUSE_MAX_MS 32
/* Reads without a wait, after which others have their turn. */
#define READS_IN_A_ROW 16

/* What a state does next: go on in another one, wait, or end. */
enum flow { GO, WAIT, OVER };

static enum flow go(struct rpc_exchange *x, enum rpc_exchange_state state) {
    x->state = state;
    x->event = RPC_EXCHANGE_READY;
    return GO;
}

static void hang_up(struct rpc_exchange *x) {
    if (x->fd < 0)
        return;
    if (x->tls) {
        rpc_tls_free(x->tls);
        x->tls = NULL;
    }
    close(x->fd);
    x->fd = -1;
}

/* The end: keeps the connection or closes it. */
static enum flow over(struct rpc_exchange *x, enum rpc_status status) {
    struct rpc_kept *kept = &x->node->kept;

    x->status = status;
    if (status == RPC_OK)
        x->result = rpc_reply_result_take(&x->reply);
    else
        rpc_reply_free(&x->reply);
    if (x->report.kept && (status == RPC_OK || !x->reply.heard))
        rpc_kept_learn(kept, status == RPC_OK ? RPC_KEPT_ANSWERED : RPC_KEPT_LOST, x->now_ms);
    if (status == RPC_OK && x->reply.clean && x->opts->keepalive && !x->tls) {
        rpc_kept_put(kept, x->fd, x->opts->keepalive, x->now_ms, x->opts->idle_ms);
        x->fd = -1;
    }
    hang_up(x);
    free(x->large);
    return OVER;
}

/* Where nothing can wait, the look that a state has just taken was the last one. */
static enum flow wait_for(struct rpc_exchange *x, int fd, bool for_write, int64_t until_ms) {
    if (x->event == RPC_EXCHANGE_STUCK)
        return over(x, RPC_NODE_TIMEOUT);
    x->need = (struct rpc_exchange_need){fd, for_write, until_ms};
    return WAIT;
}

static enum flow pause_until(struct rpc_exchange *x, int64_t until_ms) {
    int64_t end_ms = x->now_ms + x->pause_ms;
    if (x->pause_ms < PAUSE_MAX_MS)
        x->pause_ms *= 2;
    return wait_for(x, -1, false, end_ms < until_ms ? end_ms : until_ms);
}

static bool is_late(const struct rpc_exchange *x, int64_t until_ms) {
    return x->event == RPC_EXCHANGE_LATE || x->now_ms >= until_ms;
}

static bool would_block(void) {
    return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR;
}

/* What keeps TLS from going on need not be what it was asked for. */
static enum flow wait_for_socket(struct rpc_exchange *x, bool for_write, int64_t until_ms) {
    return wait_for(x, x->fd, x->tls ? rpc_tls_waits_for_write(x->tls) : for_write, until_ms);
}

static void note_reason(struct rpc_exchange *x, const char *reason) {
    x->report.refused = x->node;
    x->report.reason = reason;
}

/* Sends what it can. False when that is nothing; errno tells why. */
static inline bool send_some(struct rpc_exchange *x) {
    const char *rest = x->packet + x->sent;
    size_t rest_len = x->packet_len - x->sent;
    ssize_t n =
        x->tls ? rpc_tls_send(x->tls, rest, rest_len) : send(x->fd, rest, rest_len, MSG_NOSIGNAL);

    if (n < 0)
        return false;
    x->sent += (size_t)n;
    x->report.error = 0;
    return true;
}

/* After bytes were sent: the others, or the reply, which it is no use to read before the node has
   had time to answer. */
static enum flow go_on_sending(struct rpc_exchange *x) {
    if (x->sent < x->packet_len)
        return go(x, RPC_EXCHANGE_SEND);
    go(x, RPC_EXCHANGE_RECEIVE);
    return wait_for_socket(x, false, x->deadline_ms);
}

/* --- whose turn it is ------------------------------------------------------------------------- */

/* The first from turn on that neither rests nor was tried, else the first that was not tried. */
static unsigned choose(const struct rpc_exchange *x) {
    const struct rpc_nodes *nodes = x->nodes;
    unsigned resting = nodes->count;

    for (unsigned i = 0; i < nodes->count; i++) {
        unsigned at = (x->turn + i) % nodes->count;
        if (x->tried & (uint64_t)1 << at)
            continue;
        if (atomic_load_explicit(&nodes->node[at]->rest_until_ms, memory_order_relaxed) <=
            x->now_ms)
            return at;
        if (resting == nodes->count)
            resting = at;
    }
    return resting;
}

static enum flow pick(struct rpc_exchange *x) {
    if (x->report.tried == x->nodes->count)
        return over(x, RPC_NODE_UNREACHABLE);
    unsigned at = choose(x);
    x->tried |= (uint64_t)1 << at;
    x->node = x->nodes->node[at];
    x->report.node = x->node;
    x->report.tried++;
    x->addr_tried = 0;
    x->asked = false;
    /* in TLS sessions are kept, not connections: a suwsgi-socket closes them */
    bool may_be_kept = x->opts->keepalive && !x->node->tls.host;
    return go(x, may_be_kept ? RPC_EXCHANGE_KEPT : RPC_EXCHANGE_ADDRESS);
}

/* --- kept connections ------------------------------------------------------------------------- */

/* A call that could not be sent at all may go another way. */
static enum flow send_over_kept(struct rpc_exchange *x) {
    if (send_some(x))
        return go_on_sending(x);
    x->report.kept = false;
    hang_up(x);
    return go(x, RPC_EXCHANGE_KEPT);
}

/*
 * One that has not proved itself is waited for, not left aside: a new one would have to wait for it
 * when the node's only free worker is the one that keeps it.
 */
static enum flow take_kept(struct rpc_exchange *x) {
    int proof_ms = 0;

    x->fd = rpc_kept_take(&x->node->kept, x->now_ms, x->opts->idle_ms, &proof_ms);
    if (x->fd < 0)
        return go(x, RPC_EXCHANGE_ADDRESS);
    x->dialled++;
    x->attempt_ms = x->now_ms + proof_ms;
    x->report.kept = proof_ms == 0;
    return proof_ms == 0 ? send_over_kept(x) : go(x, RPC_EXCHANGE_PROVE);
}

static enum flow prove(struct rpc_exchange *x) {
    int64_t until_ms = x->attempt_ms < x->deadline_ms ? x->attempt_ms : x->deadline_ms;

    if (rpc_kept_is_over(x->fd)) {
        rpc_kept_learn(&x->node->kept, RPC_KEPT_CLOSED, x->now_ms);
        hang_up(x);
        return go(x, RPC_EXCHANGE_KEPT);
    }
    if (!is_late(x, until_ms))
        return wait_for(x, x->fd, false, until_ms);
    if (until_ms < x->attempt_ms)
        return over(x, RPC_NODE_TIMEOUT);
    x->report.kept = true;
    return send_over_kept(x);
}

/* --- connecting: nothing of the request has been sent yet ------------------------------------- */

/* Whether an error says that this side has run out of something: no fault of the node. */
static bool is_our_own(int error) {
    return error == EMFILE || error == ENFILE || error == ENOMEM || error == ENOBUFS ||
           error == EADDRNOTAVAIL;
}

static void rest_if_asked(struct rpc_exchange *x) {
    if (x->asked)
        atomic_store_explicit(&x->node->rest_until_ms, x->now_ms + x->opts->rest_ms,
                              memory_order_relaxed);
}

static enum flow attempt_failed(struct rpc_exchange *x, int error) {
    x->report.error = error;
    x->asked = x->asked || !is_our_own(error);
    hang_up(x);
    return go(x, RPC_EXCHANGE_ADDRESS);
}

static enum flow attempt_late(struct rpc_exchange *x) {
    if (x->attempt_ms < x->deadline_ms)
        return attempt_failed(x, x->report.error ? x->report.error : ETIMEDOUT);
    if (x->report.error == 0)
        x->report.error = ETIMEDOUT;
    x->asked = true;
    rest_if_asked(x);
    return over(x, RPC_NODE_TIMEOUT);
}

/* The end of an attempt: what is left, divided by the attempts that are left. */
static int64_t attempt_until(const struct rpc_exchange *x, unsigned attempts_left) {
    int64_t share = (x->deadline_ms - x->now_ms) / attempts_left;

    if (x->opts->connect_timeout_ms > 0 && share > x->opts->connect_timeout_ms)
        share = x->opts->connect_timeout_ms;
    return x->now_ms + share;
}

/* The node's next address: the one that was connected to last comes first. */
static void next_address(struct rpc_exchange *x) {
    unsigned good = atomic_load_explicit(&x->node->good_addr, memory_order_relaxed);
    unsigned nodes_left = x->nodes->count - x->report.tried + 1;

    x->addr = &x->node->addr[(good + x->addr_tried) % x->node->addr_count];
    /* the second name of an abstract socket fails at once: it needs no share of the time */
    bool local = x->addr->sock.any.sa_family == AF_UNIX;
    x->attempt_ms =
        attempt_until(x, nodes_left * (local ? 1 : x->node->addr_count - x->addr_tried));
    x->report.error = 0;
}

static void do_not_delay(int fd) {
    const int on = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
}

static enum flow open_socket(struct rpc_exchange *x) {
    if (x->addr_tried == x->node->addr_count) {
        rest_if_asked(x);
        return go(x, RPC_EXCHANGE_PICK);
    }
    next_address(x);
    int family = x->addr->sock.any.sa_family;
    x->fd = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (x->fd < 0 && x->patient && (errno == EMFILE || errno == ENFILE) &&
        x->now_ms < x->deadline_ms) {
        x->report.error = errno;
        return pause_until(x, x->deadline_ms);
    }
    x->addr_tried++;
    x->pause_ms = PAUSE_MIN_MS;
    if (x->fd < 0) {
        x->report.error = errno;
        return go(x, RPC_EXCHANGE_ADDRESS);
    }
    x->dialled++;
    /* Only where a second request may follow the first: a single one is one segment train, which
       nothing delays. */
    if (x->opts->keepalive && family != AF_UNIX)
        do_not_delay(x->fd);
    return go(x, RPC_EXCHANGE_CONNECT);
}

/*
 * Whether a socket is connected to itself: where nobody listens on a port the kernel may give the
 * same port to the caller, and TCP lets the two ends of one socket meet.
 */
static bool is_oneself(int fd, const struct rpc_node_addr *addr) {
    struct rpc_node_addr own = {.len = sizeof(own.sock)};

    if (getsockname(fd, &own.sock.any, &own.len) != 0 ||
        own.sock.any.sa_family != addr->sock.any.sa_family)
        return false;
    if (own.sock.any.sa_family == AF_INET)
        return own.sock.in.sin_port == addr->sock.in.sin_port &&
               own.sock.in.sin_addr.s_addr == addr->sock.in.sin_addr.s_addr;
    return own.sock.in6.sin6_port == addr->sock.in6.sin6_port &&
           memcmp(&own.sock.in6.sin6_addr, &addr->sock.in6.sin6_addr, sizeof(struct in6_addr)) == 0;
}

/* A UNIX socket whose queue is full says EAGAIN at once and would refuse a burst of calls that a
   TCP one makes wait. */
static enum flow begin_to_connect(struct rpc_exchange *x) {
    if (connect(x->fd, &x->addr->sock.any, x->addr->len) == 0 || errno == EINPROGRESS ||
        errno == EINTR) {
        if (x->addr->ephemeral && is_oneself(x->fd, x->addr))
            return attempt_failed(x, ECONNREFUSED);
        return go(x, x->node->tls.host ? RPC_EXCHANGE_HANDSHAKE : RPC_EXCHANGE_GREET);
    }
    if (errno != EAGAIN || x->addr->sock.any.sa_family != AF_UNIX)
        return attempt_failed(x, errno);
    x->report.error = EAGAIN;
    return x->now_ms >= x->attempt_ms ? attempt_late(x) : pause_until(x, x->attempt_ms);
}

/* Its first send tells, as that of greet does, whether the connection is there. */
static enum flow handshake(struct rpc_exchange *x) {
    if (is_late(x, x->attempt_ms)) {
        note_reason(x, "the handshake did not end in time");
        return attempt_late(x);
    }
    if (!x->tls) {
        do_not_delay(x->fd); /* the request follows the end of the handshake */
        x->tls = rpc_tls_new(x->opts->tls, &x->node->tls, x->fd, x->opts->keepalive, x->now_ms);
    }
    if (!x->tls)
        return attempt_failed(x, ENOMEM);
    if (rpc_tls_handshake(x->tls)) {
        x->report.encrypted = true;
        x->report.resumed = rpc_tls_is_resumed(x->tls);
        return go(x, RPC_EXCHANGE_GREET);
    }
    int error = errno;
    if (would_block())
        return wait_for_socket(x, true, x->attempt_ms);
    if (rpc_tls_reason(x->tls))
        note_reason(x, rpc_tls_reason(x->tls));
    return attempt_failed(x, error);
}

/* In TLS 1.3 a node that does not like our certificate closes here, or later. */
static enum flow greet_failed(struct rpc_exchange *x, int error) {
    if (x->tls)
        note_reason(x,
                    rpc_tls_reason(x->tls) ? rpc_tls_reason(x->tls) : "closed after the handshake");
    return attempt_failed(x, error);
}

/*
 * On loopback and in UNIX sockets a connection is there at once, so the first send is tried without
 * waiting; where it is not, that send says EAGAIN and is repeated when the connection is there, or
 * has the error for which there is none.
 */
static enum flow greet(struct rpc_exchange *x) {
    unsigned at = (unsigned)(x->addr - x->node->addr);

    if (is_late(x, x->attempt_ms))
        return attempt_late(x);
    if (!send_some(x))
        return would_block() ? wait_for_socket(x, true, x->attempt_ms) : greet_failed(x, errno);
    if (atomic_load_explicit(&x->node->good_addr, memory_order_relaxed) != at)
        atomic_store_explicit(&x->node->good_addr, at, memory_order_relaxed);
    if (atomic_load_explicit(&x->node->rest_until_ms, memory_order_relaxed) != 0)
        atomic_store_explicit(&x->node->rest_until_ms, 0, memory_order_relaxed);
    return go_on_sending(x);
}

/* --- the request is on its way ---------------------------------------------------------------- */

static enum flow failed(struct rpc_exchange *x, int error) {
    if (x->tls && rpc_tls_reason(x->tls))
        note_reason(x, rpc_tls_reason(x->tls));
    x->report.error = error;
    return over(x, RPC_NODE_CLOSED);
}

static enum flow send_rest(struct rpc_exchange *x) {
    if (is_late(x, x->deadline_ms))
        return over(x, RPC_NODE_TIMEOUT);
    if (!send_some(x))
        return would_block() ? wait_for_socket(x, true, x->deadline_ms) : failed(x, errno);
    return go_on_sending(x);
}

static enum flow receive(struct rpc_exchange *x) {
    enum rpc_status status;
    bool whole = false;
    char *at = NULL;
    size_t room = 0;

    if (is_late(x, x->deadline_ms))
        return over(x, RPC_NODE_TIMEOUT);
    for (unsigned reads = 0; reads < READS_IN_A_ROW; reads++) {
        status = rpc_reply_room(&x->reply, &at, &room);
        if (status != RPC_OK)
            return over(x, status);
        ssize_t n = x->tls ? rpc_tls_recv(x->tls, at, room) : recv(x->fd, at, room, 0);
        if (n < 0 && !would_block())
            return failed(x, errno);
        if (n < 0)
            break;
        x->event = RPC_EXCHANGE_READY;
        x->report.error = 0;
        status = rpc_reply_arrived(&x->reply, (size_t)n, &whole);
        if (status != RPC_OK || whole)
            return over(x, status);
        if ((size_t)n < room) /* the socket is empty: it is no use to read again */
            break;
    }
    return wait_for_socket(x, false, x->deadline_ms);
}

/* --- the whole -------------------------------------------------------------------------------- */

/* Whether a call fits a packet, and how long that is. */
static enum rpc_status measure_call(const struct rpc_call *call, size_t *packet_len) {
    if (call->name_len == 0)
        return RPC_NO_NAME;
    if (call->name_len > RPC_NAME_MAX)
        return RPC_BAD_NAME;
    size_t body_len = rpc_wire_body_len(call);
    *packet_len = RPC_WIRE_HEADER_LEN + body_len;
    return body_len > RPC_WIRE_BODY_MAX ? RPC_NODE_CALL_TOO_LARGE : RPC_OK;
}

/* All but need, node, addr and scratch, which get their value when they get a meaning. */
static void clear(struct rpc_exchange *x) {
    x->dialled = x->addr_tried = 0;
    x->status = RPC_OK;
    x->result = (struct rpc_result){0};
    x->report = (struct rpc_client_report){0};
    x->state = RPC_EXCHANGE_PICK;
    x->fd = -1;
    x->tls = NULL;
    x->tried = 0;
    x->pause_ms = PAUSE_MIN_MS;
    x->asked = false;
    x->large = NULL;
    x->sent = 0;
}

bool rpc_exchange_begin(struct rpc_exchange *x, struct rpc_nodes *nodes,
                        const struct rpc_client_opts *opts, const struct rpc_call *call,
                        bool patient) {
    clear(x);
    x->status = measure_call(call, &x->packet_len);
    if (x->status != RPC_OK)
        return false;
    if (x->packet_len > sizeof(x->scratch)) {
        x->large = malloc(x->packet_len);
        if (!x->large) {
            x->status = RPC_NO_MEMORY;
            return false;
        }
    }
    char *packet = x->large ? x->large : x->scratch;
    rpc_wire_encode(call, opts->raw ? 1 : 0, packet);
    x->packet = packet;
    rpc_reply_begin(&x->reply, x->scratch, opts->raw, opts->max_response);
    x->opts = opts;
    x->nodes = nodes;
    x->turn = rpc_nodes_turn(nodes);
    x->patient = patient;
    x->now_ms = rpc_client_now(opts);
    x->deadline_ms = x->now_ms + opts->timeout_ms;
    return true;
}

bool rpc_exchange_run(struct rpc_exchange *x, enum rpc_exchange_event event) {
    static enum flow (*const step[])(struct rpc_exchange *) = {
        [RPC_EXCHANGE_PICK] = pick,
        [RPC_EXCHANGE_KEPT] = take_kept,
        [RPC_EXCHANGE_PROVE] = prove,
        [RPC_EXCHANGE_ADDRESS] = open_socket,
        [RPC_EXCHANGE_CONNECT] = begin_to_connect,
        [RPC_EXCHANGE_HANDSHAKE] = handshake,
        [RPC_EXCHANGE_GREET] = greet,
        [RPC_EXCHANGE_SEND] = send_rest,
        [RPC_EXCHANGE_RECEIVE] = receive,
    };
    enum flow flow;

    x->event = event;
    if (event != RPC_EXCHANGE_START)
        x->now_ms = rpc_client_now(x->opts);
    do
        flow = step[x->state](x);
    while (flow == GO);
    return flow == OVER;
}
