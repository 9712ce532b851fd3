// SPDX-License-Identifier: MIT
/*
 * What every room of the plugin shares: a call, its result, and the one table that says what each
 * outcome means on each transport. No uWSGI here.
 */
#ifndef RPC_H
#define RPC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RPC_MODIFIER1 173

/* uWSGI's limits: struct uwsgi_rpc holds 256 bytes of name, the array's count is one byte with the
   name in it, and the length of an item is a u16. */
#define RPC_NAME_MAX 255
#define RPC_ARGS_MAX 254
#define RPC_ARG_LEN_MAX 65535

/*
 * One call: slices of somebody else's memory, valid while that memory is. Name and arguments are
 * NUL-terminated when the call is handed to a function (rpc_call_fn); lengths do not count the NUL.
 * Only the first arg_count entries mean anything, so a call need not be cleared before it is
 * filled.
 */
struct rpc_call {
    const char *name;
    uint16_t name_len;
    uint8_t arg_count;
    uint16_t arg_len[RPC_ARGS_MAX];
    const char *arg[RPC_ARGS_MAX];
};

/* What a function returned: malloc'ed bytes the receiver frees, or NULL with len 0. */
struct rpc_result {
    char *data;
    uint64_t len;
};

/*
 * Every outcome of a call:
 *   name       as it stands in the log
 *   http       status of a bridge's HTTP answer
 *   route      status of a routing action's HTTP answer
 *   jsonrpc    JSON-RPC 2.0 error code (specification, section 5.1)
 *   xmlrpc     XML-RPC fault code ("Specification for Fault Code Interoperability")
 *   message    one sentence for the caller and the log
 * A forbidden function says to the caller what an unknown one says; only the name in the log
 * differs.
 */
#define RPC_STATUS_TABLE(X)                                                                        \
    X(OK, "ok", 200, 200, 0, 0, "ok")                                                              \
    X(TRUNCATED, "truncated", 400, 500, -32600, -32600, "an item runs past the end of the packet") \
    X(STRAY_BYTE, "stray-byte", 400, 500, -32600, -32600, "a stray byte ends the packet")          \
    X(NO_NAME, "no-name", 400, 500, -32600, -32600, "no function name")                            \
    X(BAD_NAME, "bad-name", 404, 500, -32601, -32601,                                              \
      "a function name has 1 to 255 bytes and no NUL")                                             \
    X(TOO_MANY_ARGS, "too-many-arguments", 400, 500, -32602, -32602, "more than 254 arguments")    \
    X(ARG_TOO_LONG, "argument-too-long", 413, 500, -32602, -32602,                                 \
      "an argument is longer than 65535 bytes")                                                    \
    X(BAD_ARG, "bad-argument", 400, 500, -32602, -32602,                                           \
      "an argument cannot be passed to a function")                                                \
    X(BAD_PARAMS, "bad-parameters", 400, 500, -32602, -32602,                                      \
      "parameters are segments of UTF-8, or a JSON array or object as the body")                   \
    X(UNKNOWN, "unknown-function", 404, 500, -32601, -32601, "no such function")                   \
    X(FORBIDDEN, "forbidden-function", 404, 500, -32601, -32601, "no such function")               \
    X(PEER, "forbidden-peer", 403, 500, -32600, -32600, "peer not allowed by rpc-allow-from")      \
    X(REFUSED, "refused", 500, 500, -32000, -32500,                                                \
      "the function's language plugin cannot take this call")                                      \
    X(EMPTY, "empty", 500, 500, -32000, -32500, "the function failed or returned nothing")         \
    X(NO_ROOM, "no-room", 500, 500, -32000, -32500, "no room for the variable, see buffer-size")   \
    X(BAD_ANSWER, "bad-answer", 500, 500, -32000, -32500,                                          \
      "the function's answer is of no use here")                                                   \
    X(BAD_JSON, "bad-json", 500, 500, -32603, -32603, "the function's result is not JSON")         \
    X(APPLICATION_ERROR, "application-error", 500, 500, -32000, -32500,                            \
      "the function reported an error")                                                            \
    X(NO_MEMORY, "no-memory", 500, 500, -32603, -32603, "out of memory")                           \
    X(NODE_UNREACHABLE, "node-unreachable", 502, 502, -32001, -32300, "the node is unreachable")   \
    X(NODE_TIMEOUT, "node-timeout", 504, 504, -32002, -32300, "the node did not answer in time")   \
    X(NODE_CLOSED, "node-closed", 502, 502, -32003, -32300,                                        \
      "the node closed the connection without an answer")                                          \
    X(NODE_GARBLED, "node-garbled", 502, 502, -32004, -32300, "the node's answer makes no sense")  \
    X(NODE_TOO_LARGE, "node-too-large", 502, 502, -32005, -32300,                                  \
      "the node's answer is larger than rpc-max-response")                                         \
    X(NODE_CALL_TOO_LARGE, "call-too-large", 413, 500, -32602, -32602,                             \
      "name and arguments do not fit a packet of 65535 bytes")                                     \
    X(BAD_NODES, "bad-nodes", 500, 500, -32603, -32603, "that is no list of nodes")                \
    X(MODIFIER2, "unknown-modifier2", 400, 500, -32600, -32600, "unknown modifier2")               \
    X(CUT_SHORT, "cut-short", 408, 408, -32600, -32600, "it did not arrive within socket-timeout") \
    X(BAD_VARS, "bad-variables", 400, 500, -32600, -32600, "the request variables make no sense")  \
    X(NOT_WELL_FORMED, "not-well-formed", 400, 500, -32700, -32700,                                \
      "the document is not well formed")                                                           \
    X(BAD_REQUEST, "bad-request", 400, 500, -32600, -32600, "not a valid request")                 \
    X(TOO_MANY_VALUES, "too-many-values", 400, 500, -32600, -32600,                                \
      "the document holds too many values")                                                        \
    X(TOO_DEEP, "too-deep", 400, 500, -32600, -32600, "the document nests deeper than 128 levels") \
    X(REPEATED_MEMBER, "repeated-member", 400, 500, -32600, -32600,                                \
      "a member stands twice in an object")                                                        \
    X(TOO_MANY_CALLS, "too-many-calls", 400, 500, -32600, -32600, "more calls than rpc-max-batch") \
    X(OUTSIDE_PREFIX, "outside-prefix", 404, 500, -32601, -32601, "outside rpc-http-prefix")       \
    X(METHOD, "method", 405, 500, -32600, -32600, "this bridge does not take that method")         \
    X(MEDIA_TYPE, "media-type", 415, 500, -32600, -32600,                                          \
      "this bridge does not take that Content-Type")                                               \
    X(CODING, "coding", 415, 500, -32600, -32600,                                                  \
      "this bridge does not take that Content-Encoding")                                           \
    X(BAD_CODING, "bad-coding", 400, 500, -32600, -32600, "the compressed body is cut or corrupt") \
    X(CROSS_SITE, "cross-site", 403, 500, -32600, -32600,                                          \
      "pages of another site may not call, see rpc-origin")                                        \
    X(NO_LENGTH, "no-length", 411, 500, -32600, -32600,                                            \
      "the request has no Content-Length and is not chunked")                                      \
    X(BODY_TOO_LARGE, "body-too-large", 413, 500, -32600, -32600,                                  \
      "the request body is larger than rpc-max-body")                                              \
    X(BODY_SHORT, "body-short", 400, 500, -32600, -32600,                                          \
      "the request body is shorter than promised")                                                 \
    X(BODY_LENGTH, "body-length", 400, 500, -32600, -32600,                                        \
      "the length of the request body makes no sense")                                             \
    X(NO_BRIDGE, "no-bridge", 501, 500, -32603, -32603,                                            \
      "this bridge was left out when the plugin was built")

enum rpc_status {
#define RPC_STATUS_ENUM(id, ...) RPC_##id,
    RPC_STATUS_TABLE(RPC_STATUS_ENUM)
#undef RPC_STATUS_ENUM
        RPC_STATUS_COUNT
};

struct rpc_status_info {
    const char *name;
    int http;
    int route;
    int jsonrpc;
    int xmlrpc;
    const char *message;
};

/* The row of a status. Never NULL; the table is the only place where these numbers are spelled. */
static inline const struct rpc_status_info *rpc_status_info(enum rpc_status status) {
    static const struct rpc_status_info rows[RPC_STATUS_COUNT] = {
#define RPC_STATUS_ROW(id, ...) [RPC_##id] = {__VA_ARGS__},
        RPC_STATUS_TABLE(RPC_STATUS_ROW)
#undef RPC_STATUS_ROW
    };
    return &rows[status];
}

/* Whether a status says how a remote call failed. */
static inline bool rpc_status_is_remote(enum rpc_status status) {
    return status >= RPC_NODE_UNREACHABLE && status <= RPC_BAD_NODES;
}

/*
 * Calls one function on behalf of a transport. ctx is the transport's own; call is NUL-terminated
 * as said above. On RPC_OK and RPC_APPLICATION_ERROR *result is filled (its bytes then belong to
 * the transport), otherwise it is left as {NULL, 0}. What a typed function returned has been
 * judged (rpc_typed_judge). The callee logs; the transport only answers.
 */
typedef enum rpc_status (*rpc_call_fn)(void *ctx, const struct rpc_call *call,
                                       struct rpc_result *result);

/*
 * Looks for a function before there are arguments for it. name is NUL-terminated, of 1 to
 * RPC_NAME_MAX bytes. Returns RPC_OK and whether it is typed (rpc-json), RPC_UNKNOWN or
 * RPC_FORBIDDEN. Nobody is told.
 */
typedef enum rpc_status (*rpc_find_fn)(void *ctx, const char *name, size_t name_len, bool *typed);

/*
 * Names a function the caller may call, for introspection: visit is called once for each, with a
 * NUL-terminated name that lives no longer than that visit.
 */
typedef void (*rpc_list_fn)(void *ctx, void (*visit)(void *visitor, const char *name),
                            void *visitor);

/*
 * Told of each fault a document bridge answers on its own, without calling: once for a document it
 * refuses, once for each call in it that it does not make. name is the function as the document has
 * it, name_len bytes, or NULL where none is known.
 */
typedef void (*rpc_fault_fn)(void *ctx, const char *name, size_t name_len, enum rpc_status status);

/* What a document bridge (XML-RPC, JSON-RPC) needs to know of the server it runs in. */
struct rpc_bridge {
    rpc_find_fn find;
    rpc_call_fn call;
    rpc_list_fn list;   /* NULL: introspection is off and system.list* are unknown functions */
    rpc_fault_fn fault; /* NULL: nobody is told */
    void *ctx;          /* handed to all of them */
    size_t max_calls;   /* calls in one batch or system.multicall */
};

static inline void rpc_bridge_fault(const struct rpc_bridge *bridge, const char *name,
                                    size_t name_len, enum rpc_status status) {
    if (bridge->fault)
        bridge->fault(bridge->ctx, name, name_len, status);
}

#endif
