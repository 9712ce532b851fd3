// SPDX-License-Identifier: MIT
/*
 * uwsgi-rpc --json: what a typed function takes and returns, see cli.h.
 */
#include <stdio.h>
#include <string.h>

#include "cli.h"
#include "parse/typed.h"

/* --- the argument ----------------------------------------------------------------------------- */

/* Whether a value is all the parameters there are. */
static bool is_params(const struct rpc_call *call, struct rpc_json value) {
    return call->arg_count == 1 && (rpc_json_is_array(value) || rpc_json_is_object(value));
}

static enum cli_exit refuse(const char *arg, size_t len, enum rpc_status status) {
    fprintf(stderr, "uwsgi-rpc: %.*s: %s\n", (int)len, arg,
            status == RPC_NOT_WELL_FORMED ? "no JSON value; a string stands in quotes"
                                          : rpc_status_info(status)->message);
    return status == RPC_NO_MEMORY ? EXIT_NO_MEMORY : EXIT_COMMAND_LINE;
}

/* Appends argument number i, which has to be a value. */
static enum cli_exit put_argument(const struct rpc_call *call, unsigned i,
                                  struct rpc_bytes *params) {
    struct rpc_json value;
    enum rpc_status status = rpc_json_check(call->arg[i], call->arg_len[i], &value);

    if (status != RPC_OK)
        return refuse(call->arg[i], call->arg_len[i], status);
    bool whole = is_params(call, value);
    if (!whole)
        rpc_bytes_puts(params, i ? "," : "[");
    char *text = rpc_bytes_reserve(params, value.len);
    if (text)
        params->len += rpc_json_compact(value, text);
    if (!whole && i + 1u == call->arg_count)
        rpc_bytes_puts(params, "]");
    return EXIT_OK;
}

enum cli_exit cli_json_params(struct rpc_call *call, struct rpc_bytes *params) {
    enum cli_exit code = EXIT_OK;

    if (!call->arg_count)
        rpc_bytes_puts(params, "[]");
    for (unsigned i = 0; code == EXIT_OK && i < call->arg_count; i++)
        code = put_argument(call, i, params);
    if (code != EXIT_OK)
        return code;
    if (params->failed)
        return cli_complain_status(RPC_NO_MEMORY, call->name);
    if (params->len > RPC_ARG_LEN_MAX)
        return cli_complain_status(RPC_ARG_TOO_LONG, call->name);
    call->arg[0] = params->data;
    call->arg_len[0] = (uint16_t)params->len;
    call->arg_count = 1;
    return EXIT_OK;
}

/* --- the result ------------------------------------------------------------------------------- */

static enum cli_exit put_value(const struct rpc_result *result) {
    struct rpc_json value = rpc_typed_value(result->data, (size_t)result->len);
    struct rpc_bytes line = {0};

    rpc_bytes_append(&line, value.text, value.len);
    rpc_bytes_puts(&line, "\n");
    enum cli_exit code = line.failed ? cli_complain_status(RPC_NO_MEMORY, "result")
                                     : cli_write(&(struct rpc_result){line.data, line.len});
    rpc_bytes_free(&line);
    return code;
}

static enum cli_exit put_error(const struct rpc_result *result) {
    struct rpc_typed_error error = rpc_typed_error(result->data, (size_t)result->len);
    struct rpc_bytes line = {0};

    rpc_typed_put_error(&line, &error);
    rpc_bytes_puts(&line, "\n");
    if (!line.failed)
        fwrite(line.data, 1, line.len, stderr);
    rpc_bytes_free(&line);
    return EXIT_APPLICATION_ERROR;
}

enum cli_exit cli_json_result(const char *name, const struct rpc_result *result) {
    enum rpc_status status = rpc_typed_judge(result->data, (size_t)result->len);

    if (status == RPC_OK)
        return put_value(result);
    if (status == RPC_APPLICATION_ERROR)
        return put_error(result);
    return cli_complain_status(status, name);
}
