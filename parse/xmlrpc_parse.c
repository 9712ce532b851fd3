// SPDX-License-Identifier: MIT
/*
 * XML-RPC over libxml2, see parse/xmlrpc_parse.h. The document is never a tree: libxml2 reports
 * each tag and piece of text while it is fed, and parse/xmlrpc_calls.c makes sense of them.
 *
 * The parser has nothing to load anything with (no DTD gets past on_doctype, no entity is ever
 * declared, XML_PARSE_NONET besides), and says nothing on stderr.
 */
#include "xmlrpc_parse.h"

#include <string.h>
#include <strings.h>

#include <libxml/parser.h>
#include <libxml/parserInternals.h>
#include <libxml/xmlerror.h>

/* Bytes fed at a time: the parser copies them, so this bounds what the copy takes. */
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
    if (p->namespaces > RPC_XMLRPC_NAMESPACES_MAX) {
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

static void on_error(void *user, error_ptr error) {
    struct parse *p = user;
    if (error->code == XML_ERR_NO_MEMORY)
        p->no_memory = true;
    else if (error->level == XML_ERR_FATAL || error->domain == XML_FROM_I18N ||
             error->domain == XML_FROM_IO || error->code == XML_ERR_UNSUPPORTED_ENCODING)
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

/* --- encodings --- */

/* Longer than any encoding's name. */
#define CHARSET_LEN_MAX 64

static bool has_byte_order_mark(const char *body, size_t len) {
    return (len >= 3 && !memcmp(body, "\xef\xbb\xbf", 3)) ||
           (len >= 2 && (!memcmp(body, "\xfe\xff", 2) || !memcmp(body, "\xff\xfe", 2)));
}

/* Whether this can be the name of an encoding, and nothing that means more to iconv. */
static bool is_charset(const char *charset) {
    size_t len = strlen(charset);
    return len && len <= CHARSET_LEN_MAX &&
           strspn(charset, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._:-") ==
               len;
}

/* Makes the parser read the given encoding, whatever the document says. */
static bool set_charset(struct parse *p, const char *body, size_t len, const char *charset) {
    if (!is_charset(charset))
        return false;
    if (!strcasecmp(charset, "utf-8") || !strcasecmp(charset, "utf8"))
        return true;
    /* Without a mark it is big-endian (RFC 2781, section 4.3), but senders get that wrong. */
    if (!strcasecmp(charset, "utf-16"))
        charset = len > 1 && body[0] && !body[1] ? "UTF-16LE" : "UTF-16BE";
    return xmlCtxtResetPush(p->context, NULL, 0, NULL, charset) == 0 && !p->malformed;
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

static void feed(struct parse *p, const char *body, size_t len) {
    int result = 0;
    while (len && !result && !p->halted) {
        size_t part = len < CHUNK_LEN ? len : CHUNK_LEN;
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

static void read_document(struct parse *p, const char *body, size_t len, const char *charset) {
    int options = XML_PARSE_NONET;
    if (has_byte_order_mark(body, len)) {
        options |= XML_PARSE_IGNORE_ENC;
    } else if (charset) {
        options |= XML_PARSE_IGNORE_ENC;
        if (!set_charset(p, body, len, charset)) {
            p->malformed = true;
            return;
        }
    }
    xmlCtxtUseOptions(p->context, options);
    feed(p, body, len);
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
