// SPDX-License-Identifier: MIT
/*
 * What the benchmarks call: C functions for symcall-register-rpc, so that no interpreter stands
 * between the plugin and the figures. And a listen() that takes pacing out of them: BBR holds large
 * answers back even on loopback.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

uint64_t bench_hello(uint8_t argc, char **argv, uint16_t *argvs, char **out);
uint64_t bench_json(uint8_t argc, char **argv, uint16_t *argvs, char **out);
uint64_t bench_nap(uint8_t argc, char **argv, uint16_t *argvs, char **out);
uint64_t bench_blob(uint8_t argc, char **argv, uint16_t *argvs, char **out);
uint64_t bench_sum(uint8_t argc, char **argv, uint16_t *argvs, char **out);

static uint64_t constant(const char *text, size_t len, char **out) {
    *out = malloc(len);
    if (!*out)
        return 0;
    memcpy(*out, text, len);
    return len;
}

/* "hello world", whatever the arguments. */
uint64_t bench_hello(uint8_t argc, char **argv, uint16_t *argvs, char **out) {
    (void)argc, (void)argv, (void)argvs;
    return constant("hello world", 11, out);
}

/* The same as JSON. */
uint64_t bench_json(uint8_t argc, char **argv, uint16_t *argvs, char **out) {
    (void)argc, (void)argv, (void)argvs;
    return constant("\"hello world\"", 13, out);
}

/* hello world, 50 ms later. */
uint64_t bench_nap(uint8_t argc, char **argv, uint16_t *argvs, char **out) {
    nanosleep(&(const struct timespec){.tv_nsec = 50000000}, NULL);
    return bench_hello(argc, argv, argvs, out);
}

/* As many bytes as the first argument says, all of them 'x'. */
uint64_t bench_blob(uint8_t argc, char **argv, uint16_t *argvs, char **out) {
    (void)argvs;
    size_t len = argc ? strtoull(argv[0], NULL, 10) : 0;
    *out = len ? malloc(len) : NULL;
    if (!*out)
        return 0;
    memset(*out, 'x', len);
    return len;
}

/* The bytes of all arguments, as a number. */
uint64_t bench_sum(uint8_t argc, char **argv, uint16_t *argvs, char **out) {
    size_t sum = 0;

    (void)argv;
    for (unsigned i = 0; i < argc; i++)
        sum += argvs[i];
    *out = malloc(sizeof("16646370"));
    return *out ? (uint64_t)snprintf(*out, sizeof("16646370"), "%zu", sum) : 0;
}

/* Connections inherit the choice; a UNIX socket has none. */
int listen(int fd, int backlog) {
    static const char reno[] = "reno";
    int (*real_listen)(int, int) = (int (*)(int, int))(intptr_t)dlsym(RTLD_NEXT, "listen");

    setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, reno, sizeof(reno) - 1);
    return real_listen(fd, backlog);
}
