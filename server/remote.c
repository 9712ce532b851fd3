// SPDX-License-Identifier: MIT
/*
 * The client inside uWSGI, see server/remote.h. Connecting, failover and replies are in
 * client/client.c.
 */
#include "remote.h"

#include "log.h"
#include "metrics.h"
#include "options.h"
#include "outcome.h"
#include "ruby.h"
#include "table.h"
#include "wait.h"

/* A kept connection is not used in the last second before the node may close it, taking its
   socket-timeout to be like ours, or the default when ours is longer. */
#define IDLE_MARGIN_MS 1000

/* A function of rpc-remote. */
struct remote {
    struct rpc_own own;
    const char *name; /* on the node */
    uint16_t name_len;
    struct rpc_nodes *nodes;
};

static struct remote *remotes;
static size_t remote_count;
static struct rpc_client_opts client_opts;

/* --- calling ---------------------------------------------------------------------------------- */

/* Counts a call, and logs it when it has failed. */
static void account(uint64_t start, const struct rpc_client_report *report,
                    const struct rpc_call *call, enum rpc_status status,
                    const struct rpc_result *result) {
    rpc_metrics_remote(start, report, call, status, result);
    if (status != RPC_OK)
        rpc_log_node(report, call->name, call->name_len, status);
    else if (report->refused)
        rpc_log_refused(report);
}

enum rpc_status rpc_remote_ask(struct rpc_nodes *nodes, const struct rpc_call *call,
                               struct rpc_result *result) {
    struct rpc_client_report report = {0};
    uint64_t start = rpc_metrics_start();

    rpc_ruby_forget();
    enum rpc_status status = rpc_client_call(nodes, &client_opts, call, result, &report);
    account(start, &report, call, status, result);
    rpc_outcome_note(status);
    return status;
}

enum rpc_status rpc_remote_take(const char *where, const char *text, size_t len,
                                struct rpc_list **list) {
    char error[RPC_NODES_ERROR_MAX];
    enum rpc_status status = rpc_lists_take(text, len, list, error);

    if (status != RPC_OK) {
        rpc_metrics_failure(status);
        uwsgi_log("[rpc] %s: %s (%s)\n", where, error, rpc_status_info(status)->name);
    }
    return status;
}

struct rpc_gather *rpc_remote_gather_new(unsigned max) {
    return rpc_gather_new(&client_opts, max);
}

void rpc_remote_gather_run(struct rpc_gather *gather) {
    uint64_t start = rpc_metrics_start();

    rpc_ruby_forget();
    rpc_gather_run(gather);
    for (unsigned i = 0; i < rpc_gather_count(gather); i++) {
        struct rpc_gathered got = rpc_gather_get(gather, i);
        struct rpc_call call; /* as far as it is looked at */
        call.name = got.name;
        call.name_len = got.name_len;
        call.arg_count = 1;
        call.arg_len[0] = got.args_len;
        if (got.name)
            account(start, &got.report, &call, got.status, &got.result);
    }
}

static enum rpc_status call_remote(const struct rpc_own *own, const struct rpc_call *call,
                                   struct rpc_result *result) {
    const struct remote *remote = (const struct remote *)own;
    struct rpc_call renamed;

    renamed.name = remote->name;
    renamed.name_len = remote->name_len;
    renamed.arg_count = call->arg_count;
    memcpy(renamed.arg, call->arg, call->arg_count * sizeof(*call->arg));
    memcpy(renamed.arg_len, call->arg_len, call->arg_count * sizeof(*call->arg_len));
    return rpc_remote_ask(remote->nodes, &renamed, result);
}

/* --- configuration ---------------------------------------------------------------------------- */

struct rpc_nodes *rpc_remote_nodes(const char *list) {
    char error[RPC_NODES_ERROR_MAX];
    struct rpc_nodes *nodes;

    if (rpc_nodes_parse(list, &nodes, error, sizeof(error)) == RPC_OK)
        return nodes;
    uwsgi_log("[rpc] \"%s\": %s\n", list, error);
    return NULL;
}

static void read_remote(struct remote *remote, char *value) {
    char *context = NULL;
    const char *nodes;

    value = uwsgi_str(value);
    const char *local_name = strtok_r(value, " \t", &context);
    nodes = strtok_r(NULL, " \t", &context);
    remote->name = strtok_r(NULL, " \t", &context);
    if (!local_name || !nodes || (remote->name && strtok_r(NULL, " \t", &context))) {
        uwsgi_log("[rpc] rpc-remote: the syntax is NAME NODE[,NODE...] [REMOTE_NAME]\n");
        exit(1);
    }
    if (!remote->name)
        remote->name = local_name;
    if (strlen(remote->name) > RPC_NAME_MAX || strlen(local_name) > RPC_NAME_MAX) {
        uwsgi_log("[rpc] rpc-remote: \"%s\": %s\n", local_name,
                  rpc_status_info(RPC_BAD_NAME)->message);
        exit(1);
    }
    remote->own = (struct rpc_own){.name = local_name, .call = call_remote};
    remote->name_len = (uint16_t)strlen(remote->name);
    remote->nodes = rpc_remote_nodes(nodes);
    if (!remote->nodes)
        exit(1);
}

static bool has_tls_nodes(void) {
    const struct rpc_node *node = rpc_node_known();

    while (node && !node->tls.host)
        node = node->next;
    return node;
}

/* Before the workers are forked, where a node of the configuration is spoken to in TLS, which then
   share what has been read. */
static const struct rpc_tls_context *finish_tls(void) {
    char error[RPC_NODES_ERROR_MAX];

    if (!rpc_options.tls && has_tls_nodes())
        rpc_options.tls = rpc_tls_context_new();
    if (rpc_options.tls && !rpc_tls_context_finish(rpc_options.tls, error, sizeof(error))) {
        uwsgi_log("[rpc] rpc-tls-cert, rpc-tls-key: expected a certificate and its key: %s\n",
                  error);
        exit(1);
    }
    return rpc_options.tls;
}

static int64_t milliseconds(uint64_t seconds) {
    return (int64_t)seconds * 1000;
}

void rpc_remote_init(void) {
    uint64_t timeout = rpc_options.timeout ? rpc_options.timeout : (uint64_t)uwsgi.socket_timeout;

    const struct rpc_client_opts given = {
        .timeout_ms = milliseconds(timeout),
        .connect_timeout_ms = milliseconds(rpc_options.connect_timeout),
        .max_response = rpc_options.max_response,
        .keepalive = (unsigned)rpc_options.keepalive,
        .idle_ms = UMAX(
            UMIN(milliseconds((uint64_t)uwsgi.socket_timeout) - IDLE_MARGIN_MS, RPC_CLIENT_IDLE_MS),
            IDLE_MARGIN_MS / 2),
        .wait = rpc_wait,
    };
    client_opts = rpc_client_opts_complete(&given);
    for (struct uwsgi_string_list *item = rpc_options.remote; item; item = item->next)
        remote_count++;
    remotes = uwsgi_calloc(sizeof(*remotes) * (remote_count + 1));
    struct remote *remote = remotes;
    for (struct uwsgi_string_list *item = rpc_options.remote; item; item = item->next)
        read_remote(remote++, item->value);
    client_opts.tls = finish_tls();
}

void rpc_remote_register(void) {
    for (size_t i = 0; i < remote_count; i++)
        rpc_table_register(&remotes[i].own);
}
