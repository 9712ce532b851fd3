// SPDX-License-Identifier: MIT
/*
 * JSON-RPC requests, answered; see parse/jsonrpc.h. How JSON is read is the business of
 * parse/json.h, what a function is the bridge's.
 */
#include "jsonrpc.h"
#include "discover.h"
#include "json.h"
#include "typed.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BYTE_ORDER_MARK "\xef\xbb\xbf"
/* What is wrong with one parameter, in words. */
#define WHY_MAX 80

/* One document on its way through. */
struct exchange {
    const struct rpc_bridge *bridge;
    struct rpc_bytes *response;
    struct rpc_bytes scratch; /* the arguments of one call */
    bool batch;
    bool failed; /* memory ran out */
};

/* A request, its members slices of the document; text is NULL for those that are missing. */
struct request {
    struct rpc_json version, method, params, id;
    bool old;          /* JSON-RPC 1.0 */
    char why[WHY_MAX]; /* what is wrong with it, if that is known better than its status says */
    char name[RPC_NAME_MAX + 1];
};

#define PUT(out, literal) rpc_bytes_append(out, literal, sizeof(literal) - 1)

__attribute__((format(printf, 3, 4))) static enum rpc_status
because(struct request *request, enum rpc_status status, const char *format, ...) {
    va_list args;
    va_start(args, format);
    vsnprintf(request->why, WHY_MAX, format, args);
    va_end(args);
    return status;
}

static bool has_failed(const struct exchange *x) {
    return x->failed || x->scratch.failed || x->response->failed;
}

/* --- answers ---------------------------------------------------------------------------------- */

/* What goes before a result or an error, and in a batch between two answers. */
static void put_head(const struct exchange *x, const struct request *request) {
    if (x->batch)
        rpc_bytes_append(x->response, x->response->len ? "," : "[", 1);
    PUT(x->response, "{");
    if (!request->old)
        PUT(x->response, "\"jsonrpc\":\"2.0\",");
}

static void put_tail(const struct exchange *x, const struct request *request) {
    PUT(x->response, ",\"id\":");
    if (request->id.text)
        rpc_bytes_append(x->response, request->id.text, request->id.len);
    else
        PUT(x->response, "null");
    PUT(x->response, "}");
}

static void put_error(const struct exchange *x, const struct request *request,
                      const struct rpc_typed_error *error) {
    put_head(x, request);
    if (request->old)
        PUT(x->response, "\"result\":null,");
    PUT(x->response, "\"error\":");
    rpc_typed_put_error(x->response, error);
    put_tail(x, request);
}

static void put_status(const struct exchange *x, const struct request *request,
                       enum rpc_status status) {
    const struct rpc_status_info *info = rpc_status_info(status);
    const char *message = request->why[0] ? request->why : info->message;
    struct rpc_typed_error error = {info->jsonrpc, message, strlen(message), {NULL, 0}};

    put_error(x, request, &error);
}

/* Answers what is no request at all. */
static void refuse(const struct exchange *x, enum rpc_status status,
                   const struct request *request) {
    rpc_bridge_fault(x->bridge, NULL, 0, status);
    put_status(x, request, status);
}

static void put_result(const struct exchange *x, const struct rpc_result *result, bool typed) {
    if (typed) {
        rpc_bytes_append(x->response, result->data, result->len);
    } else if (!rpc_json_put_string(x->response, result->data, result->len)) {
        PUT(x->response, "{\"base64\":\"");
        rpc_bytes_put_base64(x->response, result->data, result->len);
        PUT(x->response, "\"}");
    }
}

/* --- requests --------------------------------------------------------------------------------- */

/* Section 4: a string, a number or null. */
static bool is_id(struct rpc_json id) {
    return rpc_json_is_string(id) || rpc_json_is_number(id) || rpc_json_is_null(id);
}

static void read_members(struct rpc_json value, struct request *request) {
    struct rpc_json rest = rpc_json_inside(value), name, member;

    while (rpc_json_next(&rest, &name) && rpc_json_next(&rest, &member)) {
        if (rpc_json_equals(name, "jsonrpc"))
            request->version = member;
        else if (rpc_json_equals(name, "method"))
            request->method = member;
        else if (rpc_json_equals(name, "params"))
            request->params = member;
        else if (rpc_json_equals(name, "id"))
            request->id = member;
    }
}

static bool is_array(struct rpc_json value) {
    return value.text && rpc_json_is_array(value);
}

/*
 * Reads the members of a request, sections 4 and 4.2. Returns RPC_OK or RPC_BAD_REQUEST, and then
 * the id is the one to answer with.
 */
static enum rpc_status read_request(struct rpc_json value, struct request *request) {
    static const struct rpc_json missing = {NULL, 0};

    if (!rpc_json_is_object(value))
        return RPC_BAD_REQUEST;
    read_members(value, request);
    if (request->id.text && !is_id(request->id)) {
        request->id = missing;
        return because(request, RPC_BAD_REQUEST, "the id is no string, number or null");
    }
    if (!request->method.text || !rpc_json_is_string(request->method))
        return because(request, RPC_BAD_REQUEST, "the method is no string");
    bool two = request->version.text && rpc_json_equals(request->version, "2.0");
    bool one = !request->version.text || rpc_json_equals(request->version, "1.0");
    request->old = one && is_array(request->params) && request->id.text;
    if (!two && !request->old)
        return because(request, RPC_BAD_REQUEST, "\"jsonrpc\" is not \"2.0\"");
    if (request->params.text && rpc_json_is_null(request->params))
        request->params = missing;
    if (request->params.text && !is_array(request->params) && !rpc_json_is_object(request->params))
        return because(request, RPC_BAD_REQUEST, "params is no array or object");
    if (request->old && rpc_json_is_null(request->id))
        request->id = missing;
    return RPC_OK;
}

/* The function's name, NUL-terminated. */
static enum rpc_status read_name(struct request *request, struct rpc_call *call) {
    size_t len = rpc_json_decode(request->method, request->name, RPC_NAME_MAX);

    call->name = request->name;
    call->name_len = (uint16_t)len;
    if (len > RPC_NAME_MAX) { /* it is told as it stands */
        call->name = request->method.text + 1;
        call->name_len =
            (uint16_t)(request->method.len < UINT16_MAX ? request->method.len - 2 : UINT16_MAX);
        return RPC_BAD_NAME;
    }
    request->name[len] = 0;
    return len && strlen(request->name) == len ? RPC_OK : RPC_BAD_NAME;
}

/* --- parameters ------------------------------------------------------------------------------- */

/* The string in {"base64": ...}; false when a value is anything else. */
static bool is_base64(struct rpc_json value, struct rpc_json *coded) {
    struct rpc_json rest, name, more;

    if (!rpc_json_is_object(value))
        return false;
    rest = rpc_json_inside(value);
    return rpc_json_next(&rest, &name) && rpc_json_equals(name, "base64") &&
           rpc_json_next(&rest, coded) && !rpc_json_next(&rest, &more);
}

/* Writes what a parameter is to a function at out, which has room for the parameter's text. False
   when it should be base64 and is not. */
static bool read_argument(struct rpc_json value, char *out, size_t *len) {
    struct rpc_json coded;

    if (rpc_json_is_string(value)) {
        *len = rpc_json_decode(value, out, value.len);
    } else if (is_base64(value, &coded)) {
        if (!rpc_json_is_string(coded))
            return false;
        size_t coded_len = rpc_json_decode(coded, out, coded.len);
        return rpc_base64_decode(out, coded_len, out, len);
    } else {
        *len = rpc_json_compact(value, out);
    }
    return true;
}

static enum rpc_status read_arguments(struct request *request, char *out, struct rpc_call *call) {
    struct rpc_json rest = rpc_json_inside(request->params), value;

    while (rpc_json_next(&rest, &value)) {
        unsigned number = call->arg_count + 1u;
        size_t len;
        if (number > RPC_ARGS_MAX)
            return RPC_TOO_MANY_ARGS;
        if (!read_argument(value, out, &len))
            return because(request, RPC_BAD_ARG, "parameter %u is not base64", number);
        if (len > RPC_ARG_LEN_MAX)
            return because(request, RPC_ARG_TOO_LONG, "parameter %u is longer than %d bytes",
                           number, RPC_ARG_LEN_MAX);
        call->arg[call->arg_count] = out;
        call->arg_len[call->arg_count++] = (uint16_t)len;
        out[len] = 0;
        out += len + 1;
    }
    return RPC_OK;
}

/* The one argument of a typed function. */
static enum rpc_status read_text(struct request *request, char *out, struct rpc_call *call) {
    size_t len = rpc_json_compact(request->params, out);

    if (len > RPC_ARG_LEN_MAX)
        return because(request, RPC_ARG_TOO_LONG, "the parameters are longer than %d bytes",
                       RPC_ARG_LEN_MAX);
    out[len] = 0;
    call->arg[0] = out;
    call->arg_len[0] = (uint16_t)len;
    call->arg_count = 1;
    return RPC_OK;
}

/* Makes the arguments of a call, which has none yet. */
static enum rpc_status read_params(struct request *request, bool typed, struct rpc_bytes *scratch,
                                   struct rpc_call *call) {
    static const struct rpc_json none = {"[]", 2};

    if (!request->params.text)
        request->params = none;
    /* Nothing is longer decoded than written, and behind each parameter stands a comma or bracket,
       whose place its NUL takes. */
    scratch->len = 0;
    char *out = rpc_bytes_reserve(scratch, request->params.len + 1);
    if (!out)
        return RPC_NO_MEMORY;
    if (typed)
        return read_text(request, out, call);
    struct rpc_json rest = rpc_json_inside(request->params), name;
    if (rpc_json_is_object(request->params) && rpc_json_next(&rest, &name))
        return because(request, RPC_BAD_ARG, "parameters by name: this function takes positions");
    return read_arguments(request, out, call);
}

/* --- calls ------------------------------------------------------------------------------------ */

/* Whether a function that nobody has registered is answered here. */
static bool is_own(const struct exchange *x, const struct rpc_call *call) {
    return x->bridge->list && rpc_discover_is(call->name);
}

/* A call's way: what is called before what it is called with. */
static enum rpc_status make_call(struct exchange *x, struct request *request, struct rpc_call *call,
                                 struct rpc_result *result, bool *typed) {
    enum rpc_status status = read_name(request, call);

    *typed = false;
    if (status == RPC_OK)
        status = x->bridge->find(x->bridge->ctx, call->name, call->name_len, typed);
    bool own = status != RPC_OK && status != RPC_BAD_NAME && is_own(x, call);
    if (status == RPC_OK || own)
        status = read_params(request, *typed, &x->scratch, call);
    if (status == RPC_OK && own && call->arg_count)
        status = because(request, RPC_BAD_ARG, "%s takes no parameters", call->name);
    if (status == RPC_OK && own) {
        *typed = true;
        status = rpc_discover(x->bridge, call->name, result);
        x->failed = status != RPC_OK;
        return status;
    }
    if (status == RPC_OK)
        return x->bridge->call(x->bridge->ctx, call, result);
    if (status != RPC_NO_MEMORY)
        rpc_bridge_fault(x->bridge, call->name, call->name_len, status);
    return status;
}

/* Makes the call of one request, or member of a batch, and appends its answer, if it gets one. */
static void answer_request(struct exchange *x, struct rpc_json value) {
    struct request request = {.old = false};
    struct rpc_call call;
    struct rpc_result result = {NULL, 0};
    bool typed;

    enum rpc_status status = read_request(value, &request);
    if (status != RPC_OK) {
        refuse(x, status, &request);
        return;
    }
    call.arg_count = 0;
    status = make_call(x, &request, &call, &result, &typed);
    if (!request.id.text) {
        ; /* section 4.1: a notification has no answer, not even of an error */
    } else if (status == RPC_APPLICATION_ERROR) {
        struct rpc_typed_error error = rpc_typed_error(result.data, result.len);
        put_error(x, &request, &error);
    } else if (status != RPC_OK) {
        put_status(x, &request, status);
    } else {
        put_head(x, &request);
        PUT(x->response, "\"result\":");
        put_result(x, &result, typed);
        if (request.old)
            PUT(x->response, ",\"error\":null");
        put_tail(x, &request);
    }
    free(result.data);
}

/* Section 6: the answers of a batch in one array, or nothing when it has none. */
static void answer_batch(struct exchange *x, struct rpc_json batch) {
    static const struct request none;
    struct rpc_json rest = rpc_json_inside(batch), value;
    size_t count = 0;

    while (count <= x->bridge->max_calls && rpc_json_next(&rest, &value))
        count++;
    if (count == 0 || count > x->bridge->max_calls) {
        refuse(x, count ? RPC_TOO_MANY_CALLS : RPC_BAD_REQUEST, &none);
        return;
    }
    x->batch = true;
    rest = rpc_json_inside(batch);
    while (!has_failed(x) && rpc_json_next(&rest, &value))
        answer_request(x, value);
    if (x->response->len)
        PUT(x->response, "]");
}

enum rpc_status rpc_jsonrpc_handle(const struct rpc_bridge *bridge, const char *body, size_t len,
                                   struct rpc_bytes *response) {
    static const struct request none;
    struct exchange x = {.bridge = bridge, .response = response};
    size_t mark = sizeof(BYTE_ORDER_MARK) - 1;
    struct rpc_json document;

    /* RFC 8259 section 8.1 lets a reader ignore it. */
    if (len >= mark && memcmp(body, BYTE_ORDER_MARK, mark) == 0) {
        body += mark;
        len -= mark;
    }
    enum rpc_status status = rpc_json_check(body, len, &document);
    if (status == RPC_NO_MEMORY)
        return status;
    if (status != RPC_OK)
        refuse(&x, status, &none);
    else if (rpc_json_is_array(document))
        answer_batch(&x, document);
    else
        answer_request(&x, document);
    bool failed = has_failed(&x);
    rpc_bytes_free(&x.scratch);
    if (failed)
        rpc_bytes_free(response);
    return failed ? RPC_NO_MEMORY : RPC_OK;
}
