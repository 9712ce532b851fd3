// SPDX-License-Identifier: MIT
/*
 * Browsers, see server/browsers.h.
 */
#include "browsers.h"

#include "options.h"

enum rpc_origin_verdict rpc_browsers_judge(const struct rpc_variables *variables) {
    const struct wsgi_request *request = variables->request;

    if (!variables->site.len && !variables->origin.len)
        return RPC_ORIGIN_OWN;
    const struct rpc_origin_headers headers = {
        variables->site, variables->origin, {request->host, request->host_len}};
    return rpc_origin_judge(&headers, &rpc_options.origins);
}

/* What is said to one origin is not what another is told, which caches have to know. */
void rpc_browsers_let_read(struct rpc_answer *answer, const struct rpc_variables *variables,
                           enum rpc_origin_verdict verdict) {
    const struct rpc_origins *granted = &rpc_options.origins;

    if (!granted->everybody && !granted->count)
        return;
    RPC_ANSWER_SAY(answer, "Vary", "Origin");
    if (verdict != RPC_ORIGIN_GRANTED)
        return;
    if (granted->everybody) {
        RPC_ANSWER_SAY(answer, "Access-Control-Allow-Origin", "*");
        return;
    }
    const struct rpc_field origin = rpc_field_trim(variables->origin);
    RPC_ANSWER_PUT(answer, "Access-Control-Allow-Origin", origin.text, origin.len);
    RPC_ANSWER_SAY(answer, "Access-Control-Allow-Credentials", "true");
}

static struct rpc_field asked_names(const struct rpc_variables *variables) {
    return rpc_variables_get(variables->request, "HTTP_ACCESS_CONTROL_REQUEST_HEADERS");
}

bool rpc_browsers_preflight_is_valid(const struct rpc_variables *variables) {
    return rpc_origin_names_are_valid(asked_names(variables));
}

void rpc_browsers_let_send(struct rpc_answer *answer, const struct rpc_variables *variables,
                           const char *methods) {
    const struct rpc_field names = asked_names(variables);

    if (!rpc_variables_get(variables->request, "HTTP_ACCESS_CONTROL_REQUEST_METHOD").len)
        return;
    RPC_ANSWER_PUT(answer, "Access-Control-Allow-Methods", methods, strlen(methods));
    if (names.len)
        RPC_ANSWER_PUT(answer, "Access-Control-Allow-Headers", names.text, names.len);
    RPC_ANSWER_SAY(answer, "Access-Control-Max-Age", "600");
}
