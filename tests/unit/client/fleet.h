// SPDX-License-Identifier: MIT
/*
 * Up to three fake nodes, called as one list of nodes.
 */
#ifndef FLEET_H
#define FLEET_H

#include "fake_node.h"

#define COUNT(array) (sizeof(array) / sizeof(*(array)))
#define TIMEOUT_MS 5000
#define SCRIPT(...) ((const struct fake_step[]){__VA_ARGS__, {0}})
#define ANSWER "\xad\2\0\0ok"

static const struct fake_step answer_and_close[] = {SEND(ANSWER), CLOSE, {0}};
static const struct fake_step answer_for_ever[] = {
    SEND(ANSWER), {FAKE_NEXT, 0, 0, 0}, SEND(ANSWER), {FAKE_NEXT, 0, 0, 0},
    SEND(ANSWER), {FAKE_NEXT, 0, 0, 0}, SEND(ANSWER), {FAKE_NEXT, 0, 0, 0},
    SEND(ANSWER), {FAKE_NEXT, 0, 0, 0}, {0}};

/* Up to three fake nodes and the list that names them. */
struct fleet {
    struct fake_node node[3];
    struct fake_scene scene;
    struct rpc_nodes *nodes;
    struct rpc_client_opts opts;
    struct rpc_client_report report;
};

static inline void fleet_open(struct fleet *fleet, unsigned count, const struct fake_step *script) {
    char list[3 * sizeof(fleet->node[0].name)] = "";

    memset(&fleet->scene, 0, sizeof(fleet->scene));
    for (unsigned i = 0; i < count; i++) {
        fake_open(&fleet->node[i], script);
        fleet->scene.node[i] = &fleet->node[i];
        strcat(list, i ? "," : "");
        strcat(list, fleet->node[i].name);
    }
    fleet->nodes = nodes_of(list);
    fleet->opts = (struct rpc_client_opts){
        .timeout_ms = TIMEOUT_MS, .wait = fake_wait, .wait_ctx = &fleet->scene, .now_ms = fake_now};
}

static inline void fleet_close(struct fleet *fleet) {
    for (unsigned i = 0; i < 3 && fleet->scene.node[i]; i++)
        fake_close(&fleet->node[i]);
    rpc_nodes_free(fleet->nodes);
}

static inline enum rpc_status fleet_call(struct fleet *fleet) {
    const struct rpc_call call = call_of("hello", NULL);
    struct rpc_result result;
    enum rpc_status status =
        rpc_client_call(fleet->nodes, &fleet->opts, &call, &result, &fleet->report);
    if (status == RPC_OK)
        ck_assert_str_eq(result.data, "ok");
    free(result.data);
    return status;
}

#endif
