// SPDX-License-Identifier: MIT
/*
 * HTTP answers of bridges and routing actions.
 */
#ifndef RPC_ANSWER_H
#define RPC_ANSWER_H

#include "server.h"

/* Header lines up to this length in all are handed to uWSGI in one piece. */
#define RPC_ANSWER_LINES_MAX 512

/* An answer being made: its status, until uWSGI has it, and header lines one behind the other, each
   with its CRLF. */
struct rpc_answer {
    struct wsgi_request *request;
    bool failed;
    unsigned count;    /* of the header lines */
    size_t status_len; /* of the status line, bytes; 0: uWSGI has it */
    size_t len;        /* of all lines, bytes */
    char lines[RPC_ANSWER_LINES_MAX];
};

/*
 * Whether transformations (gzip, chunked) stand between an answer and its client: what its length
 * is going to be is not known when the headers are made, so the connection has to end it.
 */
static inline bool rpc_answer_is_transformed(const struct wsgi_request *request) {
    return request->transformations != NULL;
}

/* Begins an answer with a status, "200 OK", of less than a hundred bytes. */
void rpc_answer_start(struct rpc_answer *answer, struct wsgi_request *request, const char *status);

/* Begins one with the HTTP status of an error, to be sent with rpc_answer_send_line. */
void rpc_answer_start_error(struct rpc_answer *answer, struct wsgi_request *request, int http);

/* Adds a header when there is no more room for it. */
void rpc_answer_add(struct rpc_answer *answer, const char *name, size_t name_len, const char *value,
                    size_t value_len);

/* Adds a header. name and value are copied. */
static inline void rpc_answer_put(struct rpc_answer *answer, const char *name, size_t name_len,
                                  const char *value, size_t value_len) {
    size_t len = name_len + 2 + value_len + 2;
    char *p = answer->lines + answer->len;

    if (sizeof(answer->lines) - answer->len < len) {
        rpc_answer_add(answer, name, name_len, value, value_len);
        return;
    }
    memcpy(p, name, name_len);
    p[name_len] = ':';
    p[name_len + 1] = ' ';
    memcpy(p + name_len + 2, value, value_len);
    p[len - 2] = '\r';
    p[len - 1] = '\n';
    answer->len += len;
    answer->count++;
}

/* The same, with strings. */
static inline void rpc_answer_text(struct rpc_answer *answer, const char *name, const char *value) {
    rpc_answer_put(answer, name, strlen(name), value, strlen(value));
}

/* The same, with a literal for a name; and with one for a value, too. */
#define RPC_ANSWER_PUT(answer, name, value, value_len)                                             \
    rpc_answer_put(answer, name, sizeof(name) - 1, value, value_len)
#define RPC_ANSWER_SAY(answer, name, value)                                                        \
    rpc_answer_put(answer, name, sizeof(name) - 1, value, sizeof(value) - 1)

/*
 * Sends an answer with len bytes of body, which are not taken over: Content-Length, unless the
 * answer is transformed, and, where it is needed, Connection follow the headers put so far. Returns
 * false when it could not be written; uWSGI has then logged why.
 */
bool rpc_answer_send(struct rpc_answer *answer, const char *body, size_t len);

/* The same without a body and without a Content-Length, for a 204. */
bool rpc_answer_send_empty(struct rpc_answer *answer);

/* The same with one line of text/plain for a body. */
bool rpc_answer_send_line(struct rpc_answer *answer, const char *line);

/* Answers 200 in one write; type is the Content-Type, or NULL for none. Returns as rpc_answer_send.
 */
bool rpc_answer_ok(struct wsgi_request *request, const char *type, const char *body, size_t len);

/* Answers with an HTTP status and one line of text/plain. Reads nothing of the request's body. */
void rpc_answer_error(struct wsgi_request *request, int http, const char *message);

/* Writes a part of an answer's body, and the headers before it if they have not left yet; of an
   answer to HEAD the headers alone. False when it could not be written. */
bool rpc_answer_body(struct wsgi_request *request, const char *body, size_t len);

#endif
