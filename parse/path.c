// SPDX-License-Identifier: MIT
/*
 * Paths, see parse/path.h.
 */
#include "path.h"

#include <string.h>

bool rpc_path_strip(const char *prefix, const char **path, size_t *len) {
    size_t prefix_len = prefix ? strlen(prefix) : 0;

    while (prefix_len && prefix[prefix_len - 1] == '/')
        prefix_len--;
    if (!prefix_len)
        return true;
    if (*len < prefix_len || memcmp(*path, prefix, prefix_len) != 0 ||
        (*len > prefix_len && (*path)[prefix_len] != '/'))
        return false;
    *path += prefix_len;
    *len -= prefix_len;
    return true;
}

enum rpc_status rpc_path_add(struct rpc_call *call, const char *data, size_t len) {
    if (call->arg_count == RPC_ARGS_MAX)
        return RPC_TOO_MANY_ARGS;
    if (len > RPC_ARG_LEN_MAX)
        return RPC_ARG_TOO_LONG;
    call->arg[call->arg_count] = data;
    call->arg_len[call->arg_count++] = (uint16_t)len;
    return RPC_OK;
}

static enum rpc_status set_name(struct rpc_call *call, const char *name, size_t len) {
    if (len > RPC_NAME_MAX || memchr(name, 0, len))
        return RPC_BAD_NAME;
    call->name = name;
    call->name_len = (uint16_t)len;
    return RPC_OK;
}

enum rpc_status rpc_path_split(char *path, size_t len, struct rpc_call *call) {
    char *end = path + len;
    enum rpc_status status = RPC_OK;

    call->name = NULL;
    call->arg_count = 0;
    path[len] = 0;
    while (path < end && status == RPC_OK) {
        char *slash = memchr(path, '/', (size_t)(end - path));
        if (!slash)
            slash = end;
        size_t segment_len = (size_t)(slash - path);
        *slash = 0;
        if (segment_len && call->name)
            status = rpc_path_add(call, path, segment_len);
        else if (segment_len)
            status = set_name(call, path, segment_len);
        path = slash + 1;
    }
    if (status == RPC_OK && !call->name)
        status = RPC_NO_NAME;
    return status;
}
