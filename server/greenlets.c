// SPDX-License-Identifier: MIT
/*
 * Python's green threads, see server/greenlets.h.
 */
#include "greenlets.h"

#include <dlfcn.h>

/* The attribute by which uWSGI's plugins know the greenlet of a request. */
#define REQUEST_ATTRIBUTE "uwsgi_wsgi_req"

/* Python's C API: what of it is in every version, objects being pointers to anything. */
static struct {
    int (*initialized)(void);
    int (*ensure)(void);
    void (*release)(int state);
    void *(*this_state)(void);
    int (*holds_gil)(void);
    void *(*save_thread)(void);
    void *(*import)(const char *name);
    void *(*call_method)(void *object, const char *name, const char *format, ...);
    int (*has_attribute)(void *object, const char *name);
    void (*release_object)(void *object);
    void (*clear_error)(void);
} python;

static const struct {
    void *function;
    const char *name;
} symbols[] = {
    {&python.initialized, "Py_IsInitialized"},
    {&python.ensure, "PyGILState_Ensure"},
    {&python.release, "PyGILState_Release"},
    {&python.this_state, "PyGILState_GetThisThreadState"},
    {&python.holds_gil, "PyGILState_Check"},
    {&python.save_thread, "PyEval_SaveThread"},
    {&python.import, "PyImport_ImportModule"},
    {&python.call_method, "PyObject_CallMethod"},
    {&python.has_attribute, "PyObject_HasAttrString"},
    {&python.release_object, "Py_DecRef"},
    {&python.clear_error, "PyErr_Clear"},
};

/* Whether Python is there and has been started. */
static bool look_up(void) {
    for (size_t i = 0; i < sizeof(symbols) / sizeof(*symbols); i++)
        if (!(*(void **)symbols[i].function = dlsym(RTLD_DEFAULT, symbols[i].name)))
            return false;
    return python.initialized();
}

static bool is_engine(const char *current_request) {
    void *function = dlsym(RTLD_DEFAULT, current_request);
    return function && function == *(void **)&uwsgi.current_wsgi_req;
}

static bool is_gevent(void) {
    return is_engine("uwsgi_gevent_current_wsgi_req");
}

bool rpc_greenlets_used(void) {
    static const void *known_for;
    static bool used;

    /* gevent takes its place when its loop begins. */
    if (known_for != *(void **)&uwsgi.current_wsgi_req) {
        known_for = *(void **)&uwsgi.current_wsgi_req;
        used = is_gevent() || is_engine("uwsgi_greenlet_current_wsgi_req");
    }
    return used;
}

void rpc_greenlets_keep_state(void) {
    if (uwsgi.async < 2 || !look_up())
        return;
    bool held = python.this_state() && python.holds_gil();
    python.ensure();
    if (!held)
        python.save_thread();
}

/* Whether Python can be asked: this thread has a state, and the lock. */
static bool can_ask(void) {
    return python.this_state && python.this_state() && python.holds_gil();
}

/* A greenlet, by a function of the module that gives one; NULL, and no exception, when it fails. */
static void *greenlet_of(const char *module_name, const char *function) {
    void *module = python.import(module_name);
    void *greenlet = module ? python.call_method(module, function, NULL) : NULL;

    if (!greenlet)
        python.clear_error();
    python.release_object(module);
    return greenlet;
}

struct wsgi_request *rpc_greenlets_request(void) {
    if (!can_ask())
        return NULL;
    void *current = greenlet_of("greenlet", "getcurrent");
    bool has_request = current && python.has_attribute(current, REQUEST_ATTRIBUTE);

    python.release_object(current);
    return has_request ? current_wsgi_req() : NULL;
}

bool rpc_greenlets_can_wait(void) {
    if (!is_gevent() || !can_ask())
        return false;
    void *current = greenlet_of("greenlet", "getcurrent"), *hub = greenlet_of("gevent", "get_hub");

    python.release_object(current);
    python.release_object(hub);
    return current && hub && current != hub;
}

int rpc_greenlets_hold(void) {
    return python.ensure();
}

void rpc_greenlets_let_go(int held) {
    python.release(held);
}
