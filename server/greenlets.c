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
    void *(*call)(void *callable, void *args);
    void *(*pack)(ssize_t count, ...);
    int (*has_attribute)(void *object, const char *name);
    void *(*attribute)(void *object, const char *name);
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
    {&python.call, "PyObject_CallObject"},
    {&python.pack, "PyTuple_Pack"},
    {&python.has_attribute, "PyObject_HasAttrString"},
    {&python.attribute, "PyObject_GetAttrString"},
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

/* gevent takes its place when its loop begins. */
static enum { NONE, GREENLET, GEVENT } engine(void) {
    static const void *known_for;
    static int known = NONE;

    if (known_for != *(void **)&uwsgi.current_wsgi_req) {
        known_for = *(void **)&uwsgi.current_wsgi_req;
        known = is_engine("uwsgi_gevent_current_wsgi_req")     ? GEVENT
                : is_engine("uwsgi_greenlet_current_wsgi_req") ? GREENLET
                                                               : NONE;
    }
    return known;
}

bool rpc_greenlets_used(void) {
    return engine() != NONE;
}

bool rpc_greenlets_are_gevents(void) {
    return engine() == GEVENT;
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
    if (!rpc_greenlets_are_gevents() || !can_ask())
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

/* --- waiting again and again ------------------------------------------------------------------ */

/* Calls something whose result does not matter. No exception stays behind when it fails. */
static bool do_call(void *callable, void *args) {
    void *result = python.call(callable, args);

    if (!result)
        python.clear_error();
    python.release_object(result);
    return result;
}

/* Whatever of it has been made is NULL or to be released. */
static bool make_watcher(struct rpc_greenlets_watcher *watcher, void *self, const char *start,
                         void *change, void *current) {
    if (!self)
        return false;
    watcher->self = self;
    watcher->start = python.attribute(self, start);
    watcher->stop = python.attribute(self, "stop");
    watcher->args = python.pack(3, change, current, self);
    return watcher->start && watcher->stop && watcher->args;
}

/* The timer is told to run again, the first time too: one that is started goes on where it was
   stopped. */
static bool make_watchers(struct rpc_greenlets_watch *watch, void *hub, void *current, int fd,
                          int seconds) {
    void *loop = python.attribute(hub, "loop");
    bool made =
        loop &&
        make_watcher(&watch->io, python.call_method(loop, "io", "ii", fd, 1), "start",
                     watch->change, current) &&
        make_watcher(&watch->timer, python.call_method(loop, "timer", "ii", seconds, seconds),
                     "again", watch->change, current);

    python.release_object(loop);
    return made;
}

/* greenlet's switch as it is: gevent's own looks for a method of the application's first, which
   the greenlets of requests do not have, at the price of two exceptions a wait. */
static void *find_switch(void) {
    void *module = python.import("greenlet");
    void *class = module ? python.attribute(module, "greenlet") : NULL;
    void *found = class ? python.attribute(class, "switch") : NULL;

    python.release_object(class);
    python.release_object(module);
    return found;
}

bool rpc_greenlets_watch(struct rpc_greenlets_watch *watch, int fd, int seconds) {
    if (!can_ask())
        return false;
    void *hub = greenlet_of("gevent", "get_hub"), *current = greenlet_of("gevent", "getcurrent");

    watch->change = hub && current ? find_switch() : NULL;
    watch->hub = watch->change ? python.pack(1, hub) : NULL;
    bool made = watch->hub && make_watchers(watch, hub, current, fd, seconds);
    if (!made) {
        python.clear_error();
        rpc_greenlets_unwatch(watch);
    }
    python.release_object(current);
    python.release_object(hub);
    return made;
}

int rpc_greenlets_wait(const struct rpc_greenlets_watch *watch) {
    bool started =
        do_call(watch->io.start, watch->io.args) && do_call(watch->timer.start, watch->timer.args);
    void *which = started ? python.call(watch->change, watch->hub) : NULL;

    if (!which)
        python.clear_error();
    do_call(watch->timer.stop, NULL);
    do_call(watch->io.stop, NULL);
    python.release_object(which);
    return which ? which != watch->timer.self : -1;
}

void rpc_greenlets_unwatch(struct rpc_greenlets_watch *watch) {
    void *objects[] = {watch->io.self,    watch->io.start,    watch->io.args,    watch->io.stop,
                       watch->timer.self, watch->timer.start, watch->timer.args, watch->timer.stop,
                       watch->change,     watch->hub};

    for (size_t i = 0; watch->change && i < sizeof(objects) / sizeof(*objects); i++)
        python.release_object(objects[i]);
    memset(watch, 0, sizeof(*watch));
}
