// SPDX-License-Identifier: MIT
/*
 * uwsgi-rpc NODE FUNCTION [ARG...]: calls a function of a uWSGI server from the command line. Reads
 * the command line and makes one call; --bench is in bench.c. See uwsgi-rpc(1).
 */
#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"

#ifndef RPC_VERSION
#define RPC_VERSION "1.0.0"
#endif

#define DEFAULT_TIMEOUT_MS 30000

enum option_id {
    OPT_STDIN = 256,
    OPT_JSON,
    OPT_CONNECT_TIMEOUT,
    OPT_MAX_RESPONSE,
    OPT_RAW,
    OPT_LIST,
    OPT_CA, /* and OPT_CERT, OPT_KEY: in the order of enum rpc_tls_file */
    OPT_CERT,
    OPT_KEY,
    OPT_GATHER,
    OPT_BENCH,
    OPT_KEEPALIVE
};

static const struct option long_options[] = {
    {"stdin", no_argument, NULL, OPT_STDIN},
    {"json", no_argument, NULL, OPT_JSON},
    {"timeout", required_argument, NULL, 't'},
    {"connect-timeout", required_argument, NULL, OPT_CONNECT_TIMEOUT},
    {"max-response", required_argument, NULL, OPT_MAX_RESPONSE},
    {"raw", no_argument, NULL, OPT_RAW},
    {"list", no_argument, NULL, OPT_LIST},
    {"ca", required_argument, NULL, OPT_CA},
    {"cert", required_argument, NULL, OPT_CERT},
    {"key", required_argument, NULL, OPT_KEY},
    {"gather", no_argument, NULL, OPT_GATHER},
    {"bench", no_argument, NULL, OPT_BENCH},
    {"connections", required_argument, NULL, 'c'},
    {"calls", required_argument, NULL, 'n'},
    {"keepalive", no_argument, NULL, OPT_KEEPALIVE},
    {"help", no_argument, NULL, 'h'},
    {"version", no_argument, NULL, 'V'},
    {NULL, 0, NULL, 0},
};

static const char usage_text[] =
    "Usage: uwsgi-rpc [OPTION...] [--] NODE FUNCTION [ARG...]\n"
    "       uwsgi-rpc [OPTION...] NODE --list\n"
    "       uwsgi-rpc --gather [OPTION...]\n"
    "Calls a function of a uWSGI server and writes its result, and nothing else, to\n"
    "standard output.\n"
    "\n"
    "NODE is host:port, [v6]:port, a path with a slash (UNIX socket) or @name\n"
    "(abstract UNIX socket), or ssl: and one of the first two (TLS); several are\n"
    "separated by commas.\n"
    "\n"
    "      --stdin                standard input is one more, last argument\n"
    "      --json                 for typed functions: arguments are JSON, the only one may\n"
    "                             be all of them, array or object; the result is JSON\n"
    "  -t, --timeout SEC          of the whole call (default 30; decimals allowed)\n"
    "      --connect-timeout SEC  of each attempt to connect\n"
    "      --max-response BYTES   a larger result is a failure (default: no limit)\n"
    "      --raw                  ask for the result's bytes alone (modifier2 1)\n"
    "      --list                 the names of the node's functions, where it tells them\n"
    "      --ca FILE              PEM file of the CAs to trust in TLS (default: the system's)\n"
    "      --cert FILE            PEM file of a certificate to show in TLS, and its chain\n"
    "      --key FILE             PEM file of its key (default: the file of --cert)\n"
    "      --gather               no NODE and FUNCTION: standard input has a call a line,\n"
    "                             NODE FUNCTION [ARG...], and all are made at once\n"
    "      --bench                call many times and tell how fast that was\n"
    "  -c, --connections N        calls at a time in --bench (default 10)\n"
    "  -n, --calls N              calls in all in --bench (default 10000)\n"
    "      --keepalive            keep connections in --bench (for a puwsgi-socket)\n"
    "  -h, --help                 this text\n"
    "  -V, --version              the version\n"
    "\n"
    "Exit codes: 0 ok, 1 standard input or output failed, 2 node unreachable,\n"
    "3 timeout, 4 closed without an answer (also: no such function there),\n"
    "5 garbled answer, 6 result too large, 7 call too large, 8 argument too long,\n"
    "9 out of memory, 10 the function reported an error (--json), 11 its result is\n"
    "not JSON (--json), 64 wrong command line.\n";

enum cli_exit cli_exit_code(enum rpc_status status) {
    switch (status) {
    case RPC_OK:
        return EXIT_OK;
    case RPC_NODE_UNREACHABLE:
        return EXIT_UNREACHABLE;
    case RPC_NODE_TIMEOUT:
        return EXIT_TIMEOUT;
    case RPC_NODE_CLOSED:
        return EXIT_CLOSED;
    case RPC_NODE_GARBLED:
        return EXIT_GARBLED;
    case RPC_NODE_TOO_LARGE:
        return EXIT_TOO_LARGE;
    case RPC_NODE_CALL_TOO_LARGE:
        return EXIT_CALL_TOO_LARGE;
    case RPC_ARG_TOO_LONG:
        return EXIT_ARG_TOO_LONG;
    case RPC_NO_MEMORY:
        return EXIT_NO_MEMORY;
    case RPC_EMPTY:
    case RPC_BAD_JSON:
        return EXIT_BAD_JSON;
    default:
        return EXIT_COMMAND_LINE;
    }
}

/* --- the command line ------------------------------------------------------------------------- */

enum cli_exit cli_complain(enum cli_exit code, const char *what, const char *why) {
    fprintf(stderr, "uwsgi-rpc: %s: %s\n", what, why);
    return code;
}

enum cli_exit cli_complain_status(enum rpc_status status, const char *what) {
    return cli_complain(cli_exit_code(status), what, rpc_status_info(status)->message);
}

/* Seconds as milliseconds, rounded up. */
static bool parse_seconds(const char *text, int64_t *ms) {
    char *end;
    double seconds = strtod(text, &end);

    if (text[strspn(text, "0123456789.")] || end == text || *end || seconds <= 0 ||
        seconds > INT_MAX / 1000)
        return false;
    *ms = (int64_t)(seconds * 1000);
    if ((double)*ms < seconds * 1000)
        ++*ms;
    return true;
}

static bool parse_number(const char *text, uint64_t max, uint64_t *number) {
    char *end;
    errno = 0;
    *number = strtoull(text, &end, 10);
    return text[0] && !text[strspn(text, "0123456789")] && errno == 0 && *number > 0 &&
           *number <= max;
}

/* A file for TLS. EXIT_COMMAND_LINE: it cannot be used. */
static enum cli_exit take_file(struct cli *cli, enum rpc_tls_file kind, const char *file) {
    char error[RPC_NODES_ERROR_MAX];

    if (!cli->tls)
        cli->tls = rpc_tls_context_new();
    cli->opts.tls = cli->tls;
    return rpc_tls_context_read(cli->tls, kind, file, error, sizeof(error))
               ? EXIT_OK
               : cli_complain(EXIT_COMMAND_LINE, file, error);
}

/* One option with its value. EXIT_COMMAND_LINE: the value is wrong. */
static enum cli_exit take_option(struct cli *cli, int option, const char *value) {
    uint64_t number = 0;
    bool good = true;

    if (option >= OPT_CA && option <= OPT_KEY)
        return take_file(cli, (enum rpc_tls_file)(option - OPT_CA), value);
    switch (option) {
    case OPT_STDIN:
        cli->from_stdin = true;
        break;
    case OPT_JSON:
        cli->json = true;
        break;
    case 't':
        good = parse_seconds(value, &cli->opts.timeout_ms);
        break;
    case OPT_CONNECT_TIMEOUT:
        good = parse_seconds(value, &cli->opts.connect_timeout_ms);
        break;
    case OPT_MAX_RESPONSE:
        good = parse_number(value, UINT64_MAX, &cli->opts.max_response);
        break;
    case OPT_RAW:
        cli->opts.raw = true;
        break;
    case OPT_LIST:
        cli->functions = true;
        break;
    case OPT_GATHER:
        cli->gather = true;
        break;
    case OPT_BENCH:
        cli->bench = true;
        break;
    case OPT_KEEPALIVE:
        cli->bench_keepalive = true;
        break;
    case 'c':
        good = parse_number(value, BENCH_CONNECTIONS_MAX, &number);
        cli->bench_connections = (unsigned)number;
        break;
    case 'n':
        good = parse_number(value, BENCH_CALLS_MAX, &number);
        cli->bench_calls = (unsigned)number;
        break;
    }
    return good ? EXIT_OK
                : cli_complain(EXIT_COMMAND_LINE, value, "not a number this option takes");
}

/*
 * Options end at NODE, so that no argument is taken for one. An argument that reads like one is
 * refused rather than sent, unless "--" has said that this is meant.
 */
static const char *misplaced_option(int count, char *const *arg) {
    for (int i = 2; i < count; i++) {
        size_t len = strcspn(arg[i], "=");
        for (const struct option *o = long_options; o->name && strncmp(arg[i], "--", 2) == 0; o++)
            if (len == strlen(o->name) + 2 && memcmp(arg[i] + 2, o->name, len - 2) == 0)
                return arg[i];
    }
    return NULL;
}

/* NODE, FUNCTION and the arguments. */
static enum cli_exit take_call(struct cli *cli, int count, char *const *arg) {
    if (count < 2)
        return cli_complain(EXIT_COMMAND_LINE, "NODE and FUNCTION are missing", "try --help");
    if (count - 2 + cli->from_stdin > RPC_ARGS_MAX)
        return cli_complain_status(RPC_TOO_MANY_ARGS, arg[1]);
    size_t len = strlen(arg[1]);
    if (len == 0 || len > RPC_NAME_MAX)
        return cli_complain_status(RPC_BAD_NAME, "FUNCTION");
    cli->list = arg[0];
    cli->call.name = arg[1];
    cli->call.name_len = (uint16_t)len;
    for (int i = 2; i < count; i++) {
        len = strlen(arg[i]);
        if (len > RPC_ARG_LEN_MAX)
            return cli_complain_status(RPC_ARG_TOO_LONG, arg[1]);
        if (len == 0 && !cli->json)
            cli_complain(EXIT_OK, arg[1], "an empty argument cannot be sent and is left out");
        cli->call.arg[cli->call.arg_count] = arg[i];
        cli->call.arg_len[cli->call.arg_count++] = (uint16_t)len;
    }
    return EXIT_OK;
}

/* Whether --list stands behind NODE, where it reads best. */
static bool lists_behind_node(int count, char *const *arg) {
    return count == 2 && strcmp(arg[1], "--list") == 0;
}

/* NODE alone, and no option that is about a call. */
static enum cli_exit take_node(struct cli *cli, int count, char *const *arg) {
    if (count != 1 || cli->gather || cli->bench || cli->from_stdin || cli->opts.raw || cli->json)
        return cli_complain(EXIT_COMMAND_LINE, "--list", "takes a NODE, and is about no call");
    cli->list = arg[0];
    return EXIT_OK;
}

/* What cannot be meant together. */
static enum cli_exit check_options(const struct cli *cli) {
    char error[RPC_NODES_ERROR_MAX];

    if (cli->tls && !rpc_tls_context_finish(cli->tls, error, sizeof(error)))
        return cli_complain(EXIT_COMMAND_LINE, "--cert and --key", error);
    if (!cli->bench && (cli->bench_connections || cli->bench_calls || cli->bench_keepalive))
        return cli_complain(EXIT_COMMAND_LINE, "-c, -n and --keepalive", "only with --bench");
    if (cli->bench && cli->bench_keepalive && cli->opts.raw)
        return cli_complain(EXIT_COMMAND_LINE, "--keepalive and --raw",
                            "a raw answer ends with its connection");
    return EXIT_OK;
}

/* What stands behind the options. */
static enum cli_exit take_operands(struct cli *cli, int count, char *const *arg) {
    if (cli->functions)
        return take_node(cli, count, arg);
    if (!cli->gather)
        return take_call(cli, count, arg);
    return cli->bench || cli->from_stdin || cli->json || count > 0
               ? cli_complain(EXIT_COMMAND_LINE, "--gather",
                              "takes its calls from standard input, and no --bench, --stdin or "
                              "--json")
               : EXIT_OK;
}

/* Reads the whole command line. *done: nothing is left to do but to exit with the code returned. */
static enum cli_exit take_command_line(struct cli *cli, int argc, char **argv, bool *done) {
    enum cli_exit code = EXIT_OK;
    int option;

    *done = true;
    while ((option = getopt_long(argc, argv, "+t:c:n:hV", long_options, NULL)) != -1) {
        if (option == '?')
            return cli_complain(EXIT_COMMAND_LINE, "wrong command line", "try --help");
        if (option == 'h' || option == 'V') {
            fputs(option == 'h' ? usage_text : "uwsgi-rpc " RPC_VERSION "\n", stdout);
            return fflush(stdout) ? EXIT_IO : EXIT_OK;
        }
        code = take_option(cli, option, optarg);
        if (code != EXIT_OK)
            return code;
    }
    bool literal = optind > 1 && strcmp(argv[optind - 1], "--") == 0;
    if (!literal && lists_behind_node(argc - optind, argv + optind)) {
        cli->functions = true;
        argc--;
    }
    const char *misplaced = literal ? NULL : misplaced_option(argc - optind, argv + optind);
    if (misplaced)
        return cli_complain(EXIT_COMMAND_LINE, misplaced,
                            "options stand before NODE; as an argument, put -- before NODE");
    code = check_options(cli);
    if (code == EXIT_OK)
        code = take_operands(cli, argc - optind, argv + optind);
    *done = code != EXIT_OK;
    return code;
}

/* --- one call --------------------------------------------------------------------------------- */

/* Whether reading or writing may be tried again: at once after a signal, and otherwise, where a
   descriptor does not block, when it is ready. */
static bool try_again(int fd, short events) {
    struct pollfd ready = {.fd = fd, .events = events};

    if (errno == EAGAIN || errno == EWOULDBLOCK)
        return poll(&ready, 1, -1) >= 0 || errno == EINTR;
    return errno == EINTR;
}

enum cli_exit cli_read(char *buffer, size_t size, size_t *len) {
    *len = 0;
    while (*len < size) {
        ssize_t n = read(STDIN_FILENO, buffer + *len, size - *len);
        if (n == 0)
            break;
        if (n < 0 && !try_again(STDIN_FILENO, POLLIN))
            return cli_complain(EXIT_IO, "standard input", strerror(errno));
        *len += n > 0 ? (size_t)n : 0;
    }
    return EXIT_OK;
}

/* Standard input as the last argument: RPC_ARG_LEN_MAX bytes at the most, kept in buffer. */
static enum cli_exit read_argument(struct cli *cli, char buffer[RPC_ARG_LEN_MAX + 1]) {
    size_t len = 0;
    enum cli_exit code = cli_read(buffer, RPC_ARG_LEN_MAX + 1, &len);
    if (code != EXIT_OK)
        return code;
    if (len > RPC_ARG_LEN_MAX)
        return cli_complain_status(RPC_ARG_TOO_LONG, "standard input");
    if (len == 0 && !cli->json)
        cli_complain(EXIT_OK, "standard input", "an empty argument cannot be sent and is left out");
    cli->call.arg[cli->call.arg_count] = buffer;
    cli->call.arg_len[cli->call.arg_count++] = (uint16_t)len;
    return EXIT_OK;
}

enum cli_exit cli_write(const struct rpc_result *result) {
    for (size_t done = 0; done < result->len;) {
        ssize_t n = write(STDOUT_FILENO, result->data + done, (size_t)result->len - done);
        if (n < 0 && !try_again(STDOUT_FILENO, POLLOUT))
            return cli_complain(EXIT_IO, "standard output", strerror(errno));
        done += n > 0 ? (size_t)n : 0;
    }
    return EXIT_OK;
}

enum cli_exit cli_complain_call(enum rpc_status status, const char *name,
                                const struct rpc_client_report *report) {
    const char *why = report->reason  ? report->reason
                      : report->error ? strerror(report->error)
                                      : "";

    fprintf(stderr, "uwsgi-rpc: %s: %s%s%s\n", report->node ? report->node->name : name,
            rpc_status_info(status)->message, *why ? ": " : "", why);
    return cli_exit_code(status);
}

static enum cli_exit call_once(const struct cli *cli) {
    struct rpc_result result;
    struct rpc_client_report report;
    enum cli_exit code;

    enum rpc_status status = rpc_client_call(cli->nodes, &cli->opts, &cli->call, &result, &report);
    if (status != RPC_OK)
        code = cli_complain_call(status, cli->call.name, &report);
    else if (cli->json)
        code = cli_json_result(cli->call.name, &result);
    else
        code = cli_write(&result);
    free(result.data);
    return code;
}

int main(int argc, char **argv) {
    static char input[RPC_ARG_LEN_MAX + 1];
    static struct cli cli = {.opts = {.timeout_ms = DEFAULT_TIMEOUT_MS}};
    char error[RPC_NODES_ERROR_MAX];
    struct rpc_bytes params = {0};
    bool done;

    enum cli_exit code = take_command_line(&cli, argc, argv, &done);
    if (done)
        return code;
    if (cli.gather)
        return cli_gather(&cli);
    enum rpc_status status = rpc_nodes_parse(cli.list, &cli.nodes, error, sizeof(error));
    if (status != RPC_OK) {
        fprintf(stderr, "uwsgi-rpc: %s\n", error);
        return cli_exit_code(status);
    }
    if (cli.from_stdin)
        code = read_argument(&cli, input);
    if (code == EXIT_OK && cli.json)
        code = cli_json_params(&cli.call, &params);
    if (code == EXIT_OK && cli.functions)
        code = cli_list(&cli);
    else if (code == EXIT_OK)
        code = cli.bench ? cli_bench(&cli) : call_once(&cli);
    rpc_bytes_free(&params);
    rpc_nodes_free(cli.nodes);
    return code;
}
