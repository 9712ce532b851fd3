// SPDX-License-Identifier: MIT
/*
 * What a rule calls, see server/targets.h.
 */
#include "targets.h"

#include "remote.h"
#include "table.h"

bool rpc_targets_read(struct rpc_targets *targets, const char *where, char *text) {
    char *at = text ? strchr(text, '@') : NULL;

    if (at)
        *at = 0;
    if (!text || !*text || strlen(text) > RPC_NAME_MAX) {
        uwsgi_log("[rpc] %s: %s\n", where, rpc_status_info(RPC_BAD_NAME)->message);
        return false;
    }
    struct rpc_target target = {.name = text, .name_len = (uint16_t)strlen(text)};
    if (at && !(target.nodes = rpc_remote_nodes(at + 1)))
        return false;
    struct rpc_target *more = uwsgi_malloc((targets->count + 1) * sizeof(*more));
    if (targets->count)
        memcpy(more, targets->target, targets->count * sizeof(*more));
    free(targets->target);
    targets->target = more;
    targets->target[targets->count++] = target;
    return true;
}

bool rpc_targets_read_several(struct rpc_targets *targets, const char *where, char *word,
                              char **context) {
    do {
        if (targets->count == RPC_GATHER_MAX) {
            uwsgi_log("[rpc] %s: more than %d calls\n", where, RPC_GATHER_MAX);
            return false;
        }
        if (!rpc_targets_read(targets, where, word))
            return false;
        if (!targets->target[targets->count - 1].nodes) {
            uwsgi_log("[rpc] %s: \"%s\" has no node\n", where, word);
            return false;
        }
        word = strtok_r(NULL, " ", context);
    } while (word && strcmp(word, "--") != 0);
    return true;
}

static enum rpc_status gather(const struct rpc_targets *targets, struct rpc_call *call,
                              struct rpc_result *result) {
    struct rpc_gather *gather = rpc_remote_gather_new(targets->count);

    if (!gather)
        return RPC_NO_MEMORY;
    for (unsigned i = 0; i < targets->count; i++) {
        call->name = targets->target[i].name;
        call->name_len = targets->target[i].name_len;
        rpc_gather_add(gather, targets->target[i].nodes, call);
    }
    rpc_remote_gather_run(gather);
    enum rpc_status status = rpc_gather_join(gather, result);
    rpc_gather_free(gather);
    return status;
}

enum rpc_status rpc_targets_call(const struct rpc_targets *targets, struct rpc_call *call,
                                 struct rpc_result *result) {
    const struct rpc_target *target = targets->target;

    if (targets->count > 1)
        return gather(targets, call, result);
    call->name = target->name;
    call->name_len = target->name_len;
    return target->nodes ? rpc_remote_ask(target->nodes, call, result)
                         : rpc_table_call(RPC_CALLER_LOCAL, call, result);
}

void rpc_targets_free(struct rpc_targets *targets) {
    for (unsigned i = 0; i < targets->count; i++)
        rpc_nodes_free(targets->target[i].nodes);
    free(targets->target);
}
