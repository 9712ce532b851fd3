// SPDX-License-Identifier: MIT
/*
 * A handler for modifier1 173 that parses nothing, calls nothing and writes a constant: what uWSGI
 * itself costs, and so the limit for every plugin. For the benchmarks only.
 */
#include <uwsgi.h>

static char framed[] = "\255\13\0\0hello world";
static char http[] = "HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream\r\n"
                     "X-Content-Type-Options: nosniff\r\nContent-Length: 11\r\n\r\nhello world";

static int null_request(struct wsgi_request *request) {
    char *answer = request->uh->modifier2 == 2 ? http : framed;
    size_t len = request->uh->modifier2 == 2 ? sizeof(http) - 1 : sizeof(framed) - 1;

    request->is_routing = request->is_response_routing = 1;
    if (request->uh->modifier2 == 1) {
        answer += 4;
        len -= 4;
    }
    return uwsgi_simple_write(request, answer, len);
}

struct uwsgi_plugin rpc_plugin = {.name = "rpc", .modifier1 = 173, .request = null_request};
