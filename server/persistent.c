// SPDX-License-Identifier: MIT
/*
 * Kept connections in engines of green threads, see server/persistent.h. What a request has to
 * leave behind and count is what uwsgi_close_request() of uWSGI 2.0 and 2.1 does.
 */
#include "persistent.h"

#include "../rpc_wire.h"
#include "connection.h"
#include "wait.h"

/* Green threads of one process share it, which no two of them touch at once. */
static int idle_count;

/* --- whether to go on ------------------------------------------------------------------------- */

/* Bytes that this process takes, where an option of uWSGI's has it look after each request. */
static bool is_too_large(void) {
    uint64_t rss = 0, vsz = 0;

    if (!uwsgi.logging_options.memory_report && !uwsgi.force_get_memusage)
        return rpc_memory_measured_else;
    get_memusage(&rss, &vsz);
    uwsgi.workers[uwsgi.mywid].rss_size = rss;
    uwsgi.workers[uwsgi.mywid].vsz_size = vsz;
    return rpc_memory_measured_else || (uwsgi.reload_on_as && vsz >= uwsgi.reload_on_as) ||
           (uwsgi.reload_on_rss && rss >= uwsgi.reload_on_rss);
}

/* Whether the worker has nothing else to do at the end of a request, as far as uWSGI is concerned:
   then its own end of a request has to be reached. */
static bool worker_goes_on(void) {
    const struct uwsgi_worker *worker = &uwsgi.workers[uwsgi.mywid];

    return worker->manage_next_request && !worker->suspended &&
           !(uwsgi.max_requests && worker->delta_requests + 1 >= (uint64_t)uwsgi.max_requests) &&
           !(uwsgi.has_emperor && !uwsgi.loyal) && !uwsgi.linux_ksm && !is_too_large();
}

/* Whether a function has used what belongs to requests of HTTP: uWSGI knows how to end those. */
static bool is_plain(const struct wsgi_request *request) {
    return !request->headers && !request->transformations && !request->additional_headers &&
           !request->remove_headers && !request->post_file && !request->post_read_buf &&
           !request->post_readline_buf && !request->proto_parser_buf &&
           !request->chunked_input_buf && !rpc_chunked_output(request) && !request->websocket_buf &&
           !request->websocket_send_buf;
}

static bool can_keep(const struct wsgi_request *request) {
    return request->uh->modifier1 == RPC_MODIFIER1 && request->uh->modifier2 <= RPC_PACKET_RAW &&
           strcmp(rpc_socket_protocol(request->socket), "puwsgi") == 0 && !request->write_errors &&
           !request->fd_closed && is_plain(request) && rpc_wait_switches() && worker_goes_on();
}

/* --- the end of a request --------------------------------------------------------------------- */

static void count(struct wsgi_request *request) {
    struct uwsgi_worker *worker = &uwsgi.workers[uwsgi.mywid];
    struct uwsgi_core *core = &worker->cores[request->async_id];

    request->end_of_request = uwsgi_micros();
    if (!request->do_not_account_avg_rt) {
        uint64_t micros = request->end_of_request - request->start_of_request;
        worker->running_time += micros;
        worker->avg_response_time = (worker->avg_response_time + micros) / 2;
    }
    if (request->do_not_account)
        return;
    uwsgi.workers[0].requests++;
    worker->requests++;
    worker->delta_requests++;
    core->requests++;
    core->write_errors += request->write_errors;
    core->read_errors += request->read_errors;
    worker->tx += request->response_size + request->headers_size;
}

static void run_hooks(struct wsgi_request *request, void (*after)(struct wsgi_request *)) {
    after(request);
    for (struct uwsgi_string_list *hook = uwsgi.after_request_hooks; hook; hook = hook->next)
        ((void (*)(struct wsgi_request *))hook->custom_ptr)(request);
}

/* No function runs any longer. uWSGI does not arm user harakiri without a master, and complains. */
static void disarm(struct wsgi_request *request) {
    (void)request; /* 2.0 has one timer a worker */
    if (uwsgi.harakiri_options.workers > 0)
        rpc_set_harakiri(request, 0);
    if (uwsgi.master_process)
        rpc_disarm_user_harakiri(request);
    if (uwsgi.reaper)
        while (waitpid(-1, NULL, WNOHANG) > 0)
            ;
}

/* The next one begins with what has arrived behind this one. */
static void finish(struct wsgi_request *request, void (*after)(struct wsgi_request *)) {
    const char *ahead = request->proto_parser_remains_buf;
    size_t len = request->proto_parser_remains;

    count(request);
    run_hooks(request, after);
    disarm(request);
    rpc_connection_renew(request);
    if (len)
        memmove(request->uh, ahead, len);
    request->proto_parser_pos = len;
}

/* --- the next packet -------------------------------------------------------------------------- */

static bool has_arrived(const struct wsgi_request *request) {
    char byte;
    return recv(request->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) == 1;
}

/* Waits for the first byte of the next packet, unless too many wait already. What has been sent
   ahead is no reason to wait, and yet the others have their turn. */
static bool await_next(struct wsgi_request *request, struct rpc_greenlets_watch *watch) {
    bool ahead = request->proto_parser_pos;

    if (idle_count >= uwsgi.async / 2 && !ahead && !has_arrived(request))
        return false;
    idle_count++;
    int ret = ahead ? rpc_wait_turn(request) : rpc_wait_request(request, watch);
    idle_count--;
    return ret > 0 && uwsgi.workers[uwsgi.mywid].manage_next_request;
}

/* Whether a packet has arrived whole. What follows it is told as uWSGI 2.1 does. */
static int look(struct wsgi_request *request) {
    const char *packet = (const char *)request->uh;
    size_t had = request->proto_parser_pos, end = RPC_WIRE_HEADER_LEN;

    if (had < end)
        return UWSGI_AGAIN;
    end += rpc_wire_get_len(packet + 1);
    if (end > RPC_WIRE_HEADER_LEN + (size_t)uwsgi.buffer_size) {
        uwsgi_log("[rpc] kept connection: a packet larger than buffer-size\n");
        return -1;
    }
    if (had < end)
        return UWSGI_AGAIN;
    rpc_packet_len(request) = (uint16_t)(end - RPC_WIRE_HEADER_LEN);
    request->proto_parser_pos = end;
    request->proto_parser_remains = had - end;
    request->proto_parser_remains_buf = (char *)packet + end;
    return UWSGI_OK;
}

/* False at the end of the connection, or when nothing comes in time. */
static bool read_some(struct wsgi_request *request, struct rpc_greenlets_watch *watch) {
    size_t had = request->proto_parser_pos;
    ssize_t got = read(request->fd, (char *)request->uh + had,
                       RPC_WIRE_HEADER_LEN + (size_t)uwsgi.buffer_size - had);

    if (got > 0)
        request->proto_parser_pos += (size_t)got;
    else if (got == 0 || errno != EAGAIN || rpc_wait_request(request, watch) <= 0) {
        if (had)
            uwsgi_log("[rpc] kept connection: a packet that has not arrived whole\n");
        return false;
    }
    return true;
}

/* Reads a packet whose first bytes have arrived, in one system call, and what follows it, where
   uWSGI 2.0 reads each in two. */
static bool receive(struct wsgi_request *request, struct rpc_greenlets_watch *watch) {
    int status;

    while ((status = look(request)) == UWSGI_AGAIN)
        if (!read_some(request, watch))
            return false;
    return status == UWSGI_OK;
}

/* Another plugin's request would have to be served by a loop that knows it for one of its own. */
static bool is_ours(struct wsgi_request *request) {
    uint8_t modifier1 = request->uh->modifier1;

    if (modifier1 == RPC_MODIFIER1)
        return true;
    uwsgi_log("[rpc] kept connection: a request of modifier1 %u is not answered here\n", modifier1);
    request->uh->modifier1 = RPC_MODIFIER1;
    return false;
}

static bool next(struct wsgi_request *request, struct rpc_greenlets_watch *watch) {
    if (!await_next(request, watch))
        return false;
    uwsgi.workers[uwsgi.mywid].cores[request->async_id].in_request = 1;
    request->start_of_request = uwsgi_micros();
    request->start_of_request_in_sec = request->start_of_request / 1000000;
    if (!receive(request, watch) || !is_ours(request))
        return false;
    if (uwsgi.harakiri_options.workers > 0)
        rpc_set_harakiri(request, uwsgi.harakiri_options.workers);
    return true;
}

/* Has uWSGI close the connection of a request that never came. */
static void leave_empty(struct wsgi_request *request) {
    request->uh->modifier1 = RPC_MODIFIER1;
    request->do_not_account = request->do_not_account_avg_rt = request->do_not_log = 1;
    request->is_routing = request->is_response_routing = 1;
}

int rpc_persistent_request(struct wsgi_request *request, rpc_persistent_serve_fn serve,
                           void (*after)(struct wsgi_request *)) {
    struct rpc_greenlets_watch watch = {0};
    int ret = serve(request);

    while (ret == UWSGI_OK && can_keep(request)) {
        finish(request, after);
        if (!next(request, &watch)) {
            leave_empty(request);
            break;
        }
        ret = serve(request);
    }
    rpc_greenlets_unwatch(&watch);
    rpc_connection_close_after(request);
    return ret;
}
