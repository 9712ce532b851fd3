// SPDX-License-Identifier: MIT
/*
 * Counts, measures and fails the allocations of the code under test. A test program that includes
 * this is linked with -Wl,--wrap for malloc, calloc, realloc, strdup and strndup; what the C
 * library allocates for itself is not seen.
 */
#ifndef COUNTED_ALLOC_H
#define COUNTED_ALLOC_H

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *old, size_t size);
char *__real_strdup(const char *text);
char *__real_strndup(const char *text, size_t len);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *old, size_t size);
char *__wrap_strdup(const char *text);
char *__wrap_strndup(const char *text, size_t len);

/* The allocations since alloc_watch, which begins with alloc_paused false. */
static size_t alloc_count;
static size_t alloc_largest; /* bytes */
static size_t alloc_failing; /* the one that fails, counted from 1; 0: none */
static bool alloc_paused;    /* libcheck, which is linked statically, allocates in each assertion */

static inline void alloc_watch(size_t failing) {
    alloc_count = alloc_largest = 0;
    alloc_failing = failing;
    alloc_paused = false;
}

static inline bool alloc_fails(size_t size) {
    if (alloc_paused)
        return false;
    if (size > alloc_largest)
        alloc_largest = size;
    return ++alloc_count == alloc_failing;
}

void *__wrap_malloc(size_t size) {
    return alloc_fails(size) ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size) {
    return alloc_fails(count * size) ? NULL : __real_calloc(count, size);
}

void *__wrap_realloc(void *old, size_t size) {
    return alloc_fails(size) ? NULL : __real_realloc(old, size);
}

char *__wrap_strdup(const char *text) {
    return alloc_fails(strlen(text) + 1) ? NULL : __real_strdup(text);
}

char *__wrap_strndup(const char *text, size_t len) {
    return alloc_fails(len) ? NULL : __real_strndup(text, len);
}

#endif
