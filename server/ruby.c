// SPDX-License-Identifier: MIT
/*
 * Ruby's threads, see server/ruby.h.
 */
#include "ruby.h"

#include <dlfcn.h>

static struct {
    bool looked_up;
    /* Its VALUE is as wide as a pointer, and passed as one. */
    void *(*protect)(void *(*function)(void *), void *arg, int *state);
    void (*jump)(int state);
} ruby;

/* What ended a wait; 0 is nothing. */
static __thread int held;

struct wait {
    int (*hook)(int, int);
    int fd, seconds, ret;
};

bool rpc_ruby_has_threads(void) {
    if (!ruby.looked_up && uwsgi.loop && strcmp(uwsgi.loop, "rbthreads") == 0) {
        *(void **)&ruby.jump = dlsym(RTLD_DEFAULT, "rb_jump_tag");
        *(void **)&ruby.protect = dlsym(RTLD_DEFAULT, "rb_protect");
    }
    ruby.looked_up = true;
    return ruby.protect && ruby.jump;
}

static void *call_hook(void *arg) {
    struct wait *wait = arg;
    wait->ret = wait->hook(wait->fd, wait->seconds);
    return NULL;
}

int rpc_ruby_wait(int (*hook)(int, int), int fd, int seconds) {
    struct wait wait = {.hook = hook, .fd = fd, .seconds = seconds, .ret = -1};

    if (!held)
        ruby.protect(call_hook, &wait, &held);
    return held ? -1 : wait.ret;
}

void rpc_ruby_forget(void) {
    held = 0;
}

void rpc_ruby_resume(void *result) {
    int state = held;

    if (!state)
        return;
    free(result);
    held = 0;
    ruby.jump(state);
}
