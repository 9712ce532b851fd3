// SPDX-License-Identifier: MIT
/*
 * A chunked body, decoded; see parse/chunked.h. Lines end with CR LF and nothing else: a front
 * server that reads a bare LF otherwise would see other requests than this one does.
 */
#include "chunked.h"

#include <string.h>

/* What is expected next. */
enum place {
    SIZE,      /* the first digit of a size */
    SIZE_MORE, /* another one, or what ends it */
    EXTENSION, /* the rest of that line */
    SIZE_LF,
    DATA,
    DATA_CR,
    DATA_LF,
    TRAILER, /* a trailer, or the CR of the empty line */
    TRAILER_MORE,
    TRAILER_LF,
    LAST_LF,
    END,
    BAD,
};

static int digit(char c) {
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

static enum place size_digit(struct rpc_chunked *decoder, char c) {
    int value = digit(c);

    if (value < 0)
        return BAD;
    /* Beyond 64 bit it stays what no body can hold. */
    decoder->left =
        decoder->left >> 60 ? UINT64_MAX : decoder->left << 4 | (uint64_t)(unsigned)value;
    return SIZE_MORE;
}

static enum place line_end(char c, enum place end, enum place more) {
    return c == '\r' ? end : c == '\n' || c == 0 ? BAD : more;
}

static enum place then_lf(char c, enum place next) {
    return c == '\n' ? next : BAD;
}

/* The place behind a byte that is not the body's. */
static enum place step(struct rpc_chunked *decoder, char c) {
    switch ((enum place)decoder->place) {
    case SIZE:
        decoder->left = 0;
        return size_digit(decoder, c);
    case SIZE_MORE:
        return c == '\r'                           ? SIZE_LF
               : c == ';' || c == ' ' || c == '\t' ? EXTENSION
                                                   : size_digit(decoder, c);
    case EXTENSION:
        return line_end(c, SIZE_LF, EXTENSION);
    case SIZE_LF:
        return then_lf(c, decoder->left ? DATA : TRAILER);
    case DATA_CR:
        return c == '\r' ? DATA_LF : BAD;
    case DATA_LF:
        return then_lf(c, SIZE);
    case TRAILER:
        return line_end(c, LAST_LF, TRAILER_MORE);
    case TRAILER_MORE:
        return line_end(c, TRAILER_LF, TRAILER_MORE);
    case TRAILER_LF:
        return then_lf(c, TRAILER);
    case LAST_LF:
        return then_lf(c, END);
    default:
        return BAD;
    }
}

/* Moves what data holds of the open chunk to out; returns its length. */
static size_t take_data(struct rpc_chunked *decoder, char *out, const char *data, size_t len) {
    if (len > decoder->left)
        len = (size_t)decoder->left;
    memmove(out, data, len);
    decoder->left -= len;
    if (!decoder->left) {
        decoder->place = DATA_CR;
        decoder->excess -= decoder->excess < RPC_CHUNKED_FREE ? decoder->excess : RPC_CHUNKED_FREE;
    }
    return len;
}

enum rpc_chunked_status rpc_chunked_decode(struct rpc_chunked *decoder, char *data, size_t *len,
                                           size_t *rest) {
    size_t in = 0, out = 0;

    while (in < *len && decoder->place < END) {
        if (decoder->place == DATA) {
            size_t taken = take_data(decoder, data + out, data + in, *len - in);
            in += taken;
            out += taken;
            continue;
        }
        decoder->place = (uint8_t)step(decoder, data[in++]);
        if (++decoder->excess > RPC_CHUNKED_EXCESS_MAX && decoder->place < END)
            decoder->place = BAD;
    }
    *rest = *len - in;
    *len = out;
    return decoder->place < END    ? RPC_CHUNKED_MORE
           : decoder->place == END ? RPC_CHUNKED_END
                                   : RPC_CHUNKED_BAD;
}
