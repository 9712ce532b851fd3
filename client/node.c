// SPDX-License-Identifier: MIT
/*
 * Nodes: parsing, resolving, and whose turn it is. See client/node.h. Nothing here waits for a
 * node.
 */
#include "node.h"

#include <errno.h>
#include <netdb.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A DNS name has 253 characters at the most, a numeric address with a scope fewer. */
#define HOST_MAX 255
#define PORT_MAX 65535
#define TLS_PREFIX "ssl:"

static pthread_mutex_t known_lock = PTHREAD_MUTEX_INITIALIZER;
static struct rpc_node *known; /* every node some list names */
static unsigned known_id;

struct problem {
    char *text;
    size_t size;
};

__attribute__((format(printf, 3, 4))) static enum rpc_status
fail(const struct problem *problem, enum rpc_status status, const char *format, ...) {
    va_list args;
    va_start(args, format);
    vsnprintf(problem->text, problem->size, format, args);
    va_end(args);
    return status;
}

static enum rpc_status no_memory(const struct problem *problem) {
    return fail(problem, RPC_NO_MEMORY, "%s", rpc_status_info(RPC_NO_MEMORY)->message);
}

/* --- addresses -------------------------------------------------------------------------------- */

static enum rpc_status resolve_unix(struct rpc_node *node, const struct problem *problem) {
    bool abstract = node->name[0] == '@';
    size_t len = strlen(node->name);
    size_t offset = offsetof(struct sockaddr_un, sun_path);
    struct sockaddr_un un = {.sun_family = AF_UNIX};

    if (strncmp(node->name, TLS_PREFIX, strlen(TLS_PREFIX)) == 0)
        return fail(problem, RPC_BAD_REQUEST, "node \"%.200s\": TLS needs ssl:host:port",
                    node->name);
    if (len + 1 > sizeof(un.sun_path) || (abstract && len == 1))
        return fail(problem, RPC_BAD_REQUEST,
                    "node \"%.200s\": a UNIX socket's name has 1 to %zu bytes", node->name,
                    sizeof(un.sun_path) - 1 - abstract);
    node->addr = calloc(2, sizeof(*node->addr));
    if (!node->addr)
        return no_memory(problem);
    memcpy(un.sun_path, node->name, len);
    if (abstract)
        un.sun_path[0] = 0;
    /* uWSGI counts the trailing NUL as part of an abstract socket's name, others do not: both are
       tried. A path is the same with and without. */
    node->addr[0].sock.un = node->addr[1].sock.un = un;
    node->addr[0].len = (socklen_t)(offset + len + 1);
    node->addr[1].len = (socklen_t)(offset + len);
    node->addr_count = abstract ? 2 : 1;
    return RPC_OK;
}

/*
 * Whether the kernel may give a port to a socket that connects. Where its range cannot be read, or
 * is changed later on, the default is as good.
 */
static bool is_ephemeral(unsigned port) {
    unsigned long first = 32768, last = 60999;
    char text[64] = "", *next = text;
    FILE *range = fopen("/proc/sys/net/ipv4/ip_local_port_range", "re");

    if (range && fgets(text, sizeof(text), range)) {
        first = strtoul(text, &next, 10);
        last = strtoul(next, NULL, 10);
    }
    if (range)
        fclose(range);
    return port >= first && port <= last;
}

/* What stands before "host:port" for TLS. A host may be called "ssl", too: "ssl:3031". */
static const char *skip_prefix(const char *name) {
    const char *rest = name + strlen(TLS_PREFIX);
    return strncmp(name, TLS_PREFIX, strlen(TLS_PREFIX)) == 0 && strchr(rest, ':') ? rest : name;
}

/* Splits "host:port" or "[v6]:port"; *port points into name. */
static enum rpc_status split_host_port(const char *name, char host[HOST_MAX + 1], const char **port,
                                       const struct problem *problem) {
    bool bracket = name[0] == '[';
    const char *start = name + bracket;
    const char *end = bracket ? strchr(name, ']') : strrchr(name, ':');

    if (!end || (bracket && end[1] != ':'))
        return fail(problem, RPC_BAD_REQUEST,
                    "node \"%.200s\": neither host:port, [v6]:port, ssl:host:port, /path nor @name",
                    name);
    if (!bracket && memchr(name, ':', (size_t)(end - name)))
        return fail(problem, RPC_BAD_REQUEST,
                    "node \"%.200s\": an IPv6 address stands in brackets, [v6]:port", name);
    size_t len = (size_t)(end - start);
    *port = end + bracket + 1;
    size_t digits = strspn(*port, "0123456789");
    unsigned long number = strtoul(*port, NULL, 10);
    if (digits == 0 || digits > 5 || (*port)[digits] || number < 1 || number > PORT_MAX)
        return fail(problem, RPC_BAD_REQUEST, "node \"%.200s\": a port is a number, 1 to 65535",
                    name);
    if (len > HOST_MAX || (bracket && len == 0))
        return fail(problem, RPC_BAD_REQUEST, "node \"%.200s\": a host has 1 to %d bytes", name,
                    HOST_MAX);
    memcpy(host, start, len);
    host[len] = 0;
    return RPC_OK;
}

/* Of a node in TLS: what its certificate has to bear. No host is this machine. */
static enum rpc_status expect_tls(struct rpc_node *node, const char *host,
                                  const struct problem *problem) {
    if (!rpc_tls_is_built())
        return fail(problem, RPC_BAD_REQUEST, "node \"%.200s\": this was built without OpenSSL",
                    node->name);
    node->tls.host = strdup(host[0] ? host : "localhost");
    return node->tls.host ? RPC_OK : no_memory(problem);
}

static enum rpc_status resolve_host(struct rpc_node *node, const struct problem *problem) {
    char host[HOST_MAX + 1] = "";
    const char *address = skip_prefix(node->name), *port = NULL;
    enum rpc_status status = split_host_port(address, host, &port, problem);
    if (status == RPC_OK && address != node->name)
        status = expect_tls(node, host, problem);
    if (status != RPC_OK)
        return status;

    struct addrinfo *found = NULL;
    const struct addrinfo hints = {
        .ai_family = address[0] == '[' ? AF_INET6 : AF_UNSPEC,
        .ai_socktype = SOCK_STREAM,
        .ai_flags = AI_NUMERICSERV | (address[0] == '[' ? AI_NUMERICHOST : 0),
    };
    int error = getaddrinfo(host[0] ? host : NULL, port, &hints, &found);
    if (error == EAI_MEMORY)
        return no_memory(problem);
    if (error)
        return fail(problem,
                    (hints.ai_flags & AI_NUMERICHOST) ? RPC_BAD_REQUEST : RPC_NODE_UNREACHABLE,
                    "node \"%.200s\": %s", node->name,
                    error == EAI_SYSTEM ? strerror(errno) : gai_strerror(error));
    unsigned count = 0;
    for (const struct addrinfo *a = found; a; a = a->ai_next)
        count++;
    /* NOLINTNEXTLINE(clang-analyzer-optin.portability.UnixAPI): it has found one at least */
    node->addr = calloc(count, sizeof(*node->addr));
    for (const struct addrinfo *a = found; a && node->addr; a = a->ai_next) {
        struct rpc_node_addr *addr = &node->addr[node->addr_count];
        if (a->ai_addrlen > sizeof(addr->sock))
            continue;
        memcpy(&addr->sock, a->ai_addr, a->ai_addrlen);
        addr->len = a->ai_addrlen;
        addr->ephemeral = is_ephemeral(ntohs(addr->sock.in.sin_port)); /* IPv6 has it there too */
        node->addr_count++;
    }
    freeaddrinfo(found);
    return node->addr ? RPC_OK : no_memory(problem);
}

/* --- nodes ------------------------------------------------------------------------------------ */

static void node_free(struct rpc_node *node) {
    if (!node)
        return;
    rpc_kept_free(&node->kept);
    rpc_tls_peer_free(&node->tls);
    free(node->addr);
    free(node->name);
    free(node);
}

/* A node that some list names already, with one more reference, or NULL. */
static struct rpc_node *node_find(const char *name, size_t len) {
    pthread_mutex_lock(&known_lock);
    struct rpc_node *node = known;
    while (node && (strlen(node->name) != len || memcmp(node->name, name, len) != 0))
        node = node->next;
    if (node)
        node->ref_count++;
    pthread_mutex_unlock(&known_lock);
    return node;
}

static void node_release(struct rpc_node *node) {
    pthread_mutex_lock(&known_lock);
    if (--node->ref_count > 0) {
        node = NULL;
    } else {
        struct rpc_node **at = &known;
        while (*at != node)
            at = &(*at)->next;
        *at = node->next;
    }
    pthread_mutex_unlock(&known_lock);
    node_free(node);
}

static enum rpc_status node_open(const char *name, size_t len, struct rpc_node **node,
                                 const struct problem *problem) {
    *node = node_find(name, len);
    if (*node)
        return RPC_OK;
    struct rpc_node *n = calloc(1, sizeof(*n));
    if (n)
        n->name = strndup(name, len);
    if (!n || !n->name) {
        node_free(n);
        return no_memory(problem);
    }
    enum rpc_status status = n->name[0] == '@' || strchr(n->name, '/') ? resolve_unix(n, problem)
                                                                       : resolve_host(n, problem);
    if (status != RPC_OK) {
        node_free(n);
        return status;
    }
    pthread_mutex_lock(&known_lock);
    n->ref_count = 1;
    n->id = known_id++;
    n->next = known;
    known = n;
    pthread_mutex_unlock(&known_lock);
    *node = n;
    return RPC_OK;
}

/* --- lists ------------------------------------------------------------------------------------ */

enum rpc_status rpc_nodes_parse(const char *list, struct rpc_nodes **nodes, char *error,
                                size_t error_size) {
    const struct problem problem = {error, error_size};
    unsigned count = 1;

    *nodes = NULL;
    for (const char *p = list; *p; p++)
        count += *p == ',';
    if (count > RPC_NODES_MAX)
        return fail(&problem, RPC_BAD_REQUEST, "more than %d nodes in one list", RPC_NODES_MAX);
    if (list[strcspn(list, " \t\r\n")])
        return fail(&problem, RPC_BAD_REQUEST, "node \"%.200s\": a blank in a list of nodes", list);
    /* NOLINTNEXTLINE(bugprone-sizeof-expression): an array of pointers */
    struct rpc_nodes *n = calloc(1, sizeof(*n) + count * sizeof(n->node[0]));
    if (!n)
        return no_memory(&problem);
    for (const char *name = list; n->count < count; n->count++) {
        size_t len = strcspn(name, ",");
        enum rpc_status status =
            len ? node_open(name, len, &n->node[n->count], &problem)
                : fail(&problem, RPC_BAD_REQUEST, "node \"%.200s\": an empty name", list);
        if (status != RPC_OK) {
            rpc_nodes_free(n);
            return status;
        }
        name += len + 1;
    }
    *nodes = n;
    return fail(&problem, RPC_OK, "%s", "");
}

void rpc_nodes_free(struct rpc_nodes *nodes) {
    for (unsigned i = 0; nodes && i < nodes->count; i++)
        node_release(nodes->node[i]);
    free(nodes);
}

unsigned rpc_nodes_turn(struct rpc_nodes *nodes) {
    if (nodes->count == 1)
        return 0;
    return atomic_fetch_add_explicit(&nodes->turn, 1, memory_order_relaxed) % nodes->count;
}

const struct rpc_node *rpc_node_known(void) {
    return known;
}
