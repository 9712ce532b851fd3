// SPDX-License-Identifier: MIT
/*
 * C functions for symcall-register-rpc: uWSGI's own convention, arguments NUL-terminated and with
 * their lengths.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

uint64_t c_hello(uint8_t argc, char **argv, uint16_t *argvs, char **out);
uint64_t c_next(uint8_t argc, char **argv, uint16_t *argvs, char **out);
uint64_t c_strlen(uint8_t argc, char **argv, uint16_t *argvs, char **out);

static uint64_t text(char **out, const char *value) {
    *out = strdup(value);
    return *out ? strlen(value) : 0;
}

uint64_t c_hello(uint8_t argc, char **argv, uint16_t *argvs, char **out) {
    (void)argc, (void)argv, (void)argvs;
    return text(out, "hello");
}

/* For rpcret. */
uint64_t c_next(uint8_t argc, char **argv, uint16_t *argvs, char **out) {
    (void)argc, (void)argv, (void)argvs;
    return text(out, "next");
}

/* For each argument its length and where its first NUL is, which must be the same. */
uint64_t c_strlen(uint8_t argc, char **argv, uint16_t *argvs, char **out) {
    size_t len = 0;
    *out = malloc((size_t)argc * 16 + 1);
    if (!*out)
        return 0;
    for (unsigned i = 0; i < argc; i++)
        len += (size_t)sprintf(*out + len, "%u:%zu ", (unsigned)argvs[i], strlen(argv[i]));
    return len;
}
