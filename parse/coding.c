// SPDX-License-Identifier: MIT
/*
 * Content codings, see parse/coding.h.
 */
#include "coding.h"

#include <limits.h>
#include <zlib.h>

/* First room for what is decoded; then it doubles. */
#define FIRST_ROOM 4096
/* Added to the largest window's bits: a header of gzip's is to be read (zlib.h, inflateInit2). */
#define GZIP_HEADER 16

enum rpc_coding rpc_coding_read(struct rpc_field field) {
    static const struct {
        const char *name;
        enum rpc_coding coding;
    } codings[] = {{"", RPC_CODING_IDENTITY},
                   {"identity", RPC_CODING_IDENTITY},
                   {"gzip", RPC_CODING_GZIP},
                   {"x-gzip", RPC_CODING_GZIP},
                   {"deflate", RPC_CODING_DEFLATE}};

    if (!field.len)
        return RPC_CODING_IDENTITY;
    for (size_t i = 0; i < sizeof(codings) / sizeof(*codings); i++)
        if (rpc_field_is(field, codings[i].name))
            return codings[i].coding;
    return RPC_CODING_OTHER;
}

/* Room for more, one byte beyond max at the most: it shows what is too large. */
static bool add_room(z_stream *stream, size_t max, struct rpc_bytes *out) {
    size_t room = out->len < FIRST_ROOM ? FIRST_ROOM : out->len;

    if (room > max - out->len)
        room = max - out->len + 1;
    if (room > UINT_MAX)
        room = UINT_MAX;
    stream->next_out = (unsigned char *)rpc_bytes_reserve(out, room);
    stream->avail_out = stream->next_out ? (uInt)room : 0;
    return stream->next_out != NULL;
}

/* zlib counts in unsigned int. */
static void add_input(z_stream *stream, size_t *left) {
    uInt len = *left > UINT_MAX ? UINT_MAX : (uInt)*left;
    if (stream->avail_in == 0) {
        stream->avail_in = len;
        *left -= len;
    }
}

static enum rpc_status inflate_more(z_stream *stream, size_t max, struct rpc_bytes *out, int *ret) {
    if (stream->avail_out == 0 && !add_room(stream, max, out))
        return RPC_NO_MEMORY;
    uInt room = stream->avail_out;
    *ret = inflate(stream, Z_NO_FLUSH);
    out->len += room - stream->avail_out;
    if (out->len > max)
        return RPC_BODY_TOO_LARGE;
    if (*ret == Z_MEM_ERROR)
        return RPC_NO_MEMORY;
    return *ret == Z_OK || *ret == Z_STREAM_END ? RPC_OK : RPC_BAD_CODING;
}

/* A file of gzip's may be several, one behind the other (RFC 1952, section 2.2). */
static enum rpc_status inflate_all(z_stream *stream, enum rpc_coding coding, size_t left,
                                   size_t max, struct rpc_bytes *out) {
    enum rpc_status status = RPC_OK;
    int ret = Z_OK;

    while (status == RPC_OK) {
        add_input(stream, &left);
        status = inflate_more(stream, max, out, &ret);
        if (status != RPC_OK || ret != Z_STREAM_END)
            continue;
        if (stream->avail_in == 0 && left == 0)
            break;
        if (coding != RPC_CODING_GZIP || inflateReset(stream) != Z_OK)
            status = RPC_BAD_CODING;
    }
    return status;
}

enum rpc_status rpc_coding_decode(enum rpc_coding coding, const char *data, size_t len, size_t max,
                                  struct rpc_bytes *out) {
    z_stream stream = {.next_in = (unsigned char *)data};
    int bits = coding == RPC_CODING_GZIP ? MAX_WBITS + GZIP_HEADER : MAX_WBITS;

    if (inflateInit2(&stream, bits) != Z_OK)
        return RPC_NO_MEMORY;
    enum rpc_status status = inflate_all(&stream, coding, len, max, out);
    inflateEnd(&stream);
    return status;
}
