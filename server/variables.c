// SPDX-License-Identifier: MIT
/*
 * Variables, see server/variables.h.
 */
#include "variables.h"

#include "connection.h"

/* Where the variables go that are read at once, and how their bodies are framed. */
struct found {
    struct rpc_variables *variables;
    struct rpc_field length, transfer;
};

static void take_once(struct rpc_field *field, struct rpc_field value) {
    *field = field->text ? (struct rpc_field){",", 1} : value;
}

/* Whether a variable whose name has the right length is this one. */
#define IS(wanted) (memcmp(name, wanted, sizeof(wanted) - 1) == 0)
#define LENGTH(wanted) (sizeof(wanted) - 1)

/* The length of a name, which few share, decides first. */
static inline void take(struct found *found, const char *name, size_t name_len,
                        struct rpc_field value) {
    struct rpc_variables *variables = found->variables;

    switch (name_len) {
    case LENGTH("HTTP_ACCEPT"): /* HTTP_EXPECT, HTTP_ORIGIN */
        if (IS("HTTP_ACCEPT"))
            variables->accept = value;
        else if (IS("HTTP_ORIGIN"))
            take_once(&variables->origin, value);
        else if (IS("HTTP_EXPECT"))
            variables->expect = value;
        break;
    case LENGTH("CONTENT_LENGTH"):
        if (IS("CONTENT_LENGTH"))
            found->length = value;
        break;
    case LENGTH("HTTP_CONNECTION"):
        if (IS("HTTP_CONNECTION"))
            variables->connection = value;
        break;
    case LENGTH("HTTP_SEC_FETCH_SITE"):
        if (IS("HTTP_SEC_FETCH_SITE"))
            take_once(&variables->site, value);
        break;
    case LENGTH("HTTP_CONTENT_ENCODING"):
        if (IS("HTTP_CONTENT_ENCODING"))
            take_once(&variables->coding, value);
        break;
    case LENGTH("HTTP_TRANSFER_ENCODING"):
        if (IS("HTTP_TRANSFER_ENCODING"))
            found->transfer = value;
        break;
    default:
        break;
    }
}

struct rpc_field rpc_variables_get(struct wsgi_request *request, const char *name) {
    uint16_t len = 0;
    const char *text = uwsgi_get_var(request, (char *)name, (uint16_t)strlen(name), &len);
    return (struct rpc_field){text, len};
}

void rpc_variables_read(struct wsgi_request *request, struct rpc_variables *variables) {
    const struct rpc_field protocol = {request->protocol, request->protocol_len};
    struct found found = {.variables = variables};

    *variables = (struct rpc_variables){.request = request};
    for (int i = 1; i < request->var_cnt; i += 2) {
        const struct iovec *name = &request->hvec[i - 1], *value = &request->hvec[i];
        take(&found, name->iov_base, name->iov_len,
             (struct rpc_field){value->iov_base, value->iov_len});
    }
    variables->framing = rpc_framing_read(
        &found.length, &found.transfer, rpc_socket_speaks_http(request->socket) ? &protocol : NULL);
}
