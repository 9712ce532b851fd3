// SPDX-License-Identifier: MIT
/*
 * The front door: hooks, the switch over modifier2 and the plugin struct. Nobody includes it.
 */
#include "server/bridges.h"
#include "server/build.h"
#include "server/client.h"
#include "server/connection.h"
#include "server/core.h"
#include "server/greenlets.h"
#include "server/persistent.h"
#include "server/lua.h"
#include "server/metrics.h"
#include "server/options.h"
#include "server/outcome.h"
#include "server/packets.h"
#include "server/remote.h"
#include "server/routing.h"
#include "server/table.h"

extern struct uwsgi_plugin rpc_plugin;

/* Whether an option has some requests logged where disable-logging has the others not. */
static bool log_is_conditional;

static int dispatch(struct wsgi_request *request) {
    switch (request->uh->modifier2) {
    case RPC_PACKET_FRAMED:
    case RPC_PACKET_RAW:
        return rpc_packets_request(request);
    case RPC_HTTP_PATH:
    case RPC_HTTP_XML:
    case RPC_HTTP_JSON:
        return rpc_bridges_request(request);
    default:
        return rpc_packets_reject(request, NULL, RPC_MODIFIER2);
    }
}

/* The one exit of all requests: where there is no answer, the end of the connection says so. */
static int rpc_request(struct wsgi_request *request) {
    int ret = dispatch(request);
    if (ret != UWSGI_OK)
        rpc_connection_close_after(request);
    return ret;
}

/* Without a line there is nothing to prepare for one. */
static void rpc_after_request(struct wsgi_request *request) {
    if (!(uwsgi.logging_options.enabled | request->log_this | log_is_conditional))
        return;
    if (!request->do_not_log)
        rpc_packets_log_line(request);
}

/* In the loops that do not come back to a persistent connection. */
static int rpc_request_in_engine(struct wsgi_request *request) {
    if (rpc_connection_is_half_read(request)) {
        rpc_connection_drop_half_read(request, "half a request");
        return -1;
    }
    return rpc_persistent_request(request, dispatch, rpc_after_request);
}

static void rpc_post_init(void) {
    const struct uwsgi_logging_options *log = &uwsgi.logging_options;

    if (uwsgi.async > 1 || uwsgi.loop) {
        rpc_connection_init();
        rpc_plugin.request = rpc_request_in_engine;
    }
    log_is_conditional = log->zero || log->slow || log->_4xx || log->_5xx || log->big ||
                         log->sendfile || log->ioerror;
    rpc_core_init();
    rpc_table_init(&rpc_plugin);
    rpc_remote_init();
    rpc_outcome_init();
    rpc_metrics_init();
    rpc_packets_init();
    rpc_bridges_init();
}

static void rpc_preinit_apps(void) {
    rpc_remote_register();
    rpc_client_register();
    rpc_lua_before_scripts();
}

static void rpc_post_fork(void) {
    rpc_table_forget();
    rpc_greenlets_keep_state();
}

static const char *replaced_name;

static void rpc_on_load(void) {
    if (replaced_name)
        uwsgi_log("[rpc] taking the place of the \"%s\" plugin already loaded\n", replaced_name);
    rpc_routing_register();
}

struct uwsgi_plugin rpc_plugin __attribute__((visibility("default"))) = {
    .name = "rpc",
    .modifier1 = RPC_MODIFIER1,
    .options = rpc_option_table,
    .on_load = rpc_on_load,
    .post_init = rpc_post_init,
    .preinit_apps = rpc_preinit_apps,
    .init_apps = rpc_lua_after_scripts,
    .pre_uwsgi_fork = rpc_table_inherit,
    .post_fork = rpc_post_fork,
    .request = rpc_request,
    .after_request = rpc_after_request,
    .rpc = rpc_table_call_own,
};

/*
 * uWSGI drops a plugin whose name is already taken, so the name is changed before it looks: this
 * runs while the .so is being opened.
 */
__attribute__((constructor)) static void take_another_name(void) {
    rpc_build_check();
    struct uwsgi_plugin *present = uwsgi.p[RPC_MODIFIER1];
    if (!present || !present->name || strcmp(present->name, rpc_plugin.name) != 0)
        return;
    replaced_name = rpc_plugin.name;
    rpc_plugin.alias = rpc_plugin.name;
    rpc_plugin.name = "rpc-next";
}
