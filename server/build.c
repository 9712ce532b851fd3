// SPDX-License-Identifier: MIT
/*
 * The build of uWSGI, see server/build.h. Two builds differ in the size of their largest struct;
 * that of the running one stands in the symbol table of its binary.
 */
#include "build.h"

#include "server.h"

#include <dlfcn.h>
#include <link.h>

void rpc_build_check(void) {
    const ElfW(Sym) *symbol = NULL;
    Dl_info info;

    if (!dladdr1(&uwsgi, &info, (void **)&symbol, RTLD_DL_SYMENT) || !symbol ||
        symbol->st_size == sizeof(uwsgi))
        return;
    fprintf(stderr, "[rpc] this plugin was built for another uWSGI than %s: build it anew\n",
            info.dli_fname);
    exit(1);
}
