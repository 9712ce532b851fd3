// SPDX-License-Identifier: MIT
/*
 * The options, see server/options.h. An option is a row of the table at the end: its name, the kind
 * of value it takes, where that goes, and the line of the help. A kind is a reader below.
 */
#include "options.h"

#include "../parse/number.h"

#define DEFAULT_MAX_BODY (16u << 20)
#define DEFAULT_MAX_BATCH 100
/* Seconds and the like; a plain number, as it is shown. */
#define COUNT_MAX 2147483647

struct rpc_options rpc_options = {.max_body = DEFAULT_MAX_BODY, .max_batch = DEFAULT_MAX_BATCH};

/* What an option takes, and where it goes. */
struct setting {
    bool (*read)(const struct setting *setting, const char *value);
    void *field;
    const char *expected; /* what read takes */
    uint64_t min, max;    /* of a number */
};

/* More about what is wrong with a value, from who has read it. */
static char because[256];

/* uWSGI hands over here whatever stands in its configuration; value lives as long as it does. */
static void set(char *name, char *value, void *data) {
    const struct setting *setting = data;

    if (setting->read(setting, value ? value : ""))
        return;
    uwsgi_log("[rpc] %s: \"%s\": expected %s%s%s\n", name, value ? value : "", setting->expected,
              *because ? ": " : "", because);
    exit(1);
}

/* --- kinds of values -------------------------------------------------------------------------- */

/* An option that is on when it stands alone. */
static bool read_flag(const struct setting *setting, const char *value) {
    static const char *const words[][2] = {
        {"true", "false"}, {"on", "off"}, {"yes", "no"}, {"1", "0"}, {"", ""}};

    for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
        for (unsigned off = 0; off < 2; off++)
            if (strcasecmp(value, words[i][off]) == 0) {
                *(bool *)setting->field = !off;
                return true;
            }
    return false;
}

static bool store_number(const struct setting *setting, uint64_t number) {
    *(uint64_t *)setting->field = number;
    return number >= setting->min && number <= setting->max;
}

static bool read_number(const struct setting *setting, const char *value) {
    uint64_t number;
    return rpc_number_read(value, strlen(value), &number) && store_number(setting, number);
}

static bool read_size(const struct setting *setting, const char *value) {
    uint64_t size;
    return rpc_size_read(value, &size) && store_number(setting, size);
}

static bool read_path(const struct setting *setting, const char *value) {
    if (value[0] != '/' || strpbrk(value, "?# \t"))
        return false;
    *(const char **)setting->field = value;
    return true;
}

/* PREFIX of PREFIX.outcome, which is the longest name. */
static bool read_prefix(const struct setting *setting, const char *value) {
    size_t len = strlen(value);

    for (size_t i = 0; i < len; i++)
        if (!isgraph((unsigned char)value[i]))
            return false;
    *(const char **)setting->field = value;
    return len > 0 && len <= RPC_NAME_MAX - strlen(".outcome");
}

/* Read here, where uWSGI that was started as root still is: the key may be root's alone. */
static bool read_pem(const struct setting *setting, const char *value) {
    if (!rpc_options.tls)
        rpc_options.tls = rpc_tls_context_new();
    return rpc_tls_context_read(rpc_options.tls, (enum rpc_tls_file)setting->min, value, because,
                                sizeof(because));
}

/* One more of a list. */
static bool read_text(const struct setting *setting, const char *value) {
    if (!*value)
        return false;
    uwsgi_string_new_list(setting->field, (char *)value);
    return true;
}

/* One more of a list of names that each stand in it once. */
static bool read_function(const struct setting *setting, const char *value) {
    size_t len = strlen(value);

    for (struct uwsgi_string_list *item = *(struct uwsgi_string_list **)setting->field; item;
         item = item->next)
        if (strcmp(item->value, value) == 0)
            return true;
    return len <= RPC_NAME_MAX && read_text(setting, value);
}

/* A list with room for one more, in the place of the list there was. */
static void *grow(void *list, size_t count, size_t size) {
    void *grown = uwsgi_calloc((count + 1) * size);
    if (count)
        memcpy(grown, list, count * size);
    free(list);
    return grown;
}

static bool read_glob(const struct setting *setting, const char *value) {
    struct rpc_globs *globs = setting->field;

    if (!rpc_glob_is_valid(value))
        return false;
    globs->glob = grow(globs->glob, globs->count, sizeof(*globs->glob));
    globs->glob[globs->count++] = value;
    return true;
}

static bool read_cidr(const struct setting *setting, const char *value) {
    struct rpc_cidrs *cidrs = setting->field;

    cidrs->cidr = grow(cidrs->cidr, cidrs->count, sizeof(*cidrs->cidr));
    return rpc_cidr_parse(value, &cidrs->cidr[cidrs->count]) && ++cidrs->count;
}

static bool read_origin(const struct setting *setting, const char *value) {
    struct rpc_origins *origins = setting->field;

    if (strcmp(value, "*") == 0) {
        origins->everybody = true;
        return true;
    }
    origins->origin = grow(origins->origin, origins->count, sizeof(*origins->origin));
    origins->origin[origins->count] = value;
    return rpc_origin_is_valid(value) && ++origins->count;
}

/* --- the table -------------------------------------------------------------------------------- */

#define SETTING(name, argument, help, ...)                                                         \
    { name, argument, 0, help, set, &(struct setting){__VA_ARGS__}, 0 }
#define FLAG(name, field, help)                                                                    \
    SETTING(name, no_argument, help, read_flag, &rpc_options.field, "true or false, or no value",  \
            0, 0)
#define VALUE(name, field, read, expected, help)                                                   \
    SETTING(name, required_argument, help, read, &rpc_options.field, expected, 0, 0)
#define GLOBS(name, field, help)                                                                   \
    VALUE(name, field, read_glob,                                                                  \
          "one glob of function names: not empty, no blanks, every [ closed", help)
/* From min to max of a unit, as the message shows them. */
#define NUMBER(name, field, min, max, unit, help) NUMBER_SHOWN(name, field, min, max, unit, help)
#define NUMBER_SHOWN(name, field, min, max, unit, help)                                            \
    SETTING(name, required_argument, help, read_number, &rpc_options.field,                        \
            "a whole number of " unit " from " #min " to " #max, min, max)
#define SECONDS(name, field, help) NUMBER(name, field, 1, COUNT_MAX, "seconds", help)
#define SIZE(name, field, help)                                                                    \
    SETTING(name, required_argument, help, read_size, &rpc_options.field,                          \
            "a whole number of bytes from 1 on, perhaps with K, M or G behind it", 1, PTRDIFF_MAX)

#define PEM(name, kind, what, help)                                                                \
    SETTING(name, required_argument, help, read_pem, &rpc_options.tls, "a PEM file of " what,      \
            kind, 0)

struct uwsgi_option rpc_option_table[] = {
    GLOBS("rpc-allow", allow,
          "let sockets call only functions whose name matches the glob (repeatable)"),
    GLOBS("rpc-bridge-allow", bridge_allow,
          "let the HTTP bridges call only functions whose name matches the glob too (repeatable)"),
    VALUE("rpc-allow-from", allow_from, read_cidr, "an address or CIDR range, IPv4 or IPv6",
          "take array packets over TCP only from these addresses (repeatable; CIDR)"),
    FLAG("rpc-empty-is-error", empty_is_error, "take an empty result for a failed call"),
    FLAG("rpc-introspection", introspection,
         "let callers of packets, XML-RPC and JSON-RPC list the functions they may call"),
    VALUE("rpc-http-prefix", http_prefix, read_path, "a path, with a slash at its beginning",
          "strip this from PATH_INFO before the PATH_INFO bridge reads it"),
    VALUE(
        "rpc-origin", origins, read_origin, "scheme://host, scheme://host:port or *",
        "let pages of this origin call the bridges from a browser, or of all with * (repeatable)"),
    FLAG("rpc-post-only", post_only, "let the PATH_INFO bridge call for POST alone"),
    SIZE("rpc-max-body", max_body,
         "largest request body of a bridge in bytes, or with K, M or G (default 16M)"),
    NUMBER("rpc-max-batch", max_batch, 1, COUNT_MAX, "calls",
           "most calls in one JSON-RPC batch or system.multicall (default 100)"),
    SECONDS("rpc-timeout", timeout,
            "seconds a remote call may take in all (default: socket-timeout)"),
    SECONDS("rpc-connect-timeout", connect_timeout,
            "seconds connecting to a node may take (default: socket-timeout)"),
    SIZE("rpc-max-response", max_response,
         "largest answer of a node in bytes, or with K, M or G (default: no limit)"),
    NUMBER("rpc-keepalive", keepalive, 0, COUNT_MAX, "connections",
           "idle connections kept per node and process, for nodes on a puwsgi-socket (default 0)"),
    VALUE("rpc-remote", remote, read_text, "NAME NODE[,NODE...] [REMOTE_NAME]",
          "register a remote function as a local one (syntax: NAME NODE[,NODE...] [REMOTE_NAME])"),
    VALUE(
        "rpc-client", client, read_prefix, "the beginning of a function's name, no blanks",
        "register PREFIX.call, PREFIX.outcome and PREFIX.gather, which call nodes, for routes and "
        "applications (syntax: PREFIX)"),
    PEM("rpc-tls-ca", RPC_TLS_CA, "certificates",
        "PEM file of the CAs that vouch for nodes written ssl:host:port (default: the system's)"),
    PEM("rpc-tls-cert", RPC_TLS_CERT, "a certificate",
        "PEM file of this server's certificate and its chain, for nodes written ssl:host:port"),
    PEM("rpc-tls-key", RPC_TLS_KEY, "the key of rpc-tls-cert, without a passphrase",
        "PEM file of the private key of rpc-tls-cert (default: the file of rpc-tls-cert)"),
    GLOBS("rpc-json", json,
          "functions whose name matches the glob take JSON and return JSON (repeatable)"),
    VALUE("rpc-metric", metric, read_function, "the name of a function, of 1 to 255 bytes",
          "count the calls of this function in metrics of its own (repeatable)"),
    UWSGI_END_OF_OPTIONS};
