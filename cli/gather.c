// SPDX-License-Identifier: MIT
/*
 * uwsgi-rpc --gather: reads calls from standard input, a line each, and makes them all at once.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "client/gather.h"

#define BLANKS " \t\r\n"

/* The first step of the room for standard input. */
#define INPUT_STEP ((size_t)64 * 1024)

/* The calls, whose words stand in the input, and their nodes. */
struct calls {
    struct rpc_gather *gather;
    char *input;
    unsigned line_number;
    const char *list[RPC_GATHER_MAX]; /* of nodes, as written */
    struct rpc_nodes *nodes[RPC_GATHER_MAX];
    unsigned count;
};

static enum cli_exit complain(const struct calls *calls, const char *why) {
    char where[32];
    snprintf(where, sizeof(where), "line %u", calls->line_number);
    return cli_complain(EXIT_COMMAND_LINE, where, why);
}

static enum cli_exit add_argument(const struct calls *calls, struct rpc_call *call,
                                  const char *word) {
    size_t len = strlen(word);

    if (call->arg_count == RPC_ARGS_MAX)
        return complain(calls, rpc_status_info(RPC_TOO_MANY_ARGS)->message);
    if (len > RPC_ARG_LEN_MAX)
        return complain(calls, rpc_status_info(RPC_ARG_TOO_LONG)->message);
    call->arg[call->arg_count] = word;
    call->arg_len[call->arg_count++] = (uint16_t)len;
    return EXIT_OK;
}

/* One line: NODES NAME [ARG...]. The line stays, the call points into it. */
static enum cli_exit add_call(struct calls *calls, char *line) {
    char error[RPC_NODES_ERROR_MAX], *context = NULL;
    const char *list = strtok_r(line, BLANKS, &context), *word;
    struct rpc_call call = {.name = strtok_r(NULL, BLANKS, &context)};
    struct rpc_nodes *nodes;

    if (!call.name || strlen(call.name) > RPC_NAME_MAX)
        return complain(calls, call.name ? rpc_status_info(RPC_BAD_NAME)->message
                                         : "NODE and FUNCTION are missing");
    call.name_len = (uint16_t)strlen(call.name);
    while ((word = strtok_r(NULL, BLANKS, &context)))
        if (add_argument(calls, &call, word) != EXIT_OK)
            return EXIT_COMMAND_LINE;
    enum rpc_status status = rpc_nodes_parse(list, &nodes, error, sizeof(error));
    if (status == RPC_BAD_REQUEST)
        return complain(calls, error);
    calls->list[calls->count] = list;
    calls->nodes[calls->count++] = nodes;
    if (status == RPC_OK)
        rpc_gather_add(calls->gather, nodes, &call);
    else
        rpc_gather_add_outcome(calls->gather, status);
    return EXIT_OK;
}

/* The whole of standard input, NUL-terminated; NULL when that cannot be had. */
static char *read_input(size_t *len, enum cli_exit *code) {
    char *input = NULL;
    size_t got = 0;

    *len = 0;
    for (size_t size = INPUT_STEP; *code == EXIT_OK; size *= 2) {
        char *more = realloc(input, size + 1);
        if (!more) {
            *code = cli_complain(EXIT_NO_MEMORY, "standard input",
                                 rpc_status_info(RPC_NO_MEMORY)->message);
            break;
        }
        input = more;
        *code = cli_read(input + *len, size - *len, &got);
        *len += got;
        input[*len] = 0;
        if (*len < size)
            return input;
    }
    free(input);
    return NULL;
}

static enum cli_exit read_line(struct calls *calls, char *line, size_t len) {
    calls->line_number++;
    if (strlen(line) != len)
        return complain(calls, "a NUL in it");
    if (line[strspn(line, BLANKS)] == 0)
        return EXIT_OK;
    if (calls->count == RPC_GATHER_MAX)
        return complain(calls, "more than 254 calls");
    return add_call(calls, line);
}

static enum cli_exit read_calls(struct calls *calls) {
    enum cli_exit code = EXIT_OK;
    size_t len = 0;

    calls->input = read_input(&len, &code);
    char *line = calls->input, *end = line ? line + len : NULL;
    while (code == EXIT_OK && line < end) {
        char *feed = memchr(line, '\n', (size_t)(end - line));
        char *line_end = feed ? feed : end;
        *line_end = 0;
        code = read_line(calls, line, (size_t)(line_end - line));
        line = line_end + 1;
    }
    return code;
}

static enum cli_exit write_results(const struct calls *calls) {
    enum cli_exit code = EXIT_OK;

    for (unsigned i = 0; i < rpc_gather_count(calls->gather); i++) {
        struct rpc_gathered got = rpc_gather_get(calls->gather, i);
        struct rpc_result feed = {(char[]){'\n'}, 1};
        if (got.status != RPC_OK) {
            enum cli_exit failed =
                cli_complain_call(got.status, got.name ? got.name : calls->list[i], &got.report);
            code = code == EXIT_OK ? failed : code;
        }
        if (cli_write(&got.result) != EXIT_OK || cli_write(&feed) != EXIT_OK)
            return EXIT_IO;
    }
    return code;
}

enum cli_exit cli_gather(const struct cli *cli) {
    static struct calls calls;
    calls.gather = rpc_gather_new(&cli->opts, RPC_GATHER_MAX);
    if (!calls.gather)
        return cli_complain(EXIT_NO_MEMORY, "--gather", rpc_status_info(RPC_NO_MEMORY)->message);

    enum cli_exit code = read_calls(&calls);
    if (code == EXIT_OK) {
        rpc_gather_run(calls.gather);
        code = write_results(&calls);
    }
    rpc_gather_free(calls.gather);
    for (unsigned i = 0; i < calls.count; i++)
        rpc_nodes_free(calls.nodes[i]);
    free(calls.input);
    return code;
}
