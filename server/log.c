// SPDX-License-Identifier: MIT
/*
 * The log's lines, see server/log.h.
 */
#include "log.h"

#include "metrics.h"

/* Longest name of a node that is shown, and room for one and what OpenSSL says. */
#define NODE_MAX 300
#define WHY_MAX 600

/* A quote or a backslash would end, or change, a string of a log-format that writes JSON. */
static bool is_plain(char c) {
    return c > ' ' && c < 0x7f && c != '"' && c != '\\';
}

void rpc_log_printable(char *out, size_t size, const char *name, size_t len) {
    size_t i;
    for (i = 0; i < len && i < size - 1; i++)
        out[i] = is_plain(name[i]) ? name[i] : '?';
    out[i] = 0;
}

static void log_failure(const char *prefix, const char *where, const char *name, size_t name_len,
                        enum rpc_status status, const char *why) {
    const struct rpc_status_info *info = rpc_status_info(status);

    if (name) {
        char shown[RPC_NAME_MAX + 1];
        rpc_log_printable(shown, sizeof(shown), name, name_len);
        uwsgi_log("[rpc] %s%s: \"%s\": %s (%s)%s\n", prefix, where, shown, info->message,
                  info->name, why);
    } else {
        uwsgi_log("[rpc] %s%s: %s (%s)%s\n", prefix, where, info->message, info->name, why);
    }
}

void rpc_log(const char *where, const char *name, size_t name_len, enum rpc_status status) {
    if (rpc_status_is_remote(status))
        return;
    rpc_metrics_failure(status);
    log_failure("", where, name, name_len, status, "");
}

/* An application may let its callers choose nodes: the path of a UNIX socket has any bytes. */
static const char *node_text(const struct rpc_node *node, char text[NODE_MAX + 1]) {
    const char *name = node ? node->name : "(none)";

    rpc_log_printable(text, NODE_MAX + 1, name, strlen(name));
    return text;
}

void rpc_log_node(const struct rpc_client_report *report, const char *name, size_t name_len,
                  enum rpc_status status) {
    char why[WHY_MAX] = "", node[NODE_MAX + 1];

    if (report->refused)
        snprintf(why, sizeof(why), "; TLS with %s: %s", node_text(report->refused, node),
                 report->reason);
    log_failure("node ", node_text(report->node, node), name, name_len, status, why);
}

void rpc_log_refused(const struct rpc_client_report *report) {
    char node[NODE_MAX + 1];
    uwsgi_log("[rpc] node %s: TLS: %s\n", node_text(report->refused, node), report->reason);
}
