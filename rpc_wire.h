// SPDX-License-Identifier: MIT
/*
 * The uwsgi packet codec: header, array, and the two ways a reply is framed. Bytes in, slices of
 * the same bytes out: nothing here allocates, copies, logs or knows uWSGI.
 *
 * Sources: "The uwsgi Protocol" (uWSGI documentation, Protocol.html) for the header and the item
 * layout, "uWSGI RPC Stack" (RPC.html) for the array of name and arguments, and uWSGI's rpc client
 * for the 64 bit reply (modifier2 5).
 */
#ifndef RPC_WIRE_H
#define RPC_WIRE_H

#include "rpc.h"

/* modifier1 u8, size of the body u16 little-endian, modifier2 u8 */
#define RPC_WIRE_HEADER_LEN 4
/* Largest body of a packet, so also the largest result that fits one. */
#define RPC_WIRE_BODY_MAX 65535
/* modifier2 of a reply whose body is a dictionary, the result following it. */
#define RPC_WIRE_LONG_REPLY 5
/* The key of that dictionary. */
#define RPC_WIRE_LENGTH_KEY "CONTENT_LENGTH"
/* Header, key, and the 20 digits of 2^64 - 1, each item with its u16 length. */
#define RPC_WIRE_REPLY_HEAD_MAX (RPC_WIRE_HEADER_LEN + 2 + 14 + 2 + 20)

/* Writes a length, of which the lowest 16 bits count, and returns where it ends. */
static inline char *rpc_wire_put_len(char *p, size_t len) {
    p[0] = (char)(len & 0xff);
    p[1] = (char)(len >> 8);
    return p + 2;
}

/* The length that stands at p. */
static inline uint16_t rpc_wire_get_len(const char *p) {
    return (uint16_t)((uint8_t)p[0] | (uint8_t)p[1] << 8);
}

/* Writes a header and returns where it ends. */
static inline char *rpc_wire_put_header(char *p, size_t body_len, uint8_t modifier2) {
    *p++ = (char)RPC_MODIFIER1;
    p = rpc_wire_put_len(p, body_len);
    *p++ = (char)modifier2;
    return p;
}

/*
 * Reads a packet's body in place: the first item that is not empty is the function's name, the
 * others that are not empty its arguments. Each gets its NUL where the length of the following item
 * stood, which has served its purpose.
 *   body, len   the body (without header); what it holds afterwards is the call's affair
 *   spare       whether body[len] may be overwritten too; if not, and the last item reaches the
 *               end, that one is moved one byte towards the front
 *   call        filled with slices of body on RPC_OK, otherwise undefined
 * Returns RPC_OK, RPC_TRUNCATED (an item runs past the end), RPC_STRAY_BYTE (one byte is left where
 * a length should start), RPC_NO_NAME, RPC_BAD_NAME (over 255 bytes, or a NUL in it),
 * RPC_TOO_MANY_ARGS (more than 254).
 */
enum rpc_status rpc_wire_decode(char *body, size_t len, bool spare, struct rpc_call *call);

/*
 * Bytes of the body that carries a call: empty arguments are left out, since an array cannot carry
 * them. May exceed RPC_WIRE_BODY_MAX, which means the call does not fit a packet.
 */
size_t rpc_wire_body_len(const struct rpc_call *call);

/*
 * Writes header and body of a call into packet, which has room for
 * RPC_WIRE_HEADER_LEN + rpc_wire_body_len(call) bytes; that body length must not exceed
 * RPC_WIRE_BODY_MAX. modifier2 is 0 for a framed reply, 1 for a raw one. Returns the bytes written.
 */
size_t rpc_wire_encode(const struct rpc_call *call, uint8_t modifier2, char *packet);

/* What rpc_wire_reply_head does for a result beyond RPC_WIRE_BODY_MAX. */
size_t rpc_wire_long_reply_head(uint64_t result_len, char *head);

/*
 * Writes what goes before a framed result of result_len bytes: a header alone up to
 * RPC_WIRE_BODY_MAX, beyond that a header and the dictionary with the length. head has room for
 * RPC_WIRE_REPLY_HEAD_MAX bytes. Returns the bytes written.
 */
static inline size_t rpc_wire_reply_head(uint64_t result_len, char *head) {
    if (result_len > RPC_WIRE_BODY_MAX)
        return rpc_wire_long_reply_head(result_len, head);
    rpc_wire_put_header(head, (size_t)result_len, 0);
    return RPC_WIRE_HEADER_LEN;
}

/* What the beginning of a framed reply says. */
struct rpc_wire_reply {
    size_t head_len;     /* bytes before the result, or how many are needed to know more */
    uint64_t result_len; /* bytes of the result; 0 while it is not known */
};

/*
 * Reads the beginning of a framed reply.
 *   data, len   what has arrived so far; not written to
 *   reply       filled as far as known
 * Returns 1 when the head is complete (reply->head_len <= len), 0 when more is needed: call again
 * with at least reply->head_len bytes; -1 when this is no reply to a call: another modifier1, a
 * modifier2 other than 0 and 5, a dictionary that is broken, or in which CONTENT_LENGTH is missing,
 * repeated, empty, not decimal or beyond 2^64 - 1.
 */
int rpc_wire_reply_parse(const char *data, size_t len, struct rpc_wire_reply *reply);

#endif
