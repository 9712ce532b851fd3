// SPDX-License-Identifier: MIT
/*
 * What every unit test program needs: its main function and input that ends at a guard page.
 */
#ifndef UNIT_H
#define UNIT_H

#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* A copy of data whose last byte is the last one of its page; what follows cannot be touched. */
struct guarded {
    char *map;
    size_t map_len;
    char *data;
};

static inline struct guarded guarded_copy(const void *data, size_t len) {
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    struct guarded g = {.map_len = (len / page + 2) * page};
    g.map = mmap(NULL, g.map_len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    ck_assert_ptr_ne(g.map, MAP_FAILED);
    ck_assert_int_eq(mprotect(g.map + g.map_len - page, page, PROT_NONE), 0);
    g.data = g.map + g.map_len - page - len;
    if (len)
        memcpy(g.data, data, len);
    return g;
}

static inline void guarded_free(struct guarded *g) {
    munmap(g->map, g->map_len);
}

static inline TCase *unit_case(const char *name) {
    TCase *tcase = tcase_create(name);
    tcase_set_timeout(tcase, 120);
    return tcase;
}

/* Runs one test case and returns what main returns. */
static inline int unit_run_case(const char *name, TCase *tcase) {
    Suite *suite = suite_create(name);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

/* Runs one test case of all the tests given and returns what main returns. */
static inline int unit_run(const char *name, const TTest *const *tests, size_t count) {
    TCase *tcase = unit_case(name);
    for (size_t i = 0; i < count; i++)
        tcase_add_test(tcase, tests[i]);
    return unit_run_case(name, tcase);
}

/* The main function of a test program: UNIT_MAIN("wire", test_wire_a, test_wire_b) */
#define UNIT_MAIN(name, ...)                                                                       \
    int main(void) {                                                                               \
        const TTest *const tests[] = {__VA_ARGS__};                                                \
        return unit_run(name, tests, sizeof(tests) / sizeof(tests[0]));                            \
    }

#endif
