// SPDX-License-Identifier: MIT
/*
 * Any text as an argument of a routing action. With values that spell the variable they stand for,
 * its expansion is the text itself; values are never looked at again.
 */
#include "parse/template.h"

#include <stdlib.h>
#include <string.h>

static void require(bool holds) {
    if (!holds)
        abort();
}

static void spell_group(void *ctx, unsigned number, struct rpc_bytes *out) {
    char text[2] = {'$', (char)('0' + number)};
    (void)ctx;
    require(number <= 9);
    rpc_bytes_append(out, text, sizeof(text));
}

static void spell_variable(void *ctx, const char *name, size_t name_len, struct rpc_bytes *out) {
    (void)ctx;
    require(name_len > 0 && !memchr(name, '}', name_len));
    rpc_bytes_puts(out, "${");
    rpc_bytes_append(out, name, name_len);
    rpc_bytes_puts(out, "}");
}

static void no_group(void *ctx, unsigned number, struct rpc_bytes *out) {
    (void)ctx, (void)number, (void)out;
}

static void no_variable(void *ctx, const char *name, size_t name_len, struct rpc_bytes *out) {
    (void)ctx, (void)name, (void)name_len, (void)out;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const struct rpc_template_source spelt = {spell_group, spell_variable, NULL};
    static const struct rpc_template_source nothing = {no_group, no_variable, NULL};
    struct rpc_bytes out = {0};
    char *text = malloc(size + 1);

    require(text != NULL);
    memcpy(text, data, size);
    text[size] = 0;
    size_t len = strlen(text);
    bool has_empty_name = strstr(text, "${}") != NULL;
    struct rpc_template *tmpl = rpc_template_new(text);
    require(tmpl != NULL);
    rpc_bytes_puts(&out, "before");
    rpc_template_expand(tmpl, &nothing, &out);
    require(out.len >= 6 && out.len <= 6 + len && memcmp(out.data, "before", 6) == 0);
    if (rpc_template_is_constant(text))
        require(out.len == 6 + len);
    out.len = 0;
    rpc_template_expand(tmpl, &spelt, &out);
    require(!out.failed && out.len <= len);
    require(has_empty_name || (out.len == len && memcmp(out.data, text, len) == 0));
    rpc_bytes_free(&out);
    rpc_template_free(tmpl);
    free(text);
    return 0;
}
