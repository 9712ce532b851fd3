// SPDX-License-Identifier: MIT
/*
 * Counters of calls in uWSGI's metrics subsystem. All do nothing, and cost nothing but a look at a
 * flag, unless uWSGI runs with enable-metrics.
 */
#ifndef RPC_METRICS_H
#define RPC_METRICS_H

#include "../client/opts.h"
#include "server.h"

/* What is counted for the plugin as a whole, for a node, or for a function of rpc-metric. */
struct rpc_meter;

/*
 * Registers the metrics; once, in the master, after the nodes and options are known:
 *   plugin.rpc.calls, .failures, .bytes_in, .bytes_out, .micros   functions called on this server
 *   plugin.rpc.failures.STATUS                                    requests and calls that failed so
 *   plugin.rpc.remote.*, plugin.rpc.node.NODE.*                   calls to nodes, all and each
 *   plugin.rpc.tls.handshakes, .resumed                           of TLS with nodes
 *   plugin.rpc.function.NAME.*                                    each name of rpc-metric
 * In NODE and NAME everything but letters, digits, '-' and '_' becomes '_'; two names that become
 * one end the start. A function that is named twice has one meter.
 */
void rpc_metrics_init(void);

/* The meter of a function of rpc-metric; NULL for any other. */
struct rpc_meter *rpc_metrics_function(const char *name);

/* Whether anything is counted. */
extern bool rpc_metrics_on __attribute__((visibility("hidden")));

/* The time a call starts, in microseconds, for the functions below; 0 when nothing is counted. */
static inline uint64_t rpc_metrics_start(void) {
    return rpc_metrics_on ? uwsgi_micros() : 0;
}

/* Counts a function that was called; meter is its own one or NULL. */
void rpc_metrics_call(uint64_t start, struct rpc_meter *meter, const struct rpc_call *call,
                      enum rpc_status status, const struct rpc_result *result);

/* Counts a call to a node, or to none, as report says. */
void rpc_metrics_remote(uint64_t start, const struct rpc_client_report *report,
                        const struct rpc_call *call, enum rpc_status status,
                        const struct rpc_result *result);

/* Counts a request that failed before or without calling a function. */
void rpc_metrics_failure(enum rpc_status status);

#endif
