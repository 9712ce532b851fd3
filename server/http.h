// SPDX-License-Identifier: MIT
/*
 * HTTP answers of bridges and routing actions, and the bridges' requests.
 */
#ifndef RPC_HTTP_H
#define RPC_HTTP_H

#include "plugin.h"

/*
 * Serves a bridge request (modifier2 2, 3 and 4) and answers it, errors included. Returns UWSGI_OK,
 * or -1 when the variables of the request make no sense and nothing was answered.
 */
int rpc_http_request(struct wsgi_request *request);

/*
 * Answers 200 with a Content-Length and a body, in one write.
 *   type    Content-Type, or NULL for none
 *   body    len bytes; not taken over
 * Returns false when it could not be written; uWSGI has then logged why.
 */
bool rpc_http_ok(struct wsgi_request *request, const char *type, const char *body, size_t len);

/*
 * Has the connection closed when the request ends although its socket is a persistent one
 * (http11-socket, puwsgi-socket): the other side can tell the end of an answer without a length, or
 * that there is none, by nothing else.
 */
void rpc_http_close_after(struct wsgi_request *request);

/* Writes a part of an answer's body, and the headers before it if they have not left yet; of an
   answer to HEAD the headers alone. False when it could not be written. */
bool rpc_http_body(struct wsgi_request *request, const char *body, size_t len);

/* Answers with an HTTP status and one line of text/plain. Reads nothing of the request's body. */
void rpc_http_error(struct wsgi_request *request, int http, const char *message);

#endif
