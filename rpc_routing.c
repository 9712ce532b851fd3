// SPDX-License-Identifier: MIT
/*
 * The routing actions. All of them read their configuration and call their function in one way;
 * what each does with the result is its row in the table of actions.
 */
#include "server/routing.h"

#include "server/server.h"

#ifdef UWSGI_ROUTING

#include "server/answer.h"
#include "server/body.h"
#include "server/connection.h"
#include "server/core.h"
#include "server/log.h"
#include "server/targets.h"
#include "parse/template.h"

/* Memory for arguments that a core keeps for its next request. */
#define SCRATCH_KEPT (64u << 10)

struct argument {
    const char *text; /* of a constant one, NUL-terminated */
    uint16_t len;
    struct rpc_template *tmpl; /* NULL for a constant one */
};

struct action;

/* A rule's configuration, ready to be called. */
struct route_call {
    const struct action *action;
    const char *var; /* rpcvar */
    uint16_t var_len;
    struct rpc_targets targets; /* several for rpcgather */
    unsigned arg_count;
    struct argument arg[RPC_ARGS_MAX];
};

/* What came of a rule's call, on its way to the action's finish function. */
struct outcome {
    struct wsgi_request *request;
    struct uwsgi_route *route;
    const struct route_call *rule;
    enum rpc_status status;
    struct rpc_result result;
    bool left; /* the request may have a body that nobody has read */
};

struct action {
    const char *where;                      /* in the log */
    int (*finish)(struct outcome *outcome); /* returns UWSGI_ROUTE_* */
    bool gathers;                           /* several targets */
};

/* --- answers ---------------------------------------------------------------------------------- */

/*
 * Whether it is too late for headers. Final routes run when the answer has gone, or there will be
 * none: what they call is called for its effects.
 */
static bool is_answered(const struct wsgi_request *request) {
    return request->headers_sent || request->is_final_routing;
}

/* The HTTP error of a failed call; nothing more can be said once the headers have left. */
static int fail(struct outcome *outcome, enum rpc_status status) {
    const struct rpc_status_info *info = rpc_status_info(status);

    if (status != outcome->status)
        rpc_log(outcome->rule->action->where, outcome->rule->targets.target->name,
                outcome->rule->targets.target->name_len, status);
    outcome->left = rpc_body_leave_routed(outcome->request);
    if (is_answered(outcome->request))
        rpc_connection_close_after(outcome->request);
    else
        rpc_answer_error(outcome->request, info->route, info->message);
    return UWSGI_ROUTE_BREAK;
}

static void append_body(const struct outcome *outcome) {
    if (!outcome->request->is_final_routing)
        rpc_answer_body(outcome->request, outcome->result.data, outcome->result.len);
}

/* rpc, call */
static int finish_rpc(struct outcome *outcome) {
    if (outcome->status != RPC_OK)
        return fail(outcome, outcome->status);
    outcome->left = rpc_body_leave_routed(outcome->request);
    if (is_answered(outcome->request))
        append_body(outcome);
    else
        rpc_answer_ok(outcome->request, NULL, outcome->result.data, outcome->result.len);
    return UWSGI_ROUTE_BREAK;
}

/* rpcnext, rpcblob */
static int finish_next(struct outcome *outcome) {
    struct wsgi_request *request = outcome->request;

    if (outcome->status != RPC_OK)
        return fail(outcome, outcome->status);
    if (!is_answered(request)) {
        if (uwsgi_response_prepare_headers(request, "200 OK", 6) ||
            uwsgi_response_add_connection_close(request))
            return UWSGI_ROUTE_BREAK;
        rpc_connection_close_after(request);
    }
    append_body(outcome);
    return UWSGI_ROUTE_NEXT;
}

/* Whether an HTTP response says in its headers where it ends. */
static bool has_length(const char *response, size_t len) {
    static const char name[] = "Content-Length:";
    const char *end = response + len, *eol;

    for (; (eol = memchr(response, '\n', (size_t)(end - response))) && eol - response > 1;
         response = eol + 1)
        if ((size_t)(eol - response) >= sizeof(name) - 1 &&
            strncasecmp(response, name, sizeof(name) - 1) == 0)
            return true;
    return false;
}

/* What the function has said of its answer's end holds no longer when transformations change it. */
static void prepare_raw(struct outcome *outcome) {
    struct wsgi_request *request = outcome->request;
    bool transformed = rpc_answer_is_transformed(request);

    outcome->left = rpc_body_leave_routed(outcome->request);
    if (transformed)
        uwsgi_remove_header(request, "Content-Length", 14);
    if (transformed || !has_length(outcome->result.data, outcome->result.len))
        rpc_connection_close_after(request);
    else if (!outcome->left)
        return;
    if (request->socket->retry && rpc_socket_speaks_http(request->socket)) {
        uwsgi_remove_header(request, "Connection", 10);
        uwsgi_additional_header_add(request, "Connection: close", 17);
    }
}

/* rpcraw */
static int finish_raw(struct outcome *outcome) {
    struct wsgi_request *request = outcome->request;

    if (outcome->status != RPC_OK)
        return fail(outcome, outcome->status);
    if (outcome->result.len == 0)
        return UWSGI_ROUTE_NEXT;
    if (request->is_final_routing)
        return UWSGI_ROUTE_BREAK;
    prepare_raw(outcome);
    bool failed = uwsgi_blob_to_response(request, outcome->result.data, outcome->result.len) != 0;
    /* ignore_body: an error or response route has answered instead */
    if ((failed && !request->write_errors && !request->ignore_body) || !request->headers)
        return fail(outcome, RPC_BAD_ANSWER);
    return UWSGI_ROUTE_BREAK;
}

/* Whether there was room for the rule's variable; len is that of a variable at most. */
static bool append_var(const struct outcome *outcome, const char *value, size_t len) {
    return uwsgi_req_append(outcome->request, (char *)outcome->rule->var, outcome->rule->var_len,
                            len ? (char *)value : "", (uint16_t)len) != NULL;
}

/* rpcvar */
static int finish_var(struct outcome *outcome) {
    const struct route_call *rule = outcome->rule;
    struct rpc_result *result = &outcome->result;

    if (result->len > RPC_ARG_LEN_MAX) {
        rpc_log(rule->action->where, rule->targets.target->name, rule->targets.target->name_len,
                RPC_BAD_ANSWER);
        result->len = 0;
    }
    if (append_var(outcome, result->data, result->len) || append_var(outcome, NULL, 0))
        return UWSGI_ROUTE_NEXT;
    /* A client brings this about with many variables, or large ones: its own value of that name
       would be seen in the place of this one. */
    rpc_connection_close_after(outcome->request);
    return fail(outcome, RPC_NO_ROOM);
}

/* --- rpcret: the result says where to go ------------------------------------------------------ */

static bool says(const struct rpc_result *result, const char *word) {
    size_t len = strlen(word);
    return result->len == len && memcmp(result->data, word, len) == 0;
}

static bool says_with_rest(const struct rpc_result *result, const char *word, const char **rest,
                           size_t *rest_len) {
    size_t len = strlen(word);
    if (result->len <= len || memcmp(result->data, word, len) != 0)
        return false;
    *rest = result->data + len;
    *rest_len = result->len - len;
    return true;
}

/* "403" or "403 Forbidden", on one line that fits a header. */
static bool is_http_status(const char *text, size_t len) {
    if (len < 3 || len > 255 || text[0] < '1' || text[0] > '5' ||
        !isdigit((unsigned char)text[1]) || !isdigit((unsigned char)text[2]) ||
        (len > 3 && text[3] != ' '))
        return false;
    for (size_t i = 3; i < len; i++)
        if (iscntrl((unsigned char)text[i]))
            return false;
    return true;
}

static int break_with(struct outcome *outcome, const char *status, size_t len) {
    struct wsgi_request *request = outcome->request;

    if (!is_http_status(status, len))
        return fail(outcome, RPC_BAD_ANSWER);
    outcome->left = rpc_body_leave_routed(outcome->request);
    if (!is_answered(request) &&
        !uwsgi_response_prepare_headers(request, (char *)status, (uint16_t)len) &&
        !uwsgi_response_add_connection_close(request) &&
        !uwsgi_response_add_content_type(request, "text/plain", 10))
        uwsgi_response_write_headers_do(request);
    rpc_connection_close_after(request);
    return UWSGI_ROUTE_BREAK;
}

/* Where the chain of rules that a rule stands in keeps its jump. False for a rule in none. */
static bool find_jump(struct wsgi_request *request, const struct uwsgi_route *rule,
                      uint32_t **jump) {
    const struct {
        struct uwsgi_route *first;
        uint32_t *jump;
    } chains[] = {{uwsgi.routes, &request->route_goto},
                  {uwsgi.error_routes, &request->error_route_goto},
                  {uwsgi.response_routes, &request->response_route_goto},
                  {uwsgi.final_routes, &request->final_route_goto}};

    for (size_t i = 0; i < sizeof(chains) / sizeof(*chains); i++)
        for (const struct uwsgi_route *route = chains[i].first; route; route = route->next)
            if (route == rule) {
                *jump = chains[i].jump;
                return true;
            }
    return false;
}

/* Labels that stand before the rule are not looked at: jumps go forward. */
static int goto_label(struct outcome *outcome, const char *label, size_t len) {
    const struct uwsgi_route *route = outcome->route->next;
    uint32_t *jump;

    if (!find_jump(outcome->request, outcome->route, &jump))
        return fail(outcome, RPC_BAD_ANSWER);
    for (; route; route = route->next)
        if (route->label && route->label_len == len && memcmp(route->label, label, len) == 0) {
            *jump = (uint32_t)route->pos;
            return UWSGI_ROUTE_NEXT;
        }
    return fail(outcome, RPC_BAD_ANSWER);
}

static int finish_ret(struct outcome *outcome) {
    const struct rpc_result *result = &outcome->result;
    const char *rest;
    size_t rest_len;

    if (outcome->status != RPC_OK)
        return fail(outcome, outcome->status);
    if (says(result, "next") || says(result, "goon"))
        return UWSGI_ROUTE_NEXT;
    if (says(result, "continue"))
        return UWSGI_ROUTE_CONTINUE;
    if (says(result, "break")) {
        rpc_connection_close_after(outcome->request);
        return UWSGI_ROUTE_BREAK;
    }
    if (says_with_rest(result, "break ", &rest, &rest_len))
        return break_with(outcome, rest, rest_len);
    if (says_with_rest(result, "goto ", &rest, &rest_len))
        return goto_label(outcome, rest, rest_len);
    return fail(outcome, RPC_BAD_ANSWER);
}

/* name, finish function, whether it has several targets */
#define ACTIONS(X)                                                                                 \
    X(rpc, finish_rpc, false)                                                                      \
    X(call, finish_rpc, false)                                                                     \
    X(rpcnext, finish_next, false)                                                                 \
    X(rpcblob, finish_next, false)                                                                 \
    X(rpcret, finish_ret, false)                                                                   \
    X(rpcraw, finish_raw, false)                                                                   \
    X(rpcvar, finish_var, false)                                                                   \
    X(rpcgather, finish_rpc, true)

/* --- calling ---------------------------------------------------------------------------------- */

static void append_group(void *ctx, unsigned number, struct rpc_bytes *out) {
    struct outcome *outcome = ctx;
    struct wsgi_request *request = outcome->request;
    struct uwsgi_route *route = outcome->route;
    int core = request->async_id;

    /* A rule made by uwsgi.route() has no groups; nor has one whose expression has none. */
    if (!route->ovn || !route->ovector[core] || (int)number > route->ovn[core])
        return;
    const char *subject = *(char **)((char *)request + route->subject);
    if (route->condition_ub[core])
        subject = route->condition_ub[core]->buf;
    const int *range = route->ovector[core] + (size_t)2 * number;
    if (range[0] >= 0 && range[1] > range[0])
        rpc_bytes_append(out, subject + range[0], (size_t)(range[1] - range[0]));
}

static void append_variable(void *ctx, const char *name, size_t name_len, struct rpc_bytes *out) {
    struct outcome *outcome = ctx;
    struct wsgi_request *request = outcome->request;
    struct uwsgi_route_var *var = NULL;
    char *bracket = name[name_len - 1] == ']' ? memchr(name, '[', name_len) : NULL, *value = NULL;
    uint16_t value_len = 0;

    if (bracket)
        var = uwsgi_get_route_var((char *)name, (uint16_t)(bracket - name));
    if (var)
        value = var->func(request, bracket + 1, (uint16_t)(name + name_len - 1 - (bracket + 1)),
                          &value_len);
    else if (name_len <= UINT16_MAX)
        value = uwsgi_get_var(request, (char *)name, (uint16_t)name_len, &value_len);
    if (value)
        rpc_bytes_append(out, value, value_len);
    if (var && var->need_free)
        free(value);
}

/* Builds the arguments; those with variables in scratch, where each gets its NUL. */
static enum rpc_status build_call(struct outcome *outcome, struct rpc_bytes *scratch,
                                  struct rpc_call *call) {
    const struct route_call *rule = outcome->rule;
    const struct rpc_template_source source = {append_group, append_variable, outcome};

    call->name = rule->targets.target->name;
    call->name_len = rule->targets.target->name_len;
    call->arg_count = (uint8_t)rule->arg_count;
    scratch->len = 0;
    for (unsigned i = 0; i < rule->arg_count; i++) {
        size_t start = scratch->len, len = rule->arg[i].len;
        if (rule->arg[i].tmpl) {
            rpc_template_expand(rule->arg[i].tmpl, &source, scratch);
            len = scratch->len - start;
            rpc_bytes_append(scratch, "", 1);
        }
        if (len > RPC_ARG_LEN_MAX)
            return RPC_ARG_TOO_LONG;
        call->arg_len[i] = (uint16_t)len;
    }
    if (scratch->failed)
        return RPC_NO_MEMORY;
    /* scratch has stopped moving */
    const char *next = scratch->data;
    for (unsigned i = 0; i < rule->arg_count; i++) {
        call->arg[i] = rule->arg[i].tmpl ? next : rule->arg[i].text;
        if (rule->arg[i].tmpl)
            next += call->arg_len[i] + 1u;
    }
    return RPC_OK;
}

static int route_func(struct wsgi_request *request, struct uwsgi_route *route) {
    const struct route_call *rule = route->data;
    struct outcome outcome = {.request = request, .route = route, .rule = rule};
    struct rpc_core *core = rpc_core_of(request);
    struct rpc_bytes scratch = core->scratch;
    struct rpc_call call;

    if (rpc_connection_is_half_read(request)) {
        rpc_connection_drop_half_read(request, rule->action->where);
        return UWSGI_ROUTE_BREAK;
    }
    /* The function may route again on this core, and then finds the scratch gone. */
    core->scratch = (struct rpc_bytes){0};
    outcome.status = build_call(&outcome, &scratch, &call);
    if (outcome.status == RPC_OK)
        outcome.status = rpc_targets_call(&rule->targets, &call, &outcome.result);
    rpc_core_note(request, rule->targets.target->name, rule->targets.target->name_len,
                  outcome.status);
    if (outcome.status != RPC_OK)
        rpc_log(rule->action->where, rule->targets.target->name, rule->targets.target->name_len,
                outcome.status);
    int ret = rule->action->finish(&outcome);
    if (outcome.left)
        rpc_body_discard(request);
    free(outcome.result.data);
    if (scratch.size > SCRATCH_KEPT || core->scratch.data)
        rpc_bytes_free(&scratch);
    else
        core->scratch = scratch;
    return ret;
}

/* --- configuration ---------------------------------------------------------------------------- */

static void rule_free(struct uwsgi_route *route) {
    struct route_call *rule = route->data;
    for (unsigned i = 0; i < rule->arg_count; i++)
        rpc_template_free(rule->arg[i].tmpl);
    rpc_targets_free(&rule->targets);
    free(rule);
}

static bool read_argument(struct route_call *rule, const char *text) {
    struct argument *arg = &rule->arg[rule->arg_count];

    if (rule->arg_count == RPC_ARGS_MAX) {
        uwsgi_log("[rpc] %s: %s\n", rule->action->where,
                  rpc_status_info(RPC_TOO_MANY_ARGS)->message);
        return false;
    }
    if (strlen(text) > RPC_ARG_LEN_MAX) {
        uwsgi_log("[rpc] %s: %s\n", rule->action->where,
                  rpc_status_info(RPC_ARG_TOO_LONG)->message);
        return false;
    }
    rule->arg_count++;
    arg->text = text;
    arg->len = (uint16_t)strlen(text);
    if (rpc_template_is_constant(text))
        return true;
    arg->tmpl = rpc_template_new(text);
    return arg->tmpl != NULL;
}

/* args stays with the rule for its whole life. */
static int configure(const struct action *action, struct uwsgi_route *route, char *args) {
    struct route_call *rule = uwsgi_calloc(sizeof(*rule));
    char *context = NULL, *word = strtok_r(args, " ", &context);

    rule->action = action;
    route->func = route_func;
    route->data = rule;
    route->free = rule_free;
    if (action->finish == finish_var && word) {
        rule->var = word;
        rule->var_len = (uint16_t)strlen(word);
        word = strtok_r(NULL, " ", &context);
    }
    bool good = action->gathers
                    ? rpc_targets_read_several(&rule->targets, action->where, word, &context)
                    : rpc_targets_read(&rule->targets, action->where, word);
    while (good && (word = strtok_r(NULL, " ", &context)))
        good = read_argument(rule, word);
    if (good)
        return 0;
    rule_free(route);
    return -1;
}

/* uWSGI does not tell a router by which name it was asked for, so each action has its own. */
#define DEFINE_ROUTER(action_name, finish_func, gathers)                                           \
    static const struct action action_##action_name = {"route " #action_name, finish_func,         \
                                                       gathers};                                   \
    static int router_##action_name(struct uwsgi_route *route, char *args) {                       \
        return configure(&action_##action_name, route, args);                                      \
    }
ACTIONS(DEFINE_ROUTER)

/* uWSGI takes the first registration of a name: where there is one, it is given this function. */
static void register_router(const char *name, int (*router)(struct uwsgi_route *, char *)) {
    for (struct uwsgi_router *present = uwsgi.routers; present; present = present->next)
        if (strcmp(present->name, name) == 0) {
            present->func = router;
            return;
        }
    uwsgi_register_router((char *)name, router);
}

void rpc_routing_register(void) {
#define REGISTER_ROUTER(action_name, finish_func, gathers)                                         \
    register_router(#action_name, router_##action_name);
    ACTIONS(REGISTER_ROUTER)
#undef REGISTER_ROUTER
}

#else

void rpc_routing_register(void) {
    uwsgi_log("[rpc] uWSGI was built without internal routing: no routing actions\n");
}

#endif
