// SPDX-License-Identifier: MIT
/*
 * HTTP answers of bridges and routing actions.
 */
#ifndef RPC_ANSWER_H
#define RPC_ANSWER_H

#include "server.h"

/* A header; its name has ": " behind it. */
struct rpc_header {
    const char *name;
    size_t name_len;
    const char *value;
    size_t value_len;
};

#define RPC_HEADER(name, value, value_len)                                                         \
    { name ": ", sizeof(name ": ") - 1, value, value_len }

/*
 * Answers with a Content-Length and a body.
 *   status   "200 OK"
 *   header   count headers; Content-Length and, where it is needed, Connection follow them
 *   body     len bytes; not taken over
 * Returns false when it could not be written; uWSGI has then logged why.
 */
bool rpc_answer(struct wsgi_request *request, const char *status, const struct rpc_header *header,
                size_t count, const char *body, size_t len);

/* Answers 200 in one write; type is the Content-Type, or NULL for none. Otherwise as rpc_answer. */
bool rpc_answer_ok(struct wsgi_request *request, const char *type, const char *body, size_t len);

/* Answers 204. */
bool rpc_answer_empty(struct wsgi_request *request);

/* Answers with an HTTP status and one line of text/plain. Reads nothing of the request's body. */
void rpc_answer_error(struct wsgi_request *request, int http, const char *message);

/* Writes a part of an answer's body, and the headers before it if they have not left yet; of an
   answer to HEAD the headers alone. False when it could not be written. */
bool rpc_answer_body(struct wsgi_request *request, const char *body, size_t len);

#endif
