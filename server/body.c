// SPDX-License-Identifier: MIT
/*
 * Reading the body of a bridge's request, see server/body.h. One with a Content-Length is read by
 * uWSGI. A chunked one is not: uWSGI's reader waits for a whole chunk whatever its size, looks
 * through an unfinished line again with each byte, and leaves the end of the body to be taken for
 * the next request of the connection.
 */
#include "body.h"

#include "../parse/chunked.h"
#include "connection.h"
#include "variables.h"

/* Bytes asked for at a time of a chunked body. */
#define READ_LEN 16384
/* Dropping a body: how much, how long for the next byte, and how long in all. */
#define DISCARD_MAX (64u << 20)
#define DISCARD_WAIT_SEC 1
#define DISCARD_SEC 5

/* --- reading --------------------------------------------------------------------------------- */

/*
 * Whether a socket's protocol has bodies. The reader of one that has none (puwsgi) fails without
 * setting errno, in which an EAGAIN may stand: whoever then waits and tries again does so for ever.
 */
static bool has_bodies(const struct wsgi_request *request) {
    return request->socket->proto_read_body != uwsgi_proto_noop_read_body;
}

/* Reads what there is, waiting for it no longer than that; 0 or less when nothing comes. */
static ssize_t read_some(struct wsgi_request *request, char *buf, size_t size, int wait_sec) {
    for (;;) {
        ssize_t len = request->socket->proto_read_body(request, buf, size);
        if (len >= 0 || !uwsgi_is_again())
            return len;
        if (uwsgi.wait_read_hook(request->fd, wait_sec) <= 0)
            return -1;
    }
}

/*
 * Tells a client that waits for it to send its body (RFC 9110, section 10.1.1): curl does so for a
 * second with more than a megabyte. Only where HTTP is spoken; a front server does this itself.
 */
static void send_continue(struct wsgi_request *request, const struct rpc_field *expect) {
    static const char interim[] = "HTTP/1.1 100 Continue\r\n\r\n";

    if (expect->len != 12 || strncasecmp(expect->text, "100-continue", 12) != 0 ||
        request->proto_parser_remains || uwsgi.post_buffering || request->protocol_len != 8 ||
        memcmp(request->protocol, "HTTP/1.1", 8) != 0 || !rpc_socket_speaks_http(request->socket))
        return;
    request->socket->proto_write(request, (char *)interim, sizeof(interim) - 1);
    request->write_pos = 0;
}

static enum rpc_status read_chunked(struct wsgi_request *request, size_t max,
                                    struct rpc_body *body) {
    struct rpc_bytes *bytes = &body->owned;
    struct rpc_chunked decoder = {0};
    enum rpc_chunked_status status = RPC_CHUNKED_MORE;
    int wait_sec = uwsgi.chunked_input_timeout ? uwsgi.chunked_input_timeout : uwsgi.socket_timeout;
    size_t rest = 0;

    while (status == RPC_CHUNKED_MORE) {
        char *room = rpc_bytes_reserve(bytes, READ_LEN);
        if (!room)
            return RPC_NO_MEMORY;
        ssize_t got = read_some(request, room, READ_LEN, wait_sec);
        if (got <= 0)
            return RPC_BODY_SHORT;
        size_t len = (size_t)got;
        status = rpc_chunked_decode(&decoder, room, &len, &rest);
        if (status == RPC_CHUNKED_BAD)
            return RPC_BODY_LENGTH;
        bytes->len += len;
        if (bytes->len > max || decoder.left > max - bytes->len)
            return RPC_BODY_TOO_LARGE;
    }
    request->chunked_input_complete = 1;
    if (rest)
        rpc_connection_close_after(request);
    body->data = bytes->data;
    body->len = bytes->len;
    return RPC_OK;
}

/* uWSGI has read the same number from the same digits, if it fits a size at all. */
static enum rpc_status read_sized(struct wsgi_request *request, struct rpc_body *body) {
    ssize_t len = 0;
    char *data = uwsgi_request_body_read(request, 0, &len);

    if (!data || len < 0 || (size_t)len != request->post_cl)
        return RPC_BODY_SHORT;
    body->data = data;
    body->len = (size_t)len;
    return RPC_OK;
}

enum rpc_status rpc_body_read(struct wsgi_request *request, const struct rpc_framing *framing,
                              const struct rpc_field *expect, size_t max, struct rpc_body *body) {
    *body = (struct rpc_body){.data = ""};
    if (framing->kind == RPC_FRAMING_SENSELESS)
        return RPC_BODY_LENGTH;
    if (framing->kind != RPC_FRAMING_CHUNKED && framing->length == 0)
        return RPC_OK;
    if (framing->length > max || request->post_cl > max)
        return RPC_BODY_TOO_LARGE;
    if (!has_bodies(request))
        return RPC_BODY_SHORT;
    send_continue(request, expect);
    return framing->kind == RPC_FRAMING_CHUNKED ? read_chunked(request, max, body)
                                                : read_sized(request, body);
}

enum rpc_status rpc_body_decode(struct rpc_body *body, enum rpc_coding coding, size_t max) {
    struct rpc_bytes decoded = {0};
    enum rpc_status status = RPC_OK;

    if (coding == RPC_CODING_IDENTITY)
        return RPC_OK;
    status = rpc_coding_decode(coding, body->data, body->len, max, &decoded);
    rpc_bytes_free(&body->owned);
    *body = (struct rpc_body){decoded.data ? decoded.data : "", decoded.len, decoded};
    return status;
}

void rpc_body_free(struct rpc_body *body) {
    rpc_bytes_free(&body->owned);
}

/* --- not reading ----------------------------------------------------------------------------- */

/* Whether it may have a body that nobody has read. */
static bool is_unread(const struct wsgi_request *request, const struct rpc_framing *framing) {
    switch (framing->kind) {
    case RPC_FRAMING_NONE:
        return false;
    case RPC_FRAMING_LENGTH:
        return framing->length != request->post_pos;
    case RPC_FRAMING_CHUNKED:
        return !request->chunked_input_complete;
    default:
        return true;
    }
}

bool rpc_body_leave(struct wsgi_request *request, const struct rpc_framing *framing) {
    bool unread = is_unread(request, framing);
    if (unread)
        rpc_connection_close_after(request);
    return unread;
}

/* Where no other request follows, only the client's reading of the answer is at stake, and a body
   with a length is all there is to look for. */
bool rpc_body_leave_routed(struct wsgi_request *request) {
    struct rpc_variables vars;

    if (!request->socket->retry && !request->post_cl)
        return false;
    rpc_variables_read(request, &vars);
    return rpc_body_leave(request, &vars.framing);
}

void rpc_body_discard(struct wsgi_request *request) {
    char buf[4096];
    uint64_t end = uwsgi_micros() + DISCARD_SEC * 1000000ull;
    size_t known = request->post_cl - request->post_pos, left = DISCARD_MAX;

    if (uwsgi.post_buffering || request->read_errors || !has_bodies(request))
        return;
    if (known && known < left)
        left = known;
    while (left > 0 && uwsgi_micros() < end) {
        ssize_t len = read_some(request, buf, UMIN(left, sizeof(buf)), DISCARD_WAIT_SEC);
        if (len <= 0)
            return;
        left -= (size_t)len;
    }
}
