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

#endif
