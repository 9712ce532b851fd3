// SPDX-License-Identifier: MIT
/*
 * What a core of a worker remembers between and within its requests.
 */
#ifndef RPC_CORE_H
#define RPC_CORE_H

#include "../parse/bytes.h"
#include "server.h"

/* Arguments of a route are built in scratch, which keeps its memory from one request to the next.
 */
struct rpc_core {
    struct rpc_bytes scratch;
    uint64_t noted;                  /* the start of the request that has noted what follows */
    char function[RPC_NAME_MAX + 1]; /* %(rpcfunc): the last function called */
    enum rpc_status status;          /* %(rpcstatus): how that went */
};

/*
 * Texts of the access log's line. They lie in memory of all processes, as what a request points to
 * has to: the master prints it when harakiri strikes, which may be while the line is being written.
 */
struct rpc_core_line {
    char name[RPC_NAME_MAX + 1];
    char peer[INET6_ADDRSTRLEN];
};

/* Makes the cores, and %(rpcfunc) and %(rpcstatus) known to uWSGI's log; once, in the master. */
void rpc_core_init(void);

/* The core that serves a request. */
struct rpc_core *rpc_core_of(struct wsgi_request *request);

/* The line of the core that serves a request. */
struct rpc_core_line *rpc_core_line_of(struct wsgi_request *request);

/* Whether log-format names %(rpcfunc) or %(rpcstatus). */
extern bool rpc_core_is_noted;

/* Remembers what a request called, as rpc_core_note does, whatever the log format. */
void rpc_core_note_call(struct wsgi_request *request, const char *name, size_t name_len,
                        enum rpc_status status);

/* Remembers for %(rpcfunc) and %(rpcstatus) what a request called, if the log format asks for it.
   name: NULL when it came to no call. */
static inline void rpc_core_note(struct wsgi_request *request, const char *name, size_t name_len,
                                 enum rpc_status status) {
    if (rpc_core_is_noted)
        rpc_core_note_call(request, name, name_len, status);
}

#endif
