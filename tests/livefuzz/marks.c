// SPDX-License-Identifier: MIT
/*
 * Functions for symcall-register-rpc that leave a letter each in the file that LIVEFUZZ_MARKS
 * names, once a call, and return their first argument. With LIVEFUZZ_FAULT, one of them has a
 * fault, for the harness to find.
 */
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef uint64_t rpc_function(uint8_t argc, char **argv, uint16_t *argvs, char **out);
rpc_function mark_a, mark_b, mark_c, mark_d;

/* Longer than anything but what the traffic sends on purpose. */
#define FAULT_LEN 4000

static uint64_t mark(char letter, uint8_t argc, char **argv, uint16_t *argvs, char **out) {
    const char *path = getenv("LIVEFUZZ_MARKS");
    int fd = path ? open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600) : -1;

    if (fd < 0 || write(fd, &letter, 1) != 1)
        abort();
    close(fd);
    if (argc == 0)
        return 0;
    if (letter == 'c' && argvs[0] > FAULT_LEN && getenv("LIVEFUZZ_FAULT"))
        abort();
    *out = malloc(argvs[0] + 1u);
    memcpy(*out, argv[0], argvs[0]);
    return argvs[0];
}

uint64_t mark_a(uint8_t argc, char **argv, uint16_t *argvs, char **out) {
    return mark('a', argc, argv, argvs, out);
}

uint64_t mark_b(uint8_t argc, char **argv, uint16_t *argvs, char **out) {
    return mark('b', argc, argv, argvs, out);
}

uint64_t mark_c(uint8_t argc, char **argv, uint16_t *argvs, char **out) {
    return mark('c', argc, argv, argvs, out);
}

uint64_t mark_d(uint8_t argc, char **argv, uint16_t *argvs, char **out) {
    return mark('d', argc, argv, argvs, out);
}
