// SPDX-License-Identifier: MIT
/*
 * One call to a node as a machine that never waits: it goes on as far as it can and then says what
 * it waits for. Whoever drives it waits, for one of them or for many at once. No uWSGI.
 *
 *   PICK      whose turn it is                        -> KEPT, ADDRESS, the end
 *   KEPT      takes a kept connection, sends over it  -> PROVE, SEND, RECEIVE, ADDRESS
 *   PROVE     waits whether it stays open             -> KEPT, SEND, RECEIVE
 *   ADDRESS   a socket for the node's next address    -> CONNECT, PICK
 *   CONNECT   begins to connect                       -> HANDSHAKE, GREET, ADDRESS
 *   HANDSHAKE of TLS                                  -> GREET, ADDRESS
 *   GREET     sends the first bytes, once connected   -> SEND, RECEIVE, ADDRESS
 *   SEND      sends the others                        -> RECEIVE, the end
 *   RECEIVE   reads the reply                         -> the end
 *
 * Up to GREET nothing of the request has been sent, and the next address or node is tried when one
 * fails. From then on there is no way back: the call happens at most once.
 */
#ifndef RPC_EXCHANGE_H
#define RPC_EXCHANGE_H

#include "opts.h"
#include "reply.h"

enum rpc_exchange_state {
    RPC_EXCHANGE_PICK,
    RPC_EXCHANGE_KEPT,
    RPC_EXCHANGE_PROVE,
    RPC_EXCHANGE_ADDRESS,
    RPC_EXCHANGE_CONNECT,
    RPC_EXCHANGE_HANDSHAKE,
    RPC_EXCHANGE_GREET,
    RPC_EXCHANGE_SEND,
    RPC_EXCHANGE_RECEIVE
};

/* What has happened since an exchange said what it waits for. */
enum rpc_exchange_event {
    RPC_EXCHANGE_START, /* the first event of all, right after rpc_exchange_begin */
    RPC_EXCHANGE_READY, /* it is ready, or perhaps so */
    RPC_EXCHANGE_LATE,  /* the time is over */
    RPC_EXCHANGE_STUCK  /* nothing can be waited for; the exchange's report has the errno */
};

/* What an exchange waits for. */
struct rpc_exchange_need {
    int fd; /* -1: for the time alone */
    bool for_write;
    int64_t until_ms;
};

/* need, dialled, status, result and report are for the driver to read, the rest is the
   exchange's. */
struct rpc_exchange {
    struct rpc_exchange_need need;
    unsigned dialled;       /* sockets so far: another number means another socket */
    enum rpc_status status; /* in the end */
    struct rpc_result result;
    struct rpc_client_report report;

    const struct rpc_client_opts *opts;
    struct rpc_nodes *nodes;
    struct rpc_node *node;
    const struct rpc_node_addr *addr;
    enum rpc_exchange_state state;
    enum rpc_exchange_event event;
    int fd;
    struct rpc_tls *tls; /* over fd; NULL: none */
    unsigned turn;       /* of nodes: where to begin */
    unsigned addr_tried; /* addresses of node */
    uint64_t tried;      /* nodes, a bit each */
    int64_t now_ms;
    int64_t deadline_ms;
    int64_t attempt_ms; /* the end of an attempt to connect, or of a proof */
    int pause_ms;       /* before the next attempt when there is no room */
    bool asked;         /* it was the node that failed, not this side */
    bool patient;       /* waits for a descriptor that others of this thread will give back */
    char *large;        /* a packet that does not fit scratch */
    const char *packet;
    size_t packet_len;
    size_t sent;
    struct rpc_reply reply;
    char scratch[RPC_REPLY_HEAD_MAX]; /* the packet while it is sent, then the reply's beginning */
};

/*
 * Prepares a call; parameters as those of rpc_client_call, opts complete and both valid until the
 * end. Returns whether there is anything to run: not when the call cannot be sent, which is then in
 * status.
 *   patient  other exchanges run in this thread, too: no descriptor left is worth a pause
 */
bool rpc_exchange_begin(struct rpc_exchange *x, struct rpc_nodes *nodes,
                        const struct rpc_client_opts *opts, const struct rpc_call *call,
                        bool patient);

/* Goes on as far as possible. Returns whether it is over; if not, need says what to wait for. */
bool rpc_exchange_run(struct rpc_exchange *x, enum rpc_exchange_event event);

#endif
