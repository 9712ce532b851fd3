// SPDX-License-Identifier: MIT
/*
 * What pages may do to a bridge in the browsers of those who can reach it (CORS). Whose page it is
 * tells parse/origin.h; here is what follows.
 */
#ifndef RPC_BROWSERS_H
#define RPC_BROWSERS_H

#include "../parse/origin.h"
#include "answer.h"
#include "variables.h"

/* Judges a request by rpc-origin. */
enum rpc_origin_verdict rpc_browsers_judge(const struct rpc_variables *variables);

/* Adds the headers without which a browser keeps an answer, an error too, from the page. */
void rpc_browsers_let_read(struct rpc_answer *answer, const struct rpc_variables *variables,
                           enum rpc_origin_verdict verdict);

/* Whether the names of headers make sense that a browser asks about before it sends a request of
   another site's page (Fetch, section 4.8). */
bool rpc_browsers_preflight_is_valid(const struct rpc_variables *variables);

/* Adds what it asks, where it does. methods are those the bridge takes, comma-separated. */
void rpc_browsers_let_send(struct rpc_answer *answer, const struct rpc_variables *variables,
                           const char *methods);

#endif
