// SPDX-License-Identifier: MIT
/*
 * Nodes: what "host:port,ssl:host:port,/path.sock,@abstract" names, where it is reached, which one
 * is next and which ones rest. Waiting and the call itself are in rpc_client, the connections kept
 * to a node in client/kept.h. No uWSGI.
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
#include "kept.h"
#include "tls.h"

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
    bool ephemeral; /* its port is one the kernel gives to callers, see rpc_client */
};

/* One node. name and id are for everybody to read; the rest belongs to rpc_node and rpc_client. */
struct rpc_node {
    char *name;  /* as it was written, NUL-terminated */
    unsigned id; /* 0 for the first node this process named, then 1, ... */
    unsigned ref_count;
    struct rpc_node *next;
    unsigned addr_count;
    struct rpc_node_addr *addr;    /* candidates, in the order they are tried */
    atomic_uint good_addr;         /* the candidate that was last connected to */
    _Atomic int64_t rest_until_ms; /* it could not be connected to: skipped until then */
    struct rpc_kept kept;          /* its idle connections */
    struct rpc_tls_peer tls;       /* host: NULL unless it is spoken to in TLS */
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
 *   list        "host:port", "[v6]:port", ":port" (this machine), "ssl:" and one of these (TLS), a
 *               path with a '/' in it (UNIX socket), "@name" (abstract UNIX socket); 1 to
 *               RPC_NODES_MAX of them, no blanks
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

#endif
