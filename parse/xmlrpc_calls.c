// SPDX-License-Identifier: MIT
/*
 * The grammar of an XML-RPC request, see parse/xmlrpc_calls.h. A table says what a tag means where
 * it stands; names and arguments are gathered on a tape as they pass, so that there is no tree and
 * no allocation per value. What the characters of a scalar may be is told by parse/xmlrpc_scalar.c.
 *
 * A document that is no methodCall is refused as a whole; a call that makes no sense is a fault of
 * that call, and stands on the tape in its place.
 */
#include "xmlrpc_calls.h"
#include "xmlrpc_scalar.h"
#include "xmlrpc_tape.h"

#include <string.h>

/* What a tag can be. All scalar types are one element here. */
enum element {
    METHOD_CALL,
    METHOD_NAME,
    PARAMS,
    PARAM,
    VALUE,
    SCALAR,
    ARRAY,
    DATA,
    STRUCT,
    MEMBER,
    NAME,
    OTHER
};

static const struct {
    const char *name;
    enum element element;
} elements[] = {
    {"value", VALUE},
    {"param", PARAM},
    {"member", MEMBER},
    {"name", NAME},
    {"array", ARRAY},
    {"data", DATA},
    {"struct", STRUCT},
    {"params", PARAMS},
    {"methodCall", METHOD_CALL},
    {"methodName", METHOD_NAME},
};

/*
 * Where the parser is: inside which element, and what of it has been seen. IN_END is an element
 * whose content is complete: nothing but white space and its end may follow. IN_SKIP is one whose
 * content does not matter.
 */
enum place {
    IN_DOCUMENT,
    IN_CALL,       /* methodCall */
    IN_CALL_NAMED, /* the same, behind methodName */
    IN_METHOD_NAME,
    IN_PARAMS,
    IN_PARAM,
    IN_ARG, /* value: an argument, or a part of one */
    IN_ARG_SCALAR,
    IN_ARG_ARRAY,
    IN_ARG_DATA,
    IN_ARG_STRUCT,
    IN_ARG_MEMBER,
    IN_ARG_MEMBER_NAME,
    IN_ARG_MEMBER_NAMED, /* member: behind its name */
    IN_MULTI,            /* methodCall of a multicall, behind methodName */
    IN_MULTI_PARAMS,
    IN_MULTI_PARAM,
    IN_LIST, /* value: the list of calls */
    IN_LIST_ARRAY,
    IN_LIST_DATA,
    IN_ENTRY, /* value: one of these calls */
    IN_STRUCT,
    IN_MEMBER,
    IN_MEMBER_NAME,
    IN_MEMBER_METHOD, /* member: behind a name of "methodName" */
    IN_MEMBER_PARAMS, /* behind "params" */
    IN_MEMBER_OTHER,  /* behind anything else */
    IN_METHOD,        /* value: the function's name */
    IN_METHOD_SCALAR,
    IN_ARGS, /* value: the list of arguments */
    IN_ARGS_ARRAY,
    IN_ARGS_DATA,
    IN_END,
    IN_SKIP,
};

/*
 * The grammar: [where a tag stands][what it is]. One that has no rule is not XML-RPC, and the
 * document is refused.
 *   enters   the place inside it
 *   then     the place behind it
 *   fault    what is wrong with the call it belongs to
 */
static const struct rule {
    uint8_t enters, then, fault;
} rules[IN_END][OTHER] = {
    [IN_DOCUMENT][METHOD_CALL] = {IN_CALL, IN_END, RPC_OK},
    [IN_CALL][METHOD_NAME] = {IN_METHOD_NAME, IN_CALL_NAMED, RPC_OK},
    [IN_CALL_NAMED][PARAMS] = {IN_PARAMS, IN_END, RPC_OK},
    [IN_PARAMS][PARAM] = {IN_PARAM, IN_PARAMS, RPC_OK},
    [IN_PARAM][VALUE] = {IN_ARG, IN_END, RPC_OK},
    [IN_ARG][SCALAR] = {IN_ARG_SCALAR, IN_END, RPC_OK},
    [IN_ARG][ARRAY] = {IN_ARG_ARRAY, IN_END, RPC_OK},
    [IN_ARG][STRUCT] = {IN_ARG_STRUCT, IN_END, RPC_OK},
    [IN_ARG_ARRAY][DATA] = {IN_ARG_DATA, IN_END, RPC_OK},
    [IN_ARG_DATA][VALUE] = {IN_ARG, IN_ARG_DATA, RPC_OK},
    [IN_ARG_STRUCT][MEMBER] = {IN_ARG_MEMBER, IN_ARG_STRUCT, RPC_OK},
    [IN_ARG_MEMBER][NAME] = {IN_ARG_MEMBER_NAME, IN_ARG_MEMBER_NAMED, RPC_OK},
    [IN_ARG_MEMBER_NAMED][VALUE] = {IN_ARG, IN_END, RPC_OK},
    [IN_MULTI][PARAMS] = {IN_MULTI_PARAMS, IN_END, RPC_OK},
    [IN_MULTI_PARAMS][PARAM] = {IN_MULTI_PARAM, IN_END, RPC_OK},
    [IN_MULTI_PARAM][VALUE] = {IN_LIST, IN_END, RPC_OK},
    [IN_LIST][ARRAY] = {IN_LIST_ARRAY, IN_END, RPC_OK},
    [IN_LIST][SCALAR] = {IN_SKIP, IN_END, RPC_BAD_ARG},
    [IN_LIST][STRUCT] = {IN_SKIP, IN_END, RPC_BAD_ARG},
    [IN_LIST_ARRAY][DATA] = {IN_LIST_DATA, IN_END, RPC_OK},
    [IN_LIST_DATA][VALUE] = {IN_ENTRY, IN_LIST_DATA, RPC_OK},
    [IN_ENTRY][STRUCT] = {IN_STRUCT, IN_END, RPC_OK},
    [IN_ENTRY][SCALAR] = {IN_SKIP, IN_END, RPC_BAD_REQUEST},
    [IN_ENTRY][ARRAY] = {IN_SKIP, IN_END, RPC_BAD_REQUEST},
    [IN_STRUCT][MEMBER] = {IN_MEMBER, IN_STRUCT, RPC_OK},
    [IN_MEMBER][NAME] = {IN_MEMBER_NAME, IN_MEMBER_OTHER, RPC_OK},
    [IN_MEMBER_OTHER][VALUE] = {IN_SKIP, IN_END, RPC_OK},
    [IN_MEMBER_METHOD][VALUE] = {IN_METHOD, IN_END, RPC_OK},
    [IN_METHOD][SCALAR] = {IN_METHOD_SCALAR, IN_END, RPC_OK},
    [IN_METHOD][ARRAY] = {IN_SKIP, IN_END, RPC_BAD_REQUEST},
    [IN_METHOD][STRUCT] = {IN_SKIP, IN_END, RPC_BAD_REQUEST},
    [IN_MEMBER_PARAMS][VALUE] = {IN_ARGS, IN_END, RPC_OK},
    [IN_ARGS][ARRAY] = {IN_ARGS_ARRAY, IN_END, RPC_OK},
    [IN_ARGS][SCALAR] = {IN_SKIP, IN_END, RPC_BAD_ARG},
    [IN_ARGS][STRUCT] = {IN_SKIP, IN_END, RPC_BAD_ARG},
    [IN_ARGS_ARRAY][DATA] = {IN_ARGS_DATA, IN_END, RPC_OK},
    [IN_ARGS_DATA][VALUE] = {IN_ARG, IN_ARGS_DATA, RPC_OK},
};

/* --- the tape --- */

static struct rpc_xmlrpc_entry entry_at(const struct rpc_bytes *tape, size_t at) {
    struct rpc_xmlrpc_entry entry;
    memcpy(&entry, tape->data + at, sizeof(entry));
    return entry;
}

static void entry_set(struct rpc_bytes *tape, size_t at, struct rpc_xmlrpc_entry entry) {
    if (!tape->failed)
        memcpy(tape->data + at, &entry, sizeof(entry));
}

/* Drops what stands on the tape from at on. */
static void rewind_to(struct rpc_bytes *tape, size_t at) {
    if (!tape->failed)
        tape->len = at;
}

/* Begins an entry at the tape's end; what is appended next is its content. Returns where it is. */
static size_t entry_begin(struct rpc_bytes *tape) {
    size_t at = tape->len;
    static const struct rpc_xmlrpc_entry blank;
    rpc_bytes_append(tape, &blank, sizeof(blank));
    return at;
}

/* The text gathered so far. */
static char *text_of(const struct rpc_xmlrpc_calls *calls, size_t *len) {
    static char none[1];
    const struct rpc_bytes *tape = &calls->tape;
    *len = tape->failed ? 0 : tape->len - calls->text_at - sizeof(struct rpc_xmlrpc_entry);
    return tape->failed ? none : tape->data + calls->text_at + sizeof(struct rpc_xmlrpc_entry);
}

/* --- faults --- */

static void refuse(struct rpc_xmlrpc_calls *calls, enum rpc_status status) {
    if (!calls->refused)
        calls->refused = status;
}

static void set_fault(struct rpc_xmlrpc_calls *calls, enum rpc_status status) {
    entry_set(&calls->tape, calls->call_at,
              (struct rpc_xmlrpc_entry){.kind = RPC_XMLRPC_CALL, .about = (uint8_t)status});
}

static bool has_fault(const struct rpc_xmlrpc_calls *calls) {
    return !calls->tape.failed && entry_at(&calls->tape, calls->call_at).about;
}

/* Names what is wrong with the open call, the first thing; outside of one, with the document. */
static void fault(struct rpc_xmlrpc_calls *calls, enum rpc_status status) {
    if (!calls->call_open)
        refuse(calls, status);
    else if (!has_fault(calls))
        set_fault(calls, status);
}

/* --- calls --- */

static void call_begin(struct rpc_xmlrpc_calls *calls) {
    calls->call_open = true;
    calls->call_at = entry_begin(&calls->tape);
    set_fault(calls, RPC_OK);
    rpc_bytes_append(&calls->tape, "", 1);
    calls->args = calls->nested = 0;
    calls->seen_name = calls->seen_params = false;
}

/* Makes the gathered text an entry, or drops it if its call is not going to be made anyway. */
static void commit(struct rpc_xmlrpc_calls *calls, enum rpc_xmlrpc_kind kind, uint8_t about,
                   size_t len) {
    struct rpc_bytes *tape = &calls->tape;
    if (tape->failed)
        return;
    if (has_fault(calls)) {
        rewind_to(tape, calls->text_at);
        return;
    }
    rewind_to(tape, calls->text_at + sizeof(struct rpc_xmlrpc_entry) + len);
    rpc_bytes_append(tape, "", 1);
    entry_set(tape, calls->text_at, (struct rpc_xmlrpc_entry){(uint16_t)len, (uint8_t)kind, about});
}

static bool is_multicall(const char *name, size_t len) {
    return len == strlen(RPC_XMLRPC_MULTICALL) && !memcmp(name, RPC_XMLRPC_MULTICALL, len);
}

static void commit_name(struct rpc_xmlrpc_calls *calls) {
    size_t len;
    const char *name = text_of(calls, &len);
    /* Whatever its arguments are: they would be faults too, and say less. */
    if (is_multicall(name, len))
        set_fault(calls, RPC_BAD_REQUEST);
    else if (!len)
        fault(calls, RPC_NO_NAME);
    else if (len > RPC_NAME_MAX)
        fault(calls, RPC_BAD_NAME);
    commit(calls, RPC_XMLRPC_NAME, 0, len);
}

/* Names the parameter that is to blame. */
static void fault_arg(struct rpc_xmlrpc_calls *calls, enum rpc_status status) {
    if (calls->tape.failed || has_fault(calls))
        return;
    size_t number = calls->args + (calls->nested ? 0 : 1u);
    entry_set(&calls->tape, calls->call_at,
              (struct rpc_xmlrpc_entry){.len = number <= UINT16_MAX ? (uint16_t)number : 0,
                                        .kind = RPC_XMLRPC_CALL,
                                        .about = (uint8_t)status});
}

static void commit_scalar(struct rpc_xmlrpc_calls *calls, enum rpc_xmlrpc_type type) {
    size_t len;
    char *text = text_of(calls, &len);
    if (!rpc_xmlrpc_scalar(type, text, &len))
        fault_arg(calls, RPC_BAD_ARG);
    else if (len > RPC_ARG_LEN_MAX)
        fault_arg(calls, RPC_ARG_TOO_LONG);
    if (!calls->nested)
        calls->args++;
    commit(calls, RPC_XMLRPC_SCALAR, (uint8_t)type, len);
}

static void commit_member(struct rpc_xmlrpc_calls *calls) {
    size_t len;
    text_of(calls, &len);
    if (len > RPC_ARG_LEN_MAX)
        fault_arg(calls, RPC_ARG_TOO_LONG);
    commit(calls, RPC_XMLRPC_MEMBER, 0, len);
}

/* An array or struct begins, or ends. */
static void commit_bracket(struct rpc_xmlrpc_calls *calls, enum rpc_xmlrpc_kind kind,
                           char bracket) {
    if (kind == RPC_XMLRPC_CLOSE)
        calls->nested--;
    else if (!calls->nested++)
        calls->args++;
    calls->text_at = entry_begin(&calls->tape);
    commit(calls, kind, (uint8_t)bracket, 0);
}

/* --- what a tag begins and ends --- */

static bool is_value(enum place place) {
    return place == IN_ARG || place == IN_LIST || place == IN_ENTRY || place == IN_METHOD ||
           place == IN_ARGS;
}

/* Whether the text in this place means something. */
static bool gathers(enum place place) {
    return is_value(place) || place == IN_ARG_SCALAR || place == IN_METHOD_SCALAR ||
           place == IN_METHOD_NAME || place == IN_MEMBER_NAME || place == IN_ARG_MEMBER_NAME;
}

static enum element element_of(struct rpc_xmlrpc_calls *calls, const char *name) {
    for (size_t i = 0; i < sizeof(elements) / sizeof(elements[0]); i++)
        if (elements[i].name[0] == name[0] && !strcmp(elements[i].name, name))
            return elements[i].element;
    return rpc_xmlrpc_type(name, &calls->type) ? SCALAR : OTHER;
}

/* A value turns out to hold another element: only white space may stand before it. */
static void leave_bare_text(struct rpc_xmlrpc_calls *calls) {
    size_t len;
    const char *text = text_of(calls, &len);
    if (!rpc_xmlrpc_is_space(text, len))
        refuse(calls, RPC_BAD_REQUEST);
    rewind_to(&calls->tape, calls->text_at);
}

/* What entering a place begins. Returns the place, or another one if it is not to be read. */
static enum place enter(struct rpc_xmlrpc_calls *calls, enum place place) {
    if (place == IN_METHOD_NAME || (place == IN_ENTRY && calls->count++ < calls->max_calls)) {
        call_begin(calls);
    } else if (place == IN_ENTRY) {
        calls->call_open = false;
        refuse(calls, RPC_TOO_MANY_CALLS);
        return IN_SKIP;
    } else if (place == IN_METHOD_SCALAR && calls->type != RPC_XMLRPC_STRING) {
        fault(calls, RPC_BAD_REQUEST);
        return IN_SKIP;
    }
    if (gathers(place))
        calls->text_at = entry_begin(&calls->tape);
    else if (place == IN_ARG_DATA || place == IN_ARG_STRUCT)
        commit_bracket(calls, RPC_XMLRPC_OPEN, place == IN_ARG_DATA ? '[' : '{');
    return place;
}

/* The name of the function to call has been read: behind it things differ for a multicall. */
static void leave_method_name(struct rpc_xmlrpc_calls *calls) {
    size_t len;
    const char *name = text_of(calls, &len);
    if (is_multicall(name, len)) {
        calls->multicall = true;
        calls->call_open = false;
        rewind_to(&calls->tape, 0);
        calls->place[calls->depth] = IN_MULTI;
    } else {
        commit_name(calls);
    }
}

static void leave_member_name(struct rpc_xmlrpc_calls *calls) {
    size_t len;
    const char *text = text_of(calls, &len);
    bool *seen = NULL;
    if (len == 10 && !memcmp(text, "methodName", len)) {
        calls->place[calls->depth] = IN_MEMBER_METHOD;
        seen = &calls->seen_name;
    } else if (len == 6 && !memcmp(text, "params", len)) {
        calls->place[calls->depth] = IN_MEMBER_PARAMS;
        seen = &calls->seen_params;
    }
    rewind_to(&calls->tape, calls->text_at);
    if (seen && *seen)
        fault(calls, RPC_BAD_REQUEST);
    else if (seen)
        *seen = true;
}

/* Places that are left only when what they are for has come; a set of bits. */
#define AT(place) ((uint64_t)1 << (place))
static const uint64_t unfinished = AT(IN_PARAM) | AT(IN_MULTI_PARAM) | AT(IN_LIST_ARRAY) |
                                   AT(IN_ARGS_ARRAY) | AT(IN_ARG_ARRAY) | AT(IN_ARG_MEMBER) |
                                   AT(IN_ARG_MEMBER_NAMED) | AT(IN_MEMBER) | AT(IN_MEMBER_METHOD) |
                                   AT(IN_MEMBER_PARAMS) | AT(IN_MEMBER_OTHER);

/* What leaving a place ends; calls->place[calls->depth] is already the one around it. */
static void leave(struct rpc_xmlrpc_calls *calls, enum place place) {
    switch (place) {
    case IN_METHOD_NAME:
        leave_method_name(calls);
        break;
    case IN_MEMBER_NAME:
        leave_member_name(calls);
        break;
    case IN_METHOD:
    case IN_METHOD_SCALAR:
        commit_name(calls);
        break;
    case IN_ARG:
        commit_scalar(calls, RPC_XMLRPC_STRING);
        break;
    case IN_ARG_SCALAR:
        commit_scalar(calls, calls->type);
        break;
    case IN_ARG_MEMBER_NAME:
        commit_member(calls);
        break;
    case IN_ARG_DATA:
        commit_bracket(calls, RPC_XMLRPC_CLOSE, ']');
        break;
    case IN_ARG_STRUCT:
        commit_bracket(calls, RPC_XMLRPC_CLOSE, '}');
        break;
    case IN_STRUCT:
        if (!calls->seen_name)
            fault(calls, RPC_NO_NAME);
        break;
    case IN_CALL:
        refuse(calls, RPC_NO_NAME);
        break;
    case IN_MULTI:
    case IN_MULTI_PARAMS:
    case IN_LIST:
        refuse(calls, RPC_BAD_ARG);
        break;
    case IN_ENTRY:
    case IN_ARGS:
        rewind_to(&calls->tape, calls->text_at);
        fault(calls, place == IN_ARGS ? RPC_BAD_ARG : RPC_BAD_REQUEST);
        break;
    default:
        if (unfinished & AT(place))
            refuse(calls, RPC_BAD_REQUEST);
        break;
    }
}

/* --- what the parser reports --- */

/* The rule of a tag, or NULL. */
static const struct rule *rule_of(enum place in, enum element tag) {
    if (in >= IN_END || tag == OTHER || !rules[in][tag].enters)
        return NULL;
    return &rules[in][tag];
}

void rpc_xmlrpc_calls_init(struct rpc_xmlrpc_calls *calls, size_t max_calls) {
    memset(calls, 0, sizeof(*calls));
    calls->max_calls = max_calls;
    calls->place[0] = IN_DOCUMENT;
}

bool rpc_xmlrpc_calls_foreign(struct rpc_xmlrpc_calls *calls, size_t count) {
    calls->foreign += count;
    if (calls->foreign <= RPC_XMLRPC_FOREIGN_MAX)
        return true;
    refuse(calls, RPC_BAD_REQUEST);
    return false;
}

bool rpc_xmlrpc_calls_start(struct rpc_xmlrpc_calls *calls, const char *name) {
    enum place in = calls->place[calls->depth], enters = IN_SKIP;
    enum element tag = element_of(calls, name);

    if (calls->depth == RPC_XMLRPC_DEPTH_MAX) {
        refuse(calls, RPC_BAD_REQUEST);
        return false;
    }
    if (is_value(in))
        leave_bare_text(calls);
    if (in != IN_SKIP) {
        const struct rule *rule = rule_of(in, tag);
        if (rule) {
            if (rule->fault)
                fault(calls, rule->fault);
            calls->place[calls->depth] = rule->then;
            enters = enter(calls, rule->enters);
        } else {
            refuse(calls, RPC_BAD_REQUEST);
            calls->place[calls->depth] = IN_SKIP;
        }
    }
    calls->place[++calls->depth] = (uint8_t)enters;
    return !calls->tape.failed && (tag != OTHER || rpc_xmlrpc_calls_foreign(calls, 1));
}

bool rpc_xmlrpc_calls_text(struct rpc_xmlrpc_calls *calls, const char *text, size_t len) {
    enum place in = calls->place[calls->depth];
    if (gathers(in))
        rpc_bytes_append(&calls->tape, text, len);
    else if (in != IN_SKIP && !rpc_xmlrpc_is_space(text, len))
        refuse(calls, RPC_BAD_REQUEST);
    return !calls->tape.failed;
}

bool rpc_xmlrpc_calls_end(struct rpc_xmlrpc_calls *calls) {
    enum place place = calls->place[calls->depth--];
    leave(calls, place);
    return !calls->tape.failed;
}

enum rpc_status rpc_xmlrpc_calls_status(const struct rpc_xmlrpc_calls *calls) {
    if (calls->tape.failed)
        return RPC_NO_MEMORY;
    if (!calls->refused && (calls->depth || calls->place[0] != IN_END))
        return RPC_NOT_WELL_FORMED;
    return calls->refused;
}

void rpc_xmlrpc_calls_free(struct rpc_xmlrpc_calls *calls) {
    rpc_bytes_free(&calls->tape);
}
