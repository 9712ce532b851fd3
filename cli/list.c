// SPDX-License-Identifier: MIT
/*
 * uwsgi-rpc NODE --list: asks a node for the names of its functions. What comes back is whatever
 * the node says.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "parse/json.h"

#define LIST_FUNCTION "system.listMethods"
/* Of a list, in bytes, where --max-response does not say: what no server has, and no memory
   misses. */
#define LIST_MAX (16u << 20)

/* Names, one NUL-terminated string after the other, and where they begin. */
struct names {
    char *text;
    char **name;
    size_t count;
};

/* Decodes a name so that it stays on its line and moves no cursor. Returns its end. */
static char *take_name(struct names *names, struct rpc_json value, char *at) {
    size_t len = rpc_json_decode(value, at, value.len);

    for (size_t i = 0; i < len; i++)
        if ((unsigned char)at[i] < ' ' || at[i] == 0x7f)
            at[i] = '?';
    at[len] = 0;
    names->name[names->count++] = at;
    return at + len + 1;
}

/* Reads a JSON array of strings. RPC_NODE_GARBLED when it is none. */
static enum rpc_status read_names(const struct rpc_result *result, struct names *names) {
    struct rpc_json list, value;
    enum rpc_status status = rpc_json_check(result->data, (size_t)result->len, &list);

    if (status == RPC_NO_MEMORY)
        return status;
    if (status != RPC_OK || !rpc_json_is_array(list))
        return RPC_NODE_GARBLED;
    /* a string of JSON has two quotes, and a comma or bracket behind it */
    names->text = malloc(list.len);
    names->name = calloc(list.len / 3 + 1, sizeof(*names->name));
    if (!names->text || !names->name)
        return RPC_NO_MEMORY;
    char *at = names->text;
    for (struct rpc_json rest = rpc_json_inside(list); rpc_json_next(&rest, &value);) {
        if (!rpc_json_is_string(value))
            return RPC_NODE_GARBLED;
        at = take_name(names, value, at);
    }
    return RPC_OK;
}

static int compare_names(const void *a, const void *b) {
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static enum cli_exit print_names(const struct names *names) {
    if (names->count)
        qsort(names->name, names->count, sizeof(*names->name), compare_names);
    for (size_t i = 0; i < names->count; i++)
        puts(names->name[i]);
    return fflush(stdout) || ferror(stdout)
               ? cli_complain(EXIT_IO, "standard output", "cannot be written")
               : EXIT_OK;
}

enum cli_exit cli_list(const struct cli *cli) {
    static const struct rpc_call call = {.name = LIST_FUNCTION,
                                         .name_len = sizeof(LIST_FUNCTION) - 1};
    struct names names = {0};
    struct rpc_result result;
    struct rpc_client_report report;
    struct rpc_client_opts opts = cli->opts;
    enum cli_exit code;

    if (!opts.max_response)
        opts.max_response = LIST_MAX;
    enum rpc_status status = rpc_client_call(cli->nodes, &opts, &call, &result, &report);
    bool untold = status == RPC_NODE_CLOSED && report.error == 0;
    if (status == RPC_OK)
        status = read_names(&result, &names);
    if (status == RPC_OK)
        code = print_names(&names);
    else
        code = cli_complain_call(status, LIST_FUNCTION, &report);
    if (untold)
        fputs("uwsgi-rpc: a node tells its functions with rpc-introspection only\n", stderr);
    free(result.data);
    free(names.text);
    free(names.name);
    return code;
}
