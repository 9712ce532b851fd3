// SPDX-License-Identifier: MIT
/*
 * Coro::AnyEvent, see server/coro.h.
 */
#include "coro.h"

#include <dlfcn.h>
#include <pthread.h>

/* The head of a value, as it has been since Perl 5.14; the same holds for what follows. */
struct scalar {
    const void *any;
    uint32_t references, flags; // cppcheck-suppress unusedStructMember
    const struct scalar *referred;
};

/* Something attached to a value. */
struct magic {
    const struct magic *next;
    const void *methods;
    uint16_t private;   // cppcheck-suppress unusedStructMember
    char type;          // cppcheck-suppress unusedStructMember
    uint8_t flags;      // cppcheck-suppress unusedStructMember
    ssize_t len;        // cppcheck-suppress unusedStructMember
    const void *object; // cppcheck-suppress unusedStructMember
    struct wsgi_request *data;
};

/* What a hash has in its body, as any object. */
struct body {
    const void *package;       // cppcheck-suppress unusedStructMember
    const struct magic *magic; // cppcheck-suppress unusedStructMember
};

static struct {
    bool looked_up;
    const pthread_key_t *interpreter;
    const struct scalar *(*get)(void *interpreter, const char *name, int32_t flags);
    const void *request_methods; /* of the magic by which uWSGI's plugin knows a request's */
} perl;

/* Whether this is Coro's loop. */
static bool is_coro(void) {
    if (!perl.looked_up) {
        perl.interpreter = dlsym(RTLD_DEFAULT, "PL_thr_key");
        *(void **)&perl.get = dlsym(RTLD_DEFAULT, "Perl_get_sv");
        perl.request_methods = dlsym(RTLD_DEFAULT, "uwsgi_coroae_vtbl");
        perl.looked_up = true;
    }
    return perl.interpreter && perl.get && uwsgi.loop && strcmp(uwsgi.loop, "coroae") == 0;
}

/* What a variable of Perl refers to; NULL when there is none of that name. */
static const struct scalar *referred_by(const char *name) {
    void *interpreter = pthread_getspecific(*perl.interpreter);
    const struct scalar *scalar = interpreter ? perl.get(interpreter, name, 0) : NULL;
    return scalar ? scalar->referred : NULL;
}

bool rpc_coro_is_loop(void) {
    if (!is_coro())
        return false;
    const void *idle = referred_by("Coro::idle");
    return idle && idle == referred_by("Coro::current");
}

struct wsgi_request *rpc_coro_request(void) {
    const struct scalar *current = is_coro() ? referred_by("Coro::current") : NULL;
    if (!current || !perl.request_methods)
        return NULL;
    const struct magic *magic = ((const struct body *)current->any)->magic;
    while (magic && magic->methods != perl.request_methods)
        magic = magic->next;
    return magic ? magic->data : NULL;
}
