// SPDX-License-Identifier: MIT
/*
 * Requests at bridges, see server/http.h.
 */
#include "http.h"

#include "body.h"
#include "connection.h"
#include "log.h"
#include "options.h"
#include "table.h"

/* --- answers --------------------------------------------------------------------------------- */

void rpc_http_start(const struct rpc_http *http, struct rpc_answer *answer, const char *status) {
    rpc_answer_start(answer, http->vars.request, status);
    rpc_browsers_let_read(answer, &http->vars, http->verdict);
}

void rpc_http_empty(const struct rpc_http *http) {
    struct rpc_answer answer;

    rpc_http_start(http, &answer, "204 No Content");
    rpc_answer_send_empty(&answer);
}

/* What a client may do about an error. */
static void put_advice(const struct rpc_http *http, struct rpc_answer *answer,
                       enum rpc_status status) {
    if (status == RPC_METHOD)
        rpc_answer_text(answer, "Allow", http->kind->methods);
    else if (status == RPC_MEDIA_TYPE)
        rpc_answer_text(answer, "Accept-Post",
                        http->kind->types ? http->kind->types : "application/json");
    else if (status == RPC_CODING)
        rpc_answer_text(answer, "Accept-Encoding", http->kind->types ? RPC_CODINGS : "identity");
}

void rpc_http_refuse(const struct rpc_http *http, enum rpc_status status) {
    const struct rpc_status_info *info = rpc_status_info(status);
    struct wsgi_request *request = http->vars.request;
    bool left = rpc_body_leave(request, &http->vars.framing);
    struct rpc_answer answer;

    rpc_answer_start_error(&answer, request, info->http);
    rpc_browsers_let_read(&answer, &http->vars, http->verdict);
    put_advice(http, &answer, status);
    rpc_answer_send_line(&answer, info->message);
    if (left && status != RPC_BODY_SHORT)
        rpc_body_discard(request);
}

static void answer_options(const struct rpc_http *http) {
    struct rpc_answer answer;

    rpc_http_start(http, &answer, "204 No Content");
    rpc_answer_text(&answer, "Allow", http->kind->methods);
    if (http->kind->types)
        rpc_answer_text(&answer, "Accept-Post", http->kind->types);
    if (http->verdict == RPC_ORIGIN_GRANTED)
        rpc_browsers_let_send(&answer, &http->vars, http->kind->methods);
    rpc_answer_send_empty(&answer);
}

/* --- what is let in --------------------------------------------------------------------------- */

static bool is_method(const struct rpc_http *http, const char *method) {
    const struct wsgi_request *request = http->vars.request;
    size_t len = strlen(method);
    return request->method_len == len && memcmp(request->method, method, len) == 0;
}

/* Whether nothing can be called, nor asked for: then a body need not be read. */
static bool is_closed(const struct rpc_http *http) {
    bool lists = rpc_options.introspection && http->kind->types;
    return !lists && rpc_table_is_closed(RPC_CALLER_BRIDGE);
}

/* RPC_OK, or why a request is refused whatever it has to say. */
static enum rpc_status admit(const struct rpc_http *http) {
    const struct rpc_http_kind *kind = http->kind;

    if (http->verdict == RPC_ORIGIN_FOREIGN)
        return RPC_CROSS_SITE;
    if (is_method(http, "OPTIONS"))
        return rpc_browsers_preflight_is_valid(&http->vars) ? RPC_OK : RPC_CROSS_SITE;
    if (kind->post_only ? !is_method(http, "POST")
                        : is_method(http, "TRACE") || is_method(http, "CONNECT"))
        return RPC_METHOD;
    if (http->coding == RPC_CODING_OTHER || (http->coding != RPC_CODING_IDENTITY && !kind->types))
        return RPC_CODING;
    return is_closed(http) ? RPC_FORBIDDEN : RPC_OK;
}

static void log_refused(const struct rpc_http *http, enum rpc_status status) {
    const struct rpc_field *origin = &http->vars.origin;
    bool named = status == RPC_CROSS_SITE && origin->len;
    rpc_log(http->kind->where, named ? origin->text : NULL, origin->len, status);
}

/*
 * Whether a client that could send its next request on this connection is not going to (RFC 9112,
 * section 9.3). uWSGI would wait for it, and keep its worker from others.
 */
static bool wants_close(const struct rpc_variables *vars) {
    const struct wsgi_request *request = vars->request;

    if (!request->socket->retry || !rpc_socket_speaks_http(request->socket))
        return false;
    if (rpc_field_lists(vars->connection, "close"))
        return true;
    bool old = request->protocol_len == 8 && memcmp(request->protocol, "HTTP/1.0", 8) == 0;
    return old && !rpc_field_lists(vars->connection, "keep-alive");
}

bool rpc_http_take(struct rpc_http *http, struct wsgi_request *request,
                   const struct rpc_http_kind *kind) {
    rpc_variables_read(request, &http->vars);
    http->kind = kind;
    http->coding = rpc_coding_read(http->vars.coding);
    if (wants_close(&http->vars))
        rpc_connection_close_after(request);
    http->verdict = rpc_browsers_judge(&http->vars);
    enum rpc_status status = admit(http);
    if (status != RPC_OK) {
        log_refused(http, status);
        rpc_http_refuse(http, status);
        return false;
    }
    if (!is_method(http, "OPTIONS"))
        return true;
    answer_options(http);
    return false;
}
