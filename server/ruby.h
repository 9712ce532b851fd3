// SPDX-License-Identifier: MIT
/*
 * Ruby's threads (rbthreads): an exception from outside, Timeout's or Thread#raise's, leaves a wait
 * by a jump over whatever runs there. Found in Ruby at run time.
 */
#ifndef RPC_RUBY_H
#define RPC_RUBY_H

#include "server.h"

/* Whether Ruby's threads are the engine. */
bool rpc_ruby_has_threads(void);

/*
 * Calls a wait hook of uWSGI's: hook(fd, seconds). An exception is held back: then, and in each
 * later wait of this thread until rpc_ruby_resume, the result is -1.
 */
int rpc_ruby_wait(int (*hook)(int, int), int fd, int seconds);

/* Drops an exception that is held back. For the beginning of a call: what is still held then came
   while no Ruby function had called, as in a request's own, and has nobody to go to. */
void rpc_ruby_forget(void);

/*
 * Goes on with the exception held back, if there is one: frees result, which may be NULL, and does
 * not return. For the end of what a Ruby function has called, when nothing else is left to be
 * freed.
 */
void rpc_ruby_resume(void *result);

#endif
