// SPDX-License-Identifier: MIT
/*
 * One call, see client/client.h.
 */
#include "client.h"

#include "drive.h"

enum rpc_status rpc_client_call(struct rpc_nodes *nodes, const struct rpc_client_opts *opts,
                                const struct rpc_call *call, struct rpc_result *result,
                                struct rpc_client_report *report) {
    struct rpc_client_opts completed;
    struct rpc_exchange x; /* scratch is not cleared */

    if (!opts || !opts->complete) {
        completed = rpc_client_opts_complete(opts);
        opts = &completed;
    }
    if (rpc_exchange_begin(&x, nodes, opts, call, false))
        rpc_drive(&x);
    *result = x.result;
    if (report)
        *report = x.report;
    return x.status;
}
