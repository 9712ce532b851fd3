// SPDX-License-Identifier: MIT
/*
 * Which build of uWSGI this plugin has been compiled for.
 */
#ifndef RPC_BUILD_H
#define RPC_BUILD_H

/*
 * Ends the process with one line when the running uWSGI is another build than the one whose header
 * this plugin was compiled with: all that it would look at stands elsewhere there. To be called
 * before anything of uWSGI's is looked at.
 */
void rpc_build_check(void);

#endif
