// SPDX-License-Identifier: MIT
/*
 * The calls of an XML-RPC document as parse/xmlrpc_calls.c has written them down, in one piece of
 * memory, and how they are read: as arguments for a function, or as JSON for a typed one.
 */
#ifndef RPC_XMLRPC_TAPE_H
#define RPC_XMLRPC_TAPE_H

#include "../rpc.h"
#include "bytes.h"

/* The tape: entries of a header, len bytes and a NUL each. A CALL opens a call; the NAME and the
   values behind it, in any order, belong to it. */
enum rpc_xmlrpc_kind {
    RPC_XMLRPC_CALL,   /* about: its status; len: the parameter that is to blame, 0 for none */
    RPC_XMLRPC_NAME,   /* of its function */
    RPC_XMLRPC_SCALAR, /* about: its enum rpc_xmlrpc_type; the text, base64 decoded */
    RPC_XMLRPC_MEMBER, /* the name of the value behind it */
    RPC_XMLRPC_OPEN,   /* about: the JSON bracket that opens this array or struct */
    RPC_XMLRPC_CLOSE,  /* about: the one that closes it */
};

struct rpc_xmlrpc_entry {
    uint16_t len;
    uint8_t kind, about;
};

_Static_assert(RPC_STATUS_COUNT <= UINT8_MAX, "a status fits an entry");

/* What is wrong with a call, in words, "" where its status says it all. */
#define RPC_XMLRPC_WHY_MAX 64

/* A call on the tape. */
struct rpc_xmlrpc_call {
    const char *name; /* NUL-terminated; NULL when it has none */
    size_t name_len;
    size_t at, end;         /* its entries */
    enum rpc_status status; /* RPC_OK, or why it must not be made */
    char why[RPC_XMLRPC_WHY_MAX];
};

/* Reads the next call at *position, which is 0 before the first and moved on. False at the end. */
bool rpc_xmlrpc_tape_next(const struct rpc_bytes *tape, size_t *position,
                          struct rpc_xmlrpc_call *call);

/*
 * Fills in the arguments of a call whose status is RPC_OK: slices of the tape. Returns RPC_OK,
 * RPC_TOO_MANY_ARGS, or RPC_BAD_ARG for an array or struct, and why.
 */
enum rpc_status rpc_xmlrpc_tape_args(const struct rpc_bytes *tape, struct rpc_xmlrpc_call *from,
                                     struct rpc_call *call);

/*
 * Makes the one argument of a typed function: the parameters as a JSON array, in json, which is
 * emptied before. Returns RPC_OK, RPC_ARG_TOO_LONG, RPC_BAD_ARG for a double that is no number or a
 * struct that has a member twice, and why, or RPC_NO_MEMORY.
 */
enum rpc_status rpc_xmlrpc_tape_json(const struct rpc_bytes *tape, struct rpc_xmlrpc_call *from,
                                     struct rpc_bytes *json, struct rpc_call *call);

#endif
