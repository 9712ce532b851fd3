// SPDX-License-Identifier: MIT
/* rpc_lists: what is kept, what is forgotten, what is in use meanwhile, and memory running out. */
#include "client/lists.h"
#include "counted_alloc.h"
#include "fake_node.h"

#include <pthread.h>

static struct rpc_list *take(const char *text) {
    char error[RPC_NODES_ERROR_MAX];
    struct rpc_list *list;
    enum rpc_status status = rpc_lists_take(text, strlen(text), &list, error);

    ck_assert_msg(status == RPC_OK, "%s", error);
    ck_assert_str_eq(error, "");
    return list;
}

static struct rpc_list *take_number(unsigned number) {
    char text[32];
    snprintf(text, sizeof(text), "@%u", number);
    return take(text);
}

START_TEST(test_lists_same_list) {
    struct rpc_list *first = take("@a,@b"), *other = take("@b,@a");

    ck_assert_ptr_ne(first, other);
    ck_assert_ptr_eq(first->nodes->node[0], other->nodes->node[1]);
    ck_assert_uint_eq(rpc_lists_node_count(), 4);
    rpc_lists_give_back(first);
    ck_assert_ptr_eq(take("@a,@b"), first);
    rpc_lists_give_back(first);
    rpc_lists_give_back(other);
    rpc_lists_forget();
    ck_assert_uint_eq(rpc_lists_node_count(), 0);
    ck_assert_ptr_null(rpc_node_known());
}
END_TEST

START_TEST(test_lists_not_nul_terminated) {
    struct guarded g = guarded_copy("@abc", 4);
    char error[RPC_NODES_ERROR_MAX];
    struct rpc_list *list;

    ck_assert_int_eq(rpc_lists_take(g.data, 4, &list, error), RPC_OK);
    ck_assert_str_eq(list->nodes->node[0]->name, "@abc");
    guarded_free(&g);
    rpc_lists_give_back(list);
    rpc_lists_forget();
}
END_TEST

START_TEST(test_lists_bad) {
    static const struct {
        const char *text;
        size_t len;
        enum rpc_status status;
        const char *complaint;
    } bad[] = {
        {"", 0, RPC_BAD_NODES, "an empty name"},
        {"@a,", 3, RPC_BAD_NODES, "an empty name"},
        {"nonsense", 8, RPC_BAD_NODES, "neither host:port"},
        {"@a\0b", 4, RPC_BAD_NODES, "a NUL"},
        {"@a b\n[rpc]", 10, RPC_BAD_NODES, "node \"@a b?[rpc]\": a blank"},
        {"nosuch.invalid:1", 16, RPC_NODE_UNREACHABLE, "nosuch.invalid"},
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
        char error[RPC_NODES_ERROR_MAX];
        struct rpc_list *list;
        ck_assert_int_eq(rpc_lists_take(bad[i].text, bad[i].len, &list, error), bad[i].status);
        ck_assert_ptr_null(list);
        ck_assert_msg(strstr(error, bad[i].complaint), "%s", error);
        ck_assert_uint_eq(rpc_lists_node_count(), 0);
    }
}
END_TEST

/* One more than fits forgets the one that was used least lately, whichever was read first. */
START_TEST(test_lists_bounded) {
    for (unsigned i = 0; i < RPC_LISTS_NODES_MAX; i++)
        rpc_lists_give_back(take_number(i));
    ck_assert_uint_eq(rpc_lists_node_count(), RPC_LISTS_NODES_MAX);
    struct rpc_list *first = take_number(0);
    unsigned id_of_0 = first->nodes->node[0]->id;
    rpc_lists_give_back(first);
    struct rpc_list *second = take_number(1);
    unsigned id_of_1 = second->nodes->node[0]->id;
    rpc_lists_give_back(second);
    rpc_lists_give_back(take_number(0)); /* 2 is the oldest now, then 3 */
    for (unsigned i = 0; i < RPC_LISTS_NODES_MAX - 2; i++)
        rpc_lists_give_back(take_number(RPC_LISTS_NODES_MAX + i));
    ck_assert_uint_eq(rpc_lists_node_count(), RPC_LISTS_NODES_MAX);
    first = take_number(0);
    second = take_number(1);
    ck_assert_uint_eq(first->nodes->node[0]->id, id_of_0);
    ck_assert_uint_eq(second->nodes->node[0]->id, id_of_1);
    ck_assert_uint_eq(rpc_lists_node_count(), RPC_LISTS_NODES_MAX);
    rpc_lists_give_back(first);
    rpc_lists_give_back(second);
    rpc_lists_forget();
    ck_assert_ptr_null(rpc_node_known());
}
END_TEST

/* A long list takes the place of as many short ones as it has nodes. */
START_TEST(test_lists_long) {
    char text[RPC_NODES_MAX * 8] = "", *end = text;

    for (unsigned i = 0; i < RPC_NODES_MAX; i++)
        end += sprintf(end, "%s@l%u", i ? "," : "", i);
    for (unsigned i = 0; i < RPC_LISTS_NODES_MAX - 1; i++)
        rpc_lists_give_back(take_number(i));
    rpc_lists_give_back(take(text));
    ck_assert_uint_eq(rpc_lists_node_count(), RPC_LISTS_NODES_MAX);
    rpc_lists_forget();
}
END_TEST

/* A list that is forgotten while it is in use stays whole until it is handed back. */
START_TEST(test_lists_forgotten_in_use) {
    struct rpc_list *list = take("@used,@often"), *again = take("@used,@often");

    ck_assert_ptr_eq(list, again);
    rpc_lists_forget();
    ck_assert_uint_eq(rpc_lists_node_count(), 0);
    rpc_lists_give_back(again);
    ck_assert_str_eq(list->nodes->node[1]->name, "@often");
    struct rpc_list *other = take("@used,@often");
    ck_assert_ptr_ne(other, list);
    ck_assert_ptr_eq(other->nodes->node[0], list->nodes->node[0]);
    rpc_lists_give_back(list);
    rpc_lists_give_back(other);
    rpc_lists_forget();
    ck_assert_ptr_null(rpc_node_known());
}
END_TEST

static void *take_many(void *data) {
    unsigned seed = *(unsigned *)data;
    for (int i = 0; i < 20000; i++)
        rpc_lists_give_back(take_number((unsigned)rand_r(&seed) % (RPC_LISTS_NODES_MAX + 200)));
    return NULL;
}

START_TEST(test_lists_threads) {
    pthread_t thread[4];
    unsigned seed[4] = {1, 2, 3, 4};

    alloc_paused = true;
    for (int i = 0; i < 4; i++)
        ck_assert_int_eq(pthread_create(&thread[i], NULL, take_many, &seed[i]), 0);
    for (int i = 0; i < 4; i++)
        pthread_join(thread[i], NULL);
    ck_assert_uint_le(rpc_lists_node_count(), RPC_LISTS_NODES_MAX);
    rpc_lists_forget();
    ck_assert_ptr_null(rpc_node_known());
}
END_TEST

START_TEST(test_lists_no_memory) {
    char error[RPC_NODES_ERROR_MAX];
    struct rpc_list *list;
    enum rpc_status status = RPC_NO_MEMORY;

    for (size_t failing = 1; status != RPC_OK; failing++) {
        alloc_watch(failing);
        status = rpc_lists_take("@a,@b", 5, &list, error);
        alloc_paused = true;
        ck_assert(status == RPC_OK || status == RPC_NO_MEMORY);
        ck_assert_int_eq(status == RPC_OK, alloc_count < failing);
        ck_assert_uint_eq(rpc_lists_node_count(), status == RPC_OK ? 2 : 0);
    }
    rpc_lists_give_back(list);
    rpc_lists_forget();
}
END_TEST

UNIT_MAIN("lists", test_lists_same_list, test_lists_not_nul_terminated, test_lists_bad,
          test_lists_bounded, test_lists_long, test_lists_forgotten_in_use, test_lists_threads,
          test_lists_no_memory)
