// SPDX-License-Identifier: MIT
/*
 * Whole numbers as text: digits and nothing else, never beyond what the reader can hold. No uWSGI.
 */
#ifndef RPC_NUMBER_H
#define RPC_NUMBER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Reads a decimal number: one digit or more, no sign, no blank.
 *   text, len   the characters; not written to
 *   value       the number; undefined when false is returned
 * Returns false for anything else, and for a number beyond 2^64 - 1.
 */
bool rpc_number_read(const char *text, size_t len, uint64_t *value);

/*
 * Reads a number of bytes as a configuration has it: a decimal number, and perhaps one of K, M and
 * G behind it, in either case, for 2^10, 2^20 and 2^30 of them.
 *   text   NUL-terminated
 *   value  bytes; undefined when false is returned
 * Returns false for anything else, and for a size beyond 2^64 - 1.
 */
bool rpc_size_read(const char *text, uint64_t *value);

#endif
