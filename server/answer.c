// SPDX-License-Identifier: MIT
/*
 * HTTP answers, see server/answer.h.
 */
#include "answer.h"

#include "../parse/bytes.h"
#include "connection.h"

/* First size of a buffer for headers: the largest the allocator keeps at hand. */
#define HEADERS_SIZE 1024
/* Header lines up to this length in all are added in one piece. */
#define HEADER_LINES_MAX 512

/* Whether uWSGI has been told to look at the names of headers. */
static bool headers_are_watched(const struct wsgi_request *request) {
    return uwsgi.pull_headers || uwsgi.collect_headers || uwsgi.remove_headers ||
           request->remove_headers;
}

static bool add_one_by_one(struct wsgi_request *request, const struct rpc_header *header,
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

static inline char *put_line(char *p, const struct rpc_header *header) {
    p = put(p, header->name, header->name_len);
    p = put(p, header->value, header->value_len);
    return put(p, "\r\n", 2);
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

static size_t line_len(const struct rpc_header *header) {
    return header->name_len + header->value_len + 2;
}

/*
 * Adds headers, the length if there is one, and Connection where it is needed. uWSGI allocates a
 * buffer for each call, so they are handed over in one, in the way it has for whole lines
 * (add-header); one by one where somebody looks for one of them.
 */
static bool add_headers(struct wsgi_request *request, const struct rpc_header *header, size_t count,
                        const struct rpc_header *length) {
    static const struct rpc_header connection = RPC_HEADER("Connection", "close", 5);
    bool ends = ends_connection(request);
    char lines[HEADER_LINES_MAX], *p = lines;
    size_t len = (ends ? line_len(&connection) : 0) + (length ? line_len(length) : 0);

    for (size_t i = 0; i < count; i++)
        len += line_len(&header[i]);
    if (len > sizeof(lines) || headers_are_watched(request))
        return add_one_by_one(request, header, count) &&
               (!length || add_one_by_one(request, length, 1)) &&
               (!ends || add_one_by_one(request, &connection, 1));
    if (len == 0)
        return true;
    for (size_t i = 0; i < count; i++)
        p = put_line(p, &header[i]);
    if (length)
        p = put_line(p, length);
    if (ends)
        put_line(p, &connection);
    /* uWSGI ends the last line itself. */
    if (uwsgi_response_add_header(request, NULL, 0, lines, (uint16_t)(len - 2)))
        return false;
    request->header_cnt = (uint16_t)(request->header_cnt + count + (length != NULL) + ends - 1);
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

static struct rpc_header content_length(uint64_t len, struct decimal *room) {
    char *end = room->digits + sizeof(room->digits), *first = rpc_decimal(len, end);
    return (struct rpc_header)RPC_HEADER("Content-Length", first, (size_t)(end - first));
}

static bool is_head(struct wsgi_request *request) {
    return request->method_len == 4 && memcmp(request->method, "HEAD", 4) == 0;
}

bool rpc_answer_body(struct wsgi_request *request, const char *body, size_t len) {
    return uwsgi_response_write_body_do(request, (char *)body, is_head(request) ? 0 : len) == 0;
}

bool rpc_answer(struct wsgi_request *request, const char *status, const struct rpc_header *header,
                size_t count, const char *body, size_t len) {
    struct decimal digits = {""};
    const struct rpc_header length = content_length(len, &digits);

    return start_answer(request, status) && add_headers(request, header, count, &length) &&
           rpc_answer_body(request, body, len);
}

bool rpc_answer_ok(struct wsgi_request *request, const char *type, const char *body, size_t len) {
    const struct rpc_header header = RPC_HEADER("Content-Type", type, type ? strlen(type) : 0);
    return rpc_answer(request, "200 OK", &header, type != NULL, body, len);
}

bool rpc_answer_empty(struct wsgi_request *request) {
    return start_answer(request, "204 No Content") && add_headers(request, NULL, 0, NULL) &&
           rpc_answer_body(request, "", 0);
}

void rpc_answer_error(struct wsgi_request *request, int http, const char *message) {
    struct decimal digits = {""};
    char line[256];
    size_t len = (size_t)snprintf(line, sizeof(line), "%s\n", message);
    const struct rpc_header length = content_length(len, &digits);
    const struct rpc_header headers[] = {RPC_HEADER("Content-Type", "text/plain", 10),
                                         RPC_HEADER("Allow", "POST", 4)};

    if (uwsgi_response_prepare_headers_int(request, http) == 0 &&
        add_headers(request, headers, http == 405 ? 2 : 1, &length))
        rpc_answer_body(request, line, len);
}
