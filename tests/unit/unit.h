// SPDX-License-Identifier: MIT
/*
 * What every unit test program needs: its main function and input that ends at a guard page.
 */
#ifndef UNIT_H
#define UNIT_H

#include <check.h>
#include <sanitizer/asan_interface.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* Without libcheck's mark for each that holds, which is a system call: who crashes has the report
   of a sanitizer. */
#undef ck_assert_msg
#define ck_assert_msg(expr, ...)                                                                   \
    ((expr) ? (void)0 : _ck_assert_failed(__FILE__, __LINE__, "'" #expr "' failed", __VA_ARGS__))

/* A copy of data whose last byte is the last one of its page; what follows cannot be touched. */
struct guarded {
    char *map, *data, *end; /* the mapping, the copy, and the page behind it */
};

/* The one given back last, for the next: thousands of short ones would cost a mapping each. What
   still reads it then has the report of a sanitizer. */
static struct guarded guarded_spare;

static inline void guarded_unmap(struct guarded *g) {
    ASAN_UNPOISON_MEMORY_REGION(g->map, (size_t)(g->end - g->map));
    munmap(g->map, (size_t)(g->end - g->map) + (size_t)sysconf(_SC_PAGESIZE));
}

static inline struct guarded guarded_map(size_t len) {
    size_t page = (size_t)sysconf(_SC_PAGESIZE), room = (len / page + 1) * page;
    char *map = mmap(NULL, room + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    ck_assert_ptr_ne(map, MAP_FAILED);
    ck_assert_int_eq(mprotect(map + room, page, PROT_NONE), 0);
    ASAN_POISON_MEMORY_REGION(map, room);
    return (struct guarded){.map = map, .end = map + room};
}

static inline struct guarded guarded_copy(const void *data, size_t len) {
    struct guarded g = guarded_spare;
    if (g.map && (size_t)(g.end - g.map) >= len)
        guarded_spare = (struct guarded){0};
    else
        g = guarded_map(len);
    g.data = g.end - len;
    ASAN_UNPOISON_MEMORY_REGION(g.data, len);
    if (len)
        memcpy(g.data, data, len);
    return g;
}

static inline void guarded_free(struct guarded *g) {
    if (guarded_spare.map)
        guarded_unmap(&guarded_spare);
    ASAN_POISON_MEMORY_REGION(g->map, (size_t)(g->end - g->map));
    guarded_spare = *g;
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
