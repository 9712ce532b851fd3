// SPDX-License-Identifier: MIT
/*
 * The uwsgi packet codec. See rpc_wire.h for the contract of each function. What a status means to
 * a caller is not decided here.
 */
#include "rpc_wire.h"

#include "parse/bytes.h"
#include "parse/number.h"

#include <string.h>

#define LENGTH_KEY_LEN (sizeof(RPC_WIRE_LENGTH_KEY) - 1)

static char *put_item(char *p, const char *data, size_t len) {
    p = rpc_wire_put_len(p, len);
    memcpy(p, data, len);
    return p + len;
}

/* What is still to be read of a body. */
struct unread {
    const char *p;
    size_t len;
};

/* Reads the next item, empty ones included, of which at least the length is there. Returns false
   for one that runs past the end. */
static inline bool next_item(struct unread *rest, const char **item, uint16_t *item_len) {
    *item_len = rpc_wire_get_len(rest->p);
    *item = rest->p + 2;
    rest->len -= 2;
    if (rest->len < *item_len)
        return false;
    rest->p = *item + *item_len;
    rest->len -= *item_len;
    return true;
}

/* The first item that is not empty: the name. */
static inline enum rpc_status read_name(struct unread *rest, struct rpc_call *call) {
    while (rest->len >= 2) {
        if (!next_item(rest, &call->name, &call->name_len))
            return RPC_TRUNCATED;
        if (call->name_len)
            return RPC_OK;
    }
    return rest->len ? RPC_STRAY_BYTE : RPC_NO_NAME;
}

/* Moves the last item, if it reaches the end, one byte towards the front and puts its NUL there. */
__attribute__((cold, noinline)) static void move_last(char *end, struct rpc_call *call) {
    unsigned count = call->arg_count;
    const char **item = count ? &call->arg[count - 1] : &call->name;
    size_t item_len = count ? call->arg_len[count - 1] : call->name_len;

    if (*item + item_len != end)
        return;
    *item = memmove(end - item_len - 1, *item, item_len);
    end[-1] = 0;
}

/*
 * The items behind the name, from body[at] on, become arguments. What an item without an end, an
 * empty one and one too many leave in call is never looked at, which spares this loop, most of what
 * many arguments cost, three branches.
 */
static inline enum rpc_status read_args(char *body, size_t at, size_t len, struct rpc_call *call) {
    size_t count = 0;

    while (at + 2 <= len) {
        uint16_t item_len = rpc_wire_get_len(body + at);
        body[at] = 0; /* it has been read, and the item before it ends here */
        if (count < RPC_ARGS_MAX) {
            call->arg[count] = body + at + 2;
            call->arg_len[count] = item_len;
        }
        count += item_len != 0;
        at += 2 + (size_t)item_len;
    }
    if (at != len)
        return at > len ? RPC_TRUNCATED : RPC_STRAY_BYTE;
    if (count > RPC_ARGS_MAX)
        return RPC_TOO_MANY_ARGS;
    call->arg_count = (uint8_t)count;
    return RPC_OK;
}

enum rpc_status rpc_wire_decode(char *body, size_t len, bool spare, struct rpc_call *call) {
    struct unread rest = {body, len};

    enum rpc_status status = read_name(&rest, call);
    if (status == RPC_OK)
        status = read_args(body, (size_t)(rest.p - body), len, call);
    if (status != RPC_OK)
        return status;
    if (spare)
        body[len] = 0;
    else
        move_last(body + len, call);
    if (call->name_len > RPC_NAME_MAX || strlen(call->name) != call->name_len)
        return RPC_BAD_NAME;
    return RPC_OK;
}

size_t rpc_wire_body_len(const struct rpc_call *call) {
    size_t len = 2 + (size_t)call->name_len;
    for (unsigned i = 0; i < call->arg_count; i++)
        if (call->arg_len[i])
            len += 2 + (size_t)call->arg_len[i];
    return len;
}

size_t rpc_wire_encode(const struct rpc_call *call, uint8_t modifier2, char *packet) {
    char *p = rpc_wire_put_header(packet, rpc_wire_body_len(call), modifier2);
    p = put_item(p, call->name, call->name_len);
    for (unsigned i = 0; i < call->arg_count; i++)
        if (call->arg_len[i])
            p = put_item(p, call->arg[i], call->arg_len[i]);
    return (size_t)(p - packet);
}

/* Header and dictionary of a result too long for a header's 16 bits. */
size_t rpc_wire_long_reply_head(uint64_t result_len, char *head) {
    char digits[RPC_DECIMAL_MAX], *end = digits + sizeof(digits);
    char *first = rpc_decimal(result_len, end);
    size_t digit_count = (size_t)(end - first);

    char *p = rpc_wire_put_header(head, 2 + LENGTH_KEY_LEN + 2 + digit_count, RPC_WIRE_LONG_REPLY);
    p = put_item(p, RPC_WIRE_LENGTH_KEY, LENGTH_KEY_LEN);
    p = put_item(p, first, digit_count);
    return (size_t)(p - head);
}

/* The dictionary of a long reply: pairs of items, CONTENT_LENGTH exactly once. */
static bool parse_length_dict(const char *dict, size_t len, uint64_t *value) {
    struct unread rest = {dict, len};
    const char *key, *item;
    uint16_t key_len, item_len;
    bool found = false;

    while (rest.len) {
        if (rest.len < 2 || !next_item(&rest, &key, &key_len) || rest.len < 2 ||
            !next_item(&rest, &item, &item_len))
            return false;
        if (key_len != LENGTH_KEY_LEN || memcmp(key, RPC_WIRE_LENGTH_KEY, LENGTH_KEY_LEN) != 0)
            continue;
        if (found || !rpc_number_read(item, item_len, value))
            return false;
        found = true;
    }
    return found;
}

int rpc_wire_reply_parse(const char *data, size_t len, struct rpc_wire_reply *reply) {
    reply->head_len = RPC_WIRE_HEADER_LEN;
    reply->result_len = 0;
    if (len > 0 && (unsigned char)data[0] != RPC_MODIFIER1)
        return -1;
    if (len < RPC_WIRE_HEADER_LEN)
        return 0;

    uint16_t body_len = rpc_wire_get_len(data + 1);
    if (data[3] == 0) {
        reply->result_len = body_len;
        return 1;
    }
    if (data[3] != RPC_WIRE_LONG_REPLY)
        return -1;
    reply->head_len += body_len;
    if (len < reply->head_len)
        return 0;
    return parse_length_dict(data + RPC_WIRE_HEADER_LEN, body_len, &reply->result_len) ? 1 : -1;
}
