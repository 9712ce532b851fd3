// SPDX-License-Identifier: MIT
/* Room for a node's reply: by what has arrived, never by what is promised, within the address
 * space. */
#include "client/reply.h"
#include "unit.h"

#include <stdint.h>

static char head[RPC_REPLY_HEAD_MAX];

START_TEST(test_reply_room_follows_what_arrives) {
    struct rpc_reply reply;
    char *at;
    size_t room;

    rpc_reply_begin(&reply, head, true, 0);
    ck_assert_int_eq(rpc_reply_room(&reply, &at, &room), RPC_OK);
    ck_assert_uint_le(room, 64 * 1024);
    for (size_t arrived = 0; arrived < 1 << 20; arrived += room) {
        bool whole = false;
        ck_assert_int_eq(rpc_reply_room(&reply, &at, &room), RPC_OK);
        ck_assert_uint_gt(room, 0);
        memset(at, 'x', room);
        ck_assert_int_eq(rpc_reply_arrived(&reply, room, &whole), RPC_OK);
        ck_assert(!whole);
        ck_assert_uint_le(reply.size, 2 * reply.len + 64 * 1024);
    }
    free(reply.data);
}
END_TEST

/* Twice as much as half of the address space would be none at all. */
START_TEST(test_reply_room_ends_with_the_address_space) {
    struct rpc_reply reply;
    char *at;
    size_t room;

    rpc_reply_begin(&reply, head, true, 0);
    for (size_t half = SIZE_MAX / 2; half < SIZE_MAX / 2 + 3; half++) {
        reply.len = reply.size = half;
        ck_assert_int_eq(rpc_reply_room(&reply, &at, &room), RPC_NO_MEMORY);
        ck_assert_ptr_null(reply.data);
    }
}
END_TEST

UNIT_MAIN("reply", test_reply_room_follows_what_arrives,
          test_reply_room_ends_with_the_address_space)
