// SPDX-License-Identifier: MIT
/*
 * Any bytes as JSON text: what is sound here is sound to jansson, and means the same without its
 * white space; what is not is refused there too, limits aside.
 */
#include "parse/json.h"
#include "parse/typed.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#define FLAGS (JSON_ALLOW_NUL | JSON_DECODE_ANY | JSON_REJECT_DUPLICATES)

static void require(bool holds) {
    if (!holds)
        abort();
}

/* Whether jansson refuses a text for what this reader takes. */
static bool is_limit(const json_error_t *error) {
    return json_error_code(error) == json_error_numeric_overflow ||
           json_error_code(error) == json_error_null_byte_in_key;
}

static void compare_compact(struct rpc_json value, json_t *tree) {
    char *out = malloc(value.len);
    require(out != NULL);
    size_t len = rpc_json_compact(value, out);
    json_t *other = json_loadb(out, len, FLAGS, NULL);
    require(other && json_equal(tree, other));
    json_decref(other);
    struct rpc_json again;
    require(rpc_json_check(out, len, &again) == RPC_OK && again.len == len);
    free(out);
}

static void compare_string(struct rpc_json value, json_t *tree) {
    char *out = malloc(value.len);
    size_t len = rpc_json_decode(value, out, value.len);
    require(len == json_string_length(tree) && !memcmp(out, json_string_value(tree), len));
    struct rpc_bytes text = {0};
    require(rpc_json_put_string(&text, out, len));
    json_t *back = json_loadb(text.data, text.len, FLAGS, NULL);
    require(json_equal(tree, back));
    json_decref(back);
    rpc_bytes_free(&text);
    free(out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len) {
    struct rpc_json value;
    json_error_t error;
    enum rpc_status status = rpc_json_check((const char *)data, len, &value);

    rpc_typed_judge((const char *)data, len);
    if (memchr(data, 0, len)) { /* jansson passes over one behind a number */
        require(status != RPC_OK);
        return 0;
    }
    json_t *tree = json_loadb((const char *)data, len, FLAGS, &error);
    if (status == RPC_OK)
        require(tree || is_limit(&error));
    else
        require(!tree || status == RPC_TOO_DEEP || status == RPC_TOO_MANY_VALUES);
    if (status == RPC_OK && tree) {
        compare_compact(value, tree);
        if (json_is_string(tree))
            compare_string(value, tree);
    }
    json_decref(tree);
    return 0;
}
