// SPDX-License-Identifier: MIT
/*
 * uwsgi-rpc --bench: one thread for each connection, all making the same call with the same client
 * the plugin uses, until the number of calls is reached. Every latency is recorded, so percentiles
 * are exact.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "cli.h"

/* Ample for a call, small enough for thousands of threads. */
#define THREAD_STACK_LEN ((size_t)256 * 1024)
#define PROGRESS_EVERY_MS 100
#define PROGRESS_WIDTH 40

/* What all threads share. */
struct bench {
    const struct cli *cli;
    struct rpc_client_opts opts;
    pthread_mutex_t gate; /* held until all threads are there */
    atomic_uint next;     /* the number of the next call */
    atomic_uint done;
    atomic_uint failed[RPC_STATUS_COUNT];
    _Atomic uint64_t bytes;
    _Atomic int64_t ended_us; /* when the last thread had no more to do */
    uint32_t *latency_us;     /* by the number of the call, UINT32_MAX if it failed */
};

static int64_t now_us(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static void *caller(void *data) {
    struct bench *bench = data;
    uint64_t bytes = 0;
    unsigned number;

    pthread_mutex_lock(&bench->gate);
    pthread_mutex_unlock(&bench->gate);
    while ((number = atomic_fetch_add(&bench->next, 1)) < bench->cli->bench_calls) {
        struct rpc_result result;
        int64_t start = now_us();
        enum rpc_status status =
            rpc_client_call(bench->cli->nodes, &bench->opts, &bench->cli->call, &result, NULL);
        int64_t took = now_us() - start;
        if (status == RPC_OK)
            bench->latency_us[number] = (uint32_t)took;
        else
            atomic_fetch_add(&bench->failed[status], 1);
        bytes += result.len;
        free(result.data);
        atomic_fetch_add_explicit(&bench->done, 1, memory_order_relaxed);
    }
    atomic_fetch_add(&bench->bytes, bytes);
    atomic_store(&bench->ended_us, now_us());
    return NULL;
}

/* Draws until all calls are made. */
static void show_progress(struct bench *bench) {
    unsigned done, all = bench->cli->bench_calls;
    const struct timespec tick = {.tv_nsec = PROGRESS_EVERY_MS * 1000000L};

    while ((done = atomic_load(&bench->done)) < all) {
        int full = (int)((uint64_t)done * PROGRESS_WIDTH / all);
        fprintf(stderr, "\r[%.*s%*s] %u of %u ", full, "########################################",
                PROGRESS_WIDTH - full, "", done, all);
        nanosleep(&tick, NULL);
    }
    fputs("\r\033[K", stderr);
}

static int compare_latencies(const void *a, const void *b) {
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

/* The smallest latency, in milliseconds, that so many percent of the good calls did not exceed. */
static double percentile(const uint32_t *sorted, unsigned count, unsigned percent) {
    uint64_t rank = ((uint64_t)count * percent + 99) / 100;
    return sorted[rank ? rank - 1 : 0] / 1000.0;
}

/* Prints the figures and returns the exit code. */
static enum cli_exit print_figures(struct bench *bench, double seconds) {
    const struct cli *cli = bench->cli;
    unsigned failures = 0, most = RPC_OK, calls = cli->bench_calls;
    uint32_t *sorted = bench->latency_us;

    for (unsigned i = 0; i < RPC_STATUS_COUNT; i++) {
        failures += bench->failed[i];
        if (bench->failed[i] > bench->failed[most])
            most = i;
    }
    unsigned good = calls - failures;
    qsort(sorted, calls, sizeof(*sorted), compare_latencies);
    printf("calls        %u in %.3f s over %u connections%s\n", calls, seconds,
           cli->bench_connections, cli->bench_keepalive ? ", kept" : "");
    printf("per second   %.0f calls, %.2f MB of results\n", good / seconds,
           (double)bench->bytes / seconds / 1e6);
    if (good)
        printf("latency ms   p50 %.3f  p90 %.3f  p99 %.3f  max %.3f\n",
               percentile(sorted, good, 50), percentile(sorted, good, 90),
               percentile(sorted, good, 99), percentile(sorted, good, 100));
    printf("failures     %u", failures);
    for (unsigned i = 0; i < RPC_STATUS_COUNT; i++)
        if (bench->failed[i])
            printf("  %s %u", rpc_status_info((enum rpc_status)i)->name, bench->failed[i]);
    printf("\n");
    if (fflush(stdout))
        return EXIT_IO;
    return cli_exit_code((enum rpc_status)most);
}

/* Starts the threads; they wait at the gate. Returns how many there are. */
static unsigned start_callers(struct bench *bench, pthread_t *threads, unsigned count) {
    pthread_attr_t attr;
    unsigned started = 0;

    pthread_attr_init(&attr);
    pthread_attr_setstacksize(&attr, THREAD_STACK_LEN);
    while (started < count && pthread_create(&threads[started], &attr, caller, bench) == 0)
        started++;
    pthread_attr_destroy(&attr);
    return started;
}

/* Each connection is a descriptor: as many as the system allows. */
static void raise_descriptor_limit(void) {
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
}

static enum cli_exit run(struct bench *bench, pthread_t *threads, unsigned count) {
    pthread_mutex_lock(&bench->gate);
    unsigned started = start_callers(bench, threads, count);
    if (started < count) /* nobody calls */
        atomic_store(&bench->next, bench->cli->bench_calls);
    int64_t start = now_us();
    pthread_mutex_unlock(&bench->gate);
    if (started == count && isatty(STDERR_FILENO))
        show_progress(bench);
    for (unsigned i = 0; i < started; i++)
        pthread_join(threads[i], NULL);
    if (started < count) {
        fprintf(stderr, "uwsgi-rpc: only %u of %u threads could be made\n", started, count);
        return EXIT_NO_MEMORY;
    }
    return print_figures(bench, (double)(bench->ended_us - start) / 1e6);
}

enum cli_exit cli_bench(const struct cli *cli) {
    struct cli full = *cli;
    struct bench bench = {.cli = &full, .opts = full.opts, .gate = PTHREAD_MUTEX_INITIALIZER};
    enum cli_exit code = EXIT_NO_MEMORY;

    if (!full.bench_calls)
        full.bench_calls = BENCH_CALLS;
    if (!full.bench_connections)
        full.bench_connections = BENCH_CONNECTIONS;
    bench.opts.keepalive = full.bench_keepalive ? full.bench_connections : 0;
    raise_descriptor_limit();
    pthread_t *threads = calloc(full.bench_connections, sizeof(*threads));
    bench.latency_us = malloc(full.bench_calls * sizeof(*bench.latency_us));
    if (threads && bench.latency_us) {
        memset(bench.latency_us, 0xff, full.bench_calls * sizeof(*bench.latency_us));
        code = run(&bench, threads, full.bench_connections);
    } else {
        fprintf(stderr, "uwsgi-rpc: %s\n", rpc_status_info(RPC_NO_MEMORY)->message);
    }
    free(threads);
    free(bench.latency_us);
    return code;
}
