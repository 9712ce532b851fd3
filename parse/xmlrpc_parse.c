// SPDX-License-Identifier: MIT
/*
 * XML-RPC over libxml2, see parse/xmlrpc_parse.h. The document is never a tree: libxml2 reports
 * each tag and piece of text while it is fed, and parse/xmlrpc_calls.c makes sense of them.
 *
 * The parser has nothing to load anything with (no DTD gets past on_doctype, no entity is ever
 * declared, XML_PARSE_NONET besides), and says nothing on stderr.
 */
#include "xmlrpc_parse.h"
#include "xmlrpc_charset.h"

#include <string.h>

#include <libxml/parser.h>
#include <libxml/parserInternals.h>
#include <libxml/xmlerror.h>

/* Bytes fed at a time, unless more are waiting for their end: the parser copies them, so this
   bounds what the copy takes. */
#define CHUNK_LEN 4096

#if LIBXML_VERSION >= 21200
typedef const xmlError *error_ptr;
#else
typedef xmlErrorPtr error_ptr;
#endif

struct parse {
    struct rpc_xmlrpc_calls *calls;
    xmlParserCtxtPtr context;
    size_t quiet_len; /* bytes fed since the parser last reported anything */
    int namespaces;   /* declared so far */
    bool refused;     /* whatever calls say, it is no request */
    bool halted;      /* reading on is pointless */
    bool malformed;
    bool no_memory;
};

static void halt(struct parse *p) {
    p->halted = true;
    xmlStopParser(p->context);
}

/* Stops at a document that calls have nothing against. */
static void refuse(struct parse *p) {
    p->refused = true;
    halt(p);
}

/* --- what the parser reports --- */

static void on_start(void *user, const xmlChar *name, const xmlChar *prefix, const xmlChar *uri,
                     int namespaces_count, const xmlChar **namespaces, int attributes_count,
                     int defaulted_count, const xmlChar **attributes) {
    struct parse *p = user;
    (void)uri, (void)namespaces, (void)defaulted_count, (void)attributes;
    p->quiet_len = 0;
    if (p->halted)
        return;
    p->namespaces += namespaces_count;
    if (p->namespaces > RPC_XMLRPC_NAMESPACES_MAX || attributes_count > RPC_XMLRPC_ATTRIBUTES_MAX) {
        refuse(p);
        return;
    }
    size_t foreign = (size_t)attributes_count + (prefix != NULL);
    if (!rpc_xmlrpc_calls_start(p->calls, (const char *)name) ||
        (foreign && !rpc_xmlrpc_calls_foreign(p->calls, foreign)))
        halt(p);
}

static void on_end(void *user, const xmlChar *name, const xmlChar *prefix, const xmlChar *uri) {
    struct parse *p = user;
    (void)name, (void)prefix, (void)uri;
    p->quiet_len = 0;
    if (!p->halted && !rpc_xmlrpc_calls_end(p->calls))
        halt(p);
}

static void on_text(void *user, const xmlChar *text, int len) {
    struct parse *p = user;
    p->quiet_len = 0;
    if (!p->halted && !rpc_xmlrpc_calls_text(p->calls, (const char *)text, (size_t)len))
        halt(p);
}

static void on_instruction(void *user, const xmlChar *target, const xmlChar *data) {
    struct parse *p = user;
    (void)target, (void)data;
    p->quiet_len = 0;
    if (!p->halted && !rpc_xmlrpc_calls_foreign(p->calls, 1))
        halt(p);
}

/* "<!DOCTYPE name": before any of its content has been looked at. */
static void on_doctype(void *user, const xmlChar *name, const xmlChar *public_id,
                       const xmlChar *system_id) {
    struct parse *p = user;
    (void)name, (void)public_id, (void)system_id;
    refuse(p);
}

/* A dictionary that has reached its limit is reported as if there was no memory for it. */
static bool has_too_many_names(const struct parse *p) {
    return p->context && p->context->dict &&
           xmlDictGetUsage(p->context->dict) > RPC_XMLRPC_NAMES_MAX;
}

static void on_error(void *user, error_ptr error) {
    struct parse *p = user;
    if (error->code == XML_ERR_NO_MEMORY && !has_too_many_names(p))
        p->no_memory = true;
    else if (error->level == XML_ERR_FATAL || error->domain == XML_FROM_I18N ||
             error->domain == XML_FROM_IO || error->code == XML_ERR_UNSUPPORTED_ENCODING ||
             error->code == XML_ERR_NO_MEMORY)
        p->malformed = true;
}

static const xmlSAXHandler handler = {
    .initialized = XML_SAX2_MAGIC,
    .internalSubset = on_doctype,
    .startElementNs = on_start,
    .endElementNs = on_end,
    .characters = on_text,
    .ignorableWhitespace = on_text,
    .cdataBlock = on_text,
    .processingInstruction = on_instruction,
    .serror = on_error,
};

/* --- libxml2's errors without a document: memory, encodings --- */

struct error_handlers {
    xmlGenericErrorFunc generic;
    void *generic_context;
    xmlStructuredErrorFunc structured;
    void *structured_context;
};

static void on_message(void *user, const char *format, ...) {
    (void)user, (void)format;
}

/*
 * These handlers belong to the thread, and others in this process (a language's XML library) may
 * have set theirs: remembers them and takes their place.
 */
static struct error_handlers take_errors(struct parse *p) {
    struct error_handlers theirs = {xmlGenericError, xmlGenericErrorContext, xmlStructuredError,
                                    xmlStructuredErrorContext};
    xmlSetGenericErrorFunc(NULL, on_message);
    xmlSetStructuredErrorFunc(p, on_error);
    return theirs;
}

static void give_errors_back(const struct error_handlers *theirs) {
    xmlSetGenericErrorFunc(theirs->generic_context, theirs->generic);
    xmlSetStructuredErrorFunc(theirs->structured_context, theirs->structured);
}

/* --- reading a document --- */

/*
 * Whether the parser waits for the end of a start tag. libxml2 before 2.12 compares each attribute
 * with each, so that a tag of some megabytes would keep it busy for minutes.
 */
static bool in_tag(const struct parse *p) {
#if LIBXML_VERSION < 21200
    return p->context->instate == XML_PARSER_START_TAG;
#else
    (void)p;
    return false;
#endif
}

/*
 * Whether bytes are left that could not be converted: libxml2 before 2.12 does not always say so
 * when the document is complete without them.
 */
static bool has_unconverted(const struct parse *p) {
#if LIBXML_VERSION < 21200
    const xmlParserInput *input = p->context->input;
    return input && input->buf && input->buf->raw && xmlBufUse(input->buf->raw);
#else
    (void)p;
    return false;
#endif
}

/*
 * How much to feed next. libxml2 before 2.12 looks through all that it has not consumed each time:
 * pieces that grow with it keep that linear. In a tag they do not grow, so that one that is too
 * long is noticed.
 */
static size_t next_part(const struct parse *p) {
#if LIBXML_VERSION < 21200
    const xmlParserInput *input = p->context->input;
    size_t waiting = input ? (size_t)(input->end - input->cur) : 0;
    if (waiting > CHUNK_LEN && !in_tag(p))
        return waiting;
#else
    (void)p;
#endif
    return CHUNK_LEN;
}

static void feed(struct parse *p, const char *body, size_t len) {
    int result = 0;
    while (len && !result && !p->halted) {
        size_t part = next_part(p);
        if (part > len)
            part = len;
        result = xmlParseChunk(p->context, body, (int)part, 0);
        body += part;
        len -= part;
        p->quiet_len += part;
        if (p->quiet_len > RPC_XMLRPC_TAG_MAX && in_tag(p) && !p->halted)
            refuse(p);
    }
    /* On its own: with an encoding to convert, the last chunk may leave something to be read. */
    if (!result && !p->halted)
        result = xmlParseChunk(p->context, NULL, 0, 1);
    if (result || !p->context->wellFormed || has_unconverted(p))
        p->malformed = true;
}

/* Makes the parser read this encoding, whatever the document says. */
static bool set_charset(struct parse *p, const char *name) {
    if (!strcmp(name, "UTF-8"))
        return xmlSwitchEncoding(p->context, XML_CHAR_ENCODING_UTF8) == 0;
    return xmlCtxtResetPush(p->context, NULL, 0, NULL, name) == 0;
}

static void read_document(struct parse *p, const char *body, size_t len, const char *charset) {
    struct rpc_xmlrpc_charset found;

    if (!rpc_xmlrpc_charset(body, len, charset, &found) || !set_charset(p, found.name) ||
        p->malformed) {
        p->malformed = true;
        return;
    }
    xmlCtxtUseOptions(p->context, XML_PARSE_NONET | XML_PARSE_IGNORE_ENC);
    xmlDictSetLimit(p->context->dict, RPC_XMLRPC_NAMES_MAX);
    feed(p, body + found.mark_len, len - found.mark_len);
}

enum rpc_status rpc_xmlrpc_parse(const char *body, size_t len, const char *charset,
                                 struct rpc_xmlrpc_calls *calls) {
    struct parse p = {.calls = calls};
    struct error_handlers theirs = take_errors(&p);
    xmlSAXHandler sax = handler;

    p.context = xmlCreatePushParserCtxt(&sax, &p, NULL, 0, NULL);
    if (p.context)
        read_document(&p, body, len, charset);
    else
        p.no_memory = true;
    xmlFreeParserCtxt(p.context);
    give_errors_back(&theirs);

    enum rpc_status status = rpc_xmlrpc_calls_status(calls);
    if (p.no_memory || status == RPC_NO_MEMORY)
        return RPC_NO_MEMORY;
    if (p.halted)
        return p.refused ? RPC_BAD_REQUEST : status;
    return p.malformed ? RPC_NOT_WELL_FORMED : status;
}

void rpc_xmlrpc_parse_init(void) {
    xmlInitParser();
}
