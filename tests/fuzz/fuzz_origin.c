// SPDX-License-Identifier: MIT
/*
 * Any bytes as Sec-Fetch-Site, Origin, Host and an origin that is let in, a line each. Nobody is
 * let in by a list that is empty, and with one that has the origin word for word nobody is left
 * out.
 */
#include "parse/origin.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static void require(bool holds) {
    if (!holds)
        abort();
}

/* Takes a line off the front, into memory of its own, so that nothing is read beside it. */
static struct rpc_field take_line(const uint8_t **data, size_t *size) {
    const uint8_t *end = *size ? memchr(*data, '\n', *size) : NULL;
    size_t len = end ? (size_t)(end - *data) : *size;
    char *line = malloc(len + 1);

    require(line != NULL);
    if (len)
        memcpy(line, *data, len);
    line[len] = 0;
    char *exact = realloc(line, len ? len : 1);
    require(exact != NULL);
    *data += end ? len + 1 : len;
    *size -= end ? len + 1 : len;
    return (struct rpc_field){exact, len};
}

static char *as_string(struct rpc_field field) {
    char *string = malloc(field.len + 1);
    require(string != NULL);
    memcpy(string, field.text, field.len);
    string[field.len] = 0;
    return string;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct rpc_origin_headers headers;
    headers.site = take_line(&data, &size);
    headers.origin = take_line(&data, &size);
    headers.host = take_line(&data, &size);
    struct rpc_field let_in = take_line(&data, &size);
    char *origin = as_string(headers.origin), *granted = as_string(let_in);
    const char *list[] = {granted, origin};
    const struct rpc_origins none = {0}, one = {list, 1, false}, both = {list, 2, false},
                             all = {list, 0, true};

    require(rpc_origin_judge(&headers, &none) != RPC_ORIGIN_GRANTED);
    require(rpc_origin_judge(&headers, &all) != RPC_ORIGIN_FOREIGN);
    if (rpc_origin_judge(&headers, &none) == RPC_ORIGIN_OWN)
        require(rpc_origin_judge(&headers, &both) == RPC_ORIGIN_OWN);
    if (rpc_origin_judge(&headers, &one) == RPC_ORIGIN_GRANTED)
        require(rpc_origin_is_valid(granted));
    if (rpc_origin_is_valid(origin) && strlen(origin) == headers.origin.len)
        require(rpc_origin_judge(&headers, &both) != RPC_ORIGIN_FOREIGN);
    rpc_origin_names_are_valid(headers.origin);
    free(origin);
    free(granted);
    free((void *)headers.site.text);
    free((void *)headers.origin.text);
    free((void *)headers.host.text);
    free((void *)let_in.text);
    return 0;
}
