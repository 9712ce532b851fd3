// SPDX-License-Identifier: MIT
/*
 * The functions of rpc-client, see server/client.h. What they do is done in server/remote; here
 * arguments become calls.
 */
#include "client.h"

#include "../parse/netstring.h"
#include "log.h"
#include "options.h"
#include "outcome.h"
#include "remote.h"
#include "table.h"

/* --- PREFIX.call ------------------------------------------------------------------------------ */

static bool is_name(const char *name, size_t len) {
    return len > 0 && len <= RPC_NAME_MAX && !memchr(name, 0, len);
}

/* NODES NAME [ARG...]: the call is what stands behind NODES. */
static enum rpc_status read_call(const struct rpc_call *given, struct rpc_call *call) {
    if (given->arg_count < 2)
        return RPC_BAD_ARG;
    if (!is_name(given->arg[1], given->arg_len[1]))
        return RPC_BAD_NAME;
    call->name = given->arg[1];
    call->name_len = given->arg_len[1];
    call->arg_count = (uint8_t)(given->arg_count - 2);
    memcpy(call->arg, given->arg + 2, call->arg_count * sizeof(*call->arg));
    memcpy(call->arg_len, given->arg_len + 2, call->arg_count * sizeof(*call->arg_len));
    return RPC_OK;
}

static enum rpc_status client_call(const struct rpc_own *own, const struct rpc_call *given,
                                   struct rpc_result *result) {
    struct rpc_list *list;
    struct rpc_call call;
    enum rpc_status status = read_call(given, &call);

    if (status == RPC_OK)
        status = rpc_remote_take(own->name, given->arg[0], given->arg_len[0], &list);
    if (status != RPC_OK) {
        rpc_outcome_note(status);
        return status;
    }
    status = rpc_remote_ask(list->nodes, &call, result);
    rpc_lists_give_back(list);
    return status;
}

/* --- PREFIX.outcome --------------------------------------------------------------------------- */

static enum rpc_status client_outcome(const struct rpc_own *own, const struct rpc_call *given,
                                      struct rpc_result *result) {
    const char *last = rpc_outcome_last();
    (void)own;
    (void)given;

    result->data = strdup(last);
    result->len = result->data ? strlen(last) : 0;
    return result->data ? RPC_OK : RPC_NO_MEMORY;
}

/* --- PREFIX.gather ---------------------------------------------------------------------------- */

/* A gathering, and the lists that its calls use. */
struct gathering {
    struct rpc_gather *gather;
    unsigned count;
    struct rpc_list *list[RPC_GATHER_MAX];
};

/* Adds a call, or the outcome of one that makes no sense. */
static void add_call(struct gathering *gathering, const char *where, const char *text,
                     size_t text_len) {
    struct rpc_list **list = &gathering->list[gathering->count];
    struct rpc_call call;
    const char *nodes;
    size_t len;
    enum rpc_status status = RPC_BAD_ARG;

    if (rpc_netstring_read_call(text, text_len, &nodes, &len, &call))
        status = rpc_remote_take(where, nodes, len, list);
    else
        rpc_log(where, NULL, 0, status);
    if (status == RPC_OK) {
        rpc_gather_add(gathering->gather, (*list)->nodes, &call);
        gathering->count++;
    } else {
        rpc_gather_add_outcome(gathering->gather, status);
    }
}

/* Outcome and result of each call, as netstrings. */
static enum rpc_status tell(const struct rpc_gather *gather, struct rpc_result *result) {
    struct rpc_bytes text = {0};

    for (unsigned i = 0; i < rpc_gather_count(gather); i++) {
        struct rpc_gathered got = rpc_gather_get(gather, i);
        const char *outcome = rpc_status_info(got.status)->name;
        rpc_netstring_put(&text, outcome, strlen(outcome));
        rpc_netstring_put(&text, got.result.data, (size_t)got.result.len);
    }
    if (text.failed)
        return RPC_NO_MEMORY;
    *result = (struct rpc_result){text.data, text.len};
    return RPC_OK;
}

static enum rpc_status client_gather(const struct rpc_own *own, const struct rpc_call *given,
                                     struct rpc_result *result) {
    struct gathering gathering = {.gather = rpc_remote_gather_new(given->arg_count)};

    if (!gathering.gather)
        return RPC_NO_MEMORY;
    for (unsigned i = 0; i < given->arg_count; i++)
        add_call(&gathering, own->name, given->arg[i], given->arg_len[i]);
    rpc_remote_gather_run(gathering.gather);
    enum rpc_status status = tell(gathering.gather, result);
    rpc_gather_free(gathering.gather);
    for (unsigned i = 0; i < gathering.count; i++)
        rpc_lists_give_back(gathering.list[i]);
    return status;
}

/* --- registration ----------------------------------------------------------------------------- */

void rpc_client_register(void) {
    static struct rpc_own functions[] = {{"call", client_call, true},
                                         {"outcome", client_outcome, true},
                                         {"gather", client_gather, true}};

    for (size_t i = 0; rpc_options.client && i < sizeof(functions) / sizeof(*functions); i++) {
        functions[i].name =
            uwsgi_concat3((char *)rpc_options.client, ".", (char *)functions[i].name);
        rpc_table_register(&functions[i]);
    }
}
