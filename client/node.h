// SPDX-License-Identifier: MIT
/*
 * Nodes: what "host:port,/path.sock,@abstract" names, where it is reached, which one is next, which
 * ones rest, and the idle connections kept to each. Waiting and the call itself are in rpc_client.
 * No uWSGI.
 *
 * A node named twice, in one list or in several, is one node: its rest and its idle connections are
 * shared by every list of the process. All functions may be called from any thread.
 */
#ifndef RPC_NODE_H
#define RPC_NODE_H

#include <netinet/in.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "../rpc.h"

/* Nodes in one list: a call remembers in one word which ones it has tried. */
#define RPC_NODES_MAX 64
/* Room for the longest error text of rpc_nodes_parse, its NUL included. */
#define RPC_NODES_ERROR_MAX 512

/* One address of a node. */
struct rpc_node_addr {
    socklen_t len;
    union {
        struct sockaddr any;
        struct sockaddr_in in;
        struct sockaddr_in6 in6;
        struct sockaddr_un un;
    } sock;
};

struct rpc_idle;

/* One node. name and id are for everybody to read; the rest belongs to rpc_node and rpc_client. */
struct rpc_node {
    char *name;  /* as it was written, NUL-terminated */
    unsigned id; /* 0 for the first node this process named, then 1, ... */
    unsigned ref_count;
    struct rpc_node *next;
    unsigned addr_count;
    struct rpc_node_addr *addr;      /* candidates, in the order they are tried */
    atomic_uint good_addr;           /* the candidate that was last connected to */
    _Atomic int64_t rest_until_ms;   /* it could not be connected to: skipped until then */
    _Atomic(struct rpc_idle *) idle; /* connections kept, NULL before the first one */
    atomic_bool persistent;          /* the last kept connection that was used was still good */
    _Atomic int64_t closes_until_ms; /* it closes after its answers: none is kept until then */
};

/* A list of nodes, as a route or an option names it. */
struct rpc_nodes {
    unsigned count;
    atomic_uint turn; /* of the round robin */
    struct rpc_node *node[];
};

/*
 * Reads a comma-separated list of nodes and resolves their host names, now and once: this may block
 * for as long as the resolver does.
 *   list        "host:port", "[v6]:port", ":port" (this machine), a path with a '/' in it (UNIX
 *               socket), "@name" (abstract UNIX socket); 1 to RPC_NODES_MAX of them, no blanks
 *   nodes       the list, to be released with rpc_nodes_free, on RPC_OK; otherwise NULL
 *   error       one line about what is wrong, NUL-terminated, "" on RPC_OK
 *   error_size  bytes of room there; RPC_NODES_ERROR_MAX is enough for everything
 * Returns RPC_OK, RPC_BAD_REQUEST (not a list of nodes), RPC_NODE_UNREACHABLE (a host name that
 * does not resolve) or RPC_NO_MEMORY.
 */
enum rpc_status rpc_nodes_parse(const char *list, struct rpc_nodes **nodes, char *error,
                                size_t error_size);

/*
 * Releases a list (or NULL), and with the last list that names a node its idle connections. No call
 * may be using the list.
 */
void rpc_nodes_free(struct rpc_nodes *nodes);

/*
 * The first of all nodes some list of this process names, to be followed by ->next; NULL when there
 * is none. While lists are made or freed in other threads the chain may change.
 */
const struct rpc_node *rpc_node_known(void);

/* The rest is between rpc_client and rpc_node. */

/* Which node a call begins with: an index into the list, another one each time. */
unsigned rpc_nodes_turn(struct rpc_nodes *nodes);

/*
 * A node on a plain uwsgi socket closes a moment after its answer: a call sent in between is lost,
 * and must not be sent again. So until a node has answered over a kept connection, such a
 * connection is not used before it has stayed open for this long.
 */
#define RPC_NODE_PROVE_MS 20
/* No connection to a node that closed one instead is kept for this long. */
#define RPC_NODE_CLOSES_MS 5000

/*
 * Takes an idle connection of this process to a node, kept for less than idle_ms (and long enough,
 * see RPC_NODE_PROVE_MS), that has neither been closed nor received a byte; those that have are
 * closed on the way. Returns its descriptor, which is the caller's from then on, or -1. The caller
 * stores in node->persistent whether the node then answered over it.
 */
int rpc_node_take(struct rpc_node *node, int64_t now_ms, int idle_ms);

/*
 * The same for a connection that has not been kept long enough yet: *prove_ms is how much longer it
 * has to stay open, without a byte to be read, before a call may go out on it.
 */
int rpc_node_take_unproved(struct rpc_node *node, int64_t now_ms, int idle_ms, int *prove_ms);

/* Remembers that a node has closed a kept connection, or sent something over it unasked. */
void rpc_node_closed(struct rpc_node *node, int64_t now_ms);

/*
 * Keeps fd as an idle connection of a node, or closes it when max are kept already or memory is
 * out: it is no longer the caller's. The room for connections is made once, for the max of the
 * first call. Connections kept for idle_ms are closed on the way.
 */
void rpc_node_keep(struct rpc_node *node, int fd, unsigned max, int64_t now_ms, int idle_ms);

#endif
