// SPDX-License-Identifier: MIT
/*
 * Any text as an address range and as a glob. A range that is taken holds the address it names, and
 * agrees with a comparison bit by bit; what a list of globs says is what one of its globs says.
 *
 * An input is lines: a range, an address, then globs, the last line being the name they are to
 * match.
 */
#include "parse/access.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#define GLOBS_MAX 4
/* fnmatch tries a star at every position: bounds the time of one input, not what is accepted. */
#define STARS_MAX 4
#define NAME_MAX_LEN 255

static void require(bool holds) {
    if (!holds)
        abort();
}

/* The next line of text, NUL-terminated in place; NULL behind the last one. */
static char *next_line(char **text) {
    char *line = *text, *end = line ? strchr(line, '\n') : NULL;
    if (end)
        *end = 0;
    *text = end ? end + 1 : NULL;
    return line;
}

static struct sockaddr_storage socket_address(int family, const void *addr) {
    struct sockaddr_storage storage = {.ss_family = (sa_family_t)family};
    if (family == AF_INET)
        memcpy(&((struct sockaddr_in *)&storage)->sin_addr, addr, sizeof(struct in_addr));
    else
        memcpy(&((struct sockaddr_in6 *)&storage)->sin6_addr, addr, sizeof(struct in6_addr));
    return storage;
}

static bool same_bits(const uint8_t *a, const uint8_t *b, unsigned bits) {
    for (unsigned i = 0; i < bits; i++)
        if ((a[i / 8] ^ b[i / 8]) >> (7 - i % 8) & 1)
            return false;
    return true;
}

/* A range of IPv6 addresses holds none that is an IPv4 one. */
static void require_agreement(const struct rpc_cidr *cidr, const uint8_t *addr) {
    struct sockaddr_storage peer = socket_address(cidr->family, addr);
    struct in6_addr in6;
    memcpy(&in6, addr, sizeof(in6));
    bool mapped = cidr->family == AF_INET6 && IN6_IS_ADDR_V4MAPPED(&in6);
    require(rpc_cidr_match(cidr, (struct sockaddr *)&peer) ==
            (!mapped && same_bits(cidr->addr, addr, cidr->bits)));
}

static void fuzz_range(const char *range, const char *address) {
    struct rpc_cidr cidr;
    uint8_t addr[sizeof(struct in6_addr)];

    if (!rpc_cidr_parse(range, &cidr))
        return;
    require(cidr.family == AF_INET || cidr.family == AF_INET6);
    require(cidr.bits <= (cidr.family == AF_INET ? 32 : 128));
    require_agreement(&cidr, cidr.addr);
    if (address && inet_pton(cidr.family, address, addr) == 1)
        require_agreement(&cidr, addr);
    struct sockaddr_storage peer = socket_address(cidr.family, cidr.addr);
    peer.ss_family = AF_UNIX;
    require(!rpc_cidr_match(&cidr, (struct sockaddr *)&peer));
}

static bool is_slow(const char *glob) {
    unsigned stars = 0;
    for (; *glob; glob++)
        stars += *glob == '*';
    return stars > STARS_MAX;
}

static void fuzz_globs(char *text) {
    const char *glob[GLOBS_MAX];
    char *name = next_line(&text);
    struct rpc_globs globs = {.glob = glob};
    bool any = false;

    for (char *line; (line = next_line(&text)); name = line) {
        if (globs.count == GLOBS_MAX || is_slow(name))
            return;
        glob[globs.count++] = name;
    }
    if (!name || strlen(name) > NAME_MAX_LEN)
        return;
    for (size_t i = 0; i < globs.count; i++)
        any = rpc_globs_match(&(struct rpc_globs){&glob[i], 1}, name) || any;
    require(rpc_globs_match(&globs, name) == (globs.count == 0 || any));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    char *text = malloc(size + 1), *rest = text;
    require(text != NULL);
    memcpy(text, data, size);
    text[size] = 0;
    const char *range = next_line(&rest), *address = next_line(&rest);
    fuzz_range(range, address);
    fuzz_globs(rest);
    free(text);
    return 0;
}
