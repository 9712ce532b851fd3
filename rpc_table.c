// SPDX-License-Identifier: MIT
/*
 * Finds a function in uWSGI's shared table and calls it; decides who may. The table is an array
 * that uWSGI appends to, one part a worker; beside it each process keeps a hash of its own part,
 * extended when the part has grown, so that a lookup takes the same time whatever the number of
 * functions.
 */
#include "rpc_table.h"

#include "rpc_plugin.h"
#include "rpc_remote.h"

/*
 * Arguments a function of uWSGI 2.0's Lua plugin can take: it pushes them without asking Lua for
 * room beyond the LUA_MINSTACK of 20 and the slack behind it. 2.1 asks.
 */
#define LUA_ARGS_MAX 32

/* Bits of a slot's access: the callers it is open to. */
#define OPEN_TO(caller) (1u << (caller))

struct slot {
    uint32_t hash;
    uint32_t position; /* in the worker's part, plus one; 0 is a free slot */
    uint32_t open;     /* OPEN_TO(caller) of each caller that may call it */
};

/* Open addressing, at most half full; position is written last, so that readers need no lock. */
static struct {
    struct slot *slot;
    uint32_t mask;
    int worker;       /* whose part was indexed, -1 for none */
    uint64_t indexed; /* functions of that part that are in */
} table = {.worker = -1};

static struct rpc_globs allow, bridge_allow;

static struct uwsgi_rpc *worker_part(int worker) {
    return uwsgi.rpc_table + (uint64_t)worker * uwsgi.rpc_max;
}

static void globs_from(struct rpc_globs *globs, struct uwsgi_string_list *list) {
    for (struct uwsgi_string_list *item = list; item; item = item->next)
        globs->count++;
    globs->glob = uwsgi_calloc(sizeof(char *) * (globs->count + 1));
    for (size_t i = 0; list; list = list->next)
        globs->glob[i++] = list->value;
}

void rpc_table_init(void) {
    uint32_t size = 2;
    while (size < uwsgi.rpc_max * 2)
        size *= 2;
    table.slot = uwsgi_calloc(sizeof(struct slot) * size);
    table.mask = size - 1;
    globs_from(&allow, rpc_options.allow);
    globs_from(&bridge_allow, rpc_options.bridge_allow);
}

void rpc_table_inherit(void) {
    if (!uwsgi.rpc_table)
        return;
    for (int worker = 1; worker <= uwsgi.numproc; worker++) {
        if (uwsgi.workers[worker].pid != 0)
            continue;
        memcpy(worker_part(worker), worker_part(0), sizeof(struct uwsgi_rpc) * uwsgi.rpc_max);
        uwsgi.shared->rpc_count[worker] = uwsgi.shared->rpc_count[0];
    }
}

/* FNV-1a, 32 bit */
static uint32_t hash_name(const char *name, size_t len) {
    uint32_t hash = 2166136261u;
    for (size_t i = 0; i < len; i++)
        hash = (hash ^ (unsigned char)name[i]) * 16777619u;
    return hash;
}

static uint32_t open_to(const char *name) {
    uint32_t open = OPEN_TO(RPC_CALLER_LOCAL);
    if (rpc_globs_match(&allow, name)) {
        open |= OPEN_TO(RPC_CALLER_PACKET);
        if (rpc_globs_match(&bridge_allow, name))
            open |= OPEN_TO(RPC_CALLER_BRIDGE);
    }
    return open;
}

static void index_function(uint32_t position) {
    const char *name = worker_part(table.worker)[position].name;
    uint32_t hash = hash_name(name, strlen(name)), i = hash & table.mask;

    while (table.slot[i].position)
        i = (i + 1) & table.mask;
    table.slot[i].hash = hash;
    table.slot[i].open = open_to(name);
    __atomic_store_n(&table.slot[i].position, position + 1, __ATOMIC_RELEASE);
}

/*
 * Takes in what was registered since the last time. Under uWSGI's own lock, as a function being
 * registered by another thread is counted before its name is written.
 */
static void index_extend(void) {
    uwsgi_lock(uwsgi.rpc_table_lock);
    uint64_t count = uwsgi.shared->rpc_count[uwsgi.mywid], indexed = table.indexed;
    if (table.worker != uwsgi.mywid || indexed > count) {
        memset(table.slot, 0, sizeof(struct slot) * (table.mask + 1));
        table.worker = uwsgi.mywid;
        indexed = 0;
    }
    for (; indexed < count; indexed++)
        index_function((uint32_t)indexed);
    __atomic_store_n(&table.indexed, indexed, __ATOMIC_RELEASE);
    uwsgi_unlock(uwsgi.rpc_table_lock);
}

static struct uwsgi_rpc *index_find(const struct rpc_call *call, uint32_t hash, uint32_t *open) {
    struct uwsgi_rpc *part = worker_part(uwsgi.mywid);

    for (uint32_t i = hash & table.mask;; i = (i + 1) & table.mask) {
        uint32_t position = __atomic_load_n(&table.slot[i].position, __ATOMIC_ACQUIRE);
        if (!position)
            return NULL;
        if (table.slot[i].hash != hash)
            continue;
        struct uwsgi_rpc *function = &part[position - 1];
        if (memcmp(function->name, call->name, call->name_len + 1u) == 0) {
            *open = table.slot[i].open;
            return function;
        }
    }
}

static struct uwsgi_rpc *find(const struct rpc_call *call, uint32_t *open) {
    uint32_t hash = hash_name(call->name, call->name_len);

    if (!table.slot || call->name_len > RPC_NAME_MAX)
        return NULL;
    if (table.worker != uwsgi.mywid)
        index_extend();
    uint64_t indexed = __atomic_load_n(&table.indexed, __ATOMIC_ACQUIRE);
    struct uwsgi_rpc *function = index_find(call, hash, open);
    if (!function && indexed != uwsgi.shared->rpc_count[uwsgi.mywid]) {
        index_extend();
        function = index_find(call, hash, open);
    }
    return function;
}

static bool takes_arguments(const struct uwsgi_rpc *function, unsigned count) {
#if UWSGI_PLUGIN_API < 2
    if (count > LUA_ARGS_MAX && strcmp(function->plugin->name, "lua") == 0)
        return false;
#else
    (void)function;
    (void)count;
#endif
    return true;
}

/*
 * The one place where uWSGI's calling convention is met: it takes pointers to char that are not
 * const, though no function of a language plugin writes to its arguments.
 */
static enum rpc_status invoke(const struct uwsgi_rpc *function, const struct rpc_call *call,
                              struct rpc_result *result) {
    if (function->plugin == &rpc_plugin)
        return rpc_remote_call(function->func, call, result);
    if (!function->plugin->rpc)
        return RPC_UNKNOWN;
    result->len = function->plugin->rpc(function->func, call->arg_count, (char **)call->arg,
                                        (uint16_t *)call->arg_len, &result->data);
    if (!result->data)
        result->len = 0;
    return RPC_OK;
}

enum rpc_status rpc_table_call(enum rpc_caller caller, const struct rpc_call *call,
                               struct rpc_result *result) {
    uint32_t open = 0;
    struct uwsgi_rpc *function = find(call, &open);

    *result = (struct rpc_result){0};
    if (!function)
        return RPC_UNKNOWN;
    if (!(open & OPEN_TO(caller)))
        return RPC_FORBIDDEN;
    if (!takes_arguments(function, call->arg_count))
        return RPC_REFUSED;
    enum rpc_status status = invoke(function, call, result);
    if (status == RPC_OK && result->len == 0 && rpc_options.empty_is_error)
        status = RPC_EMPTY;
    if (status != RPC_OK || result->len == 0) {
        free(result->data);
        *result = (struct rpc_result){0};
    }
    return status;
}

void rpc_table_list(enum rpc_caller caller, void (*visit)(void *visitor, const char *name),
                    void *visitor) {
    if (!uwsgi.rpc_table)
        return;
    const struct uwsgi_rpc *part = worker_part(uwsgi.mywid);
    for (uint64_t i = 0; i < uwsgi.shared->rpc_count[uwsgi.mywid]; i++)
        if (open_to(part[i].name) & OPEN_TO(caller))
            visit(visitor, part[i].name);
}
