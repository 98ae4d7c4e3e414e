/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/*
 * What the target `request` knows by itself: how a head frames its content, and
 * what httpd.conf's places let. It reads the head as it was sent, and nothing
 * that httpd or the module make of it.
 */

#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "witness.h"

#include "apr_lib.h"
#include "apr_strings.h"

/* --- heads --------------------------------------------------------------- */

const char *fuzz_field(const fuzz_head_t *head, const char *name)
{
    return head->fields ? apr_table_get(head->fields, name) : NULL;
}

static apr_off_t length_of(const fuzz_head_t *head)
{
    const char *length = fuzz_field(head, "Content-Length");

    return fuzz_field(head, "Transfer-Encoding") || !length
               ? -1 : (apr_off_t)apr_atoi64(length);
}

int fuzz_has_content(const fuzz_head_t *head)
{
    return fuzz_field(head, "Transfer-Encoding") || length_of(head) > 0;
}

int fuzz_asks(const fuzz_head_t *head)
{
    const char *expect = fuzz_field(head, "Expect");

    return expect && !strcasecmp(expect, "100-continue")
           && head->proto_num >= HTTP_VERSION(1, 1);
}

/* --- content ------------------------------------------------------------- */

typedef struct {
    const char *bytes;
    apr_size_t size;
    apr_size_t at;
} reader_t;

/* The length of a line without its end; behind it. -1: it does not end by
 * CRLF. */
static long skip_line(reader_t *in)
{
    const char *from = in->bytes + in->at;
    const char *end = in->at < in->size
                          ? memchr(from, '\n', in->size - in->at) : NULL;

    if (!end || end == from || end[-1] != '\r') {
        return -1;
    }
    in->at += end - from + 1;
    return end - from - 1;
}

static void add(fuzz_content_t *content, reader_t *in, apr_size_t size)
{
    for (; size && in->at < in->size; --size, ++in->at) {
        content->at[content->size] = in->at;
        content->bytes[content->size++] = in->bytes[in->at];
    }
}

/* Whether so ends a line that begins with a chunk's size (RFC 9112, 7.1). */
static int is_rest(const char *at, const char *end)
{
    at += strspn(at, " \t");
    if (at < end && *at != ';') {
        return 0;
    }
    while (at < end && (*at == '\t' || !apr_iscntrl(*at))) {
        ++at;
    }
    return at == end;
}

/* A chunk's size, or -1: what httpd makes of a line that is none, or of a size
 * that makes no sense, is its own affair. After an early answer it passes such
 * a line on as content: see bail_out_on_error() in its http_filters.c. */
static long read_size(reader_t *in)
{
    const char *line = in->bytes + in->at;
    long length = skip_line(in);
    char *end;
    unsigned long size;

    if (length < 1 || !apr_isxdigit(*line)
        || (line[0] == '0' && strchr("xX", line[1]))) {
        return -1;
    }
    size = strtoul(line, &end, 16);
    return size > 1 << 20 || !is_rest(end, line + length) ? -1 : (long)size;
}

static void read_chunks(fuzz_content_t *content, reader_t *in)
{
    long size;

    content->is_broken = 1;
    while ((size = read_size(in)) > 0) {
        add(content, in, size);
        if (skip_line(in) != 0) {
            return;
        }
    }
    if (size < 0) {
        return;
    }
    /* the trailer section */
    while ((size = skip_line(in)) > 0) {
    }
    if (size == 0) {
        content->is_broken = 0;
        content->end = in->at;
    }
}

/* RFC 9112, 6.1: the last one frames the content. */
static int is_chunked(const char *coding)
{
    const char *comma = strrchr(coding, ',');

    coding = comma ? comma + 1 : coding;
    return !strcasecmp(coding + strspn(coding, " \t"), "chunked");
}

fuzz_content_t fuzz_frame(apr_pool_t *p, const fuzz_head_t *head,
                          const char *bytes, apr_size_t size, apr_size_t from)
{
    fuzz_content_t content = { NULL, 0, NULL, from, 0 };
    reader_t in = { bytes, size, from };
    const char *coding = fuzz_field(head, "Transfer-Encoding");
    apr_off_t length = length_of(head);

    if (!fuzz_has_content(head)) {
        return content;
    }
    content.bytes = apr_palloc(p, size + 1);
    content.at = apr_palloc(p, (size + 1) * sizeof(*content.at));
    content.end = 0;
    if (!coding) {
        add(&content, &in, length < (apr_off_t)size ? (apr_size_t)length
                                                    : size);
        content.end = (apr_off_t)content.size == length ? in.at : 0;
    }
    else if (is_chunked(coding)) {
        read_chunks(&content, &in);
    }
    else {
        content.is_broken = 1;
    }
    return content;
}

/* --- what the administrator lets ----------------------------------------- */

/* What httpd.conf says of /max/ and others; of index.x below /t/files/ and
 * what is not for the handler fuzz below /t/any/; of /tenant/. */
#define MAX 16
#define LITTLE 4
#define CEILING 1000

static int at_never(const fuzz_head_t *head)
{
    (void)head;
    return 0;
}

static int at_max(const fuzz_head_t *head)
{
    return length_of(head) <= MAX;
}

static int at_known(const fuzz_head_t *head)
{
    return length_of(head) >= 2;
}

static int at_known_max(const fuzz_head_t *head)
{
    return length_of(head) >= 1 && length_of(head) <= MAX;
}

static int at_type(const fuzz_head_t *head)
{
    const char *type = fuzz_field(head, "Content-Type");

    return type && !strncasecmp(type + strspn(type, " \t"), "image/", 6)
           && (!strchr(type, ',') || strchr(type, '"'));
}

static int at_coding(const fuzz_head_t *head)
{
    const char *coding = fuzz_field(head, "Content-Encoding");

    return !coding
           || strspn(coding, "gzipGZIPxX-, \t") == strlen(coding);
}

static int at_match(const fuzz_head_t *head)
{
    const char *match = fuzz_field(head, "If-Match");

    return match && strstr(match, "\"a\"");
}

static int at_grant(const fuzz_head_t *head)
{
    return fuzz_field(head, "X-Grant") != NULL;
}

static int at_none(const fuzz_head_t *head)
{
    const char *type = fuzz_field(head, "Content-Type");

    type = type ? type + strspn(type, " \t") : "";
    return (strncasecmp(type, "text/html", 9) || !strchr("; \t", type[9]))
           && strcmp(head->method, "POST");
}

static int at_any(const fuzz_head_t *head)
{
    return !strcmp(head->method, "PUT") || fuzz_field(head, "X-Grant");
}

static int at_put(const fuzz_head_t *head)
{
    return !strcmp(head->method, "PUT");
}

static int at_tenant(const fuzz_head_t *head)
{
    return length_of(head) <= CEILING;
}

static int at_bob(const fuzz_head_t *head)
{
    /* bob:secret, but for its last two bits, which the next digit begins with;
     * the rest of that digit and what follows is not looked at */
    static const char login[] = "Ym9iOnNlY3Jld";
    const char *text = fuzz_field(head, "Authorization");
    const char *at = text && !strncasecmp(text, "Basic", 5)
                         ? strstr(text, login) : NULL;

    return at && at[sizeof(login) - 1] >= 'A' && at[sizeof(login) - 1] <= 'P';
}

static const struct {
    const char *path;
    int (*admits)(const fuzz_head_t *head);
    apr_off_t max;
    /* of httpd.conf: what is read by nobody, httpd apart, is not bounded */
    unsigned is_late : 1;
    unsigned is_changed : 1;
} places[] = {
    { "/never/", at_never, 0, 0, 0 },
    { "/max/", at_max, MAX, 0, 0 },
    { "/deflate/", at_max, MAX, 0, 1 },
    { "/known/", at_known, FUZZ_NO_MAX, 0, 0 },
    { "/type/", at_type, FUZZ_NO_MAX, 0, 0 },
    { "/coding/", at_coding, FUZZ_NO_MAX, 0, 0 },
    { "/header/", at_match, FUZZ_NO_MAX, 0, 0 },
    { "/auth/", at_bob, FUZZ_NO_MAX, 0, 0 },
    { "/none/", at_none, FUZZ_NO_MAX, 0, 0 },
    { "/any/", at_any, FUZZ_NO_MAX, 0, 0 },
    { "/document/", at_never, 0, 0, 0 },
    { "/index/", at_max, MAX, 1, 0 },
    { "/rewrite/", at_max, MAX, 0, 0 },
    { "/tenant/", at_tenant, CEILING, 0, 0 },
    { "/t/max/", at_max, MAX, 0, 0 },
    { "/t/known/", at_known_max, MAX, 0, 0 },
    { "/t/denied/", at_never, 0, 0, 0 },
    { "/t/type/", at_type, FUZZ_NO_MAX, 0, 0 },
    { "/t/header/", at_grant, FUZZ_NO_MAX, 0, 0 },
    { "/t/files/", at_max, MAX, 0, 0 },
    { "/t/merge/in/", at_known_max, MAX, 0, 0 },
    { "/t/location/", at_max, MAX, 0, 0 },
    { "/t/bob/", at_bob, FUZZ_NO_MAX, 0, 0 },
    { "/t/put/", at_put, MAX, 0, 0 },
    { "/t/handler/", at_max, MAX, 0, 0 },
    { "/t/any/", at_tenant, CEILING, 1, 0 },
    { "/asked/", NULL, FUZZ_NO_MAX, 0, 0 }
};
#define PLACES (sizeof(places) / sizeof(places[0]))

static int is_at(const fuzz_head_t *head, const char *path)
{
    return !strcmp(head->path, path);
}

/* What the handler decides. */
static void hold_against_handler(fuzz_ceiling_t *ceiling,
                                 const fuzz_head_t *head, const char *handler)
{
    int is_fuzz = !strcasecmp(handler, "fuzz");

    if (!strncmp(head->path, "/t/handler/", 11)) {
        ceiling->is_admitted &= is_fuzz || !strcasecmp(handler, "fuzz-early");
    }
    if (!strncmp(head->path, "/t/any/", 7) && !is_fuzz) {
        ceiling->is_admitted &= length_of(head) <= LITTLE;
        ceiling->max = LITTLE;
    }
}

fuzz_ceiling_t fuzz_ceiling(const fuzz_head_t *head, const char *handler,
                            const char *user)
{
    fuzz_ceiling_t ceiling = { 0, 1, FUZZ_NO_MAX, 0, 0 };
    apr_size_t i;

    for (i = 0; i < PLACES; ++i) {
        if (!strncmp(head->path, places[i].path, strlen(places[i].path))) {
            ceiling.is_judged = places[i].admits || fuzz_asks(head);
            ceiling.is_admitted = places[i].admits
                                      ? places[i].admits(head)
                                      : !fuzz_asks(head);
            ceiling.max = places[i].max;
            ceiling.is_counted = !places[i].is_late;
            ceiling.is_changed = places[i].is_changed;
            if (places[i].admits == at_bob) {
                ceiling.is_admitted &= user && !strcmp(user, "bob");
            }
        }
    }
    if (is_at(head, "/t/files/index.x")) {
        ceiling.is_admitted &= length_of(head) <= LITTLE;
        ceiling.max = LITTLE;
    }
    if (handler) {
        hold_against_handler(&ceiling, head, handler);
    }
    return ceiling;
}
