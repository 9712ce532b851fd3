// SPDX-License-Identifier: MIT
/*
 * One call to a node: pick, connect, send, receive. See client/client.h for the contract. What a
 * node is and where it is reached stands in rpc_node, the bytes of a packet in rpc_wire.
 */
#include "client.h"

#include <errno.h>
#include <limits.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "../rpc_wire.h"

/* A result's memory is at most this, or twice what has arrived. */
#define GROW_MIN ((size_t)64 * 1024)
/* A UNIX socket whose queue is full cannot be waited for: it is tried again after a pause, which
   doubles each time so that many callers do not keep the node from working. */
#define FULL_QUEUE_PAUSE_MIN_MS 1
#define FULL_QUEUE_PAUSE_MAX_MS 32

/* A call under way. */
struct exchange {
    const struct rpc_client_opts *opts;
    struct rpc_client_report *report;
    struct rpc_node *node;
    int fd;
    int64_t deadline_ms;
    const char *packet;
    size_t packet_len;
    size_t sent;
    bool stuck;                        /* the wait callback cannot wait */
    bool heard;                        /* a byte of the reply has arrived */
    bool clean;                        /* the reply ended exactly as promised */
    char scratch[RPC_CLIENT_HEAD_MAX]; /* the packet while it is sent, then the reply's beginning */
};

/* Bytes that have been received, and room for more. */
struct growing {
    char *data;
    size_t len;
    size_t size;
};

/* --- time and waiting ------------------------------------------------------------------------- */

static int64_t monotonic_ms(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static int64_t now_ms(const struct exchange *x) {
    return x->opts->now_ms ? x->opts->now_ms() : monotonic_ms();
}

static int64_t or_default(int64_t value, int64_t otherwise) {
    return value > 0 ? value : otherwise;
}

int rpc_wait_poll(void *ctx, int fd, bool for_write, int timeout_ms) {
    struct pollfd p = {.fd = fd, .events = for_write ? POLLOUT : POLLIN};
    (void)ctx;
    int ready = poll(&p, 1, timeout_ms);
    return ready < 0 && errno == EINTR ? 1 : ready;
}

/* Waits for fd. Returns > 0 ready, 0 too late, < 0 cannot wait: one more look at fd tells why. */
static int await(struct exchange *x, int fd, bool for_write, int64_t until_ms) {
    int64_t left = until_ms - now_ms(x);

    if (left <= 0)
        return 0;
    errno = 0;
    int ready =
        x->opts->wait(x->opts->wait_ctx, fd, for_write, left > INT_MAX ? INT_MAX : (int)left);
    if (ready == 0 && left > INT_MAX)
        return 1;
    if (ready < 0 && errno == EINTR)
        return 1;
    if (ready < 0)
        x->report->error = errno ? errno : ECANCELED;
    return ready;
}

static bool would_block(void) {
    return errno == EAGAIN || errno == EWOULDBLOCK;
}

/*
 * Sends (or receives) up to len bytes, at least one unless the other side has closed. first_wait
 * says that it is no use to try before waiting. RPC_OK with *moved, RPC_NODE_TIMEOUT when
 * until_ms has passed or nothing can wait, RPC_NODE_CLOSED on any other failure, whose errno is
 * then in the report.
 */
static enum rpc_status move_bytes(struct exchange *x, bool sending, char *data, size_t len,
                                  bool first_wait, int64_t until_ms, size_t *moved) {
    int ready = 1;

    if (now_ms(x) >= until_ms)
        return RPC_NODE_TIMEOUT;
    if (first_wait && (ready = await(x, x->fd, sending, until_ms)) == 0)
        return RPC_NODE_TIMEOUT;
    for (;;) {
        ssize_t n = sending ? send(x->fd, data, len, MSG_NOSIGNAL) : recv(x->fd, data, len, 0);
        if (n >= 0) {
            *moved = (size_t)n;
            x->report->error = 0;
            return RPC_OK;
        }
        if (errno == EINTR)
            continue;
        if (!would_block()) {
            x->report->error = errno;
            return RPC_NODE_CLOSED;
        }
        x->stuck = ready < 0;
        if (x->stuck || (ready = await(x, x->fd, sending, until_ms)) == 0)
            return RPC_NODE_TIMEOUT;
    }
}

static enum rpc_status send_some(struct exchange *x, int64_t until_ms) {
    size_t moved = 0;
    /* send() does not write to what it is given; move_bytes has one pointer for both ways */
    char *data = (char *)x->packet + x->sent;
    enum rpc_status status =
        move_bytes(x, true, data, x->packet_len - x->sent, false, until_ms, &moved);
    x->sent += moved;
    return status;
}

/* --- connecting: nothing of the request has been sent yet ------------------------------------- */

static void hang_up(struct exchange *x) {
    if (x->fd >= 0)
        close(x->fd);
    x->fd = -1;
}

/* Lets some time pass, in the wait callback as all waiting. RPC_OK: it has passed. */
static enum rpc_status let_pass(struct exchange *x, int pause_ms, int64_t until_ms) {
    const struct itimerspec pause = {.it_value.tv_nsec = pause_ms * 1000000L};
    int fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);

    if (fd < 0) {
        x->report->error = errno;
        return RPC_NODE_UNREACHABLE;
    }
    timerfd_settime(fd, 0, &pause, NULL); /* cannot fail with these */
    int ready = await(x, fd, false, until_ms);
    x->stuck = ready < 0;
    close(fd);
    return ready > 0 ? RPC_OK : RPC_NODE_TIMEOUT;
}

/*
 * Begins to connect x->fd, results as those of dial; RPC_OK also while it is not finished yet,
 * which the first send will find out. A UNIX socket whose queue is full says EAGAIN at once and
 * would refuse a burst of calls that a TCP one makes wait: it is tried again.
 */
static enum rpc_status start_connecting(struct exchange *x, const struct rpc_node_addr *addr,
                                        int64_t until_ms) {
    int pause_ms = FULL_QUEUE_PAUSE_MIN_MS;

    while (connect(x->fd, &addr->sock.any, addr->len) != 0) {
        if (errno == EINPROGRESS || errno == EINTR)
            break;
        x->report->error = errno;
        if (errno != EAGAIN || addr->sock.any.sa_family != AF_UNIX)
            return RPC_NODE_UNREACHABLE;
        enum rpc_status status = let_pass(x, pause_ms, until_ms);
        if (status != RPC_OK)
            return status;
        if (pause_ms < FULL_QUEUE_PAUSE_MAX_MS)
            pause_ms *= 2;
    }
    return RPC_OK;
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

/* Whether an error says that this side has run out of something: no fault of the node. */
static bool is_our_own(int error) {
    return error == EMFILE || error == ENFILE || error == ENOMEM || error == ENOBUFS ||
           error == EADDRNOTAVAIL;
}

/*
 * Connects to an address and sends the first bytes. On loopback and in UNIX sockets a connection is
 * there at once, so the first send is tried without waiting; where it is not, that send says EAGAIN
 * and is repeated when the connection is there, or has the error for which there is none. *asked
 * becomes true when it was the other side that failed. Returns RPC_OK, RPC_NODE_UNREACHABLE: the
 * next address may do better, RPC_NODE_TIMEOUT: there is no time for it, or no way to wait.
 */
static enum rpc_status dial(struct exchange *x, const struct rpc_node_addr *addr, int64_t until_ms,
                            bool *asked) {
    const int on = 1, family = addr->sock.any.sa_family;

    x->fd = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (x->fd < 0) {
        x->report->error = errno;
        return RPC_NODE_UNREACHABLE;
    }
    /* Only where a second request may follow the first: a single one is one segment train, which
       nothing delays. */
    if (x->opts->keepalive && family != AF_UNIX)
        setsockopt(x->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    enum rpc_status status = start_connecting(x, addr, until_ms);
    if (status == RPC_OK && addr->ephemeral && is_oneself(x->fd, addr)) {
        x->report->error = ECONNREFUSED;
        status = RPC_NODE_UNREACHABLE;
    }
    if (status == RPC_OK)
        status = send_some(x, until_ms);
    if (status == RPC_OK)
        return RPC_OK;
    hang_up(x);
    *asked = *asked || !is_our_own(x->report->error);
    if (status != RPC_NODE_TIMEOUT)
        return RPC_NODE_UNREACHABLE;
    if (x->report->error == 0)
        x->report->error = ETIMEDOUT;
    return x->stuck || until_ms >= x->deadline_ms ? RPC_NODE_TIMEOUT : RPC_NODE_UNREACHABLE;
}

/* The time one attempt may take: what is left, divided by the attempts that are left. */
static int64_t attempt_until(const struct exchange *x, unsigned attempts_left) {
    int64_t now = now_ms(x);
    int64_t share = (x->deadline_ms - now) / attempts_left;

    if (x->opts->connect_timeout_ms > 0 && share > x->opts->connect_timeout_ms)
        share = x->opts->connect_timeout_ms;
    return now + share;
}

/*
 * Waits until a kept connection has proved itself. It is waited for, not left aside: a new one
 * would have to wait for it when the node's only free worker is the one that keeps it. RPC_OK: a
 * call may go out on it; RPC_NODE_CLOSED: not on this one; RPC_NODE_TIMEOUT as always.
 */
static enum rpc_status prove(struct exchange *x, int proof_ms) {
    int64_t proved_ms = now_ms(x) + proof_ms;

    while (now_ms(x) < proved_ms) {
        if (now_ms(x) >= x->deadline_ms)
            return RPC_NODE_TIMEOUT;
        int64_t until_ms = proved_ms < x->deadline_ms ? proved_ms : x->deadline_ms;
        x->stuck = await(x, x->fd, false, until_ms) < 0;
        if (x->stuck)
            return RPC_NODE_TIMEOUT;
        if (rpc_kept_is_over(x->fd)) {
            rpc_kept_learn(&x->node->kept, RPC_KEPT_CLOSED, now_ms(x));
            return RPC_NODE_CLOSED;
        }
    }
    return RPC_OK;
}

/* Begins the call on a kept connection. RPC_NODE_CLOSED: there is none; or as dial. */
static enum rpc_status begin_on_kept(struct exchange *x) {
    int proof_ms = 0;

    x->report->kept = true;
    while ((x->fd = rpc_kept_take(&x->node->kept, now_ms(x), x->opts->idle_ms, &proof_ms)) >= 0) {
        enum rpc_status status = prove(x, proof_ms);
        if (status == RPC_OK)
            status = send_some(x, x->deadline_ms);
        if (status == RPC_OK)
            return RPC_OK;
        hang_up(x);
        if (status == RPC_NODE_TIMEOUT)
            return status;
    }
    x->report->kept = false;
    return RPC_NODE_CLOSED;
}

/* Begins the call on one node; results as those of dial. Nothing was sent unless RPC_OK. */
static enum rpc_status begin_on(struct exchange *x, unsigned nodes_left) {
    struct rpc_node *node = x->node;
    enum rpc_status status = RPC_NODE_UNREACHABLE;
    bool asked = false;

    x->report->node = node;
    x->report->tried++;
    if (x->opts->keepalive) {
        status = begin_on_kept(x);
        if (status != RPC_NODE_CLOSED)
            return status;
        status = RPC_NODE_UNREACHABLE;
    }
    unsigned good = atomic_load_explicit(&node->good_addr, memory_order_relaxed);
    for (unsigned i = 0; i < node->addr_count && status == RPC_NODE_UNREACHABLE; i++) {
        unsigned at = (good + i) % node->addr_count;
        /* the second name of an abstract socket fails at once: it needs no share of the time */
        bool local = node->addr[at].sock.any.sa_family == AF_UNIX;
        int64_t until_ms = attempt_until(x, nodes_left * (local ? 1 : node->addr_count - i));
        x->report->error = 0;
        status = dial(x, &node->addr[at], until_ms, &asked);
        if (status == RPC_OK) {
            if (at != good)
                atomic_store_explicit(&node->good_addr, at, memory_order_relaxed);
            atomic_store_explicit(&node->rest_until_ms, 0, memory_order_relaxed);
            return RPC_OK;
        }
    }
    if (asked && !x->stuck)
        atomic_store_explicit(&node->rest_until_ms, now_ms(x) + x->opts->rest_ms,
                              memory_order_relaxed);
    return status;
}

/* Whose turn it is: the first from start on that neither rests nor was tried, else the first that
   was not tried. */
static unsigned pick(const struct rpc_nodes *nodes, unsigned start, uint64_t tried, int64_t now) {
    unsigned resting = nodes->count;

    for (unsigned i = 0; i < nodes->count; i++) {
        unsigned at = (start + i) % nodes->count;
        if (tried & (uint64_t)1 << at)
            continue;
        if (atomic_load_explicit(&nodes->node[at]->rest_until_ms, memory_order_relaxed) <= now)
            return at;
        if (resting == nodes->count)
            resting = at;
    }
    return resting;
}

/* Begins the call on the first node that can be connected to. */
static enum rpc_status begin(struct exchange *x, struct rpc_nodes *nodes) {
    unsigned start = rpc_nodes_turn(nodes);
    uint64_t tried = 0;
    enum rpc_status status = RPC_NODE_UNREACHABLE;

    for (unsigned left = nodes->count; left > 0 && status == RPC_NODE_UNREACHABLE; left--) {
        unsigned at = pick(nodes, start, tried, now_ms(x));
        tried |= (uint64_t)1 << at;
        x->node = nodes->node[at];
        status = begin_on(x, left);
    }
    return status;
}

/* --- receiving -------------------------------------------------------------------------------- */

/*
 * Room for more bytes of a result of at most total ones: total halved until it is no more than
 * twice what has arrived (or GROW_MIN). So the last step ends exactly at total, from half of it.
 */
static enum rpc_status grow(struct growing *g, uint64_t total) {
    uint64_t limit = g->len < GROW_MIN / 2 ? GROW_MIN : (uint64_t)g->len * 2;

    while (total > limit)
        total = total / 2 + total % 2;
    char *data = realloc(g->data, (size_t)total + 1);
    if (!data)
        return RPC_NO_MEMORY;
    g->data = data;
    g->size = (size_t)total;
    return RPC_OK;
}

/* Reads until total bytes have arrived; *closed tells when the node had no more than g->len. */
static enum rpc_status receive_into(struct exchange *x, struct growing *g, uint64_t total,
                                    bool *closed) {
    bool drained = true; /* a short read has emptied the socket: it is no use to read again */

    *closed = false;
    while (g->len < total) {
        enum rpc_status status = g->len < g->size ? RPC_OK : grow(g, total);
        if (status != RPC_OK)
            return status;
        size_t room = g->size - g->len, moved = 0;
        status = move_bytes(x, false, g->data + g->len, room, drained, x->deadline_ms, &moved);
        if (status != RPC_OK)
            return status;
        g->len += moved;
        drained = moved < room;
        if (moved == 0) {
            *closed = true;
            return RPC_OK;
        }
    }
    return RPC_OK;
}

/* The result of modifier2 1: everything until the node closes. */
static enum rpc_status receive_raw(struct exchange *x, struct growing *g) {
    uint64_t max = x->opts->max_response;
    /* one more than allowed, so that the one too many is seen */
    uint64_t total = max && max < SIZE_MAX - 1 ? max + 1 : SIZE_MAX - 1;
    bool closed;

    enum rpc_status status = receive_into(x, g, total, &closed);
    if (status != RPC_OK)
        return status;
    if (!closed)
        return RPC_NODE_TOO_LARGE;
    if (g->len == 0)
        return RPC_NODE_CLOSED;
    char *data = realloc(g->data, g->len + 1);
    if (data)
        g->data = data;
    return RPC_OK;
}

/* Reads the reply's head into x->scratch, and with it as much of the result as comes along. */
static enum rpc_status receive_head(struct exchange *x, struct rpc_wire_reply *reply, size_t *got) {
    *got = 0;
    for (;;) {
        size_t moved = 0;
        enum rpc_status status = move_bytes(x, false, x->scratch + *got, sizeof(x->scratch) - *got,
                                            true, x->deadline_ms, &moved);
        if (status != RPC_OK)
            return status;
        if (moved == 0)
            return RPC_NODE_CLOSED;
        *got += moved;
        x->heard = true;
        int known = rpc_wire_reply_parse(x->scratch, *got, reply);
        if (known > 0)
            return RPC_OK;
        if (known < 0 || reply->head_len > sizeof(x->scratch))
            return RPC_NODE_GARBLED;
    }
}

/* A framed reply. */
static enum rpc_status receive_framed(struct exchange *x, struct growing *g) {
    struct rpc_wire_reply reply;
    size_t got;
    bool closed;

    enum rpc_status status = receive_head(x, &reply, &got);
    if (status != RPC_OK)
        return status;
    if (x->opts->max_response && reply.result_len > x->opts->max_response)
        return RPC_NODE_TOO_LARGE;
    got -= reply.head_len;
    x->clean = got <= reply.result_len;
    if (!x->clean)
        got = (size_t)reply.result_len;
    status = grow(g, reply.result_len);
    if (status != RPC_OK)
        return status;
    memcpy(g->data, x->scratch + reply.head_len, got);
    g->len = got;
    status = receive_into(x, g, reply.result_len, &closed);
    return status == RPC_OK && closed ? RPC_NODE_CLOSED : status;
}

/* --- the whole -------------------------------------------------------------------------------- */

static enum rpc_status check_call(const struct rpc_call *call) {
    if (call->name_len == 0)
        return RPC_NO_NAME;
    if (call->name_len > RPC_NAME_MAX)
        return RPC_BAD_NAME;
    return rpc_wire_body_len(call) > RPC_WIRE_BODY_MAX ? RPC_NODE_CALL_TOO_LARGE : RPC_OK;
}

/* Sends what begin left over, receives the reply, and keeps the connection or closes it. */
static enum rpc_status finish(struct exchange *x, struct rpc_result *result) {
    struct growing g = {0};
    enum rpc_status status = RPC_OK;

    while (status == RPC_OK && x->sent < x->packet_len)
        status = send_some(x, x->deadline_ms);
    if (status == RPC_OK)
        status = x->opts->raw ? receive_raw(x, &g) : receive_framed(x, &g);
    if (status == RPC_OK) {
        g.data[g.len] = 0;
        *result = (struct rpc_result){g.data, g.len};
    } else {
        free(g.data);
    }
    if (x->report->kept && (status == RPC_OK || !x->heard))
        rpc_kept_learn(&x->node->kept, status == RPC_OK ? RPC_KEPT_ANSWERED : RPC_KEPT_LOST,
                       now_ms(x));
    if (status == RPC_OK && x->clean && x->opts->keepalive) {
        rpc_kept_put(&x->node->kept, x->fd, x->opts->keepalive, now_ms(x), x->opts->idle_ms);
        x->fd = -1;
    }
    hang_up(x);
    return status;
}

static struct rpc_client_opts with_defaults(const struct rpc_client_opts *given) {
    struct rpc_client_opts opts = given ? *given : (struct rpc_client_opts){0};
    opts.timeout_ms = or_default(opts.timeout_ms, RPC_CLIENT_TIMEOUT_MS);
    opts.idle_ms = or_default(opts.idle_ms, RPC_CLIENT_IDLE_MS);
    opts.rest_ms = or_default(opts.rest_ms, RPC_CLIENT_REST_MS);
    if (opts.raw)
        opts.keepalive = 0; /* such a reply ends with its connection */
    if (!opts.wait)
        opts.wait = rpc_wait_poll;
    return opts;
}

enum rpc_status rpc_client_call(struct rpc_nodes *nodes, const struct rpc_client_opts *opts,
                                const struct rpc_call *call, struct rpc_result *result,
                                struct rpc_client_report *report) {
    const struct rpc_client_opts complete = with_defaults(opts);
    struct rpc_client_report unread;
    struct exchange x; /* scratch is not cleared */

    x.opts = &complete;
    x.report = report ? report : &unread; // cppcheck-suppress uninitvar; filled below
    x.fd = -1;
    x.sent = 0;
    x.stuck = x.heard = x.clean = false;
    *x.report = (struct rpc_client_report){0};
    *result = (struct rpc_result){0};
    enum rpc_status status = check_call(call);
    if (status != RPC_OK)
        return status;

    x.packet_len = RPC_WIRE_HEADER_LEN + rpc_wire_body_len(call);
    char *large = x.packet_len > sizeof(x.scratch) ? malloc(x.packet_len) : NULL;
    if (x.packet_len > sizeof(x.scratch) && !large)
        return RPC_NO_MEMORY;
    char *packet = large ? large : x.scratch;
    rpc_wire_encode(call, complete.raw ? 1 : 0, packet);
    x.packet = packet;
    x.deadline_ms = now_ms(&x) + complete.timeout_ms;
    status = begin(&x, nodes);
    if (status == RPC_OK)
        status = finish(&x, result);
    free(large);
    return status;
}
