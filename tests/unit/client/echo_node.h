// SPDX-License-Identifier: MIT
/*
 * A node of threads, on the real clock, that answers every call with its first argument.
 */
#ifndef ECHO_NODE_H
#define ECHO_NODE_H

#include <pthread.h>
#include <time.h>

#include "fake_node.h"
#include "rpc_wire.h"

struct echo_node {
    struct fake_node fake; /* the listening socket and its name */
    bool persistent;
    pthread_t thread;
    atomic_uint accepted;
    atomic_uint open; /* connections being served */
};

struct echo_connection {
    struct echo_node *node;
    int fd;
};

static inline bool read_full(int fd, char *data, size_t len) {
    while (len > 0) {
        ssize_t n = recv(fd, data, len, 0);
        if (n <= 0)
            return false;
        data += n;
        len -= (size_t)n;
    }
    return true;
}

static inline bool echo_once(int fd) {
    struct rpc_call call;
    char packet[4 + 65536], reply[RPC_WIRE_REPLY_HEAD_MAX + 65536];

    if (!read_full(fd, packet, 4))
        return false;
    size_t len = (unsigned char)packet[1] + (unsigned char)packet[2] * (size_t)256;
    if (!read_full(fd, packet + 4, len) || rpc_wire_decode(packet + 4, len, false, &call) != RPC_OK)
        return false;
    size_t head_len = rpc_wire_reply_head(call.arg_len[0], reply);
    memcpy(reply + head_len, call.arg[0], call.arg_len[0]);
    head_len += call.arg_len[0];
    return send(fd, reply, head_len, MSG_NOSIGNAL) == (ssize_t)head_len;
}

static inline void *echo_serve(void *data) {
    struct echo_connection *connection = data;
    while (echo_once(connection->fd) && connection->node->persistent)
        ;
    close(connection->fd);
    atomic_fetch_sub(&connection->node->open, 1);
    free(connection);
    return NULL;
}

/* Until the listening socket is shut down. */
static inline void *echo_accept(void *data) {
    struct echo_node *node = data;
    for (int fd; (fd = accept(node->fake.listener, NULL, NULL)) >= 0;) {
        struct echo_connection *connection = malloc(sizeof(*connection));
        pthread_t thread;
        *connection = (struct echo_connection){node, fd};
        atomic_fetch_add(&node->accepted, 1);
        atomic_fetch_add(&node->open, 1);
        pthread_create(&thread, NULL, echo_serve, connection);
        pthread_detach(thread);
    }
    return NULL;
}

static inline void echo_open(struct echo_node *node, bool persistent) {
    memset(node, 0, sizeof(*node));
    fake_open(&node->fake, NULL);
    fcntl(node->fake.listener, F_SETFL, 0);
    listen(node->fake.listener, 512);
    node->persistent = persistent;
    ck_assert_int_eq(pthread_create(&node->thread, NULL, echo_accept, node), 0);
}

static inline void echo_close(struct echo_node *node) {
    const struct timespec tick = {.tv_nsec = 1000000};
    shutdown(node->fake.listener, SHUT_RDWR);
    pthread_join(node->thread, NULL);
    while (atomic_load(&node->open) > 0)
        nanosleep(&tick, NULL);
    fake_close(&node->fake);
}

#endif
