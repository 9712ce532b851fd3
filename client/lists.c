// SPDX-License-Identifier: MIT
/*
 * Lists of nodes by their text, see client/lists.h: a hash for finding, and a chain from the list
 * used last to the one to be forgotten next.
 */
#include "lists.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BUCKETS 1024 /* a power of two */

static struct {
    pthread_mutex_t lock;
    struct rpc_list *bucket[BUCKETS];
    struct rpc_list *newest, *oldest;
    unsigned node_count;
} kept = {.lock = PTHREAD_MUTEX_INITIALIZER};

/* FNV-1a. Who chooses the lists is the application. */
static uint32_t hash_of(const char *text, size_t len) {
    uint32_t hash = 2166136261u;
    for (size_t i = 0; i < len; i++)
        hash = (hash ^ (unsigned char)text[i]) * 16777619u;
    return hash;
}

static struct rpc_list **bucket_of(uint32_t hash) {
    return &kept.bucket[hash % BUCKETS];
}

/* --- under the lock --------------------------------------------------------------------------- */

static void link_newest(struct rpc_list *list) {
    list->newer = NULL;
    list->older = kept.newest;
    *(kept.newest ? &kept.newest->newer : &kept.oldest) = list;
    kept.newest = list;
}

static void unlink_age(struct rpc_list *list) {
    *(list->newer ? &list->newer->older : &kept.newest) = list->older;
    *(list->older ? &list->older->newer : &kept.oldest) = list->newer;
}

static void list_free(struct rpc_list *list) {
    if (list)
        rpc_nodes_free(list->nodes);
    free(list);
}

/* Finds a list, which is in use from then on and the newest; NULL when it is not kept. */
static struct rpc_list *use(const char *text, size_t len, uint32_t hash) {
    struct rpc_list *list = *bucket_of(hash);

    while (list && (list->hash != hash || list->len != len || memcmp(list->text, text, len) != 0))
        list = list->in_bucket;
    if (!list)
        return NULL;
    if (list != kept.newest) {
        unlink_age(list);
        link_newest(list);
    }
    list->users++;
    return list;
}

static void forget(struct rpc_list *list) {
    struct rpc_list **at = bucket_of(list->hash);

    while (*at != list)
        at = &(*at)->in_bucket;
    *at = list->in_bucket;
    unlink_age(list);
    kept.node_count -= list->nodes->count;
    list->kept = false;
    if (list->users == 0)
        list_free(list);
}

static void keep(struct rpc_list *list) {
    struct rpc_list **at = bucket_of(list->hash);

    while (kept.node_count + list->nodes->count > RPC_LISTS_NODES_MAX)
        forget(kept.oldest);
    list->in_bucket = *at;
    *at = list;
    link_newest(list);
    kept.node_count += list->nodes->count;
    list->kept = true;
    list->users = 1;
}

/* --- for everybody ---------------------------------------------------------------------------- */

/* Reads a list, which may block for as long as the resolver does. */
static enum rpc_status read_list(struct rpc_list *list, char *error) {
    enum rpc_status status = rpc_nodes_parse(list->text, &list->nodes, error, RPC_NODES_ERROR_MAX);

    for (char *p = error; *p; p++)
        if (*p < ' ' || *p == 0x7f)
            *p = '?';
    return status == RPC_BAD_REQUEST ? RPC_BAD_NODES : status;
}

static enum rpc_status fail(char *error, enum rpc_status status, const char *why) {
    snprintf(error, RPC_NODES_ERROR_MAX, "%s", why);
    return status;
}

static enum rpc_status make(const char *text, size_t len, uint32_t hash, struct rpc_list **made,
                            char *error) {
    if (memchr(text, 0, len))
        return fail(error, RPC_BAD_NODES, "a NUL in a list of nodes");
    struct rpc_list *list = malloc(sizeof(*list) + len + 1);
    if (!list)
        return fail(error, RPC_NO_MEMORY, rpc_status_info(RPC_NO_MEMORY)->message);
    *list = (struct rpc_list){.hash = hash, .len = len};
    memcpy(list->text, text, len);
    list->text[len] = 0;
    enum rpc_status status = read_list(list, error);
    if (list->nodes)
        *made = list;
    else
        free(list);
    return status;
}

enum rpc_status rpc_lists_take(const char *text, size_t len, struct rpc_list **list, char *error) {
    uint32_t hash = hash_of(text, len);
    struct rpc_list *made = NULL;

    *error = 0;
    pthread_mutex_lock(&kept.lock);
    *list = use(text, len, hash);
    pthread_mutex_unlock(&kept.lock);
    if (*list)
        return RPC_OK;
    enum rpc_status status = make(text, len, hash, &made, error);
    if (!made)
        return status;
    pthread_mutex_lock(&kept.lock);
    *list = use(text, len, hash); /* somebody may have been faster */
    if (!*list) {
        keep(made);
        *list = made;
        made = NULL;
    }
    pthread_mutex_unlock(&kept.lock);
    list_free(made);
    return RPC_OK;
}

void rpc_lists_give_back(struct rpc_list *list) {
    pthread_mutex_lock(&kept.lock);
    bool last = --list->users == 0 && !list->kept;
    pthread_mutex_unlock(&kept.lock);
    if (last)
        list_free(list);
}

unsigned rpc_lists_node_count(void) {
    pthread_mutex_lock(&kept.lock);
    unsigned count = kept.node_count;
    pthread_mutex_unlock(&kept.lock);
    return count;
}

void rpc_lists_forget(void) {
    pthread_mutex_lock(&kept.lock);
    while (kept.oldest)
        forget(kept.oldest);
    pthread_mutex_unlock(&kept.lock);
}
