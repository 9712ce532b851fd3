// SPDX-License-Identifier: MIT
/*
 * C functions for symcall-register-rpc, of servers without an interpreter: what a leak, a soak or a
 * killed worker is watched with.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define LEAKED 4242
#define LEAKS 10
/* Of r_big's answers: a hostile packet names any size. */
#define BIG_MAX (64u << 20)

typedef uint64_t rpc_function(uint8_t argc, char **argv, uint16_t *argvs, char **out);
rpc_function r_first, r_big, r_huge, r_empty, r_none, r_pid, r_nap, r_call, r_leak, r_utter;

/* uWSGI's own. */
char *uwsgi_do_rpc(char *node, char *name, uint8_t argc, char **argv, uint16_t *argvs,
                   uint64_t *len);

/* Room for len bytes; without it the answer is an empty one. */
static uint64_t answer_of(char **out, size_t len) {
    *out = malloc(len + 1);
    return *out ? len : 0;
}

/* The first argument as it came. */
uint64_t r_first(uint8_t argc, char **argv, uint16_t *argvs, char **out) {
    uint64_t len = argc ? answer_of(out, argvs[0]) : 0;
    if (len)
        memcpy(*out, argv[0], len);
    return len;
}

static uint64_t answer_up_to(size_t max, uint8_t argc, char **argv, char **out) {
    size_t wanted = argc ? strtoul(argv[0], NULL, 10) : 0;
    uint64_t len = wanted <= max ? answer_of(out, wanted) : 0;
    if (len)
        memset(*out, 'x', len);
    return len;
}

/* As many bytes as the first argument says, each with a page of its own touched. */
uint64_t r_big(uint8_t argc, char **argv, uint16_t *argvs, char **out) {
    (void)argvs;
    return answer_up_to(BIG_MAX, argc, argv, out);
}

/* The same without a bound, for callers that are trusted. */
uint64_t r_huge(uint8_t argc, char **argv, uint16_t *argvs, char **out) {
    (void)argvs;
    return answer_up_to(SIZE_MAX - 1, argc, argv, out);
}

/* No bytes, but memory to be freed. */
uint64_t r_empty(uint8_t argc, char **argv, uint16_t *argvs, char **out) {
    (void)argc, (void)argv, (void)argvs;
    return answer_of(out, 0);
}

uint64_t r_none(uint8_t argc, char **argv, uint16_t *argvs, char **out) {
    (void)argc, (void)argv, (void)argvs, (void)out;
    return 0;
}

/* What stands between [" and "]. */
uint64_t r_utter(uint8_t argc, char **argv, uint16_t *argvs, char **out) {
    size_t len = argc && argvs[0] > 4 ? argvs[0] - 4u : 0;
    if (!len || !answer_of(out, len))
        return 0;
    memcpy(*out, argv[0] + 2, len);
    return len;
}

uint64_t r_pid(uint8_t argc, char **argv, uint16_t *argvs, char **out) {
    (void)argc, (void)argv, (void)argvs;
    return answer_of(out, 15) ? (uint64_t)snprintf(*out, 16, "%d", (int)getpid()) : 0;
}

/* Sleeps for as many milliseconds as the first argument says. */
uint64_t r_nap(uint8_t argc, char **argv, uint16_t *argvs, char **out) {
    long ms = argc ? strtol(argv[0], NULL, 10) : 0;
    struct timespec left = {ms / 1000, ms % 1000 * 1000000L};
    while (nanosleep(&left, &left) != 0)
        ;
    return r_pid(argc, argv, argvs, out);
}

/* NODE NAME [ARG...]: what that function there answers; an empty node is not possible, see '-'. */
uint64_t r_call(uint8_t argc, char **argv, uint16_t *argvs, char **out) {
    uint64_t len = 0;
    if (argc < 2)
        return 0;
    char *node = strcmp(argv[0], "-") == 0 ? NULL : argv[0];
    *out = uwsgi_do_rpc(node, argv[1], (uint8_t)(argc - 2), argv + 2, argvs + 2, &len);
    return len;
}

__attribute__((noinline)) static void lose(void) {
    char *volatile lost = malloc(LEAKED);
    if (lost)
        memset(lost, 'l', LEAKED);
    lost = NULL;
}

/* Loses some memory, to see that this is noticed; often, as a pointer may stay somewhere. */
uint64_t r_leak(uint8_t argc, char **argv, uint16_t *argvs, char **out) {
    for (int i = 0; i < LEAKS; i++)
        lose();
    return r_pid(argc, argv, argvs, out);
}
