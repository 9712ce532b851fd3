// SPDX-License-Identifier: MIT
/* rpc_node: lists that are and are not lists of nodes, addresses. */
#include "client/node.h"
#include "counted_alloc.h"
#include "fake_node.h"

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

START_TEST(test_node_list_valid) {
    static const struct {
        const char *list;
        unsigned count;
        int family;
    } valid[] = {
        {"127.0.0.1:3031", 1, AF_INET},  {"[::1]:3031", 1, AF_INET6},
        {"/run/x.sock", 1, AF_UNIX},     {"./x.sock", 1, AF_UNIX},
        {"run/a:b", 1, AF_UNIX},         {"@abstract", 1, AF_UNIX},
        {"@with:colon", 1, AF_UNIX},     {"127.0.0.1:1", 1, AF_INET},
        {"127.0.0.1:65535", 1, AF_INET}, {"127.0.0.1:1,[::1]:2,@a,/b", 4, AF_INET},
        {"127.0.0.1:00080", 1, AF_INET},
    };
    for (size_t i = 0; i < COUNT(valid); i++) {
        struct rpc_nodes *nodes = nodes_of(valid[i].list);
        ck_assert_uint_eq(nodes->count, valid[i].count);
        ck_assert_int_eq(nodes->node[0]->addr[0].sock.any.sa_family, valid[i].family);
        rpc_nodes_free(nodes);
    }
}
END_TEST

START_TEST(test_node_list_invalid) {
    static const struct {
        const char *list, *complaint;
    } invalid[] = {
        {"", "an empty name"},
        {",", "an empty name"},
        {"127.0.0.1:1,", "an empty name"},
        {",127.0.0.1:1", "an empty name"},
        {"@a,,@b", "an empty name"},
        {"@a, @b", "a blank"},
        {"localhost", "neither host:port"},
        {"[::1]", "neither host:port"},
        {"[::1:3031", "neither host:port"},
        {"[::1]x:1", "neither host:port"},
        {"::1:3031", "in brackets"},
        {"[]:1", "a host has"},
        {"127.0.0.1:", "a port is"},
        {"127.0.0.1:0", "a port is"},
        {"127.0.0.1:65536", "a port is"},
        {"127.0.0.1:100000000000", "a port is"},
        {"127.0.0.1:http", "a port is"},
        {"127.0.0.1:80x", "a port is"},
        {"127.0.0.1:-1", "a port is"},
        {"[127.0.0.1]:1", "node \"[127.0.0.1]:1\": "},
        {"[nohost]:1", "node \"[nohost]:1\": "},
        {"@", "a UNIX socket's name"},
        {"ssl:", "a port is"},
        {"ssl:localhost", "a port is"},
        {"ssl:@name", "a port is"},
        {"ssl:/path.sock", "TLS needs ssl:host:port"},
        {"ssl:localhost:0", "a port is"},
        {"ssl:::1:3031", "in brackets"},
        {"ssl:ssl:localhost:1", "in brackets"},
        {"SSL:localhost:1", "in brackets"},
    };
    for (size_t i = 0; i < COUNT(invalid); i++) {
        char error[RPC_NODES_ERROR_MAX];
        struct rpc_nodes *nodes = (void *)1;
        enum rpc_status status = rpc_nodes_parse(invalid[i].list, &nodes, error, sizeof(error));
        ck_assert_msg(status == RPC_BAD_REQUEST, "%s", invalid[i].list);
        ck_assert_ptr_null(nodes);
        ck_assert_msg(strstr(error, invalid[i].complaint) != NULL, "%s: %s", invalid[i].list,
                      error);
    }
}
END_TEST

START_TEST(test_node_limits) {
    char error[RPC_NODES_ERROR_MAX], list[RPC_NODES_MAX * 4 + 8] = "@a", path[200];
    struct rpc_nodes *nodes;

    for (int i = 1; i < RPC_NODES_MAX; i++)
        strcat(list, ",@a");
    ck_assert_int_eq(rpc_nodes_parse(list, &nodes, error, sizeof(error)), RPC_OK);
    ck_assert_uint_eq(nodes->count, RPC_NODES_MAX);
    rpc_nodes_free(nodes);
    strcat(list, ",@a");
    ck_assert_int_eq(rpc_nodes_parse(list, &nodes, error, sizeof(error)), RPC_BAD_REQUEST);

    memset(path, 'x', sizeof(path));
    path[0] = '/';
    path[108] = 0;
    ck_assert_int_eq(rpc_nodes_parse(path, &nodes, error, sizeof(error)), RPC_BAD_REQUEST);
    path[107] = 0;
    ck_assert_int_eq(rpc_nodes_parse(path, &nodes, error, sizeof(error)), RPC_OK);
    rpc_nodes_free(nodes);

    char host[300];
    memset(host, 'x', sizeof(host));
    strcpy(host + 256, ":1");
    ck_assert_int_eq(rpc_nodes_parse(host, &nodes, error, sizeof(error)), RPC_BAD_REQUEST);
    ck_assert_ptr_nonnull(strstr(error, "a host has 1 to 255 bytes"));
}
END_TEST

START_TEST(test_node_unresolvable) {
    char error[RPC_NODES_ERROR_MAX];
    struct rpc_nodes *nodes;
    /* RFC 6761: never resolves */
    ck_assert_int_eq(rpc_nodes_parse("nosuch.invalid:1", &nodes, error, sizeof(error)),
                     RPC_NODE_UNREACHABLE);
    ck_assert_ptr_null(nodes);
    ck_assert_ptr_nonnull(strstr(error, "nosuch.invalid:1"));
    /* an error text that does not fit is cut */
    ck_assert_int_eq(rpc_nodes_parse("nosuch.invalid:1", &nodes, error, 8), RPC_NODE_UNREACHABLE);
    ck_assert_str_eq(error, "node \"n");
}
END_TEST

START_TEST(test_node_this_machine) {
    struct rpc_nodes *nodes = nodes_of(":3031");
    ck_assert_uint_ge(nodes->node[0]->addr_count, 1);
    rpc_nodes_free(nodes);
}
END_TEST

START_TEST(test_node_abstract_has_two_names) {
    struct rpc_nodes *nodes = nodes_of("@x");
    const struct rpc_node *node = nodes->node[0];
    ck_assert_uint_eq(node->addr_count, 2);
    ck_assert_uint_eq(node->addr[0].len, sizeof(sa_family_t) + 3);
    ck_assert_uint_eq(node->addr[1].len, sizeof(sa_family_t) + 2);
    ck_assert_mem_eq(node->addr[0].sock.un.sun_path, "\0x\0", 3);
    rpc_nodes_free(nodes);
}
END_TEST

START_TEST(test_node_same_name_is_same_node) {
    struct rpc_nodes *a = nodes_of("@one,@two"), *b = nodes_of("@two,@three");
    ck_assert_ptr_eq(a->node[1], b->node[0]);
    ck_assert_uint_ne(a->node[0]->id, a->node[1]->id);
    ck_assert_uint_ne(a->node[0]->id, b->node[1]->id);
    rpc_nodes_free(a);
    ck_assert_str_eq(b->node[0]->name, "@two");
    rpc_nodes_free(b);
    rpc_nodes_free(NULL);
}
END_TEST

START_TEST(test_node_turns) {
    struct rpc_nodes *nodes = nodes_of("@one,@two,@three");
    for (unsigned i = 0; i < 9; i++)
        ck_assert_uint_eq(rpc_nodes_turn(nodes), i % 3);
    rpc_nodes_free(nodes);
}
END_TEST

START_TEST(test_node_parse_without_memory) {
    char error[RPC_NODES_ERROR_MAX];
    size_t failing = 0;
    enum rpc_status status;

    do {
        struct rpc_nodes *nodes;
        alloc_watch(++failing);
        status = rpc_nodes_parse("127.0.0.1:1,@a,/b", &nodes, error, sizeof(error));
        alloc_watch(0);
        ck_assert(status == RPC_OK || status == RPC_NO_MEMORY);
        ck_assert((status == RPC_OK) == (nodes != NULL));
        rpc_nodes_free(nodes);
    } while (status != RPC_OK);
    ck_assert_uint_eq(failing, 1 + 3 * 3 + 1);
}
END_TEST

UNIT_MAIN("node", test_node_list_valid, test_node_list_invalid, test_node_limits,
          test_node_unresolvable, test_node_this_machine, test_node_abstract_has_two_names,
          test_node_same_name_is_same_node, test_node_turns, test_node_parse_without_memory)
