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

/* The lines, in which the words of the calls stand, and their nodes. */
struct calls {
    struct rpc_gather *gather;
    unsigned line_number;
    char *line[RPC_GATHER_MAX];
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
    calls->nodes[calls->count++] = nodes;
    if (status == RPC_OK)
        rpc_gather_add(calls->gather, nodes, &call);
    else
        rpc_gather_add_outcome(calls->gather, status);
    return EXIT_OK;
}

static enum cli_exit read_calls(struct calls *calls) {
    enum cli_exit code = EXIT_OK;
    char *line = NULL;
    size_t size = 0;
    ssize_t len;

    while (code == EXIT_OK && (len = getline(&line, &size, stdin)) >= 0) {
        calls->line_number++;
        if (strlen(line) != (size_t)len) {
            code = complain(calls, "a NUL in it");
        } else if (line[strspn(line, BLANKS)] == 0) {
            continue;
        } else if (calls->count == RPC_GATHER_MAX) {
            code = complain(calls, "more than 254 calls");
        } else {
            calls->line[calls->count] = line;
            code = add_call(calls, line);
            line = NULL;
            size = 0;
        }
    }
    free(line);
    return code;
}

static enum cli_exit write_results(const struct calls *calls) {
    enum cli_exit code = EXIT_OK;

    for (unsigned i = 0; i < rpc_gather_count(calls->gather); i++) {
        struct rpc_gathered got = rpc_gather_get(calls->gather, i);
        struct rpc_result feed = {(char[]){'\n'}, 1};
        if (got.status != RPC_OK) {
            enum cli_exit failed =
                cli_complain_call(got.status, got.name ? got.name : calls->line[i], &got.report);
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
    if (code == EXIT_OK && ferror(stdin))
        code = cli_complain(EXIT_IO, "standard input", "cannot be read");
    if (code == EXIT_OK) {
        rpc_gather_run(calls.gather);
        code = write_results(&calls);
    }
    rpc_gather_free(calls.gather);
    for (unsigned i = 0; i < RPC_GATHER_MAX; i++) {
        rpc_nodes_free(calls.nodes[i]);
        free(calls.line[i]);
    }
    return code;
}
