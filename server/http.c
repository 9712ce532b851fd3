// SPDX-License-Identifier: MIT
/*
 * The HTTP side of the bridges: the PATH_INFO bridge, handing documents to the XML-RPC and JSON-RPC
 * codecs, and writing answers. What a document says is the codecs' affair, reading it
 * server/body.c's.
 */
#include "http.h"

#include "body.h"
#include "table.h"
#ifdef RPC_XMLRPC
#include "../parse/xmlrpc.h"
#endif
#ifdef RPC_JSONRPC
#include "../parse/jsonrpc.h"
#endif

/* A path up to this length is split on the stack. */
#define PATH_ON_STACK 2048
/* Longest media type or charset that is looked at. */
#define MEDIA_TYPE_MAX 127
/* First size of a buffer for headers: the largest the allocator keeps at hand. */
#define HEADERS_SIZE 1024
/* Header lines up to this length in all are added in one piece. */
#define HEADER_LINES_MAX 512

/* A request, and what of its variables uWSGI keeps no pointer to. */
struct http {
    struct wsgi_request *request;
    struct iovec accept;
    struct rpc_body_vars body;
};

/* A header; its name has ": " behind it. */
struct header {
    const char *name;
    size_t name_len;
    const char *value;
    size_t value_len;
};

#define HEADER(name, value, value_len)                                                             \
    { name ": ", sizeof(name ": ") - 1, value, value_len }

/* --- answers -------------------------------------------------------------------------------- */

/* Whether uWSGI has been told to look at the names of headers. */
static bool headers_are_watched(const struct wsgi_request *request) {
    return uwsgi.pull_headers || uwsgi.collect_headers || uwsgi.remove_headers ||
           request->remove_headers;
}

static bool add_one_by_one(struct wsgi_request *request, const struct header *header,
                           size_t count) {
    for (size_t i = 0; i < count; i++)
        if (uwsgi_response_add_header(request, (char *)header[i].name,
                                      (uint16_t)(header[i].name_len - 2), (char *)header[i].value,
                                      (uint16_t)header[i].value_len))
            return false;
    return true;
}

static char *put(char *p, const char *data, size_t len) {
    memcpy(p, data, len);
    return p + len;
}

static inline char *put_line(char *p, const struct header *header) {
    p = put(p, header->name, header->name_len);
    p = put(p, header->value, header->value_len);
    return put(p, "\r\n", 2);
}

/*
 * Whether the client has to be told that the connection ends with the answer, as it would send its
 * next request on it (RFC 9112, section 9.6): http-socket carries one request, http11-socket more,
 * unless rpc_http_close_after was called.
 */
static bool ends_connection(const struct wsgi_request *request) {
    return rpc_socket_speaks_http(request->socket) &&
           !(request->socket->retry && request->proto_parser_status);
}

/*
 * Adds headers, and Connection where it is needed. uWSGI allocates a buffer for each call, so they
 * are handed over in one, in the way it has for whole lines (add-header); one by one where somebody
 * looks for one of them.
 */
static bool add_headers(struct wsgi_request *request, const struct header *header, size_t count) {
    static const struct header connection = HEADER("Connection", "close", 5);
    bool ends = ends_connection(request);
    char lines[HEADER_LINES_MAX], *p = lines;
    size_t len = ends ? connection.name_len + connection.value_len + 2 : 0;

    for (size_t i = 0; i < count; i++)
        len += header[i].name_len + header[i].value_len + 2;
    if (len > sizeof(lines) || headers_are_watched(request))
        return add_one_by_one(request, header, count) &&
               (!ends || add_one_by_one(request, &connection, 1));
    if (len == 0)
        return true;
    for (size_t i = 0; i < count; i++)
        p = put_line(p, &header[i]);
    if (ends)
        put_line(p, &connection);
    /* uWSGI ends the last line itself. */
    if (uwsgi_response_add_header(request, NULL, 0, lines, (uint16_t)(len - 2)))
        return false;
    request->header_cnt = (uint16_t)(request->header_cnt + count + ends - 1);
    return true;
}

/* Begins an answer; uWSGI itself would take a buffer of a whole page for its headers. */
static bool start_answer(struct wsgi_request *request, const char *status) {
    if (!request->headers) {
        request->headers = uwsgi_buffer_new(HEADERS_SIZE);
        request->headers->limit = uwsgi.response_header_limit;
    }
    return uwsgi_response_prepare_headers(request, (char *)status, (uint16_t)strlen(status)) == 0;
}

/* Room for a header's value. */
struct decimal {
    char digits[RPC_DECIMAL_MAX];
};

static struct header content_length(uint64_t len, struct decimal *room) {
    char *end = room->digits + sizeof(room->digits), *first = rpc_decimal(len, end);
    return (struct header)HEADER("Content-Length", first, (size_t)(end - first));
}

static bool is_head(struct wsgi_request *request) {
    return request->method_len == 4 && memcmp(request->method, "HEAD", 4) == 0;
}

bool rpc_http_body(struct wsgi_request *request, const char *body, size_t len) {
    return uwsgi_response_write_body_do(request, (char *)body, is_head(request) ? 0 : len) == 0;
}

bool rpc_http_ok(struct wsgi_request *request, const char *type, const char *body, size_t len) {
    struct decimal digits = {""};
    const struct header headers[] = {HEADER("Content-Type", type, type ? strlen(type) : 0),
                                     content_length(len, &digits)};

    return start_answer(request, "200 OK") &&
           add_headers(request, type ? headers : headers + 1, type ? 2 : 1) &&
           rpc_http_body(request, body, len);
}

static bool answer_empty(struct wsgi_request *request) {
    return start_answer(request, "204 No Content") && add_headers(request, NULL, 0) &&
           rpc_http_body(request, "", 0);
}

/* Both protocols close what they take for a request that was not read to its end. */
void rpc_http_close_after(struct wsgi_request *request) {
    if (!request->socket->retry)
        return;
    request->proto_parser_status = 0; /* http11 */
    request->proto_parser_pos = 0;    /* puwsgi */
}

void rpc_http_error(struct wsgi_request *request, int http, const char *message) {
    struct decimal digits = {""};
    char line[256];
    size_t len = (size_t)snprintf(line, sizeof(line), "%s\n", message);
    const struct header headers[] = {HEADER("Content-Type", "text/plain", 10),
                                     content_length(len, &digits), HEADER("Allow", "POST", 4)};

    if (uwsgi_response_prepare_headers_int(request, http) == 0 &&
        add_headers(request, headers, http == 405 ? 3 : 2))
        rpc_http_body(request, line, len);
}

/* --- requests -------------------------------------------------------------------------------- */

/* Whether a variable whose name has the right length is this one. */
#define IS_VAR(name, wanted) (memcmp((name)->iov_base, wanted, sizeof(wanted) - 1) == 0)

/* Looks for all variables of a request in one walk; the last of a name counts. */
static void read_vars(struct wsgi_request *request, struct http *http) {
    *http = (struct http){.request = request};
    for (int i = 1; i < request->var_cnt; i += 2) {
        const struct iovec *name = &request->hvec[i - 1], *value = &request->hvec[i];
        switch (name->iov_len) {
        case sizeof("HTTP_ACCEPT") - 1:
            if (IS_VAR(name, "HTTP_ACCEPT"))
                http->accept = *value;
            else if (IS_VAR(name, "HTTP_EXPECT"))
                http->body.expect = *value;
            break;
        case sizeof("CONTENT_LENGTH") - 1:
            if (IS_VAR(name, "CONTENT_LENGTH"))
                http->body.length = *value;
            break;
        case sizeof("HTTP_TRANSFER_ENCODING") - 1:
            if (IS_VAR(name, "HTTP_TRANSFER_ENCODING"))
                http->body.coding = *value;
            break;
        default:
            break;
        }
    }
}

static void refuse(const struct http *http, enum rpc_status status) {
    const struct rpc_status_info *info = rpc_status_info(status);
    bool left = rpc_body_leave(http->request, &http->body);
    rpc_http_error(http->request, info->http, info->message);
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

static bool is_token_char(unsigned char c) {
    return isalnum(c) || (c && strchr("!#$%&'+-.^_`|~", c));
}

static size_t skip(const char *text, size_t i, size_t len, bool (*wanted)(unsigned char)) {
    while (i < len && wanted((unsigned char)text[i]))
        i++;
    return i;
}

static bool is_blank(unsigned char c) {
    return c == ' ' || c == '\t';
}

static bool is_parameter_char(unsigned char c) {
    return is_token_char(c) || is_blank(c) || c == '=' || c == '"';
}

/*
 * The length of an Accept header that is one concrete media type (RFC 9110 section 8.3.1: a token,
 * a slash, a token, parameters), up to its weight (section 12.4.2); 0 for a list, a range or
 * anything else.
 */
static size_t concrete_media_type(const char *accept, size_t len) {
    size_t slash = skip(accept, 0, len, is_token_char);
    if (slash == 0 || slash == len || accept[slash] != '/')
        return 0;
    size_t end = skip(accept, slash + 1, len, is_token_char), i = end;
    if (end == slash + 1)
        return 0;
    while ((i = skip(accept, i, len, is_blank)) < len && accept[i] == ';') {
        size_t name = skip(accept, i + 1, len, is_blank);
        if (len - name >= 2 && (accept[name] | 0x20) == 'q' && accept[name + 1] == '=')
            return end;
        end = i = skip(accept, name, len, is_parameter_char);
    }
    return i == len ? end : 0;
}

static bool path_ok(const struct http *http, const struct rpc_result *result) {
    static const char bytes[] = "application/octet-stream";
    struct wsgi_request *request = http->request;
    const char *accept = http->accept.iov_base;
    size_t type_len = accept ? concrete_media_type(accept, http->accept.iov_len) : 0;
    struct decimal digits = {""};
    const struct header headers[] = {
        HEADER("Content-Type", type_len ? accept : bytes, type_len ? type_len : sizeof(bytes) - 1),
        HEADER("X-Content-Type-Options", "nosniff", 7), content_length(result->len, &digits)};

    if (result->len == 0)
        return answer_empty(request);
    return start_answer(request, "200 OK") &&
           add_headers(request, headers, sizeof(headers) / sizeof(*headers)) &&
           rpc_http_body(request, result->data, result->len);
}

/* PATH_INFO without rpc-http-prefix; false for a path outside it. */
static bool strip_prefix(const char **path, size_t *len) {
    const char *prefix = rpc_options.http_prefix;
    size_t prefix_len = prefix ? strlen(prefix) : 0;

    while (prefix_len && prefix[prefix_len - 1] == '/')
        prefix_len--;
    if (!prefix_len)
        return true;
    if (*len < prefix_len || memcmp(*path, prefix, prefix_len) != 0 ||
        (*len > prefix_len && (*path)[prefix_len] != '/'))
        return false;
    *path += prefix_len;
    *len -= prefix_len;
    return true;
}

static enum rpc_status add_argument(struct rpc_call *call, const char *data, size_t len) {
    if (call->arg_count == RPC_ARGS_MAX)
        return RPC_TOO_MANY_ARGS;
    if (len > RPC_ARG_LEN_MAX)
        return RPC_ARG_TOO_LONG;
    call->arg[call->arg_count] = data;
    call->arg_len[call->arg_count++] = (uint16_t)len;
    return RPC_OK;
}

/* Splits a path in place, each segment getting its NUL where its slash was. */
static enum rpc_status split_path(char *path, size_t len, struct rpc_call *call) {
    char *end = path + len;
    enum rpc_status status = RPC_OK;

    call->name = NULL;
    call->arg_count = 0;
    path[len] = 0;
    while (path < end && status == RPC_OK) {
        char *slash = memchr(path, '/', (size_t)(end - path));
        if (!slash)
            slash = end;
        size_t segment_len = (size_t)(slash - path);
        *slash = 0;
        if (segment_len && call->name) {
            status = add_argument(call, path, segment_len);
        } else if (segment_len) {
            call->name = path;
            call->name_len = (uint16_t)segment_len;
        }
        path = slash + 1;
    }
    if (status == RPC_OK && !call->name)
        status = RPC_NO_NAME;
    return status;
}

/* The body as one more argument; the copy that carries its NUL goes to *copy, for free(). */
static enum rpc_status add_body(const struct http *http, struct rpc_call *call, char **copy) {
    struct rpc_body body;
    enum rpc_status status = rpc_body_read(http->request, &http->body,
                                           UMIN(rpc_options.max_body, RPC_ARG_LEN_MAX), &body);

    if (status == RPC_BODY_TOO_LARGE)
        status = RPC_ARG_TOO_LONG;
    if (status == RPC_OK && body.len) {
        *copy = uwsgi_concat2n((char *)body.data, (int)body.len, "", 0);
        status = add_argument(call, *copy, body.len);
    }
    rpc_body_free(&body);
    return status;
}

static enum rpc_status path_call(const struct http *http, char *path, size_t path_len) {
    struct bridge_context bridge = {http->request, "path bridge"};
    struct rpc_result result = {0};
    struct rpc_call call;
    char *body = NULL;

    enum rpc_status status = split_path(path, path_len, &call);
    if (status == RPC_OK && rpc_body_is_announced(&http->body))
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

    if (!strip_prefix(&path, &len)) {
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

/* Whether the Content-Type is one the bridge takes; its charset parameter, if any, to charset. */
static bool takes_type(const struct document_bridge *bridge, struct wsgi_request *request,
                       char *charset) {
    char type[MEDIA_TYPE_MAX + 1], *param;
    size_t len = UMIN(request->content_type_len, MEDIA_TYPE_MAX);

    charset[0] = 0;
    if (len)
        memcpy(type, request->content_type, len);
    type[len] = 0;
    param = type + strcspn(type, "; \t");
    len = (size_t)(param - type);
    for (; (param = strchr(param, ';')); param++) {
        param += strspn(param, "; \t");
        if (strncasecmp(param, "charset=", 8) == 0) {
            param += 8 + (param[8] == '"');
            size_t value_len = strcspn(param, "\"; \t");
            memcpy(charset, param, value_len);
            charset[value_len] = 0;
            break;
        }
    }
    for (size_t i = 0; i < 2; i++)
        if (strlen(bridge->types[i]) == len && strncasecmp(type, bridge->types[i], len) == 0)
            return true;
    return false;
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

    enum rpc_status status = rpc_body_read(request, &http->body, rpc_options.max_body, &body);
    if (status == RPC_OK)
        status = document->handle(&bridge, body.data, body.len, charset, &answer);
    if (status == RPC_OK && answer.len)
        rpc_http_ok(request, document->answer_type, answer.data, answer.len);
    else if (status == RPC_OK)
        answer_empty(request);
    rpc_bytes_free(&answer);
    rpc_body_free(&body);
    return status;
}

static void serve_document(const struct document_bridge *document, const struct http *http) {
    struct wsgi_request *request = http->request;
    char charset[MEDIA_TYPE_MAX + 1];
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

int rpc_http_request(struct wsgi_request *request) {
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
