// SPDX-License-Identifier: MIT
/*
 * The HTTP bridges, see server/bridges.h. What a document says is the codecs' affair, reading it
 * that of server/body.c.
 */
#include "bridges.h"

#include "../parse/media.h"
#include "../parse/path.h"
#include "answer.h"
#include "body.h"
#include "connection.h"
#include "core.h"
#include "log.h"
#include "options.h"
#include "table.h"
#ifdef RPC_XMLRPC
#include "../parse/xmlrpc.h"
#endif
#ifdef RPC_JSONRPC
#include "../parse/jsonrpc.h"
#endif

/* A path up to this length is split on the stack. */
#define PATH_ON_STACK 2048
/* Longest charset that is looked at. */
#define CHARSET_MAX 63

/* A request, and what of its variables uWSGI keeps no pointer to. */
struct http {
    struct wsgi_request *request;
    struct rpc_field accept, expect;
    struct rpc_framing framing; /* of its body */
};

/* --- requests -------------------------------------------------------------------------------- */

/* Whether a variable whose name has the right length is this one. */
#define IS_VAR(name, wanted) (memcmp((name)->iov_base, wanted, sizeof(wanted) - 1) == 0)

static struct rpc_field field_of(const struct iovec *value) {
    return (struct rpc_field){value->iov_base, value->iov_len};
}

/* Looks for all variables of a request in one walk; the last of a name counts. */
static void read_vars(struct wsgi_request *request, struct http *http) {
    const struct rpc_field protocol = {request->protocol, request->protocol_len};
    struct rpc_field length = {NULL, 0}, coding = {NULL, 0};

    *http = (struct http){.request = request};
    for (int i = 1; i < request->var_cnt; i += 2) {
        const struct iovec *name = &request->hvec[i - 1], *value = &request->hvec[i];
        switch (name->iov_len) {
        case sizeof("HTTP_ACCEPT") - 1:
            if (IS_VAR(name, "HTTP_ACCEPT"))
                http->accept = field_of(value);
            else if (IS_VAR(name, "HTTP_EXPECT"))
                http->expect = field_of(value);
            break;
        case sizeof("CONTENT_LENGTH") - 1:
            if (IS_VAR(name, "CONTENT_LENGTH"))
                length = field_of(value);
            break;
        case sizeof("HTTP_TRANSFER_ENCODING") - 1:
            if (IS_VAR(name, "HTTP_TRANSFER_ENCODING"))
                coding = field_of(value);
            break;
        default:
            break;
        }
    }
    http->framing = rpc_framing_read(&length, &coding,
                                     rpc_socket_speaks_http(request->socket) ? &protocol : NULL);
}

static void refuse(const struct http *http, enum rpc_status status) {
    const struct rpc_status_info *info = rpc_status_info(status);
    bool left = rpc_body_leave(http->request, &http->framing);
    rpc_answer_error(http->request, info->http, info->message);
    if (left && status != RPC_BODY_SHORT)
        rpc_body_discard(http->request);
}

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

static enum rpc_status bridge_call(void *ctx, const struct rpc_call *call,
                                   struct rpc_result *result) {
    struct bridge_context *bridge = ctx;
    enum rpc_status status = rpc_table_call(RPC_CALLER_BRIDGE, call, result);

    if (status != RPC_OK)
        bridge_fault(bridge, call->name, call->name_len, status);
    else
        rpc_core_note(bridge->request, call->name, call->name_len, status);
    return status;
}

/* --- PATH_INFO (modifier2 2) ----------------------------------------------------------------- */

static bool path_ok(const struct http *http, const struct rpc_result *result) {
    const char *type = http->accept.text;
    size_t type_len = type ? rpc_media_accepted(type, http->accept.len) : 0;
    struct rpc_answer answer;

    if (result->len == 0)
        return rpc_answer_empty(http->request);
    rpc_answer_start(&answer, http->request, "200 OK");
    if (type_len)
        RPC_ANSWER_PUT(&answer, "Content-Type", type, type_len);
    else
        RPC_ANSWER_SAY(&answer, "Content-Type", "application/octet-stream");
    RPC_ANSWER_SAY(&answer, "X-Content-Type-Options", "nosniff");
    return rpc_answer_send(&answer, result->data, result->len);
}

/* The body as one more argument; the copy that carries its NUL goes to *copy, for free(). */
static enum rpc_status add_body(const struct http *http, struct rpc_call *call, char **copy) {
    struct rpc_body body;
    enum rpc_status status =
        rpc_body_read(http->request, &http->framing, &http->expect,
                      (size_t)UMIN(rpc_options.max_body, RPC_ARG_LEN_MAX), &body);

    if (status == RPC_BODY_TOO_LARGE)
        status = RPC_ARG_TOO_LONG;
    if (status == RPC_OK && body.len) {
        *copy = uwsgi_concat2n((char *)body.data, (int)body.len, "", 0);
        status = rpc_path_add(call, *copy, body.len);
    }
    rpc_body_free(&body);
    return status;
}

static enum rpc_status path_call(const struct http *http, char *path, size_t path_len) {
    struct bridge_context bridge = {http->request, "path bridge"};
    struct rpc_result result = {0};
    struct rpc_call call;
    char *body = NULL;

    enum rpc_status status = rpc_path_split(path, path_len, &call);
    if (status == RPC_OK && http->framing.kind != RPC_FRAMING_NONE)
        status = add_body(http, &call, &body);
    if (status == RPC_OK) {
        status = bridge_call(&bridge, &call, &result);
        if (status == RPC_OK)
            path_ok(http, &result);
    } else {
        bridge_fault(&bridge, call.name, call.name ? call.name_len : 0, status);
    }
    free(result.data);
    free(body);
    return status;
}

static void serve_path(const struct http *http) {
    const char *path = http->request->path_info ? http->request->path_info : "";
    size_t len = http->request->path_info_len;
    char stack[PATH_ON_STACK + 1], *copy = stack;
    enum rpc_status status = RPC_OUTSIDE_PREFIX;

    if (!rpc_path_strip(rpc_options.http_prefix, &path, &len)) {
        rpc_log("path bridge", path, len, status);
    } else {
        if (len > PATH_ON_STACK)
            copy = uwsgi_malloc(len + 1);
        memcpy(copy, path, len);
        status = path_call(http, copy, len);
        if (copy != stack)
            free(copy);
    }
    if (status != RPC_OK)
        refuse(http, status);
}

/* --- documents: XML-RPC (modifier2 3) and JSON-RPC (modifier2 4) ------------------------------ */

struct document_bridge {
    const char *where;
    const char *types[2]; /* media types taken */
    const char *answer_type;
    enum rpc_status (*handle)(const struct rpc_bridge *bridge, const char *body, size_t len,
                              const char *charset, struct rpc_bytes *answer);
};

#ifdef RPC_JSONRPC
/* JSON is UTF-8 whatever a charset parameter says (RFC 8259 section 11). */
static enum rpc_status handle_jsonrpc(const struct rpc_bridge *bridge, const char *body, size_t len,
                                      const char *charset, struct rpc_bytes *answer) {
    (void)charset;
    return rpc_jsonrpc_handle(bridge, body, len, answer);
}
#define JSONRPC_HANDLE handle_jsonrpc
#else
#define JSONRPC_HANDLE NULL
#endif
#ifdef RPC_XMLRPC
#define XMLRPC_HANDLE rpc_xmlrpc_handle
#else
#define XMLRPC_HANDLE NULL
#endif

static const struct document_bridge xmlrpc = {
    "xmlrpc bridge", {"text/xml", "application/xml"}, "text/xml", XMLRPC_HANDLE};
static const struct document_bridge jsonrpc = {"jsonrpc bridge",
                                               {"application/json", "application/json-rpc"},
                                               "application/json",
                                               JSONRPC_HANDLE};

/* Whether the Content-Type is one the bridge takes; its charset parameter, or "", to charset. */
static bool takes_type(const struct document_bridge *bridge, const struct wsgi_request *request,
                       char *charset) {
    struct rpc_media media;

    if (!request->content_type_len ||
        !rpc_media_parse(request->content_type, request->content_type_len, &media) ||
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

static enum rpc_status document_call(const struct document_bridge *document,
                                     const struct http *http, const char *charset) {
    struct wsgi_request *request = http->request;
    struct bridge_context context = {request, document->where};
    const struct rpc_bridge bridge = {.call = bridge_call,
                                      .list = rpc_options.introspection ? list_functions : NULL,
                                      .fault = bridge_fault,
                                      .ctx = &context,
                                      .max_calls = (size_t)rpc_options.max_batch};
    struct rpc_bytes answer = {0};
    struct rpc_body body;

    enum rpc_status status =
        rpc_body_read(request, &http->framing, &http->expect, (size_t)rpc_options.max_body, &body);
    if (status == RPC_OK)
        status = document->handle(&bridge, body.data, body.len, charset, &answer);
    if (status == RPC_OK && answer.len)
        rpc_answer_ok(request, document->answer_type, answer.data, answer.len);
    else if (status == RPC_OK)
        rpc_answer_empty(request);
    rpc_bytes_free(&answer);
    rpc_body_free(&body);
    return status;
}

static void serve_document(const struct document_bridge *document, const struct http *http) {
    struct wsgi_request *request = http->request;
    char charset[CHARSET_MAX + 1];
    enum rpc_status status;

    if (!document->handle)
        status = RPC_NO_BRIDGE;
    else if (request->method_len != 4 || memcmp(request->method, "POST", 4) != 0)
        status = RPC_METHOD;
    else if (!takes_type(document, request, charset))
        status = RPC_MEDIA_TYPE;
    else
        status = document_call(document, http, charset[0] ? charset : NULL);
    if (status != RPC_OK) {
        rpc_log(document->where, NULL, 0, status);
        refuse(http, status);
    }
}

int rpc_bridges_request(struct wsgi_request *request) {
    struct http http;

    if (uwsgi_parse_vars(request)) {
        rpc_log("bridge", NULL, 0, RPC_BAD_VARS);
        return -1;
    }
    read_vars(request, &http);
    switch (request->uh->modifier2) {
    case RPC_HTTP_PATH:
        serve_path(&http);
        break;
    case RPC_HTTP_XML:
        serve_document(&xmlrpc, &http);
        break;
    default:
        serve_document(&jsonrpc, &http);
        break;
    }
    return UWSGI_OK;
}

void rpc_bridges_init(void) {
#ifndef RPC_XMLRPC
    uwsgi_log("[rpc] built without libxml2: the XML-RPC bridge answers 501\n");
#endif
#ifdef RPC_JSONRPC
    rpc_jsonrpc_init();
#else
    uwsgi_log("[rpc] built without jansson: the JSON-RPC bridge answers 501\n");
#endif
}
