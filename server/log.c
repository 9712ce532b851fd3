// SPDX-License-Identifier: MIT
/*
 * The log's lines, see server/log.h.
 */
#include "log.h"

#include "metrics.h"

/* Room for a node's name and what OpenSSL says. */
#define WHY_MAX 512

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

void rpc_log_node(const struct rpc_client_report *report, const char *name, size_t name_len,
                  enum rpc_status status) {
    char why[WHY_MAX] = "";

    if (report->refused)
        snprintf(why, sizeof(why), "; TLS with %.300s: %s", report->refused->name, report->reason);
    log_failure("node ", report->node ? report->node->name : "(none)", name, name_len, status, why);
}

void rpc_log_refused(const struct rpc_client_report *report) {
    uwsgi_log("[rpc] node %s: TLS: %s\n", report->refused->name, report->reason);
}
