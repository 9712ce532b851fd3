// SPDX-License-Identifier: MIT
/*
 * Nodes that behave as badly as a test wants, without threads or sleeps: real sockets, whose other
 * end is played by the client's own wait callback, step by step, on a clock that the script moves.
 */
#ifndef FAKE_NODE_H
#define FAKE_NODE_H

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "client/client.h"
#include "unit.h"

enum fake_what {
    FAKE_SILENT, /* nothing more: every wait ends with its timeout. Also the end of a script */
    FAKE_SEND,   /* these bytes */
    FAKE_LATER,  /* ms pass */
    FAKE_CLOSE,
    FAKE_RESET,
    FAKE_NEXT, /* the next request of the same connection is awaited */
    FAKE_DONE  /* nothing more in this call, and the connection stays open */
};

struct fake_step {
    enum fake_what what;
    const char *data;
    size_t len;
    int ms;
};

#define SEND(text)                                                                                 \
    { FAKE_SEND, text, sizeof(text) - 1, 0 }
#define SEND_BYTES(data, len)                                                                      \
    { FAKE_SEND, data, len, 0 }
#define LATER(ms)                                                                                  \
    { FAKE_LATER, NULL, 0, ms }
#define CLOSE                                                                                      \
    { FAKE_CLOSE, NULL, 0, 0 }
#define RESET                                                                                      \
    { FAKE_RESET, NULL, 0, 0 }

/* A node: a listening socket, the connection it has accepted last, and what it still will do. */
struct fake_node {
    char name[128];
    int listener;
    int peer;
    int port;
    const struct fake_step *step;
    const struct fake_step *script; /* begun again with every connection */
    size_t step_sent;
    unsigned accepted;
    unsigned requests;
    size_t request_len;
    char request[4 + 65536];
};

static int64_t fake_clock_ms = 1000;

static inline int64_t fake_now(void) {
    return fake_clock_ms;
}

static inline int fake_listen(struct fake_node *node, const struct sockaddr *addr, socklen_t len) {
    node->peer = -1;
    node->listener = socket(addr->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    ck_assert_int_ge(node->listener, 0);
    if (bind(node->listener, addr, len) != 0 || listen(node->listener, 16) != 0) {
        close(node->listener);
        node->listener = -1;
    }
    return node->listener;
}

/* A node on a free port of 127.0.0.1. */
static inline void fake_open(struct fake_node *node, const struct fake_step *script) {
    struct sockaddr_in addr = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(addr);

    memset(node, 0, sizeof(*node));
    node->script = script;
    ck_assert_int_ge(fake_listen(node, (struct sockaddr *)&addr, len), 0);
    ck_assert_int_eq(getsockname(node->listener, (struct sockaddr *)&addr, &len), 0);
    node->port = ntohs(addr.sin_port);
    snprintf(node->name, sizeof(node->name), "127.0.0.1:%d", node->port);
}

/* A node on a UNIX socket; for an abstract one name begins with '@', and trailing_nul says whether
   it is bound as uWSGI does. */
static inline void fake_open_unix(struct fake_node *node, const char *name, bool trailing_nul,
                                  const struct fake_step *script) {
    struct sockaddr_un addr = {.sun_family = AF_UNIX};
    size_t len = strlen(name);

    memset(node, 0, sizeof(*node));
    node->script = script;
    snprintf(node->name, sizeof(node->name), "%s", name);
    memcpy(addr.sun_path, name, len);
    if (name[0] == '@')
        addr.sun_path[0] = 0;
    socklen_t addr_len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len + trailing_nul);
    ck_assert_int_ge(fake_listen(node, (struct sockaddr *)&addr, addr_len), 0);
}

static inline void fake_hang_up(struct fake_node *node) {
    if (node->peer >= 0)
        close(node->peer);
    node->peer = -1;
}

static inline void fake_close(struct fake_node *node) {
    fake_hang_up(node);
    if (node->listener >= 0)
        close(node->listener);
    node->listener = -1;
}

static inline void fake_read_full(int fd, char *data, size_t len) {
    while (len > 0) {
        struct pollfd p = {.fd = fd, .events = POLLIN};
        ck_assert_int_gt(poll(&p, 1, 5000), 0);
        ssize_t n = recv(fd, data, len, 0);
        ck_assert_int_gt(n, 0);
        data += n;
        len -= (size_t)n;
    }
}

/* Accepts a connection if there is one, and reads one request from it. Returns whether it has. */
static inline bool fake_take_request(struct fake_node *node) {
    if (node->listener >= 0) {
        int fd = accept(node->listener, NULL, NULL);
        if (fd >= 0) {
            fake_hang_up(node);
            node->peer = fd;
            node->accepted++;
            node->step = node->script;
            node->step_sent = node->request_len = 0;
        }
    }
    struct pollfd p = {.fd = node->peer, .events = POLLIN};
    if (node->peer < 0 || node->request_len > 0 || poll(&p, 1, 0) == 0)
        return false;
    fake_read_full(node->peer, node->request, 4);
    const unsigned char *head = (const unsigned char *)node->request;
    node->request_len = 4 + head[1] + head[2] * (size_t)256;
    fake_read_full(node->peer, node->request + 4, node->request_len - 4);
    node->requests++;
    if (node->step->what == FAKE_NEXT)
        node->step++;
    return true;
}

/* Sends as much of a step as the socket takes now. */
static inline void fake_send(struct fake_node *node) {
    const struct fake_step *step = node->step;
    ssize_t n = send(node->peer, step->data + node->step_sent, step->len - node->step_sent,
                     MSG_NOSIGNAL | MSG_DONTWAIT);
    ck_assert_int_gt(n, 0);
    node->step_sent += (size_t)n;
    if (node->step_sent < step->len)
        return;
    node->step_sent = 0;
    node->step++;
}

/* Plays one step. Returns what the client's wait returns. */
static inline int fake_play(struct fake_node *node, int timeout_ms) {
    const struct linger at_once = {.l_onoff = 1};

    while (node->step->what == FAKE_LATER) {
        if (node->step->ms >= timeout_ms)
            break;
        fake_clock_ms += node->step->ms;
        timeout_ms -= node->step->ms;
        node->step++;
    }
    switch (node->step->what) {
    case FAKE_SEND:
        fake_send(node);
        return 1;
    case FAKE_RESET:
        setsockopt(node->peer, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
        /* fall through */
    case FAKE_CLOSE:
        fake_hang_up(node);
        return 1;
    default:
        fake_clock_ms += timeout_ms;
        return 0;
    }
}

/* All nodes of a test, and the one that was asked last. */
struct fake_scene {
    struct fake_node *node[4];
    struct fake_node *asked;
    unsigned waits;
};

/* The wait callback; ctx is a scene. Time passes only here. */
static inline int fake_wait(void *ctx, int fd, bool for_write, int timeout_ms) {
    struct fake_scene *scene = ctx;
    struct pollfd p = {.fd = fd, .events = for_write ? POLLOUT : POLLIN};

    scene->waits++;
    ck_assert_int_gt(timeout_ms, 0);
    if (poll(&p, 1, 0) > 0)
        return 1;
    for (unsigned i = 0; i < 4 && scene->node[i]; i++)
        if (fake_take_request(scene->node[i]))
            scene->asked = scene->node[i];
    struct fake_node *node = scene->asked;
    if (for_write || !node || node->peer < 0) {
        fake_clock_ms += timeout_ms;
        return 0;
    }
    if (fake_play(node, timeout_ms) == 0)
        return 0;
    if (node->step->what == FAKE_NEXT)
        node->request_len = 0;
    ck_assert_int_gt(poll(&p, 1, 5000), 0);
    return 1;
}

static inline unsigned open_descriptors(void) {
    unsigned count = 0;
    DIR *dir = opendir("/proc/self/fd");
    ck_assert_ptr_nonnull(dir);
    while (readdir(dir))
        count++;
    closedir(dir);
    return count;
}

static inline struct rpc_nodes *nodes_of(const char *list) {
    char error[RPC_NODES_ERROR_MAX];
    struct rpc_nodes *nodes;
    enum rpc_status status = rpc_nodes_parse(list, &nodes, error, sizeof(error));
    ck_assert_msg(status == RPC_OK, "%s", error);
    return nodes;
}

static inline struct rpc_call call_of(const char *name, const char *arg) {
    struct rpc_call call = {.name = name, .name_len = (uint16_t)strlen(name)};
    if (arg) {
        call.arg_count = 1;
        call.arg[0] = arg;
        call.arg_len[0] = (uint16_t)strlen(arg);
    }
    return call;
}

#endif
