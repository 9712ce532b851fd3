// SPDX-License-Identifier: MIT
/*
 * What the files of the command-line client share: the call that the command line describes.
 */
#ifndef CLI_H
#define CLI_H

#include "rpc.h"
#include "client/client.h"
#include "parse/bytes.h"

/* The command line, understood. */
struct cli {
    const char *list; /* NODE, as written */
    struct rpc_nodes *nodes;
    struct rpc_client_opts opts;
    struct rpc_call call;
    struct rpc_tls_context *tls; /* NULL: no file was given for it */
    bool from_stdin;             /* standard input is the last argument */
    bool json;                   /* arguments and result are JSON */
    bool functions;              /* list the node's functions, there is no call */
    bool gather;                 /* the calls stand on standard input, a line each */
    bool bench;                  /* call many times, and tell how fast that was */
    bool bench_keepalive;        /* over kept connections */
    unsigned bench_connections;
    unsigned bench_calls;
};

/* What --bench does without -c and -n, and the most it does. */
#define BENCH_CONNECTIONS 10
#define BENCH_CONNECTIONS_MAX 10000
#define BENCH_CALLS 10000
#define BENCH_CALLS_MAX 100000000

/* Exit codes, see uwsgi-rpc(1). */
enum cli_exit {
    EXIT_OK = 0,
    EXIT_IO = 1, /* standard input or output failed */
    EXIT_UNREACHABLE = 2,
    EXIT_TIMEOUT = 3,
    EXIT_CLOSED = 4,
    EXIT_GARBLED = 5,
    EXIT_TOO_LARGE = 6,
    EXIT_CALL_TOO_LARGE = 7,
    EXIT_ARG_TOO_LONG = 8,
    EXIT_NO_MEMORY = 9,
    EXIT_APPLICATION_ERROR = 10,
    EXIT_BAD_JSON = 11,
    EXIT_COMMAND_LINE = 64 /* EX_USAGE of sysexits.h */
};

/* The exit code that says how a call went. */
enum cli_exit cli_exit_code(enum rpc_status status);

/* Says what is wrong on standard error, and hands back code. */
enum cli_exit cli_complain(enum cli_exit code, const char *what, const char *why);

/* The same for what a status says; hands back its exit code. */
enum cli_exit cli_complain_status(enum rpc_status status, const char *what);

/* The same for a call that has failed; report says where. Hands back its exit code. */
enum cli_exit cli_complain_call(enum rpc_status status, const char *name,
                                const struct rpc_client_report *report);

/*
 * Reads standard input until its end or until buffer, of size bytes, is full; *len bytes stand
 * there then. EXIT_OK or EXIT_IO, which has been complained about.
 */
enum cli_exit cli_read(char *buffer, size_t size, size_t *len);

/* Writes a result to standard output. EXIT_OK or EXIT_IO, which has been complained about. */
enum cli_exit cli_write(const struct rpc_result *result);

/*
 * Makes the arguments of a call into the one that a typed function takes: an array of them, or the
 * only one if that is an array or object itself.
 *   call     its arguments are JSON values, which is checked here
 *   params   an empty buffer; holds the argument, to be released with rpc_bytes_free whatever is
 *            returned
 * Returns EXIT_OK, or what has been complained about: EXIT_COMMAND_LINE, EXIT_ARG_TOO_LONG or
 * EXIT_NO_MEMORY.
 */
enum cli_exit cli_json_params(struct rpc_call *call, struct rpc_bytes *params);

/*
 * Writes what a typed function has returned: a value to standard output, an error as a JSON object
 * to standard error, a line feed behind it. Returns EXIT_OK, EXIT_IO, EXIT_APPLICATION_ERROR,
 * EXIT_BAD_JSON, which is complained about, or EXIT_NO_MEMORY. name is the function's.
 */
enum cli_exit cli_json_result(const char *name, const struct rpc_result *result);

/*
 * Makes the calls that stand on standard input, NODES NAME [ARG...] on each line, all at once.
 * Writes the results in that order, a line feed after each; of a failed call the line feed alone,
 * and what was wrong on standard error. Returns the exit code of the first failure. When a line
 * makes no sense nothing is called.
 */
enum cli_exit cli_gather(const struct cli *cli);

/*
 * Writes the names of the functions that the node lets its caller list and call, in order, one a
 * line; what is unprintable in them becomes '?'. Returns EXIT_OK, EXIT_IO, EXIT_NO_MEMORY, or what
 * is wrong with the node or its list.
 */
enum cli_exit cli_list(const struct cli *cli);

/*
 * Makes cli->bench_calls calls over cli->bench_connections connections at a time and prints rate,
 * failures and latencies on standard output; a progress bar on standard error if that is a
 * terminal. Returns EXIT_OK, the exit code of the most frequent failure, or EXIT_NO_MEMORY when the
 * threads for it could not be made.
 */
enum cli_exit cli_bench(const struct cli *cli);

#endif
