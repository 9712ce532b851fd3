// SPDX-License-Identifier: MIT
/*
 * JSON-RPC 2.0 requests, answered; see parse/jsonrpc.h. How JSON is read and written is jansson's
 * business, what a function is the bridge's.
 */
#include "jsonrpc.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#define LIST_METHODS "system.listMethods"
#define BYTE_ORDER_MARK "\xef\xbb\xbf"
/* Digits that most doubles were written with, and digits that any double can be read back from. */
#define DIGITS_SHORT 15
#define DIGITS_EXACT 17
#define LOAD_FLAGS (JSON_REJECT_DUPLICATES | JSON_DECODE_ANY | JSON_ALLOW_NUL)

/* One document on its way through. */
struct exchange {
    const struct rpc_bridge *bridge;
    struct rpc_bytes *response;
    struct rpc_bytes scratch; /* arguments of one call that are not strings in the document */
    bool batch;
};

/* The members of a request, borrowed from the document; NULL for those that are missing. */
struct request {
    json_t *version, *method, *params, *id;
};

/* --- memory ----------------------------------------------------------------------------------- */

static _Thread_local bool out_of_memory;

static void *noting_malloc(size_t size) {
    void *p = malloc(size);
    out_of_memory = out_of_memory || !p;
    return p;
}

void rpc_jsonrpc_init(void) {
    json_set_alloc_funcs(noting_malloc, free);
    json_object_seed(0);
}

/* --- writing ---------------------------------------------------------------------------------- */

#define PUT(out, literal) rpc_bytes_append(out, literal, sizeof(literal) - 1)

static int dump_to_bytes(const char *text, size_t len, void *out) {
    rpc_bytes_append(out, text, len);
    return ((struct rpc_bytes *)out)->failed ? -1 : 0;
}

static void dump(struct rpc_bytes *out, const json_t *value, size_t digits) {
    if (json_dump_callback(value, dump_to_bytes, out,
                           JSON_COMPACT | JSON_ENCODE_ANY | JSON_REAL_PRECISION(digits)) != 0)
        out_of_memory = true;
}

static bool may_hold_reals(const json_t *value) {
    return json_is_real(value) || json_is_array(value) || json_is_object(value);
}

/* The compact JSON text of a value, its doubles as short as they can be read back. */
static void put_value(struct rpc_bytes *out, json_t *value) {
    size_t start = out->len;

    dump(out, value, DIGITS_SHORT);
    if (out->failed || !may_hold_reals(value))
        return;
    json_t *back = json_loadb(out->data + start, out->len - start, LOAD_FLAGS, NULL);
    bool same = json_equal(value, back);
    json_decref(back);
    if (!same) {
        out->len = start;
        dump(out, value, DIGITS_EXACT);
    }
}

/* Bytes as a JSON string; false, and nothing written, when they are not UTF-8. */
static bool put_string(struct rpc_bytes *out, const char *data, size_t len) {
    json_t *string = json_stringn(len ? data : "", len);
    if (!string)
        return false;
    dump(out, string, DIGITS_SHORT);
    json_decref(string);
    return true;
}

/* --- answers ---------------------------------------------------------------------------------- */

/* What goes before a result or an error, and in a batch between two answers. */
static void put_head(const struct exchange *x) {
    if (x->batch)
        rpc_bytes_append(x->response, x->response->len ? "," : "[", 1);
    PUT(x->response, "{\"jsonrpc\":\"2.0\",");
}

static void put_tail(const struct exchange *x, json_t *id) {
    PUT(x->response, ",\"id\":");
    if (id)
        put_value(x->response, id);
    else
        PUT(x->response, "null");
    PUT(x->response, "}");
}

static void put_error(const struct exchange *x, enum rpc_status status, json_t *id) {
    const struct rpc_status_info *info = rpc_status_info(status);
    char digits[RPC_DECIMAL_MAX], *end = digits + sizeof(digits);

    put_head(x);
    PUT(x->response, "\"error\":{\"code\":-");
    char *first = rpc_decimal((uint64_t)-info->jsonrpc, end);
    rpc_bytes_append(x->response, first, (size_t)(end - first));
    PUT(x->response, ",\"message\":");
    put_string(x->response, info->message, strlen(info->message));
    PUT(x->response, "}");
    put_tail(x, id);
}

/* Answers what is no request at all. */
static void refuse(const struct exchange *x, enum rpc_status status, json_t *id) {
    rpc_bridge_fault(x->bridge, NULL, 0, status);
    put_error(x, status, id);
}

static void put_result(const struct exchange *x, const struct rpc_result *result, json_t *id) {
    put_head(x);
    PUT(x->response, "\"result\":");
    if (!put_string(x->response, result->data, result->len)) {
        PUT(x->response, "{\"base64\":\"");
        rpc_bytes_put_base64(x->response, result->data, result->len);
        PUT(x->response, "\"}");
    }
    put_tail(x, id);
}

/* A visitor of rpc_list_fn: one more name of an array that has been opened. */
static void put_name(void *visitor, const char *name) {
    struct rpc_bytes *out = visitor;
    size_t start = out->len;

    if (out->failed)
        return;
    if (out->data[start - 1] != '[')
        PUT(out, ",");
    if (!put_string(out, name, strlen(name)) && !out->failed)
        out->len = start;
}

static void put_names(const struct exchange *x, json_t *id) {
    put_head(x);
    PUT(x->response, "\"result\":[");
    x->bridge->list(x->bridge->ctx, put_name, x->response);
    PUT(x->response, "]");
    put_tail(x, id);
}

/* --- requests --------------------------------------------------------------------------------- */

/* Section 4: a string, a number or null. */
static bool is_id(const json_t *id) {
    return json_is_string(id) || json_is_number(id) || json_is_null(id);
}

/*
 * Reads the members of a request, sections 4 and 4.2. Returns RPC_OK or RPC_BAD_REQUEST, and then
 * the id is the one to answer with.
 */
static enum rpc_status read_request(const json_t *value, struct request *request) {
    request->version = json_object_get(value, "jsonrpc");
    request->method = json_object_get(value, "method");
    request->params = json_object_get(value, "params");
    request->id = json_object_get(value, "id");
    bool sound_id = !request->id || is_id(request->id);
    if (!sound_id)
        request->id = NULL;
    bool two = json_is_string(request->version) && json_string_length(request->version) == 3 &&
               memcmp(json_string_value(request->version), "2.0", 3) == 0;
    return sound_id && two && json_is_string(request->method) &&
                   (!request->params || json_is_array(request->params) ||
                    json_is_object(request->params))
               ? RPC_OK
               : RPC_BAD_REQUEST;
}

/* Whether a value is {"base64": ...} and nothing else. */
static bool is_base64(const json_t *value) {
    return json_object_size(value) == 1 && json_object_get(value, "base64");
}

static enum rpc_status decode_base64(const json_t *coded, struct rpc_bytes *out) {
    size_t decoded_len, len = json_string_length(coded);

    if (!json_is_string(coded))
        return RPC_BAD_ARG;
    char *room = rpc_bytes_reserve(out, RPC_BASE64_DECODED_MAX(len));
    if (!room)
        return RPC_NO_MEMORY;
    if (!rpc_base64_decode(json_string_value(coded), len, room, &decoded_len))
        return RPC_BAD_ARG;
    out->len += decoded_len;
    return RPC_OK;
}

/* One parameter: a string where it stands, anything else, with its NUL, at the end of scratch. */
static enum rpc_status read_argument(json_t *value, struct rpc_bytes *scratch, const char **arg,
                                     size_t *len) {
    enum rpc_status status = RPC_OK;
    size_t start = scratch->len;

    *arg = json_string_value(value);
    *len = json_string_length(value);
    if (!*arg) {
        if (is_base64(value))
            status = decode_base64(json_object_get(value, "base64"), scratch);
        else
            put_value(scratch, value);
        *len = scratch->len - start;
        rpc_bytes_append(scratch, "", 1);
    }
    return status == RPC_OK && *len > RPC_ARG_LEN_MAX ? RPC_ARG_TOO_LONG : status;
}

static enum rpc_status read_arguments(json_t *params, struct rpc_bytes *scratch,
                                      struct rpc_call *call) {
    size_t i, len;
    json_t *value;

    scratch->len = 0;
    json_array_foreach(params, i, value) {
        if (i == RPC_ARGS_MAX)
            return RPC_TOO_MANY_ARGS;
        enum rpc_status status = read_argument(value, scratch, &call->arg[i], &len);
        if (status != RPC_OK)
            return status;
        call->arg_len[i] = (uint16_t)len;
    }
    if (scratch->failed)
        return RPC_NO_MEMORY;
    call->arg_count = (uint8_t)i;
    /* scratch has stopped moving */
    const char *next = scratch->data;
    for (i = 0; i < call->arg_count; i++)
        if (!call->arg[i]) {
            call->arg[i] = next;
            next += call->arg_len[i] + 1u;
        }
    return RPC_OK;
}

/* Fills a call from a request that read_request found valid. */
static enum rpc_status read_call(const struct request *request, struct rpc_bytes *scratch,
                                 struct rpc_call *call) {
    size_t len = json_string_length(request->method);

    call->name = json_string_value(request->method);
    call->name_len = (uint16_t)len;
    call->arg_count = 0;
    if (len == 0 || len > RPC_NAME_MAX || strlen(call->name) != len)
        return RPC_BAD_NAME;
    if (json_is_object(request->params))
        return RPC_BAD_ARG;
    return read_arguments(request->params, scratch, call);
}

/* Makes the call of one request, or member of a batch, and appends its answer, if it gets one. */
static void answer_request(struct exchange *x, const json_t *value) {
    struct request request;
    struct rpc_call call;
    struct rpc_result result = {NULL, 0};

    enum rpc_status status = read_request(value, &request);
    if (status != RPC_OK) {
        refuse(x, status, request.id);
        return;
    }
    status = read_call(&request, &x->scratch, &call);
    bool listing = status == RPC_OK && x->bridge->list && strcmp(call.name, LIST_METHODS) == 0;
    if (listing && call.arg_count)
        status = RPC_BAD_ARG;
    if (status != RPC_OK && status != RPC_NO_MEMORY)
        rpc_bridge_fault(x->bridge, call.name, call.name_len, status);
    else if (status == RPC_OK && !listing && !out_of_memory)
        status = x->bridge->call(x->bridge->ctx, &call, &result);
    if (!request.id)
        ; /* section 4.1: a notification has no answer, not even of an error */
    else if (status != RPC_OK)
        put_error(x, status, request.id);
    else if (listing)
        put_names(x, request.id);
    else
        put_result(x, &result, request.id);
    free(result.data);
}

/* Section 6: the answers of a batch in one array, or nothing when it has none. */
static void answer_batch(struct exchange *x, const json_t *batch) {
    size_t count = json_array_size(batch);

    if (count == 0 || count > x->bridge->max_calls) {
        refuse(x, count ? RPC_TOO_MANY_CALLS : RPC_BAD_REQUEST, NULL);
        return;
    }
    x->batch = true;
    for (size_t i = 0; i < count && !out_of_memory && !x->response->failed; i++)
        answer_request(x, json_array_get(batch, i));
    if (x->response->len)
        PUT(x->response, "]");
}

/* --- documents -------------------------------------------------------------------------------- */

/* Whether a text may hold more values than are read: each but the first follows one of [ { , : */
static bool has_too_many_values(const char *text, size_t len) {
    size_t count = 0;

    for (const char *p = text, *end = text + len; p < end; p++) {
        if (*p == '"') {
            for (p++; p < end && *p != '"'; p++)
                p += *p == '\\';
        } else if (*p == ',' || *p == '[' || *p == '{' || *p == ':') {
            if (++count >= RPC_JSONRPC_VALUES_MAX)
                return true;
        }
    }
    return false;
}

/* The document, for json_decref, or NULL with *status why not. */
static json_t *load(const char *body, size_t len, enum rpc_status *status) {
    size_t mark = sizeof(BYTE_ORDER_MARK) - 1;
    json_error_t error;

    /* RFC 8259 section 8.1 lets a reader ignore it. */
    if (len >= mark && memcmp(body, BYTE_ORDER_MARK, mark) == 0) {
        body += mark;
        len -= mark;
    }
    /* jansson 2.14 passes over a NUL behind a number or a word. */
    *status = len && memchr(body, 0, len) ? RPC_NOT_WELL_FORMED : RPC_TOO_MANY_VALUES;
    if (*status == RPC_NOT_WELL_FORMED || has_too_many_values(body, len))
        return NULL;
    json_t *document = json_loadb(body, len, LOAD_FLAGS, &error);
    if (document)
        return document;
    switch (json_error_code(&error)) {
    case json_error_numeric_overflow:
        *status = RPC_NUMBER_RANGE;
        break;
    case json_error_duplicate_key:
        *status = RPC_BAD_REQUEST;
        break;
    default:
        *status = RPC_NOT_WELL_FORMED;
    }
    return NULL;
}

enum rpc_status rpc_jsonrpc_handle(const struct rpc_bridge *bridge, const char *body, size_t len,
                                   struct rpc_bytes *response) {
    struct exchange x = {.bridge = bridge, .response = response};
    enum rpc_status status;

    out_of_memory = false;
    json_t *document = load(body, len, &status);
    if (out_of_memory)
        ; /* whatever was read, it is not what was sent */
    else if (!document)
        refuse(&x, status, NULL);
    else if (json_is_array(document))
        answer_batch(&x, document);
    else
        answer_request(&x, document);
    json_decref(document);
    bool failed = response->failed || x.scratch.failed || out_of_memory;
    rpc_bytes_free(&x.scratch);
    if (failed)
        rpc_bytes_free(response);
    return failed ? RPC_NO_MEMORY : RPC_OK;
}
