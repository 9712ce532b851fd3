// SPDX-License-Identifier: MIT
/*
 * uWSGI's header, and where its versions differ. Everything below server/ may know uWSGI; nothing
 * in parse/, client/ and cli/ does.
 *
 * What enters server/ is a request of uWSGI's, what leaves is its answer: packets.h and bridges.h
 * take requests, table.h finds and calls functions, remote.h calls nodes, answer.h and body.h speak
 * HTTP. At the bottom lie options.h, log.h, connection.h and core.h, which need none of them.
 */
#ifndef RPC_SERVER_H
#define RPC_SERVER_H

#include <uwsgi.h>

#include "../rpc.h"

/* uWSGI 2.1 counts the bytes of a request's variables apart from its header, arms harakiri for each
   core, knows two more measures of memory and has one more buffer in a request. The length of a
   packet can be set, too. */
#if UWSGI_PLUGIN_API >= 2
#define rpc_packet_len(request) ((request)->len)
#define rpc_packet_forget(request) ((request)->uh->_pktsize = 0)
#define rpc_set_harakiri(request, sec) set_harakiri(request, sec)
#define rpc_disarm_user_harakiri(request) set_user_harakiri(request, 0)
#define rpc_memory_measured_else (uwsgi.reload_on_uss || uwsgi.reload_on_pss)
#define rpc_chunked_output(request) ((request)->body_chunked_buf)
#else
#define rpc_packet_len(request) ((request)->uh->pktsize)
#define rpc_packet_forget(request) ((request)->uh->pktsize = 0)
#define rpc_set_harakiri(request, sec) set_harakiri(sec)
#define rpc_disarm_user_harakiri(request) set_user_harakiri(0)
#define rpc_memory_measured_else false
#define rpc_chunked_output(request) NULL
#endif

/* modifier2 of a request. */
enum rpc_modifier2 {
    RPC_PACKET_FRAMED = 0,
    RPC_PACKET_RAW = 1,
    RPC_HTTP_PATH = 2,
    RPC_HTTP_XML = 3,
    RPC_HTTP_JSON = 4,
};

extern struct uwsgi_server uwsgi;

#endif
