// SPDX-License-Identifier: MIT
/*
 * An argument of a routing action, with uWSGI's routing variables in it: compiled once, when the
 * configuration is read, and expanded for each request. Where the values come from is a callback's
 * affair, so this knows no uWSGI.
 *
 * As in "uWSGI internal routing" (InternalRouting.html): $0 to $9 are groups of the rule's regular
 * expression, ${NAME} a request variable, ${FUNCTION[KEY]} a routing variable; any other $ stands
 * for itself. A group may be part of a name: ${HTTP_$1}. A value is never looked at again for
 * variables.
 */
#ifndef RPC_TEMPLATE_H
#define RPC_TEMPLATE_H

#include "bytes.h"

struct rpc_template;

/* Where the values of one request come from; both append to out, nothing for an unknown one. */
struct rpc_template_source {
    /* group number 0 to 9 */
    void (*group)(void *ctx, unsigned number, struct rpc_bytes *out);
    /* what stands between ${ and }: name_len bytes, not NUL-terminated, valid until out is written
     */
    void (*variable)(void *ctx, const char *name, size_t name_len, struct rpc_bytes *out);
    void *ctx;
};

/*
 * Compiles a NUL-terminated text. Returns a template for rpc_template_free that does not need the
 * text any more, or NULL when memory ran out.
 */
struct rpc_template *rpc_template_new(const char *text);

/* Releases a template; NULL is fine. */
void rpc_template_free(struct rpc_template *tmpl);

/* Whether a text has no variables, and so needs no template. */
bool rpc_template_is_constant(const char *text);

/*
 * Appends the expansion to out. Memory that runs out shows as out->failed.
 */
void rpc_template_expand(const struct rpc_template *tmpl, const struct rpc_template_source *source,
                         struct rpc_bytes *out);

#endif
