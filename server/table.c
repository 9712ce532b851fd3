// SPDX-License-Identifier: MIT
/*
 * Finds a function in uWSGI's shared table and calls it; decides who may. The table is an array
 * that uWSGI appends to, one part a worker; beside it each process keeps a hash of its own part,
 * extended when the part has grown, so that a lookup takes the same time whatever the number of
 * functions.
 */
#include "table.h"

#include "../parse/typed.h"
#include "language.h"
#include "log.h"
#include "metrics.h"
#include "options.h"
#include "ruby.h"

/* Bits of a slot's access: the callers it is open to. */
#define OPEN_TO(caller) (1u << (caller))

/* What uWSGI calls. */
struct target {
    struct uwsgi_plugin *plugin;
    void *func;
};

/* One line of a cache. */
struct slot {
    const struct uwsgi_rpc *function; /* in the worker's part; NULL is a free slot */
    const struct uwsgi_plugin *plain; /* its plugin, if calling it takes nothing but a call */
    struct target target;             /* as it was when it came in */
    struct rpc_meter *meter;          /* of rpc-metric, or NULL */
    uint32_t hash;
    uint16_t open; /* OPEN_TO(caller) of each caller that may call it */
    bool typed;    /* rpc-json */
} __attribute__((aligned(64)));

/* Open addressing, at most a quarter full; function is written last, so that readers need no lock.
 */
static struct {
    struct slot *slot;
    uint64_t mask;    /* number of slots, a power of two, less one */
    uint64_t indexed; /* functions of that part that are in */
    uint32_t open;    /* OPEN_TO(caller) of each caller that may call one of them */
} table;

static struct uwsgi_plugin *own_plugin;

static struct uwsgi_rpc *worker_part(int worker) {
    return uwsgi.rpc_table + (uint64_t)worker * uwsgi.rpc_max;
}

/* Of a large index, only what is filled takes memory. */
static void allocate_slots(void) {
    table.slot = uwsgi_calloc(sizeof(struct slot) * (table.mask + 1));
}

void rpc_table_init(struct uwsgi_plugin *own) {
    uint64_t size = 2;
    own_plugin = own;
    while (size < uwsgi.rpc_max * 4)
        size *= 2;
    table.mask = size - 1;
    allocate_slots();
}

void rpc_table_inherit(void) {
    if (!uwsgi.rpc_table)
        return;
    for (int worker = 1; worker <= uwsgi.numproc; worker++) {
        if (uwsgi.workers[worker].pid != 0)
            continue;
        memcpy(worker_part(worker), worker_part(0),
               sizeof(struct uwsgi_rpc) * uwsgi.shared->rpc_count[0]);
        uwsgi.shared->rpc_count[worker] = uwsgi.shared->rpc_count[0];
    }
}

void rpc_table_forget(void) {
    if (!table.indexed)
        return; /* and touch none of its pages */
    free(table.slot);
    allocate_slots();
    table.indexed = 0;
    table.open = 0;
}

static uint64_t load(const char *p, size_t len) {
    uint64_t word = 0;
    memcpy(&word, p, len);
    return word;
}

/* The 1 to 8 bytes at p as a number; one of a few loads, which may overlap. */
static uint64_t load_tail(const char *p, size_t len) {
    if (len >= 4)
        return load(p, 4) | load(p + len - 4, 4) << 32;
    return load(p, 1) | load(p + len / 2, 1) << 8 | load(p + len - 1, 1) << 16;
}

/* Eight bytes a step, each multiplied by 2^64 divided by the golden ratio; the name's NUL is one
   of them, so that there is a byte even where there is no name. */
static inline uint32_t hash_name(const char *name, size_t name_len) {
    const uint64_t golden = 0x9e3779b97f4a7c15u;
    size_t len = name_len + 1;
    uint64_t hash = len;

    for (; len > 8; len -= 8, name += 8) {
        hash = (hash ^ load(name, 8)) * golden;
        hash ^= hash >> 32;
    }
    hash = (hash ^ load_tail(name, len)) * golden;
    /* The topmost bits depend on all others; a mask looks at the lowest. */
    return (uint32_t)__builtin_bswap64(hash);
}

/* Whether a function is one of this plugin's own that nobody outside may call. */
static bool is_for_local(const struct uwsgi_rpc *function) {
    return function->plugin == own_plugin && ((const struct rpc_own *)function->func)->local;
}

static uint16_t open_to(const struct uwsgi_rpc *function) {
    const char *name = function->name;
    uint16_t open = OPEN_TO(RPC_CALLER_LOCAL);
    if (!is_for_local(function) && rpc_globs_match(&rpc_options.allow, name)) {
        open |= OPEN_TO(RPC_CALLER_PACKET);
        if (rpc_globs_match(&rpc_options.bridge_allow, name))
            open |= OPEN_TO(RPC_CALLER_BRIDGE);
    }
    return open;
}

static const struct uwsgi_plugin *plain_plugin(const struct uwsgi_plugin *plugin) {
    return plugin != own_plugin && plugin->rpc && rpc_language_is_plain(plugin) ? plugin : NULL;
}

static void index_function(const struct uwsgi_rpc *function) {
    uint32_t hash = hash_name(function->name, strlen(function->name));
    uint64_t i = hash & table.mask;

    while (table.slot[i].function)
        i = (i + 1) & table.mask;
    table.slot[i].hash = hash;
    table.slot[i].open = open_to(function);
    table.open |= table.slot[i].open;
    table.slot[i].typed =
        rpc_options.json.count && rpc_globs_match(&rpc_options.json, function->name);
    table.slot[i].target = (struct target){function->plugin, function->func};
    table.slot[i].plain = plain_plugin(function->plugin);
    table.slot[i].meter = rpc_metrics_function(function->name);
    __atomic_store_n(&table.slot[i].function, function, __ATOMIC_RELEASE);
}

/*
 * Takes in what was registered since the last time. Under uWSGI's own lock, as a function being
 * registered by another thread is counted before its name is written.
 */
static void index_extend(void) {
    uwsgi_lock(uwsgi.rpc_table_lock);
    uint64_t count = uwsgi.shared->rpc_count[uwsgi.mywid], indexed = table.indexed;
    for (; indexed < count; indexed++)
        index_function(&worker_part(uwsgi.mywid)[indexed]);
    __atomic_store_n(&table.indexed, indexed, __ATOMIC_RELEASE);
    uwsgi_unlock(uwsgi.rpc_table_lock);
}

/* The slot of a function among those indexed so far, NULL when it is not there. */
static inline const struct slot *index_find(const char *name, size_t name_len, uint32_t hash) {
    for (uint64_t i = hash & table.mask;; i = (i + 1) & table.mask) {
        const struct slot *slot = &table.slot[i];
        const struct uwsgi_rpc *function = __atomic_load_n(&slot->function, __ATOMIC_ACQUIRE);
        if (!function)
            return NULL;
        if (slot->hash == hash && memcmp(function->name, name, name_len + 1) == 0)
            return slot;
    }
}

/* The same for a function that is not there yet, or not at all. */
__attribute__((cold, noinline)) static const struct slot *find_new(const char *name,
                                                                   size_t name_len, uint32_t hash) {
    for (;;) {
        uint64_t indexed = __atomic_load_n(&table.indexed, __ATOMIC_ACQUIRE);
        const struct slot *slot = index_find(name, name_len, hash);
        if (slot || indexed >= uwsgi.shared->rpc_count[uwsgi.mywid])
            return slot;
        index_extend();
    }
}

static inline __attribute__((always_inline)) const struct slot *find(const char *name,
                                                                     size_t name_len) {
    if (name_len > RPC_NAME_MAX)
        return NULL;
    uint32_t hash = hash_name(name, name_len);
    const struct slot *slot = index_find(name, name_len, hash);
    return slot ? slot : find_new(name, name_len, hash);
}

/*
 * What to call. A function may be registered again under its name, while it is called, by another
 * plugin: uWSGI writes plugin and function one after the other, under its lock.
 */
static struct target target_of(const struct slot *slot) {
    const struct uwsgi_rpc *function = slot->function;
    struct target now = {__atomic_load_n(&function->plugin, __ATOMIC_RELAXED),
                         __atomic_load_n(&function->func, __ATOMIC_RELAXED)};

    if (now.plugin == slot->target.plugin && now.func == slot->target.func)
        return now;
    uwsgi_lock(uwsgi.rpc_table_lock);
    now = (struct target){function->plugin, function->func};
    uwsgi_unlock(uwsgi.rpc_table_lock);
    return now;
}

/*
 * The one place where uWSGI's calling convention is met: it takes pointers to char that are not
 * const, though no function of a language plugin writes to its arguments.
 */
static inline enum rpc_status invoke(const struct uwsgi_plugin *plugin, void *func,
                                     const struct rpc_call *call, struct rpc_result *result) {
    result->len = plugin->rpc(func, call->arg_count, (char **)call->arg, (uint16_t *)call->arg_len,
                              &result->data);
    return RPC_OK;
}

/* The same for one of this plugin's own, one of a language that wants some care, or one that is
   somebody else's by now. */
__attribute__((noinline)) static enum rpc_status
invoke_with_care(const struct slot *slot, const struct rpc_call *call, struct rpc_result *result) {
    struct target target = target_of(slot);
    struct rpc_language_call language;

    if (target.plugin == own_plugin) {
        const struct rpc_own *own = target.func;
        return own->call(own, call, result);
    }
    if (!target.plugin->rpc)
        return RPC_UNKNOWN;
    if (!rpc_language_begin(&language, target.plugin->name, call->arg_count))
        return RPC_REFUSED;
    enum rpc_status status = invoke(target.plugin, target.func, call, result);
    rpc_language_end(&language);
    return status;
}

void rpc_table_register(struct rpc_own *own) {
    if (uwsgi_register_rpc((char *)own->name, own_plugin, 0, own) == 0)
        return;
    uwsgi_log("[rpc] no room for \"%s\", see rpc-max\n", own->name);
    exit(1);
}

uint64_t rpc_table_call_own(void *own, uint8_t arg_count, char **arg, uint16_t *arg_len,
                            char **output) {
    const struct rpc_own *function = own;
    struct rpc_call call = {.name = function->name, .name_len = (uint16_t)strlen(function->name)};
    struct rpc_result result = {0};
    enum rpc_status status = RPC_TOO_MANY_ARGS;

    if (arg_count <= RPC_ARGS_MAX) {
        call.arg_count = arg_count;
        memcpy(call.arg, arg, arg_count * sizeof(*arg));
        memcpy(call.arg_len, arg_len, arg_count * sizeof(*arg_len));
        status = function->call(function, &call, &result);
        rpc_ruby_resume(result.data);
    }
    if (status != RPC_OK) {
        rpc_log("call", call.name, call.name_len, status);
        return 0;
    }
    *output = result.data;
    return result.len;
}

/* Frees or turns into an error what is no plain result. */
__attribute__((noinline)) static enum rpc_status settle(const struct slot *slot,
                                                        enum rpc_caller caller,
                                                        enum rpc_status status,
                                                        struct rpc_result *result) {
    if (!result->data)
        result->len = 0;
    if (status == RPC_OK && slot->typed && caller == RPC_CALLER_BRIDGE)
        status = rpc_typed_judge(result->data, result->len);
    else if (status == RPC_OK && result->len == 0 && rpc_options.empty_is_error)
        status = RPC_EMPTY;
    if ((status != RPC_OK && status != RPC_APPLICATION_ERROR) || result->len == 0) {
        free(result->data);
        *result = (struct rpc_result){0};
    }
    return status;
}

/* Calls a function that may be called. */
static enum rpc_status call_slot(const struct slot *slot, enum rpc_caller caller,
                                 const struct rpc_call *call, struct rpc_result *result) {
    const struct uwsgi_plugin *plain = slot->plain;
    void *func = slot->target.func;
    uint64_t start = rpc_metrics_start();

    enum rpc_status status =
        __atomic_load_n(&slot->function->plugin, __ATOMIC_RELAXED) == plain &&
                __atomic_load_n(&slot->function->func, __ATOMIC_RELAXED) == func
            ? invoke(plain, func, call, result)
            : invoke_with_care(slot, call, result);
    if (status != RPC_OK || slot->typed || !result->data || result->len == 0)
        status = settle(slot, caller, status, result);
    if (start)
        rpc_metrics_call(start, slot->meter, call, status, result);
    return status;
}

static enum rpc_status open_status(const struct slot *slot, enum rpc_caller caller) {
    if (!slot)
        return RPC_UNKNOWN;
    return (slot->open & OPEN_TO(caller)) ? RPC_OK : RPC_FORBIDDEN;
}

enum rpc_status rpc_table_find(enum rpc_caller caller, const char *name, size_t name_len,
                               bool *is_typed) {
    const struct slot *slot = find(name, name_len);

    *is_typed = slot && slot->typed;
    return open_status(slot, caller);
}

enum rpc_status rpc_table_call(enum rpc_caller caller, const struct rpc_call *call,
                               struct rpc_result *result) {
    const struct slot *slot = find(call->name, call->name_len);
    enum rpc_status status = open_status(slot, caller);

    result->data = NULL;
    if (status == RPC_OK)
        return call_slot(slot, caller, call, result);
    result->len = 0;
    return status;
}

bool rpc_table_is_closed(enum rpc_caller caller) {
    if (!rpc_options.allow.count && !rpc_options.bridge_allow.count)
        return false;
    if (__atomic_load_n(&table.indexed, __ATOMIC_ACQUIRE) < uwsgi.shared->rpc_count[uwsgi.mywid])
        index_extend();
    return !(table.open & OPEN_TO(caller));
}

void rpc_table_list(enum rpc_caller caller, void (*visit)(void *visitor, const char *name),
                    void *visitor) {
    if (!uwsgi.rpc_table)
        return;
    const struct uwsgi_rpc *part = worker_part(uwsgi.mywid);
    for (uint64_t i = 0; i < uwsgi.shared->rpc_count[uwsgi.mywid]; i++)
        if (open_to(&part[i]) & OPEN_TO(caller))
            visit(visitor, part[i].name);
}
