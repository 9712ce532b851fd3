// SPDX-License-Identifier: MIT
/*
 * Feeds arbitrary bytes to the client as a node's reply, over a kept connection whose other end is
 * played by the wait callback. The first byte of an input says how: bit 0 sets a limit, the
 * others are the size of the pieces the reply arrives in.
 */
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "client/client.h"

#define LIMIT 1000

struct peer {
    int fd;
    const uint8_t *data;
    size_t left;
    size_t piece;
};

static int say_more(void *ctx, int fd, bool for_write, int timeout_ms) {
    struct peer *peer = ctx;
    size_t len = peer->left < peer->piece ? peer->left : peer->piece;

    (void)fd, (void)timeout_ms;
    if (for_write)
        return -1;
    if (len == 0) {
        shutdown(peer->fd, SHUT_WR);
        return 1;
    }
    ssize_t sent = send(peer->fd, peer->data, len, MSG_DONTWAIT);
    if (sent <= 0)
        return -1;
    peer->data += sent;
    peer->left -= (size_t)sent;
    return 1;
}

static int64_t stopped_clock(void) {
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static struct rpc_nodes *nodes;
    const struct rpc_call call = {.name = "f", .name_len = 1};
    struct rpc_result result;
    char error[RPC_NODES_ERROR_MAX];
    int pair[2], proof_ms;

    if (!nodes && rpc_nodes_parse("@nobody", &nodes, error, sizeof(error)) != RPC_OK)
        abort();
    if (size == 0 || socketpair(AF_UNIX, SOCK_STREAM, 0, pair) != 0)
        return 0;
    struct peer peer = {pair[1], data + 1, size - 1, data[0] / 2 + 1};
    const struct rpc_client_opts opts = {.max_response = data[0] & 1 ? LIMIT : 0,
                                         .keepalive = 1,
                                         .wait = say_more,
                                         .wait_ctx = &peer,
                                         .now_ms = stopped_clock};
    rpc_kept_put(&nodes->node[0]->kept, pair[0], 1, 0, 1);
    rpc_kept_learn(&nodes->node[0]->kept, RPC_KEPT_ANSWERED, 0);
    enum rpc_status status = rpc_client_call(nodes, &opts, &call, &result, NULL);
    if ((status == RPC_OK) != (result.data != NULL) || result.len > size ||
        (opts.max_response && result.len > LIMIT) || (result.data && result.data[result.len]))
        abort();
    free(result.data);
    int kept = rpc_kept_take(&nodes->node[0]->kept, 0, 1, &proof_ms);
    if (kept >= 0)
        close(kept);
    close(pair[1]);
    return 0;
}
