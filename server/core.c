// SPDX-License-Identifier: MIT
/*
 * The cores' own state, see server/core.h.
 */
#include "core.h"

#include "log.h"

static struct rpc_core *cores;
static struct rpc_core_line *lines; /* of all workers */
static int core_count;
bool rpc_core_is_noted;

struct rpc_core *rpc_core_of(struct wsgi_request *request) {
    return &cores[request->async_id];
}

struct rpc_core_line *rpc_core_line_of(struct wsgi_request *request) {
    return &lines[uwsgi.mywid * core_count + request->async_id];
}

void rpc_core_note_call(struct wsgi_request *request, const char *name, size_t name_len,
                        enum rpc_status status) {
    struct rpc_core *core = rpc_core_of(request);
    rpc_log_printable(core->function, sizeof(core->function), name, name_len);
    core->status = status;
    core->noted = request->start_of_request;
}

/* A core serves other requests too, which call nothing. */
static ssize_t log_noted(struct wsgi_request *request, char **buf, const char *text) {
    *buf = rpc_core_of(request)->noted == request->start_of_request ? (char *)text : "";
    return (ssize_t)strlen(*buf);
}

static ssize_t log_function(struct wsgi_request *request, char **buf) {
    return log_noted(request, buf, rpc_core_of(request)->function);
}

static ssize_t log_status(struct wsgi_request *request, char **buf) {
    return log_noted(request, buf, rpc_status_info(rpc_core_of(request)->status)->name);
}

void rpc_core_init(void) {
    core_count = UMAX(uwsgi.async, UMAX(uwsgi.threads, 1));
    cores = uwsgi_calloc(sizeof(*cores) * (size_t)core_count);
    lines = uwsgi_calloc_shared(sizeof(*lines) * (size_t)((uwsgi.numproc + 1) * core_count));
    uwsgi_register_logchunk("rpcfunc", log_function, 0);
    uwsgi_register_logchunk("rpcstatus", log_status, 0);
    rpc_core_is_noted = uwsgi.logformat && strstr(uwsgi.logformat, "rpc");
}
