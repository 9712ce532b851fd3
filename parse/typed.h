// SPDX-License-Identifier: MIT
/*
 * Typed functions (rpc-json): one argument, JSON text; a result that is JSON text, or an error. No
 * uWSGI.
 */
#ifndef RPC_TYPED_H
#define RPC_TYPED_H

#include "../rpc.h"
#include "json.h"

/* An error that a function reported: slices of its result. */
struct rpc_typed_error {
    int32_t code;
    const char *message; /* UTF-8 */
    size_t message_len;
    struct rpc_json data; /* text NULL: none */
};

/*
 * Judges what a typed function returned.
 *   data, len   the result, NULL and 0 for none
 * Returns RPC_OK: one JSON text, as rpc_json_check has it; RPC_EMPTY; RPC_APPLICATION_ERROR: "error
 * CODE", a blank and a message in UTF-8 behind it if there is one, and behind a line feed, if there
 * is one, JSON text or nothing; CODE is a decimal integer of 32 bits without "+"; RPC_BAD_JSON:
 * anything else; or RPC_NO_MEMORY.
 */
enum rpc_status rpc_typed_judge(const char *data, size_t len);

/* The error in a result that has been judged RPC_APPLICATION_ERROR. */
struct rpc_typed_error rpc_typed_error(const char *data, size_t len);

/* The value in a result that has been judged RPC_OK. */
struct rpc_json rpc_typed_value(const char *data, size_t len);

/* The HTTP status of an error where the answer is nothing else: its code if that is one of 400 to
   599, 400 for wrong parameters, -32602, and 500 for any other. */
int rpc_typed_http(const struct rpc_typed_error *error);

/* Appends an error as the JSON object {"code": ..., "message": ..., "data": ...}. */
void rpc_typed_put_error(struct rpc_bytes *out, const struct rpc_typed_error *error);

#endif
