// SPDX-License-Identifier: MIT
/*
 * Who may call what: address ranges of peers and globs of function names. Pure parsing and
 * matching; the options that fill these lists are in server/options.c.
 */
#ifndef RPC_ACCESS_H
#define RPC_ACCESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

/* A range of IPv4 or IPv6 addresses. */
struct rpc_cidr {
    sa_family_t family;
    uint8_t addr[16]; /* network byte order; IPv4 uses the first four */
    uint8_t bits;     /* length of the prefix, 0 to 32 or 128 */
};

/*
 * Reads "10.0.0.0/8", "2001:db8::/32" or a single address (RFC 4632 section 3.1, RFC 4291 section
 * 2.3). Bits behind the prefix are ignored. IPv4-mapped IPv6 ranges become IPv4 ones. Returns false
 * and leaves *cidr undefined for anything else, a blank included.
 */
bool rpc_cidr_parse(const char *text, struct rpc_cidr *cidr);

/*
 * Whether an AF_INET or AF_INET6 peer is inside the range. An IPv4-mapped IPv6 peer, as a
 * dual-stack socket reports it, is an IPv4 peer. Any other family is outside.
 */
bool rpc_cidr_match(const struct rpc_cidr *cidr, const struct sockaddr *peer);

/* A list of ranges. */
struct rpc_cidrs {
    struct rpc_cidr *cidr;
    size_t count;
};

/* Whether a peer is inside one of the ranges. An empty list has nobody inside. */
bool rpc_cidrs_match(const struct rpc_cidrs *cidrs, const struct sockaddr *peer);

/*
 * Whether a NUL-terminated text can be meant as a glob of function names: it is not empty, has no
 * white space in it (there is ? for that), each bracket is closed, and no backslash ends it.
 */
bool rpc_glob_is_valid(const char *glob);

/* A list of globs, as the option gave them; the strings are not owned. */
struct rpc_globs {
    const char **glob;
    size_t count;
};

/*
 * Whether a NUL-terminated name matches one of the globs (fnmatch(3): *, ?, [...]). An empty list
 * matches everything: what is not narrowed is open.
 */
bool rpc_globs_match(const struct rpc_globs *globs, const char *name);

#endif
