// SPDX-License-Identifier: MIT
/*
 * Python's green threads (gevent, greenlet, asyncio, tornado): what uWSGI's plugins for them leave
 * to whoever is called outside of a request. Python is found at run time; where there is none,
 * everything here does nothing.
 *
 * uwsgi.call() gives up Python's thread state as often as a request has taken it. Outside of a
 * request, where nobody has, it gives up the one that the loop itself runs with, and Python then
 * has none to go on with.
 */
#ifndef RPC_GREENLETS_H
#define RPC_GREENLETS_H

#include "server.h"

/* Whether this engine keeps its requests in greenlets. */
bool rpc_greenlets_used(void);

/* Takes Python's thread state once more, so that it outlives a uwsgi.call() outside of a request;
   once in each process, after the fork. */
void rpc_greenlets_keep_state(void);

/* The request whose greenlet runs; NULL outside of every request, also where Python cannot be
   asked. Leaves no exception behind and logs nothing. */
struct wsgi_request *rpc_greenlets_request(void);

/*
 * Whether a greenlet without a request can be suspended until a descriptor is ready: in gevent,
 * anywhere but in its hub. What follows on true is one wait through uWSGI's hooks, between
 * rpc_greenlets_hold and rpc_greenlets_let_go, so that the state that uwsgi.call() has given up is
 * not missed by whoever runs meanwhile.
 */
bool rpc_greenlets_can_wait(void);
int rpc_greenlets_hold(void);
void rpc_greenlets_let_go(int held);

/* Whether this engine is gevent. */
bool rpc_greenlets_are_gevents(void);

/* A watcher of gevent's, with what starts and stops it: objects of Python's. */
struct rpc_greenlets_watcher {
    void *self, *start, *args, *stop;
};

/*
 * What a greenlet of gevent's waits with for one descriptor again and again. uWSGI's hook makes all
 * of it anew for each wait, which costs more than the wait, and a system call for the new watcher.
 */
struct rpc_greenlets_watch {
    struct rpc_greenlets_watcher io, timer;
    void *change, *hub; /* greenlet's own switch, and whom to switch to */
};

/* Makes one for the greenlet that runs: until there is something to read from fd, or for so many
   seconds. False, with nothing to free, when it cannot. Only in gevent, and within a request. */
bool rpc_greenlets_watch(struct rpc_greenlets_watch *watch, int fd, int seconds);

/* Suspends the greenlet. Returns > 0 when ready, 0 when the time is over, < 0 when it cannot wait
   or somebody ends the greenlet. */
int rpc_greenlets_wait(const struct rpc_greenlets_watch *watch);

/* Whether there is one. */
static inline bool rpc_greenlets_watches(const struct rpc_greenlets_watch *watch) {
    return watch->hub;
}

/* Before fd is closed; also of one that is all zero. */
void rpc_greenlets_unwatch(struct rpc_greenlets_watch *watch);

#endif
