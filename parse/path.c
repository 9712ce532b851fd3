// SPDX-License-Identifier: MIT
/*
 * Paths, see parse/path.h.
 */
#include "path.h"

#include "json.h"

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

/* Takes the next segment that is not empty off a path and ends it with a NUL; NULL at its end. */
static char *take_segment(char **path, size_t *left, size_t *len) {
    char *segment = *path, *end = segment + *left;

    while (segment < end && *segment == '/')
        segment++;
    char *slash = memchr(segment, '/', (size_t)(end - segment));
    *path = slash ? slash + 1 : end;
    *left = (size_t)(end - *path);
    if (!slash)
        slash = end;
    *slash = 0;
    *len = (size_t)(slash - segment);
    return *len ? segment : NULL;
}

enum rpc_status rpc_path_name(char **path, size_t *len, struct rpc_call *call) {
    size_t name_len;
    const char *name = take_segment(path, len, &name_len);

    call->name = NULL;
    call->arg_count = 0;
    return name ? set_name(call, name, name_len) : RPC_NO_NAME;
}

enum rpc_status rpc_path_args(char *path, size_t len, struct rpc_call *call) {
    enum rpc_status status = RPC_OK;
    const char *arg;

    for (size_t arg_len; status == RPC_OK && (arg = take_segment(&path, &len, &arg_len));)
        status = rpc_path_add(call, arg, arg_len);
    return status;
}

/* Appends the segments as a JSON array of strings. */
static enum rpc_status put_segments(char *path, size_t len, struct rpc_bytes *params) {
    const char *arg;

    rpc_bytes_puts(params, "[");
    for (size_t arg_len; (arg = take_segment(&path, &len, &arg_len));) {
        if (params->len > 1)
            rpc_bytes_puts(params, ",");
        if (!rpc_json_put_string(params, arg, arg_len))
            return RPC_BAD_PARAMS;
    }
    rpc_bytes_puts(params, "]");
    return RPC_OK;
}

/* Puts a body in the place of no segments. */
static enum rpc_status put_body(const char *body, size_t len, struct rpc_bytes *params) {
    struct rpc_json value;

    if (params->len > 2)
        return RPC_BAD_PARAMS;
    enum rpc_status status = rpc_json_check(body, len, &value);
    if (status != RPC_OK)
        return status;
    if (!rpc_json_is_array(value) && !rpc_json_is_object(value))
        return RPC_BAD_PARAMS;
    params->len = 0;
    char *text = rpc_bytes_reserve(params, value.len);
    if (text)
        params->len = rpc_json_compact(value, text);
    return RPC_OK;
}

enum rpc_status rpc_path_params(char *path, size_t len, const char *body, size_t body_len,
                                struct rpc_bytes *params, struct rpc_call *call) {
    enum rpc_status status = put_segments(path, len, params);

    if (status == RPC_OK && body_len && !params->failed)
        status = put_body(body, body_len, params);
    rpc_bytes_append(params, "", 1);
    if (params->failed)
        return RPC_NO_MEMORY;
    return status == RPC_OK ? rpc_path_add(call, params->data, params->len - 1) : status;
}
