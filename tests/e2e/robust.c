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

typedef uint64_t rpc_function(uint8_t argc, char **argv, uint16_t *argvs, char **out);
rpc_function r_first, r_big, r_empty, r_none, r_pid, r_nap, r_call, r_leak;

/* uWSGI's own. */
char *uwsgi_do_rpc(char *node, char *name, uint8_t argc, char **argv, uint16_t *argvs,
                   uint64_t *len);

/* The first argument as it came. */
uint64_t r_first(uint8_t argc, char **argv, uint16_t *argvs, char **out) {
    if (argc == 0)
        return 0;
    *out = malloc(argvs[0] + 1u);
    memcpy(*out, argv[0], argvs[0]);
    return argvs[0];
}

/* As many bytes as the first argument says, each with a page of its own touched. */
uint64_t r_big(uint8_t argc, char **argv, uint16_t *argvs, char **out) {
    (void)argvs;
    size_t len = argc ? strtoul(argv[0], NULL, 10) : 0;
    *out = malloc(len + 1);
    memset(*out, 'x', len);
    return len;
}

/* No bytes, but memory to be freed. */
uint64_t r_empty(uint8_t argc, char **argv, uint16_t *argvs, char **out) {
    (void)argc, (void)argv, (void)argvs;
    *out = malloc(1);
    return 0;
}

uint64_t r_none(uint8_t argc, char **argv, uint16_t *argvs, char **out) {
    (void)argc, (void)argv, (void)argvs, (void)out;
    return 0;
}

uint64_t r_pid(uint8_t argc, char **argv, uint16_t *argvs, char **out) {
    (void)argc, (void)argv, (void)argvs;
    *out = malloc(16);
    return (uint64_t)sprintf(*out, "%d", (int)getpid());
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
    memset(lost, 'l', LEAKED);
    lost = NULL;
}

/* Loses some memory, to see that this is noticed; often, as a pointer may stay somewhere. */
uint64_t r_leak(uint8_t argc, char **argv, uint16_t *argvs, char **out) {
    for (int i = 0; i < LEAKS; i++)
        lose();
    return r_pid(argc, argv, argvs, out);
}
