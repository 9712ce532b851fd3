// SPDX-License-Identifier: MIT
/*
 * Address ranges and globs, see parse/access.h.
 */
#include "access.h"

#include <arpa/inet.h>
#include <fnmatch.h>
#include <netinet/in.h>
#include <string.h>

#define IPV4_BITS 32
#define IPV6_BITS 128
/* ::ffff:0:0/96, RFC 4291 section 2.5.5.2 */
#define MAPPED_BITS 96
static const uint8_t mapped_prefix[MAPPED_BITS / 8] = {[10] = 0xff, [11] = 0xff};

/* The prefix length behind the slash: one to three digits, nothing else. */
static bool parse_bits(const char *text, unsigned max, uint8_t *bits) {
    unsigned value = 0;
    size_t len = strlen(text);

    if (len < 1 || len > 3 || strspn(text, "0123456789") != len)
        return false;
    for (; *text; text++)
        value = value * 10 + (unsigned)(*text - '0');
    if (value > max)
        return false;
    *bits = (uint8_t)value;
    return true;
}

static bool is_mapped(const uint8_t *addr) {
    return memcmp(addr, mapped_prefix, sizeof(mapped_prefix)) == 0;
}

static void unmap(struct rpc_cidr *cidr) {
    if (!is_mapped(cidr->addr) || cidr->bits < MAPPED_BITS)
        return;
    memmove(cidr->addr, cidr->addr + sizeof(mapped_prefix), 4);
    cidr->family = AF_INET;
    cidr->bits = (uint8_t)(cidr->bits - MAPPED_BITS);
}

bool rpc_cidr_parse(const char *text, struct rpc_cidr *cidr) {
    char addr[INET6_ADDRSTRLEN];
    const char *slash = strchr(text, '/');
    size_t len = slash ? (size_t)(slash - text) : strlen(text);

    if (len >= sizeof(addr))
        return false;
    memcpy(addr, text, len);
    addr[len] = 0;
    *cidr = (struct rpc_cidr){.family = strchr(addr, ':') ? AF_INET6 : AF_INET};
    if (inet_pton(cidr->family, addr, cidr->addr) != 1)
        return false;
    cidr->bits = cidr->family == AF_INET ? IPV4_BITS : IPV6_BITS;
    if (slash && !parse_bits(slash + 1, cidr->bits, &cidr->bits))
        return false;
    if (cidr->family == AF_INET6)
        unmap(cidr);
    return true;
}

bool rpc_cidr_match(const struct rpc_cidr *cidr, const struct sockaddr *peer) {
    const uint8_t *addr;
    sa_family_t family = peer->sa_family;

    if (family == AF_INET) {
        addr = (const uint8_t *)&((const struct sockaddr_in *)(const void *)peer)->sin_addr;
    } else if (family == AF_INET6) {
        addr = ((const struct sockaddr_in6 *)(const void *)peer)->sin6_addr.s6_addr;
        if (is_mapped(addr)) {
            family = AF_INET;
            addr += sizeof(mapped_prefix);
        }
    } else {
        return false;
    }
    if (family != cidr->family)
        return false;
    unsigned bytes = cidr->bits / 8, rest = cidr->bits % 8;
    if (memcmp(addr, cidr->addr, bytes) != 0)
        return false;
    return rest == 0 || ((addr[bytes] ^ cidr->addr[bytes]) >> (8 - rest)) == 0;
}

bool rpc_cidrs_match(const struct rpc_cidrs *cidrs, const struct sockaddr *peer) {
    for (size_t i = 0; i < cidrs->count; i++)
        if (rpc_cidr_match(&cidrs->cidr[i], peer))
            return true;
    return false;
}

/* The bracket that closes the one at p, NULL when there is none. The first thing in brackets, after
   a ! or ^, may be a closing bracket itself. */
static const char *bracket_end(const char *p) {
    p++;
    if (*p == '!' || *p == '^')
        p++;
    if (*p == ']')
        p++;
    for (; *p && *p != ']'; p++) {
        if (*p == '\\' && !*++p)
            return NULL;
        if (*p == '[' && (p[1] == ':' || p[1] == '.' || p[1] == '=')) {
            const char end[] = {p[1], ']', 0};
            if (!(p = strstr(p + 2, end)))
                return NULL;
            p++;
        }
    }
    return *p ? p : NULL;
}

bool rpc_glob_is_valid(const char *glob) {
    if (!*glob || strpbrk(glob, " \t\r\n"))
        return false;
    for (; *glob; glob++)
        if ((*glob == '\\' && !*++glob) || (*glob == '[' && !(glob = bracket_end(glob))))
            return false;
    return true;
}

bool rpc_globs_match(const struct rpc_globs *globs, const char *name) {
    if (globs->count == 0)
        return true;
    for (size_t i = 0; i < globs->count; i++)
        if (fnmatch(globs->glob[i], name, 0) == 0)
            return true;
    return false;
}
