// SPDX-License-Identifier: MIT
/*
 * Counters in shared memory, which uWSGI's metrics thread reads; see server/metrics.h.
 */
#include "metrics.h"

#include "options.h"

/* The first part of this plugin's OIDs: 4 is what uWSGI leaves to plugins. */
#define OID "4.173"
#define METRIC_NAME_MAX 512

struct rpc_meter {
    int64_t calls, failures, bytes_in, bytes_out, micros;
};

/* All counters, in memory shared by master and workers. */
struct counters {
    int64_t failures[RPC_STATUS_COUNT];
    int64_t handshakes, resumed; /* of TLS */
    struct rpc_meter local, remote;
    struct rpc_meter each[]; /* functions of rpc-metric, then nodes */
};

static struct counters *counters;
static unsigned function_count, node_count;
bool rpc_metrics_on;

static void add(int64_t *counter, uint64_t amount) {
    __atomic_fetch_add(counter, (int64_t)amount, __ATOMIC_RELAXED);
}

/* --- registration ----------------------------------------------------------------------------- */

/* NAME as a part of a metric's name. */
static const char *metric_part(const char *name, char *part) {
    size_t i;
    for (i = 0; i < METRIC_NAME_MAX / 2 - 1 && name[i]; i++)
        part[i] = isalnum((unsigned char)name[i]) || name[i] == '-' ? name[i] : '_';
    part[i] = 0;
    return part;
}

static void register_counter(const char *prefix, const char *name, const char *oid,
                             int64_t *counter) {
    char full[METRIC_NAME_MAX];
    snprintf(full, sizeof(full), "plugin.rpc.%s%s", prefix, name);
    uwsgi_register_metric(full, (char *)oid, UWSGI_METRIC_COUNTER, "ptr", counter, 0, NULL);
}

static void register_meter(const char *prefix, const char *oid, struct rpc_meter *meter) {
    const struct {
        const char *name;
        int64_t *counter;
    } rows[] = {{"calls", &meter->calls},
                {"failures", &meter->failures},
                {"bytes_in", &meter->bytes_in},
                {"bytes_out", &meter->bytes_out},
                {"micros", &meter->micros}};

    for (unsigned i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        char full_oid[64];
        snprintf(full_oid, sizeof(full_oid), "%s.%u", oid, i + 1);
        register_counter(prefix, rows[i].name, full_oid, rows[i].counter);
    }
}

static void register_each(const char *kind, const char *name, unsigned kind_oid, unsigned number,
                          struct rpc_meter *meter) {
    char prefix[METRIC_NAME_MAX], part[METRIC_NAME_MAX / 2], oid[64];

    snprintf(prefix, sizeof(prefix), "%s.%s.", kind, metric_part(name, part));
    snprintf(oid, sizeof(oid), OID ".%u.%u", kind_oid, number + 1);
    register_meter(prefix, oid, meter);
}

/* Whether name has its metrics already, as earlier. Another one that would share them ends the
   start. */
static bool is_registered(const char *kind, const char *name, const char *earlier) {
    char part[METRIC_NAME_MAX / 2], other[METRIC_NAME_MAX / 2];

    if (strcmp(name, earlier) == 0)
        return true;
    if (strcmp(metric_part(name, part), metric_part(earlier, other)) == 0) {
        uwsgi_log("[rpc] metrics: %s \"%s\" and \"%s\" would both be \"%s\"\n", kind, earlier, name,
                  part);
        exit(1);
    }
    return false;
}

static void register_functions(void) {
    unsigned i = 0;

    for (struct uwsgi_string_list *item = rpc_options.metric; item; item = item->next, i++) {
        bool again = false;
        for (struct uwsgi_string_list *earlier = rpc_options.metric; earlier != item;
             earlier = earlier->next)
            again = is_registered("function", item->value, earlier->value) || again;
        if (!again)
            register_each("function", item->value, 4, i, &counters->each[i]);
    }
}

static void register_nodes(void) {
    for (const struct rpc_node *node = rpc_node_known(); node; node = node->next) {
        for (const struct rpc_node *other = node->next; other; other = other->next)
            is_registered("node", node->name, other->name);
        if (node->id < node_count)
            register_each("node", node->name, 5, node->id,
                          &counters->each[function_count + node->id]);
    }
}

void rpc_metrics_init(void) {
    if (!uwsgi.has_metrics)
        return;
    for (struct uwsgi_string_list *item = rpc_options.metric; item; item = item->next)
        function_count++;
    for (const struct rpc_node *node = rpc_node_known(); node; node = node->next)
        node_count++;
    counters = uwsgi_calloc_shared(sizeof(*counters) +
                                   (function_count + node_count) * sizeof(struct rpc_meter));
    rpc_metrics_on = true;
    register_meter("", OID ".1", &counters->local);
    for (unsigned status = RPC_OK + 1; status < RPC_STATUS_COUNT; status++) {
        char oid[64];
        snprintf(oid, sizeof(oid), OID ".2.%u", status);
        register_counter("failures.", rpc_status_info(status)->name, oid,
                         &counters->failures[status]);
    }
    register_meter("remote.", OID ".3", &counters->remote);
    register_counter("tls.", "handshakes", OID ".6.1", &counters->handshakes);
    register_counter("tls.", "resumed", OID ".6.2", &counters->resumed);
    register_functions();
    register_nodes();
}

struct rpc_meter *rpc_metrics_function(const char *name) {
    unsigned i = 0;

    if (counters)
        for (struct uwsgi_string_list *item = rpc_options.metric; item; item = item->next, i++)
            if (strcmp(item->value, name) == 0)
                return &counters->each[i];
    return NULL;
}

/* --- counting --------------------------------------------------------------------------------- */

/* One call's share in a meter. */
struct sample {
    uint64_t bytes_in, bytes_out, micros;
    bool failed;
};

static struct sample take_sample(uint64_t start, const struct rpc_call *call,
                                 enum rpc_status status, const struct rpc_result *result) {
    struct sample sample = {.bytes_out = result->len,
                            .failed = status != RPC_OK && status != RPC_APPLICATION_ERROR};
    for (unsigned i = 0; i < call->arg_count; i++)
        sample.bytes_in += call->arg_len[i];
    sample.micros = uwsgi_micros() - start;
    return sample;
}

static void count(struct rpc_meter *meter, const struct sample *sample) {
    add(&meter->calls, 1);
    add(&meter->failures, sample->failed);
    add(&meter->bytes_in, sample->bytes_in);
    add(&meter->bytes_out, sample->bytes_out);
    add(&meter->micros, sample->micros);
}

void rpc_metrics_call(uint64_t start, struct rpc_meter *meter, const struct rpc_call *call,
                      enum rpc_status status, const struct rpc_result *result) {
    if (!counters)
        return;
    struct sample sample = take_sample(start, call, status, result);
    count(&counters->local, &sample);
    if (meter)
        count(meter, &sample);
}

void rpc_metrics_remote(uint64_t start, const struct rpc_client_report *report,
                        const struct rpc_call *call, enum rpc_status status,
                        const struct rpc_result *result) {
    const struct rpc_node *node = report->node;

    if (!counters)
        return;
    struct sample sample = take_sample(start, call, status, result);
    count(&counters->remote, &sample);
    if (node && node->id < node_count)
        count(&counters->each[function_count + node->id], &sample);
    add(&counters->handshakes, report->encrypted);
    add(&counters->resumed, report->resumed);
    rpc_metrics_failure(status);
}

void rpc_metrics_failure(enum rpc_status status) {
    if (counters && status != RPC_OK)
        add(&counters->failures[status], 1);
}
