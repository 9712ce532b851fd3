// SPDX-License-Identifier: MIT
/*
 * The HTTP bridges, see server/bridges.h. What a document says is the codecs' affair, reading it
 * that of server/body.c.
 */
#include "bridges.h"

#include "../parse/bytes.h"
#include "../parse/jsonrpc.h"
#include "../parse/media.h"
#include "../parse/path.h"
#include "../parse/typed.h"
#include "body.h"
#include "connection.h"
#include "core.h"
#include "http.h"
#include "log.h"
#include "metrics.h"
#include "options.h"
#include "table.h"
#ifdef RPC_XMLRPC
#include "../parse/xmlrpc.h"
#include "../parse/xmlrpc_parse.h"
#endif

/* A path up to this length is split on the stack. */
#define PATH_ON_STACK 2048
/* Longest result of a path that is looked at for being text, bytes. */
#define TEXT_MAX 65536
/* Longest charset that is looked at. */
#define CHARSET_MAX 63
#define JSON_TYPE "application/json"

/* --- calls ----------------------------------------------------------------------------------- */

/* A bridge calling: the request it serves and its name in the log. */
struct bridge_context {
    struct wsgi_request *request;
    const char *where;
};

static void bridge_fault(void *ctx, const char *name, size_t name_len, enum rpc_status status) {
    struct bridge_context *bridge = ctx;
    rpc_core_note(bridge->request, name, name_len, status);
    rpc_log(bridge->where, name, name_len, status);
}

static enum rpc_status bridge_find(void *ctx, const char *name, size_t name_len, bool *typed) {
    (void)ctx;
    return rpc_table_find(RPC_CALLER_BRIDGE, name, name_len, typed);
}

static enum rpc_status bridge_call(void *ctx, const struct rpc_call *call,
                                   struct rpc_result *result) {
    struct bridge_context *bridge = ctx;
    enum rpc_status status = rpc_table_call(RPC_CALLER_BRIDGE, call, result);

    if (status == RPC_APPLICATION_ERROR)
        rpc_metrics_failure(status);
    if (status == RPC_OK || status == RPC_APPLICATION_ERROR)
        rpc_core_note(bridge->request, call->name, call->name_len, status);
    else
        bridge_fault(bridge, call->name, call->name_len, status);
    return status;
}

/* --- PATH_INFO (modifier2 2) ----------------------------------------------------------------- */

/* A browser shows text, and downloads what may be anything; nosniff keeps it from guessing. */
static void path_ok(const struct rpc_http *http, const struct rpc_result *result) {
    const char *type = http->vars.accept.text;
    size_t type_len = type ? rpc_media_accepted(type, http->vars.accept.len) : 0;
    struct rpc_answer answer;

    if (result->len == 0) {
        rpc_http_empty(http);
        return;
    }
    rpc_http_start(http, &answer, "200 OK");
    RPC_ANSWER_SAY(&answer, "Vary", "Accept");
    if (type_len)
        RPC_ANSWER_PUT(&answer, "Content-Type", type, type_len);
    else if (result->len <= TEXT_MAX && rpc_utf8_is_valid(result->data, result->len))
        RPC_ANSWER_SAY(&answer, "Content-Type", "text/plain; charset=utf-8");
    else
        RPC_ANSWER_SAY(&answer, "Content-Type", "application/octet-stream");
    RPC_ANSWER_SAY(&answer, "X-Content-Type-Options", "nosniff");
    rpc_answer_send(&answer, result->data, result->len);
}

/* Whether the Content-Type says that the body is JSON. */
static bool is_json(const struct wsgi_request *request) {
    struct rpc_media media;
    return request->content_type_len &&
           rpc_media_parse(request->content_type, request->content_type_len, &media) &&
           rpc_media_is(&media, JSON_TYPE);
}

/* Answers with JSON text: a typed function's value, or its error. */
static void path_json(const struct rpc_http *http, struct rpc_answer *answer, const char *text,
                      size_t len) {
    rpc_browsers_let_read(answer, &http->vars, http->verdict);
    RPC_ANSWER_SAY(answer, "Content-Type", JSON_TYPE);
    RPC_ANSWER_SAY(answer, "X-Content-Type-Options", "nosniff");
    rpc_answer_send(answer, text, len);
}

static void path_value(const struct rpc_http *http, const struct rpc_result *result) {
    struct rpc_json value = rpc_typed_value(result->data, result->len);
    struct rpc_answer answer;

    rpc_answer_start(&answer, http->vars.request, "200 OK");
    path_json(http, &answer, value.text, value.len);
}

static enum rpc_status path_error(const struct rpc_http *http, const struct rpc_result *result) {
    struct rpc_typed_error error = rpc_typed_error(result->data, result->len);
    struct rpc_bytes body = {0};
    struct rpc_answer answer;

    rpc_typed_put_error(&body, &error);
    if (body.failed) {
        rpc_log(http->kind->where, NULL, 0, RPC_NO_MEMORY);
        return RPC_NO_MEMORY;
    }
    rpc_answer_start_error(&answer, http->vars.request, rpc_typed_http(&error));
    path_json(http, &answer, body.data, body.len);
    rpc_bytes_free(&body);
    return RPC_OK;
}

/* The body as the argument of a function that is not typed; its NUL goes behind a copy. */
static enum rpc_status add_body(const struct rpc_body *body, struct rpc_bytes *copy,
                                struct rpc_call *call) {
    rpc_bytes_append(copy, body->data, body->len);
    rpc_bytes_append(copy, "", 1);
    return copy->failed ? RPC_NO_MEMORY : rpc_path_add(call, copy->data, body->len);
}

/* Reads a body, if there is one, that is going to be an argument. */
static enum rpc_status read_body(const struct rpc_http *http, struct rpc_body *body) {
    enum rpc_status status = RPC_OK;

    *body = (struct rpc_body){.data = ""};
    if (http->vars.framing.kind != RPC_FRAMING_NONE)
        status = rpc_body_read(http->vars.request, &http->vars.framing, &http->vars.expect,
                               (size_t)UMIN(rpc_options.max_body, RPC_ARG_LEN_MAX), body);
    if (status == RPC_BODY_TOO_LARGE && rpc_options.max_body > RPC_ARG_LEN_MAX)
        status = RPC_ARG_TOO_LONG;
    return status;
}

/* Makes the arguments of a call that has its name. copy, an empty buffer, holds what is not in the
   path. */
static enum rpc_status path_args(const struct rpc_http *http, char *path, size_t len, bool typed,
                                 struct rpc_bytes *copy, struct rpc_call *call) {
    struct rpc_body body;

    enum rpc_status status = typed ? RPC_OK : rpc_path_args(path, len, call);
    if (status != RPC_OK)
        return status;
    status = read_body(http, &body);
    if (status == RPC_OK && typed && body.len && !is_json(http->vars.request))
        status = RPC_MEDIA_TYPE;
    else if (status == RPC_OK && typed)
        status = rpc_path_params(path, len, body.data, body.len, copy, call);
    else if (status == RPC_OK && body.len)
        status = add_body(&body, copy, call);
    rpc_body_free(&body);
    return status;
}

static enum rpc_status path_call(const struct rpc_http *http, char *path, size_t path_len) {
    struct bridge_context bridge = {http->vars.request, http->kind->where};
    struct rpc_result result = {0};
    struct rpc_bytes copy = {0};
    struct rpc_call call;
    bool typed = false;

    enum rpc_status status = rpc_path_name(&path, &path_len, &call);
    if (status == RPC_OK && rpc_options.json.count)
        typed = bridge_find(&bridge, call.name, call.name_len, &typed) == RPC_OK && typed;
    if (status == RPC_OK)
        status = path_args(http, path, path_len, typed, &copy, &call);
    if (status == RPC_OK) {
        status = bridge_call(&bridge, &call, &result);
        if (status == RPC_APPLICATION_ERROR)
            status = path_error(http, &result);
        else if (status == RPC_OK && typed)
            path_value(http, &result);
        else if (status == RPC_OK)
            path_ok(http, &result);
    } else {
        bridge_fault(&bridge, call.name, call.name ? call.name_len : 0, status);
    }
    free(result.data);
    rpc_bytes_free(&copy);
    return status;
}

static enum rpc_status serve_path(const struct rpc_http *http) {
    struct wsgi_request *request = http->vars.request;
    const char *path = request->path_info ? request->path_info : "";
    size_t len = request->path_info_len;
    char stack[PATH_ON_STACK + 1];

    if (!rpc_path_strip(rpc_options.http_prefix, &path, &len)) {
        rpc_log(http->kind->where, path, len, RPC_OUTSIDE_PREFIX);
        return RPC_OUTSIDE_PREFIX;
    }
    char *copy = len > PATH_ON_STACK ? malloc(len + 1) : stack;
    if (!copy) {
        rpc_log(http->kind->where, NULL, 0, RPC_NO_MEMORY);
        return RPC_NO_MEMORY;
    }
    memcpy(copy, path, len);
    enum rpc_status status = path_call(http, copy, len);
    if (copy != stack)
        free(copy);
    return status;
}

/* --- documents: XML-RPC (modifier2 3) and JSON-RPC (modifier2 4) ------------------------------ */

struct document_bridge {
    struct rpc_http_kind kind;
    const char *types[2]; /* media types taken */
    const char *answer_type;
    enum rpc_status (*handle)(const struct rpc_bridge *bridge, const char *body, size_t len,
                              const char *charset, struct rpc_bytes *answer);
};

/* JSON is UTF-8 whatever a charset parameter says (RFC 8259 section 11). */
static enum rpc_status handle_jsonrpc(const struct rpc_bridge *bridge, const char *body, size_t len,
                                      const char *charset, struct rpc_bytes *answer) {
    (void)charset;
    return rpc_jsonrpc_handle(bridge, body, len, answer);
}
#ifdef RPC_XMLRPC
#define XMLRPC_HANDLE rpc_xmlrpc_handle
#else
#define XMLRPC_HANDLE NULL
#endif

#define DOCUMENT_BRIDGE(where, type, other_type, handle)                                           \
    { {where, "POST, OPTIONS", true, type ", " other_type}, {type, other_type}, type, handle }

static const struct document_bridge xmlrpc =
    DOCUMENT_BRIDGE("xmlrpc bridge", "text/xml", "application/xml", XMLRPC_HANDLE);
static const struct document_bridge jsonrpc =
    DOCUMENT_BRIDGE("jsonrpc bridge", JSON_TYPE, "application/json-rpc", handle_jsonrpc);

/* The client's; where it sends none, what a route has put in its place. */
static struct rpc_field content_type(struct wsgi_request *request) {
    if (request->content_type_len)
        return (struct rpc_field){request->content_type, request->content_type_len};
    return rpc_variables_get(request, "CONTENT_TYPE");
}

/* Whether the Content-Type is one the bridge takes; its charset parameter, or "", to charset. */
static bool takes_type(const struct document_bridge *bridge, struct wsgi_request *request,
                       char *charset) {
    const struct rpc_field type = content_type(request);
    struct rpc_media media;

    if (!type.len || !rpc_media_parse(type.text, type.len, &media) ||
        media.charset_len > CHARSET_MAX)
        return false;
    if (media.charset)
        memcpy(charset, media.charset, media.charset_len);
    charset[media.charset_len] = 0;
    return rpc_media_is(&media, bridge->types[0]) || rpc_media_is(&media, bridge->types[1]);
}

static void list_functions(void *ctx, void (*visit)(void *visitor, const char *name),
                           void *visitor) {
    (void)ctx;
    rpc_table_list(RPC_CALLER_BRIDGE, visit, visitor);
}

static void answer_document(const struct rpc_http *http, const char *type,
                            const struct rpc_bytes *document) {
    struct rpc_answer answer;

    rpc_http_start(http, &answer, "200 OK");
    rpc_answer_text(&answer, "Content-Type", type);
    rpc_answer_send(&answer, document->data, document->len);
}

static enum rpc_status document_call(const struct document_bridge *document,
                                     const struct rpc_http *http, const char *charset) {
    struct bridge_context context = {http->vars.request, document->kind.where};
    const struct rpc_bridge bridge = {.find = bridge_find,
                                      .call = bridge_call,
                                      .list = rpc_options.introspection ? list_functions : NULL,
                                      .fault = bridge_fault,
                                      .ctx = &context,
                                      .max_calls = (size_t)rpc_options.max_batch};
    struct rpc_bytes answer = {0};
    struct rpc_body body;

    enum rpc_status status = rpc_body_read(http->vars.request, &http->vars.framing,
                                           &http->vars.expect, (size_t)rpc_options.max_body, &body);
    if (status == RPC_OK)
        status = rpc_body_decode(&body, http->coding, (size_t)rpc_options.max_body);
    if (status == RPC_OK)
        status = document->handle(&bridge, body.data, body.len, charset, &answer);
    if (status == RPC_OK && answer.len)
        answer_document(http, document->answer_type, &answer);
    else if (status == RPC_OK)
        rpc_http_empty(http);
    rpc_bytes_free(&answer);
    rpc_body_free(&body);
    return status;
}

static enum rpc_status serve_document(const struct document_bridge *document,
                                      const struct rpc_http *http) {
    char charset[CHARSET_MAX + 1];
    enum rpc_status status;

    if (!document->handle)
        status = RPC_NO_BRIDGE;
    else if (!takes_type(document, http->vars.request, charset))
        status = RPC_MEDIA_TYPE;
    else if (http->vars.framing.kind == RPC_FRAMING_NONE)
        status = RPC_NO_LENGTH;
    else
        status = document_call(document, http, charset[0] ? charset : NULL);
    if (status != RPC_OK)
        rpc_log(document->kind.where, NULL, 0, status);
    return status;
}

/* --- requests --------------------------------------------------------------------------------- */

static struct rpc_http_kind path_bridge = {
    "path bridge", "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS", false, NULL};

static const struct rpc_http_kind *kind_of(const struct wsgi_request *request) {
    switch (request->uh->modifier2) {
    case RPC_HTTP_PATH:
        return &path_bridge;
    case RPC_HTTP_XML:
        return &xmlrpc.kind;
    default:
        return &jsonrpc.kind;
    }
}

static enum rpc_status serve(const struct rpc_http *http) {
    if (http->kind == &path_bridge)
        return serve_path(http);
    return serve_document(http->kind == &xmlrpc.kind ? &xmlrpc : &jsonrpc, http);
}

/* More of them than uWSGI's max-vars, for example: what it has not read is not known. */
static void refuse_variables(struct wsgi_request *request) {
    const struct rpc_status_info *info = rpc_status_info(RPC_BAD_VARS);

    rpc_log("bridge", NULL, 0, RPC_BAD_VARS);
    rpc_connection_close_after(request);
    rpc_answer_error(request, info->http, info->message);
    if (request->post_cl)
        rpc_body_discard(request);
}

int rpc_bridges_request(struct wsgi_request *request) {
    struct rpc_http http;

    if (uwsgi_parse_vars(request)) {
        /* uWSGI answers static files and hits of its cache there itself. */
        if (!request->headers && !request->response_size)
            refuse_variables(request);
        return UWSGI_OK;
    }
    if (!rpc_http_take(&http, request, kind_of(request)))
        return UWSGI_OK;
    enum rpc_status status = serve(&http);
    if (status != RPC_OK)
        rpc_http_refuse(&http, status);
    return UWSGI_OK;
}

void rpc_bridges_init(void) {
    if (rpc_options.post_only) {
        path_bridge.post_only = true;
        path_bridge.methods = "POST, OPTIONS";
    }
#ifdef RPC_XMLRPC
    rpc_xmlrpc_parse_init();
#else
    uwsgi_log("[rpc] built without libxml2: the XML-RPC bridge answers 501\n");
#endif
}
