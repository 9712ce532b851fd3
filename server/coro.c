// SPDX-License-Identifier: MIT
/*
 * Coro::AnyEvent, see server/coro.h.
 */
#include "coro.h"

#include <dlfcn.h>
#include <pthread.h>

/* The head of a scalar, as it has been since Perl 5.10. */
struct scalar {
    void *any;                  // cppcheck-suppress unusedStructMember
    uint32_t references, flags; // cppcheck-suppress unusedStructMember
    void *referred;
};

static struct {
    bool looked_up;
    const pthread_key_t *interpreter;
    const struct scalar *(*get)(void *interpreter, const char *name, int32_t flags);
} perl;

/* What a variable of Perl refers to; NULL when there is none of that name. */
static const void *referred_by(const char *name) {
    void *interpreter = pthread_getspecific(*perl.interpreter);
    const struct scalar *scalar = interpreter ? perl.get(interpreter, name, 0) : NULL;
    return scalar ? scalar->referred : NULL;
}

bool rpc_coro_is_loop(void) {
    if (!perl.looked_up) {
        perl.interpreter = dlsym(RTLD_DEFAULT, "PL_thr_key");
        *(void **)&perl.get = dlsym(RTLD_DEFAULT, "Perl_get_sv");
        perl.looked_up = true;
    }
    if (!perl.interpreter || !perl.get || !uwsgi.loop || strcmp(uwsgi.loop, "coroae") != 0)
        return false;
    const void *idle = referred_by("Coro::idle");
    return idle && idle == referred_by("Coro::current");
}
