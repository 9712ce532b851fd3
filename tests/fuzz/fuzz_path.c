// SPDX-License-Identifier: MIT
/*
 * Any bytes as a prefix (the first line) and a path. What is called, written as a path again, is
 * the same call; the slices are the path's own, in order, with a NUL behind each and no slash in
 * them.
 */
#include "parse/json.h"
#include "parse/path.h"

#include <stdlib.h>
#include <string.h>

static void require(bool holds) {
    if (!holds)
        abort();
}

static void require_slice(const char *path, size_t len, const char *slice, size_t slice_len) {
    require(slice >= path && slice + slice_len <= path + len);
    require(slice_len && slice[slice_len] == 0 && !memchr(slice, '/', slice_len));
}

static size_t write_segment(char *to, const char *segment, size_t len) {
    to[0] = '/';
    memcpy(to + 1, segment, len);
    return len + 1;
}

/* The shortest path that makes this call. */
static char *path_of(const struct rpc_call *call, size_t size, size_t *len) {
    char *path = malloc(size + 2);
    require(path != NULL);
    *len = write_segment(path, call->name, call->name_len);
    for (unsigned i = 0; i < call->arg_count; i++)
        *len += write_segment(path + *len, call->arg[i], call->arg_len[i]);
    require(*len <= size + 1);
    return path;
}

/* A whole path as a call. */
static enum rpc_status split(char *path, size_t len, struct rpc_call *call) {
    enum rpc_status status = rpc_path_name(&path, &len, call);
    return status == RPC_OK ? rpc_path_args(path, len, call) : status;
}

static void require_again(const struct rpc_call *call, size_t size) {
    struct rpc_call again;
    size_t len;
    char *path = path_of(call, size, &len);

    require(split(path, len, &again) == RPC_OK);
    require(again.name_len == call->name_len && again.arg_count == call->arg_count);
    require(memcmp(again.name, call->name, call->name_len) == 0);
    for (unsigned i = 0; i < call->arg_count; i++)
        require(again.arg_len[i] == call->arg_len[i] &&
                memcmp(again.arg[i], call->arg[i], call->arg_len[i]) == 0);
    free(path);
}

static void fuzz_split(const char *text, size_t len) {
    struct rpc_call call;
    char *path = malloc(len + 1);

    require(path != NULL);
    memcpy(path, text, len);
    if (split(path, len, &call) == RPC_OK) {
        require_slice(path, len, call.name, call.name_len);
        require(call.name_len <= RPC_NAME_MAX && strlen(call.name) == call.name_len);
        for (unsigned i = 0; i < call.arg_count; i++)
            require_slice(path, len, call.arg[i], call.arg_len[i]);
        require_again(&call, len);
    }
    free(path);
}

/* What a typed function gets is one JSON array or object. The body is what stands behind a "?". */
static void fuzz_params(const char *text, size_t len) {
    const char *mark = memchr(text, '?', len), *body = mark ? mark + 1 : text + len;
    size_t path_len = mark ? (size_t)(mark - text) : len, body_len = (size_t)(text + len - body);
    char *path = malloc(path_len + 1), *rest = path;
    struct rpc_bytes params = {0};
    struct rpc_call call;
    struct rpc_json value;

    require(path != NULL);
    memcpy(path, text, path_len);
    if (rpc_path_name(&rest, &path_len, &call) == RPC_OK &&
        rpc_path_params(rest, path_len, body, body_len, &params, &call) == RPC_OK) {
        require(call.arg_count == 1 && call.arg[0][call.arg_len[0]] == 0);
        require(rpc_json_check(call.arg[0], call.arg_len[0], &value) == RPC_OK);
        require(value.len == call.arg_len[0]);
        require(rpc_json_is_array(value) || rpc_json_is_object(value));
    }
    rpc_bytes_free(&params);
    free(path);
}

static void fuzz_strip(const char *prefix, const char *text, size_t len) {
    const char *path = text;
    size_t rest = len, taken = strlen(prefix);

    while (taken && prefix[taken - 1] == '/')
        taken--;
    bool inside = rpc_path_strip(prefix, &path, &rest);
    require(path + rest == text + len);
    require(inside || rest == len);
    if (inside) {
        require(len - rest == taken && memcmp(text, prefix, taken) == 0);
        require(!taken || !rest || *path == '/');
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    const uint8_t *end = size ? memchr(data, '\n', size) : NULL;
    size_t prefix_len = end ? (size_t)(end - data) : 0, path_at = end ? prefix_len + 1 : 0;
    size_t len = size - path_at;
    char *prefix = malloc(prefix_len + 1), *path = malloc(len ? len : 1);

    require(prefix && path);
    memcpy(prefix, data, prefix_len);
    prefix[prefix_len] = 0;
    memcpy(path, data + path_at, len);
    fuzz_strip(prefix, path, len);
    fuzz_split(path, len);
    fuzz_params(path, len);
    free(prefix);
    free(path);
    return 0;
}
