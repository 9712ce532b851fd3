// SPDX-License-Identifier: MIT
/*
 * HTTP answers, see server/answer.h.
 */
#include "answer.h"

#include "../parse/bytes.h"
#include "connection.h"

/* First size of a buffer for headers: the largest the allocator keeps at hand. */
#define HEADERS_SIZE 1024

/* Whether uWSGI has been told to look at the names of headers. */
static bool headers_are_watched(const struct wsgi_request *request) {
    return uwsgi.pull_headers || uwsgi.collect_headers || uwsgi.remove_headers ||
           request->remove_headers;
}

/*
 * Whether the client has to be told that the connection ends with the answer, as it would send its
 * next request on it (RFC 9112, section 9.6): http-socket carries one request, http11-socket more,
 * unless rpc_connection_close_after was called.
 */
static bool ends_connection(const struct wsgi_request *request) {
    return rpc_socket_speaks_http(request->socket) &&
           !(request->socket->retry && request->proto_parser_status);
}

static bool add_header(struct wsgi_request *request, const char *name, size_t name_len,
                       const char *value, size_t value_len) {
    return uwsgi_response_add_header(request, (char *)name, (uint16_t)name_len, (char *)value,
                                     (uint16_t)value_len) == 0;
}

/* Hands the lines over one by one, where somebody looks for one of them. */
static bool add_watched(const struct rpc_answer *answer) {
    const char *p = answer->lines + answer->status_len, *end = answer->lines + answer->len;

    while (p < end) {
        const char *colon = memchr(p, ':', (size_t)(end - p));
        const char *eol = colon ? memchr(colon, '\r', (size_t)(end - colon)) : NULL;
        if (!eol || !add_header(answer->request, p, (size_t)(colon - p), colon + 2,
                                (size_t)(eol - colon - 2)))
            return false;
        p = eol + 2;
    }
    return true;
}

/* Hands lines over, in the way uWSGI has for whole ones (add-header); it ends the last one itself.
 */
static bool add_lines(const struct rpc_answer *answer) {
    struct wsgi_request *request = answer->request;

    if (!answer->count)
        return true;
    if (headers_are_watched(request))
        return add_watched(answer);
    if (!add_header(request, NULL, 0, answer->lines, answer->len - 2))
        return false;
    request->header_cnt = (uint16_t)(request->header_cnt + answer->count - 1);
    return true;
}

/*
 * Hands the status line over, and the lines behind it. uWSGI allocates two buffers for each call,
 * so they go in one: what it is given for a status is what it puts behind the protocol, whole.
 */
static bool prepare(const struct rpc_answer *answer, size_t len) {
    return uwsgi_response_prepare_headers(answer->request, (char *)answer->lines,
                                          (uint16_t)(len - 2)) == 0;
}

static bool flush_status(const struct rpc_answer *answer) {
    if (headers_are_watched(answer->request))
        return prepare(answer, answer->status_len) && add_watched(answer);
    if (!prepare(answer, answer->len))
        return false;
    answer->request->header_cnt = (uint16_t)answer->count;
    return true;
}

static void flush_lines(struct rpc_answer *answer) {
    if (answer->failed)
        return;
    answer->failed = !(answer->status_len ? flush_status(answer) : add_lines(answer));
    answer->len = answer->status_len = answer->count = 0;
}

/* One that is too long for a header of uWSGI's is no header anybody has asked for. */
void rpc_answer_add(struct rpc_answer *answer, const char *name, size_t name_len, const char *value,
                    size_t value_len) {
    flush_lines(answer);
    if (value_len > UINT16_MAX || answer->failed ||
        !add_header(answer->request, name, name_len, value, value_len))
        answer->failed = true;
}

static void start(struct rpc_answer *answer, struct wsgi_request *request) {
    answer->request = request;
    answer->failed = false;
    answer->len = answer->status_len = answer->count = 0;
}

/* uWSGI itself would take a buffer of a whole page for the headers. */
void rpc_answer_start(struct rpc_answer *answer, struct wsgi_request *request, const char *status) {
    start(answer, request);
    if (!request->headers) {
        request->headers = uwsgi_buffer_new(HEADERS_SIZE);
        request->headers->limit = uwsgi.response_header_limit;
    }
    size_t len = strlen(status);
    memcpy(answer->lines, status, len);
    memcpy(answer->lines + len, "\r\n", 2);
    answer->len = answer->status_len = len + 2;
}

void rpc_answer_start_error(struct rpc_answer *answer, struct wsgi_request *request, int http) {
    start(answer, request);
    answer->failed = uwsgi_response_prepare_headers_int(request, http) != 0;
}

static bool is_head(struct wsgi_request *request) {
    return request->method_len == 4 && memcmp(request->method, "HEAD", 4) == 0;
}

bool rpc_answer_body(struct wsgi_request *request, const char *body, size_t len) {
    return uwsgi_response_write_body_do(request, (char *)body, is_head(request) ? 0 : len) == 0;
}

/* Whether nobody but the plugin has anything to add to an answer, which ends its connection. */
static bool is_complete(const struct wsgi_request *request) {
#ifdef UWSGI_ROUTING
    if (uwsgi.response_routes && !request->is_response_routing)
        return false;
#endif
    return rpc_connection_is_last(request) &&
           request->socket->proto_fix_headers == uwsgi_proto_base_fix_headers &&
           !rpc_answer_is_transformed(request) && !uwsgi.additional_headers &&
           !request->additional_headers && !request->ignore_body;
}

/* Counts what has left, of headers and body, and writes what has not. */
static bool send_rest(struct wsgi_request *request, size_t sent, const char *body, size_t len) {
    size_t head_len = request->headers->pos;

    if (sent < head_len &&
        uwsgi_simple_write(request, request->headers->buf + sent, head_len - sent) != 0)
        return false;
    request->write_pos = 0;
    size_t done = sent > head_len ? sent - head_len : 0;
    request->headers_sent = 1;
    request->headers_size += head_len;
    request->response_size += done;
    return done == len ||
           uwsgi_response_write_body_do(request, (char *)body + done, len - done) == 0;
}

/* Sends headers and body as uWSGI does, and the connection's end with them. */
static bool send_complete(struct wsgi_request *request, const char *body, size_t len) {
    if (request->socket->proto_fix_headers(request) != 0) {
        request->write_errors++;
        return false;
    }
    struct iovec iov[2] = {{request->headers->buf, request->headers->pos}, {(char *)body, len}};
    return send_rest(request, rpc_connection_send_last(request, iov, 2), body, len);
}

static bool finish(struct rpc_answer *answer, const char *body, size_t len) {
    if (rpc_answer_is_transformed(answer->request))
        rpc_connection_close_after(answer->request);
    if (ends_connection(answer->request))
        RPC_ANSWER_SAY(answer, "Connection", "close");
    flush_lines(answer);
    if (answer->failed)
        return false;
    if (is_complete(answer->request))
        return send_complete(answer->request, body, is_head(answer->request) ? 0 : len);
    return rpc_answer_body(answer->request, body, len);
}

/* Response routes look at the status, and may add a transformation: they have their turn, which
   uWSGI would give them later, before a length is told. */
static void apply_response_routes(struct rpc_answer *answer) {
    struct wsgi_request *request = answer->request;
    (void)request;
#ifdef UWSGI_ROUTING
    if (!uwsgi.response_routes || request->is_response_routing)
        return;
    flush_lines(answer);
    if (!answer->failed && uwsgi_apply_response_routes(request) == UWSGI_ROUTE_BREAK) {
        request->ignore_body = 1;
        answer->failed = true;
    }
    request->is_response_routing = 0;
#endif
}

bool rpc_answer_send(struct rpc_answer *answer, const char *body, size_t len) {
    char digits[RPC_DECIMAL_MAX], *last = digits + sizeof(digits), *first = rpc_decimal(len, last);

    apply_response_routes(answer);
    if (!rpc_answer_is_transformed(answer->request))
        RPC_ANSWER_PUT(answer, "Content-Length", first, (size_t)(last - first));
    return finish(answer, body, len);
}

bool rpc_answer_send_empty(struct rpc_answer *answer) {
    apply_response_routes(answer);
    return finish(answer, "", 0);
}

bool rpc_answer_send_line(struct rpc_answer *answer, const char *text) {
    char line[256];
    size_t len = (size_t)snprintf(line, sizeof(line), "%s\n", text);

    RPC_ANSWER_SAY(answer, "Content-Type", "text/plain");
    return rpc_answer_send(answer, line, len);
}

bool rpc_answer_ok(struct wsgi_request *request, const char *type, const char *body, size_t len) {
    struct rpc_answer answer;

    rpc_answer_start(&answer, request, "200 OK");
    if (type)
        RPC_ANSWER_PUT(&answer, "Content-Type", type, strlen(type));
    return rpc_answer_send(&answer, body, len);
}

void rpc_answer_error(struct wsgi_request *request, int http, const char *message) {
    struct rpc_answer answer;

    rpc_answer_start_error(&answer, request, http);
    rpc_answer_send_line(&answer, message);
}
