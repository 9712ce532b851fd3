// SPDX-License-Identifier: MIT
/*
 * Lists of nodes that come with a call instead of from the configuration: each is read once and
 * kept, with its turn, its nodes' rests and their connections, until others have been used more
 * lately. No uWSGI.
 */
#ifndef RPC_LISTS_H
#define RPC_LISTS_H

#include "node.h"

/* Nodes in all lists that are kept, one that stands in two lists counted twice. */
#define RPC_LISTS_NODES_MAX 1024

/* A list in use. nodes is for everybody to read, and stays as long as the list does. */
struct rpc_list {
    struct rpc_nodes *nodes;
    struct rpc_list *in_bucket, *newer, *older;
    unsigned users;
    bool kept;
    uint32_t hash;
    size_t len;
    char text[];
};

/*
 * Takes a list, which is read as by rpc_nodes_parse when it is not kept.
 *   text, len   the list; need not be NUL-terminated
 *   list        to be handed back with rpc_lists_give_back, on RPC_OK; otherwise NULL
 *   error       one line about what is wrong, which shows what is unprintable as '?';
 *               RPC_NODES_ERROR_MAX bytes of room; "" on RPC_OK
 * Returns RPC_OK, RPC_BAD_NODES (not a list of nodes), RPC_NODE_UNREACHABLE (a host name that does
 * not resolve) or RPC_NO_MEMORY. From any thread.
 */
enum rpc_status rpc_lists_take(const char *text, size_t len, struct rpc_list **list, char *error);

/* Hands a list back. */
void rpc_lists_give_back(struct rpc_list *list);

/* Nodes in all lists that are kept. */
unsigned rpc_lists_node_count(void);

/* Forgets all lists; those in use live until they are handed back. */
void rpc_lists_forget(void);

#endif
