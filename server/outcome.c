// SPDX-License-Identifier: MIT
/*
 * The last outcome, see server/outcome.h.
 */
#include "outcome.h"

#include "options.h"
#include "wait.h"

static const char **of_core;
/* Of a thread, and of what runs in it outside of requests. */
static _Thread_local const char *of_thread;

void rpc_outcome_init(void) {
    if (rpc_options.client)
        of_core =
            uwsgi_calloc(sizeof(*of_core) * (size_t)UMAX(uwsgi.async, UMAX(uwsgi.threads, 1)));
}

static const char **current(void) {
    const struct wsgi_request *request = rpc_wait_current();
    return request ? &of_core[request->async_id] : &of_thread;
}

void rpc_outcome_note(enum rpc_status status) {
    if (of_core)
        *current() = rpc_status_info(status)->name;
}

const char *rpc_outcome_last(void) {
    const char *last = *current();
    return last ? last : "";
}
