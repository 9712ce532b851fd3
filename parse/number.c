// SPDX-License-Identifier: MIT
/*
 * Whole numbers, see parse/number.h.
 */
#include "number.h"

#include <string.h>

bool rpc_number_read(const char *text, size_t len, uint64_t *value) {
    *value = 0;
    for (size_t i = 0; i < len; i++) {
        unsigned digit = (unsigned)((unsigned char)text[i]) - '0';
        if (digit > 9 || *value > (UINT64_MAX - digit) / 10)
            return false;
        *value = *value * 10 + digit;
    }
    return len > 0;
}

/* The bits by which what a letter stands for is shifted; 0 for anything but such a letter. */
static unsigned unit_bits(char letter) {
    switch (letter) {
    case 'K':
    case 'k':
        return 10;
    case 'M':
    case 'm':
        return 20;
    case 'G':
    case 'g':
        return 30;
    default:
        return 0;
    }
}

bool rpc_size_read(const char *text, uint64_t *value) {
    size_t len = strlen(text);
    unsigned bits = len ? unit_bits(text[len - 1]) : 0;

    if (!rpc_number_read(text, len - (bits != 0), value) || *value > UINT64_MAX >> bits)
        return false;
    *value <<= bits;
    return true;
}
