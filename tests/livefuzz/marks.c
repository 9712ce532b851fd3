// SPDX-License-Identifier: MIT
/*
 * Functions for symcall-register-rpc that leave a letter each in the file that LIVEFUZZ_MARKS
 * names, once a call, and return their first argument; the last one, what a typed function may
 * and may not. With LIVEFUZZ_FAULT, one of them has a fault, for the harness to find.
 */
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef uint64_t rpc_function(uint8_t argc, char **argv, uint16_t *argvs, char **out);
rpc_function mark_a, mark_b, mark_c, mark_d, mark_e, mark_f;

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

uint64_t mark_e(uint8_t argc, char **argv, uint16_t *argvs, char **out) {
    return mark('e', argc, argv, argvs, out);
}

/* An answer that its argument chooses. */
uint64_t mark_f(uint8_t argc, char **argv, uint16_t *argvs, char **out) {
    static const char *const answers[] = {
        "error 404 no such user\n{\"id\": 404}",
        "error -32602 ",
        "error 7 caf\xc3\xa9 <&>\"\\\x01",
        "error 99999999999 too large",
        "error 1 \xff",
        "error 1 x\n{",
        "error",
        "no JSON",
        "[1, 2.50, 10000000000, -0, 1e400, {\"base64\": \"AP8=\"}, \"\\u0001\", "
        "\"\\ud83d\\ude00\"]",
        "{\"a\": 1, \"a\": 2}",
        "[[[[[]]]",
        "\"\\ud83d\"",
        "12",
        "",
    };
    char *echo = NULL;
    uint64_t len = mark('f', argc, argv, argvs, &echo);
    unsigned sum = 0;

    for (uint64_t i = 0; i < len; i++)
        sum += (unsigned char)echo[i];
    free(echo);
    *out = strdup(answers[sum % (sizeof answers / sizeof *answers)]);
    return strlen(*out);
}
