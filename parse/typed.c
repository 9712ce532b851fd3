// SPDX-License-Identifier: MIT
/*
 * What typed functions return, see parse/typed.h.
 */
#include "typed.h"

#include <string.h>

#define ERROR "error "
/* The magnitude of the least code; that of the largest is one less. */
#define CODE_LIMIT 2147483648u

/* What is left to be read. */
struct rest {
    const char *p, *end;
};

static bool take_code(struct rest *rest, int32_t *code) {
    bool negative = rest->p < rest->end && *rest->p == '-';
    const char *first = rest->p + negative, *p = first;
    uint64_t value = 0;

    for (; p < rest->end && *p >= '0' && *p <= '9'; p++)
        if ((value = value * 10 + (unsigned)(*p - '0')) > CODE_LIMIT)
            return false;
    if (p == first || (value == CODE_LIMIT && !negative))
        return false;
    rest->p = p;
    *code = (int32_t)(negative ? -(int64_t)value : (int64_t)value);
    return true;
}

/* Splits an error; false for what is none. Its data, not looked at yet, is what is left. */
static bool split(const char *text, size_t len, struct rpc_typed_error *error, struct rest *rest) {
    *error = (struct rpc_typed_error){.message = ""};
    *rest = (struct rest){text, text + len};
    if (len < sizeof(ERROR) - 1 || memcmp(text, ERROR, sizeof(ERROR) - 1) != 0)
        return false;
    rest->p += sizeof(ERROR) - 1;
    if (!take_code(rest, &error->code))
        return false;
    const char *feed = memchr(rest->p, '\n', (size_t)(rest->end - rest->p));
    if (!feed)
        feed = rest->end;
    if (rest->p < feed && *rest->p++ != ' ')
        return false;
    error->message = rest->p;
    error->message_len = (size_t)(feed - rest->p);
    rest->p = feed < rest->end ? feed + 1 : rest->end;
    return true;
}

static struct rpc_json trim(const char *text, size_t len) {
    static const char space[] = " \t\r\n";
    while (len && text[len - 1] && strchr(space, text[len - 1]))
        len--;
    for (; len && *text && strchr(space, *text); len--)
        text++;
    return (struct rpc_json){text, len};
}

static enum rpc_status judge_json(const char *text, size_t len) {
    struct rpc_json value;
    enum rpc_status status = rpc_json_check(text, len, &value);
    return status == RPC_OK || status == RPC_NO_MEMORY ? status : RPC_BAD_JSON;
}

enum rpc_status rpc_typed_judge(const char *data, size_t len) {
    struct rpc_typed_error error;
    struct rest rest;

    if (!len)
        return RPC_EMPTY;
    if (*data != 'e') /* no JSON text begins so */
        return judge_json(data, len);
    if (!split(data, len, &error, &rest) || !rpc_utf8_is_valid(error.message, error.message_len))
        return RPC_BAD_JSON;
    enum rpc_status status =
        rest.p < rest.end ? judge_json(rest.p, (size_t)(rest.end - rest.p)) : RPC_OK;
    return status == RPC_OK ? RPC_APPLICATION_ERROR : status;
}

struct rpc_typed_error rpc_typed_error(const char *data, size_t len) {
    struct rpc_typed_error error;
    struct rest rest;

    split(data, len, &error, &rest);
    if (rest.p < rest.end)
        error.data = trim(rest.p, (size_t)(rest.end - rest.p));
    return error;
}

struct rpc_json rpc_typed_value(const char *data, size_t len) {
    return trim(data, len);
}

int rpc_typed_http(const struct rpc_typed_error *error) {
    if (error->code >= 400 && error->code <= 599)
        return error->code;
    return rpc_status_info(error->code == rpc_status_info(RPC_BAD_PARAMS)->jsonrpc
                               ? RPC_BAD_PARAMS
                               : RPC_APPLICATION_ERROR)
        ->http;
}

void rpc_typed_put_error(struct rpc_bytes *out, const struct rpc_typed_error *error) {
    rpc_bytes_puts(out, "{\"code\":");
    rpc_bytes_put_int(out, error->code);
    rpc_bytes_puts(out, ",\"message\":");
    rpc_json_put_string(out, error->message, error->message_len);
    if (error->data.text) {
        rpc_bytes_puts(out, ",\"data\":");
        rpc_bytes_append(out, error->data.text, error->data.len);
    }
    rpc_bytes_puts(out, "}");
}
