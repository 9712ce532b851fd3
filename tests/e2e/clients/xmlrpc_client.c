// SPDX-License-Identifier: MIT
/*
 * xmlrpc-c: what it makes of the XML-RPC bridge at the URL given.
 */
#include <stdio.h>
#include <stdlib.h>

#include <xmlrpc-c/base.h>
#include <xmlrpc-c/client.h>

static xmlrpc_env env;

static void check(void) {
    if (!env.fault_occurred)
        return;
    fprintf(stderr, "%d: %s\n", env.fault_code, env.fault_string);
    exit(1);
}

static void print_text(xmlrpc_value *result) {
    const char *text;
    check();
    xmlrpc_read_string(&env, result, &text);
    check();
    puts(text);
    free((void *)text);
    xmlrpc_DECREF(result);
}

static void print_bytes(xmlrpc_value *result) {
    const unsigned char *bytes;
    size_t len;
    check();
    xmlrpc_read_base64(&env, result, &len, &bytes);
    check();
    for (size_t i = 0; i < len; i++)
        printf("%02x", bytes[i]);
    puts("");
    free((void *)bytes);
    xmlrpc_DECREF(result);
}

int main(int argc, char **argv) {
    const char *url = argc > 1 ? argv[1] : "";

    xmlrpc_env_init(&env);
    xmlrpc_client_init2(&env, XMLRPC_CLIENT_NO_FLAGS, "client", "1", NULL, 0);
    check();
    print_text(xmlrpc_client_call(&env, url, "hello", "(ss)", "big", "world"));
    print_bytes(xmlrpc_client_call(&env, url, "first", "(6)", "\0\xff\x80", (size_t)3));
    xmlrpc_client_call(&env, url, "nosuch", "()");
    printf("%d\n", env.fault_code);
    xmlrpc_env_clean(&env);
    xmlrpc_env_init(&env);
    print_text(
        xmlrpc_client_call(&env, url, "echo", "(ibdns)", 1, (xmlrpc_bool)1, 1.5, "\xc3\xa9"));
    xmlrpc_client_cleanup();
    xmlrpc_env_clean(&env);
    return 0;
}
