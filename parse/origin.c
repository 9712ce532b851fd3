// SPDX-License-Identifier: MIT
/*
 * Origins of requests, see parse/origin.h.
 */
#include "origin.h"

#include <string.h>
#include <strings.h>

/* Parts of an origin or of a Host; port is empty where none is written. */
struct parts {
    struct rpc_field scheme, host, port;
};

static bool is_same(struct rpc_field a, struct rpc_field b) {
    return a.len == b.len && (a.len == 0 || strncasecmp(a.text, b.text, a.len) == 0);
}

static bool is_port(struct rpc_field port) {
    for (size_t i = 0; i < port.len; i++)
        if (port.text[i] < '0' || port.text[i] > '9')
            return false;
    return port.len > 0 && port.len <= 5;
}

/* A name, an IPv4 address, or an IPv6 one in brackets: nothing that begins another part. */
static bool is_host(struct rpc_field host) {
    bool literal = host.len > 2 && host.text[0] == '[' && host.text[host.len - 1] == ']';

    if (literal)
        host = (struct rpc_field){host.text + 1, host.len - 2};
    for (size_t i = 0; i < host.len; i++) {
        unsigned char c = (unsigned char)host.text[i];
        if (c <= ' ' || c >= 0x7f || strchr("/?#@\\,[]", c) || (c == ':' && !literal))
            return false;
    }
    return host.len > 0;
}

/* HOST or HOST:PORT */
static bool read_authority(struct rpc_field text, struct parts *parts) {
    size_t len = text.len;

    while (len && text.text[len - 1] >= '0' && text.text[len - 1] <= '9')
        len--;
    bool has_port = len > 1 && text.text[len - 1] == ':';
    parts->host = (struct rpc_field){text.text, has_port ? len - 1 : text.len};
    parts->port = (struct rpc_field){text.text + len, has_port ? text.len - len : 0};
    return is_host(parts->host) && (!has_port || is_port(parts->port));
}

static bool is_scheme(struct rpc_field scheme) {
    for (size_t i = 0; i < scheme.len; i++) {
        char c = scheme.text[i], letter = (char)(c | 0x20);
        bool alpha = letter >= 'a' && letter <= 'z';
        if (!alpha && (i == 0 || !c || !strchr("0123456789+-.", c)))
            return false;
    }
    return scheme.len > 0;
}

static bool read_origin(struct rpc_field text, struct parts *parts) {
    const char *colon = text.len ? memchr(text.text, ':', text.len) : NULL;

    if (!colon || (size_t)(text.text + text.len - colon) < 3 || memcmp(colon, "://", 3) != 0)
        return false;
    parts->scheme = (struct rpc_field){text.text, (size_t)(colon - text.text)};
    struct rpc_field rest = {colon + 3, (size_t)(text.text + text.len - colon - 3)};
    return is_scheme(parts->scheme) && read_authority(rest, parts);
}

/* A port, or none where it is the scheme's default one. */
static struct rpc_field effective_port(struct rpc_field port, struct rpc_field scheme) {
    bool is_default = (rpc_field_is(scheme, "http") && rpc_field_is(port, "80")) ||
                      (rpc_field_is(scheme, "https") && rpc_field_is(port, "443"));
    return is_default ? (struct rpc_field){port.text, 0} : port;
}

/* Whether two have the same host and port, both reached by the scheme of the first. */
static bool is_same_place(const struct parts *a, const struct parts *b) {
    return is_same(a->host, b->host) &&
           is_same(effective_port(a->port, a->scheme), effective_port(b->port, a->scheme));
}

static bool is_own(const struct rpc_origin_headers *headers, const struct parts *origin) {
    struct parts host;
    return read_authority(rpc_field_trim(headers->host), &host) && is_same_place(origin, &host);
}

static bool is_granted(const struct parts *origin, const struct rpc_origins *granted) {
    struct parts parts;

    for (size_t i = 0; i < granted->count; i++) {
        struct rpc_field text = {granted->origin[i], strlen(granted->origin[i])};
        if (read_origin(text, &parts) && is_same(parts.scheme, origin->scheme) &&
            is_same_place(&parts, origin))
            return true;
    }
    return false;
}

enum rpc_origin_verdict rpc_origin_judge(const struct rpc_origin_headers *headers,
                                         const struct rpc_origins *granted) {
    struct parts origin;

    if (!headers->site.len && !headers->origin.len)
        return RPC_ORIGIN_OWN;
    if (rpc_field_is(headers->site, "same-origin") || rpc_field_is(headers->site, "none"))
        return RPC_ORIGIN_OWN;
    if (granted->everybody)
        return RPC_ORIGIN_GRANTED;
    if (!read_origin(rpc_field_trim(headers->origin), &origin))
        return RPC_ORIGIN_FOREIGN;
    if (!headers->site.len && is_own(headers, &origin))
        return RPC_ORIGIN_OWN;
    return is_granted(&origin, granted) ? RPC_ORIGIN_GRANTED : RPC_ORIGIN_FOREIGN;
}

bool rpc_origin_is_valid(const char *text) {
    struct parts parts;
    return read_origin((struct rpc_field){text, strlen(text)}, &parts);
}

bool rpc_origin_names_are_valid(struct rpc_field names) {
    struct rpc_field name;

    if (names.len == 0 || names.len > RPC_ORIGIN_NAMES_MAX)
        return names.len == 0;
    while (rpc_field_next(&names, &name))
        if (!rpc_field_is_token(name))
            return false;
    return true;
}
