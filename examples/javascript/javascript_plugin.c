// SPDX-License-Identifier: MIT
/*
 * A small host for JavaScript RPC functions: a uWSGI language plugin over Duktape that loads .js
 * files and gives them uwsgi.register_rpc, uwsgi.call, uwsgi.rpc and uwsgi.log. It serves no
 * requests.
 *
 * One heap per process under one lock, which is let go for as long as JavaScript waits for another
 * function or node. Each call has a Duktape thread (a "flow") of its own, so threads and coroutines
 * may be in the middle of calls at the same time, though never run JavaScript at the same time.
 */
#include <duktape.h>
#include <stdbool.h>
#include <uwsgi.h>

#define ARGS_MAX 254
/* Name, arguments and their lengths share a packet of this size; an argument has a u16 length. */
#define PACKET_MAX 65535
/* Calls under way in one process, on top of two for each core: a function that calls itself through
   uwsgi.call without end meets this before the end of the C stack. */
#define FLOWS_SPARE 30

extern struct uwsgi_server uwsgi;
__attribute__((visibility("default"))) extern struct uwsgi_plugin javascript_plugin;

struct flow {
    duk_context *duk;
    struct flow *next;
};

static struct {
    struct uwsgi_string_list *files;
    pthread_mutex_t lock; /* held whenever the heap or anything below is touched */
    duk_context *root;    /* owns the heap, keeps the flows on its stack, runs nothing */
    struct flow *idle;
    int flow_count;
    char **names; /* of the functions, which stand in the stash under the same index; rpc_max */
} js = {.lock = PTHREAD_MUTEX_INITIALIZER};

/* --- bytes and values: a string has one character, U+0000 to U+00FF, for each byte --------- */

static void bytes_push(duk_context *duk, const char *bytes, size_t len) {
    char *utf8 = duk_push_fixed_buffer(duk, 2 * len);
    char *to = utf8;
    for (size_t i = 0; i < len; i++) {
        unsigned char byte = (unsigned char)bytes[i];
        if (byte >= 0x80) {
            *to++ = (char)(0xc0 | byte >> 6);
            byte = 0x80 | (byte & 0x3f);
        }
        *to++ = (char)byte;
    }
    duk_push_lstring(duk, utf8, (duk_size_t)(to - utf8));
    duk_remove(duk, -2);
}

/* The bytes of the value at idx, and a NUL; they replace it on the stack and live as long. */
static char *bytes_get(duk_context *duk, duk_idx_t idx, size_t *len) {
    const duk_uint_t plain = DUK_TYPE_MASK_STRING | DUK_TYPE_MASK_NUMBER | DUK_TYPE_MASK_BOOLEAN;
    bool text = duk_check_type_mask(duk, idx, plain);
    const char *from = NULL;

    idx = duk_require_normalize_index(duk, idx);
    *len = 0;
    if (text)
        from = duk_to_lstring(duk, idx, len);
    else if (duk_is_buffer_data(duk, idx))
        from = duk_get_buffer_data(duk, idx, len);
    else if (!duk_is_null_or_undefined(duk, idx))
        duk_type_error(duk, "only strings, numbers, booleans and byte buffers are bytes");

    char *bytes = duk_push_fixed_buffer(duk, *len + 1);
    char *to = bytes;
    for (size_t i = 0; i < *len; i++) {
        unsigned char byte = (unsigned char)from[i];
        if (text && byte >= 0x80) {
            if ((byte & 0xfe) != 0xc2)
                duk_range_error(duk, "a character above U+00FF is not a byte");
            byte = (unsigned char)(byte << 6) | (from[++i] & 0x3f);
        }
        *to++ = (char)byte;
    }
    *len = (size_t)(to - bytes);
    duk_replace(duk, idx);
    return bytes;
}

static char *name_get(duk_context *duk, duk_idx_t idx, const char *what) {
    size_t len = 0;
    char *name = bytes_get(duk, idx, &len);
    if (strlen(name) != len)
        duk_range_error(duk, "a NUL in the name of a %s", what);
    return name;
}

/* --- flows --------------------------------------------------------------------------------- */

static struct flow *flow_take(void) {
    struct flow *flow = js.idle;
    if (flow)
        js.idle = flow->next;
    else if (js.flow_count < FLOWS_SPARE + 2 * uwsgi.cores && duk_check_stack(js.root, 2)) {
        flow = uwsgi_malloc(sizeof(*flow));
        flow->duk = duk_get_context(js.root, duk_push_thread(js.root));
        js.flow_count++;
    }
    return flow;
}

/* Runs body in a flow of its own; false, with the reason logged, if it threw. */
static bool flow_run(duk_safe_call_function body, void *udata, const char *what) {
    bool ok = false;
    pthread_mutex_lock(&js.lock);
    struct flow *flow = flow_take();
    if (flow) {
        ok = duk_safe_call(flow->duk, body, udata, 0, 1) == DUK_EXEC_SUCCESS;
        if (!ok)
            uwsgi_log("[javascript] %s: %s\n", what, duk_safe_to_stacktrace(flow->duk, -1));
        duk_set_top(flow->duk, 0);
        flow->next = js.idle;
        js.idle = flow;
    } else
        uwsgi_log("[javascript] %s: too many calls within calls\n", what);
    pthread_mutex_unlock(&js.lock);
    return ok;
}

/* --- from uWSGI to JavaScript -------------------------------------------------------------- */

struct call {
    size_t id;
    uint8_t argc;
    char **argv;
    uint16_t *argv_len;
    char *result;
    size_t result_len;
};

static duk_ret_t call_body(duk_context *duk, void *udata) {
    struct call *call = udata;
    duk_require_stack(duk, call->argc + 8);
    duk_push_heap_stash(duk);
    duk_get_prop_index(duk, -1, (duk_uarridx_t)call->id);
    for (int i = 0; i < call->argc; i++)
        bytes_push(duk, call->argv[i], call->argv_len[i]);
    duk_call(duk, call->argc);
    const char *bytes = bytes_get(duk, -1, &call->result_len);
    if (call->result_len) { /* without one there is no buffer, as from any language plugin */
        call->result = uwsgi_malloc(call->result_len);
        memcpy(call->result, bytes, call->result_len);
    }
    return 0;
}

static uint64_t javascript_rpc(void *func, uint8_t argc, char **argv, uint16_t *argv_len,
                               char **output) {
    struct call call = {.id = (size_t)func - 1, .argc = argc, .argv = argv, .argv_len = argv_len};
    /* uWSGI's table may still hold what the dead predecessor of this worker registered. */
    if (call.id >= uwsgi.rpc_max || !js.names || !js.names[call.id] ||
        !flow_run(call_body, &call, js.names[call.id]))
        return 0;
    *output = call.result;
    return call.result_len;
}

/* --- from JavaScript to uWSGI -------------------------------------------------------------- */

/* uwsgi.register_rpc(name, function) */
static duk_ret_t api_register_rpc(duk_context *duk) {
    char *name = name_get(duk, 0, "function");
    size_t id = 0;
    duk_require_function(duk, 1);
    while (id < uwsgi.rpc_max && js.names[id] && strcmp(js.names[id], name))
        id++;
    if (id < uwsgi.rpc_max) {
        duk_push_heap_stash(duk);
        duk_dup(duk, 1);
        duk_put_prop_index(duk, -2, (duk_uarridx_t)id);
        if (!js.names[id])
            js.names[id] = uwsgi_str(name);
    }
    if (id >= uwsgi.rpc_max || uwsgi_register_rpc(name, &javascript_plugin, 0, (void *)(id + 1)))
        return duk_generic_error(duk, "cannot register %s: see rpc-max", name);
    duk_push_true(duk);
    return 1;
}

/* uwsgi.rpc(node, name, ...): the bytes, or null when there are none */
static duk_ret_t api_rpc(duk_context *duk) {
    duk_idx_t argc = duk_get_top(duk) - 2;
    if (argc < 0 || argc > ARGS_MAX)
        return duk_range_error(duk, "a function has a name and up to %d arguments", ARGS_MAX);
    char *node = name_get(duk, 0, "node");
    char *name = name_get(duk, 1, "function");
    /* Not on the C stack, of which a coroutine has little. */
    char **argv = duk_push_fixed_buffer(duk, ARGS_MAX * sizeof(*argv));
    uint16_t *argv_len = duk_push_fixed_buffer(duk, ARGS_MAX * sizeof(*argv_len));
    size_t packet = 2 + strlen(name);
    for (int i = 0; i < argc; i++) {
        size_t len = 0;
        argv[i] = bytes_get(duk, i + 2, &len);
        packet += 2 + len;
        if (len > UINT16_MAX || (*node && packet > PACKET_MAX))
            return duk_range_error(duk, "the arguments are longer than %d bytes", PACKET_MAX);
        argv_len[i] = (uint16_t)len;
    }

    uint64_t len = 0;
    duk_thread_state state;
    duk_suspend(duk, &state);
    pthread_mutex_unlock(&js.lock);
    char *bytes = uwsgi_do_rpc(node, name, (uint8_t)argc, argv, argv_len, &len);
    pthread_mutex_lock(&js.lock);
    duk_resume(duk, &state);

    if (len)
        bytes_push(duk, bytes, len);
    else
        duk_push_null(duk);
    free(bytes);
    return 1;
}

/* uwsgi.call(name, ...) */
static duk_ret_t api_call(duk_context *duk) {
    duk_push_null(duk);
    duk_insert(duk, 0);
    return api_rpc(duk);
}

/* uwsgi.log(text) */
static duk_ret_t api_log(duk_context *duk) {
    uwsgi_log("%s\n", duk_safe_to_string(duk, 0));
    return 0;
}

/* --- start --------------------------------------------------------------------------------- */

static duk_ret_t load_body(duk_context *duk, void *file) {
    size_t len = 0;
    char *source = uwsgi_open_and_read(file, &len, 0, NULL);
    duk_push_lstring(duk, source, len);
    free(source);
    duk_push_string(duk, file);
    duk_compile(duk, 0);
    duk_call(duk, 0);
    return 0;
}

static void fatal(void *udata, const char *message) {
    (void)udata;
    uwsgi_log("[javascript] %s\n", message);
    abort();
}

/* Runs in the master, whose workers inherit the heap, or with lazy-apps in each worker. */
static void javascript_init_apps(void) {
    static const duk_function_list_entry api[] = {{"register_rpc", api_register_rpc, 2},
                                                  {"rpc", api_rpc, DUK_VARARGS},
                                                  {"call", api_call, DUK_VARARGS},
                                                  {"log", api_log, 1},
                                                  {NULL, NULL, 0}};
    struct uwsgi_string_list *file;
    if (!js.files)
        return;
    js.names = uwsgi_calloc(uwsgi.rpc_max * sizeof(*js.names));
    js.root = duk_create_heap(NULL, NULL, NULL, NULL, fatal);
    duk_push_object(js.root);
    duk_put_function_list(js.root, -1, api);
    duk_put_global_string(js.root, "uwsgi");
    uwsgi_foreach(file, js.files) {
        if (!flow_run(load_body, file->value, file->value))
            exit(UWSGI_FAILED_APP_CODE);
    }
}

static struct uwsgi_option options[] = {{"js-load", required_argument, 0,
                                         "load a JavaScript file that registers RPC functions",
                                         uwsgi_opt_add_string_list, &js.files, 0},
                                        {0}};

struct uwsgi_plugin javascript_plugin = {
    .name = "javascript",
    .options = options,
    .init_apps = javascript_init_apps,
    .rpc = javascript_rpc,
};
