// SPDX-License-Identifier: MIT
/*
 * The functions every language registers, in C for symcall-register-rpc. No exceptions here: a
 * function that fails returns nothing.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BIG 102400
#define LENGTH_MAX sizeof("65535:,")

typedef uint64_t rpc_function(uint8_t argc, char **argv, uint16_t *argvs, char **out);
rpc_function c_echo, c_count, c_empty, c_one, c_big, c_fail, c_call, c_remote;

/* uWSGI's own. */
char *uwsgi_do_rpc(char *node, char *name, uint8_t argc, char **argv, uint16_t *argvs,
                   uint64_t *len);

/* Room for a result; without it the function fails. */
static uint64_t room(char **out, size_t size) {
    *out = malloc(size);
    return *out ? size : 0;
}

uint64_t c_echo(uint8_t argc, char **argv, uint16_t *argvs, char **out) {
    size_t size = 1;
    for (unsigned i = 0; i < argc; i++)
        size += LENGTH_MAX + argvs[i];
    if (!room(out, size))
        return 0;
    char *end = *out;
    for (unsigned i = 0; i < argc; i++) {
        end += sprintf(end, "%u:", (unsigned)argvs[i]);
        memcpy(end, argv[i], argvs[i]);
        end += argvs[i];
        *end++ = ',';
    }
    return (uint64_t)(end - *out);
}

uint64_t c_count(uint8_t argc, char **argv, uint16_t *argvs, char **out) {
    (void)argv, (void)argvs;
    return room(out, 4) ? (uint64_t)sprintf(*out, "%u", (unsigned)argc) : 0;
}

uint64_t c_empty(uint8_t argc, char **argv, uint16_t *argvs, char **out) {
    (void)argc, (void)argv, (void)argvs;
    (void)room(out, 1);
    return 0;
}

uint64_t c_one(uint8_t argc, char **argv, uint16_t *argvs, char **out) {
    (void)argc, (void)argv, (void)argvs;
    if (!room(out, 1))
        return 0;
    **out = '1';
    return 1;
}

uint64_t c_big(uint8_t argc, char **argv, uint16_t *argvs, char **out) {
    (void)argc, (void)argv, (void)argvs;
    if (!room(out, BIG))
        return 0;
    memset(*out, 'x', BIG);
    return BIG;
}

uint64_t c_fail(uint8_t argc, char **argv, uint16_t *argvs, char **out) {
    (void)argc, (void)argv, (void)argvs, (void)out;
    return 0;
}

uint64_t c_call(uint8_t argc, char **argv, uint16_t *argvs, char **out) {
    uint64_t len = 0;
    if (argc < 1)
        return 0;
    *out = uwsgi_do_rpc(NULL, argv[0], (uint8_t)(argc - 1), argv + 1, argvs + 1, &len);
    return len;
}

uint64_t c_remote(uint8_t argc, char **argv, uint16_t *argvs, char **out) {
    uint64_t len = 0;
    if (argc < 2)
        return 0;
    *out = uwsgi_do_rpc(argv[0], argv[1], (uint8_t)(argc - 2), argv + 2, argvs + 2, &len);
    return len;
}
