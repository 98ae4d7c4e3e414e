/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/*
 * All that a client sends on a connection, to the whole server: httpd.conf has
 * a place for each rule, in which handlers read what they are given. What must
 * not come to them is known from the bytes that were sent: see witness.h.
 *
 * The input is those bytes. In front of them may stand an .htaccess for the
 * places of tenants: as it is, ended by a line "===", or as a byte 1, a number,
 * and so many choices of the grammar in htaccess.c.
 *
 * - Nobody reads content that the administrator's rules do not let, nor more
 *   of it than they let, nor anything but content, whatever .htaccess says.
 * - A request that announced no content has none.
 * - Content is never taken for a request, and a request is never content.
 * - What a rule refuses reaches no handler, and nothing that follows it on the
 *   connection is taken for a request.
 * - A refusal is one line in the log, clean and bounded, and no 100 Continue.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <jansson.h>

#include "fuzz.h"

#include "http_connection.h"
#include "http_core.h"
#include "http_log.h"
#include "http_protocol.h"
#include "http_request.h"
#include "util_filter.h"

#include "apr_buckets.h"
#include "apr_lib.h"
#include "apr_strings.h"

#include "answer/enforce.h"
#include "answer/notes.h"
#include "judge/request.h"
#include "witness.h"

#define SEPARATOR "\n===\n"
#define GENES '\1'
#define SAID_MAX 2000

extern module AP_MODULE_DECLARE_DATA fuzz_module;

/* What has happened to a request of the client's. Many of them may be there at
 * a time: they are logged when their answers have been sent. */
typedef struct fate_t {
    const request_rec *r;
    /* the one before it on the connection */
    const struct fate_t *before;
    int number;
    /* lines of the log that tell of a refusal */
    int lines;
    /* a handler ran, not an ErrorDocument's */
    int is_handled;
    /* and has begun to answer before it read */
    int is_early;
    /* its section is known */
    int is_mapped;
    /* where it begins in what was sent; its head and its content */
    apr_size_t start;
    apr_size_t head_end;
    fuzz_head_t head;
    fuzz_content_t content;
    /* as its first handler and what came before have settled it */
    fuzz_ceiling_t ceiling;
    /* bytes of content that handlers have read, and when it was refused */
    apr_size_t seen;
    apr_size_t seen_before;
    int is_refused;
} fate_t;

/* The connection. */
static struct {
    apr_pool_t *pool;
    const char *htaccess;
    /* for who looks at one input: it and the log are shown */
    int is_shown;
    /* it may change content before handlers see it */
    int is_changed;
    /* what is sent, and how much of it httpd has taken */
    const char *bytes;
    apr_size_t size;
    apr_size_t taken;
    /* the last request that was begun; the one that was refused, the last
     * then */
    fate_t *last;
    int refused;
    /* that many asked for 100 Continue, may have seen it */
    int asked;
    int admitted;
} now;

/* As the client sent it; a redirect's handler takes its content. */
static const request_rec *original(const request_rec *r)
{
    while (r->prev || r->main) {
        r = r->prev ? r->prev : r->main;
    }
    return r;
}

static fate_t *fate_of(const request_rec *r)
{
    return ap_get_module_config(original(r)->request_config, &fuzz_module);
}

/* --- where requests begin ------------------------------------------------ */

static ap_filter_rec_t *counter;

static apr_status_t count_taken(ap_filter_t *f, apr_bucket_brigade *bb,
                                ap_input_mode_t mode, apr_read_type_e block,
                                apr_off_t readbytes)
{
    apr_status_t rv = ap_get_brigade(f->next, bb, mode, block, readbytes);
    apr_off_t length = 0;

    if (rv == APR_SUCCESS && mode != AP_MODE_SPECULATIVE) {
        apr_brigade_length(bb, 1, &length);
        now.taken += length;
    }
    return rv;
}

static int fuzz_pre_connection(conn_rec *c, void *socket)
{
    (void)socket;
    ap_add_input_filter_handle(counter, NULL, NULL, c);
    return OK;
}

static int is_blank(apr_size_t from, apr_size_t to)
{
    while (from < to && strchr("\r\n", now.bytes[from])) {
        ++from;
    }
    return from == to;
}

/* A request has been read that follows another one. */
static void check_start(const fate_t *fate, const request_rec *r)
{
    const fate_t *before = fate->before;
    apr_size_t start = fate->start;

    if (!before || !before->ceiling.is_judged || !before->is_mapped) {
        return;
    }
    MUST(before->content.end, r->the_request);
    MUST(start >= before->content.end, r->the_request);
    MUST(is_blank(before->content.end, start), r->the_request);
}

static int fuzz_create_request(request_rec *r)
{
    fate_t *fate;

    /* without a pool it is another target's request */
    if (r->main || r->prev || !now.pool) {
        return OK;
    }
    /* the module's lookup of a target is a copy of a request */
    fate = now.last;
    if (!r->the_request || !fate) {
        fate = apr_pcalloc(now.pool, sizeof(*fate));
        fate->r = r;
        fate->start = now.taken;
        fate->before = now.last;
        fate->number = now.last ? now.last->number + 1 : 1;
        fate->head.path = fate->head.method = "";
        now.last = fate;
    }
    ap_set_module_config(r->request_config, &fuzz_module, fate);
    return OK;
}

static int fuzz_post_read_request(request_rec *r)
{
    fate_t *fate = fate_of(r);

    if (r->main || r->prev || r != fate->r) {
        return DECLINED;
    }
    check_start(fate, r);
    fate->head_end = now.taken;
    fate->head.fields = apr_table_copy(now.pool, r->headers_in);
    fate->head.method = apr_pstrdup(now.pool, r->method);
    fate->head.proto_num = r->proto_num;
    fate->content = fuzz_frame(now.pool, &fate->head, now.bytes, now.size,
                               now.taken);
    now.asked += fuzz_asks(&fate->head);
    return DECLINED;
}

static int fuzz_header_parser(request_rec *r)
{
    fate_t *fate = fate_of(r);

    if (r == fate->r) {
        fate->is_mapped = 1;
        fate->head.path = r->parsed_uri.path
                              ? apr_pstrdup(now.pool, r->parsed_uri.path) : "";
        fate->ceiling = fuzz_ceiling(&fate->head, NULL, "bob");
    }
    return DECLINED;
}

/* --- handlers ------------------------------------------------------------ */

/* What they read at a time and at the most, whether they wait for it, whether
 * they answer before, whether they have httpd think that all was read, and what
 * they return. */
static const struct {
    const char *name;
    apr_off_t step;
    apr_off_t most;
    apr_read_type_e block;
    int is_early;
    int is_blind;
    int status;
} handlers[] = {
    { "fuzz", 7, -1, APR_BLOCK_READ, 0, 0, OK },
    { "fuzz-big", 8192, -1, APR_BLOCK_READ, 0, 0, OK },
    { "fuzz-poll", 100, -1, APR_NONBLOCK_READ, 0, 0, OK },
    { "fuzz-early", 7, -1, APR_BLOCK_READ, 1, 0, OK },
    { "fuzz-only", 7, 0, APR_BLOCK_READ, 1, 0, OK },
    { "fuzz-part", 3, 3, APR_BLOCK_READ, 0, 0, OK },
    { "fuzz-fail", 3, 3, APR_BLOCK_READ, 0, 0, HTTP_INTERNAL_SERVER_ERROR },
    { "fuzz-blind", 3, 3, APR_BLOCK_READ, 1, 1, OK }
};
#define HANDLERS (sizeof(handlers) / sizeof(handlers[0]))
/* reads in vain that one which does not wait makes */
#define PATIENCE 3

static ap_filter_rec_t *end_filter;

static apr_status_t read_end(ap_filter_t *f, apr_bucket_brigade *bb,
                             ap_input_mode_t mode, apr_read_type_e block,
                             apr_off_t readbytes)
{
    (void)mode;
    (void)block;
    (void)readbytes;
    APR_BRIGADE_INSERT_TAIL(bb, apr_bucket_eos_create(f->c->bucket_alloc));
    return APR_SUCCESS;
}

/* What a handler has read of a request's content. */
static void check_seen(fate_t *fate, const char *bytes, apr_size_t size)
{
    const fuzz_content_t *content = &fate->content;
    const char *line = fate->r->the_request;
    apr_size_t i;

    for (i = 0; i < size && !now.is_changed && !fate->ceiling.is_changed;
         ++i) {
        apr_size_t at = fate->seen + i;

        if (at >= content->size) {
            MUST(content->is_broken, line);
            break;
        }
        MUST(bytes[i] == content->bytes[at], line);
    }
    fate->seen += size;
    MUST(!size || fuzz_has_content(&fate->head), line);
    MUST(!size || fate->ceiling.is_admitted, line);
    MUST(fate->ceiling.max == FUZZ_NO_MAX || now.is_changed
         || fate->ceiling.is_changed
         || (apr_off_t)fate->seen <= fate->ceiling.max, line);
    MUST(!fate->is_refused || fate->seen == fate->seen_before, line);
}

static void see(fate_t *fate, apr_bucket_brigade *bb)
{
    apr_bucket *e;

    for (e = APR_BRIGADE_FIRST(bb); e != APR_BRIGADE_SENTINEL(bb);
         e = APR_BUCKET_NEXT(e)) {
        const char *bytes;
        apr_size_t size;

        if (!APR_BUCKET_IS_METADATA(e)
            && apr_bucket_read(e, &bytes, &size, APR_BLOCK_READ)
                   == APR_SUCCESS
            && fate->is_mapped && fate->ceiling.is_judged) {
            check_seen(fate, bytes, size);
        }
    }
}

static void read_content(request_rec *r, apr_size_t how)
{
    apr_bucket_brigade *bb = apr_brigade_create(r->pool,
                                                r->connection->bucket_alloc);
    apr_off_t left = handlers[how].most;
    int patience = PATIENCE, seen_eos = 0;

    while (!seen_eos && left) {
        apr_status_t rv = ap_get_brigade(r->input_filters, bb,
                                         AP_MODE_READBYTES,
                                         handlers[how].block,
                                         handlers[how].step);

        if (rv != APR_SUCCESS
            && !(APR_STATUS_IS_EAGAIN(rv) && patience-- > 0)) {
            break;
        }
        see(fate_of(r), bb);
        seen_eos = !APR_BRIGADE_EMPTY(bb)
                   && APR_BUCKET_IS_EOS(APR_BRIGADE_LAST(bb));
        patience -= APR_BRIGADE_EMPTY(bb);
        apr_brigade_cleanup(bb);
        left = left > 0 ? 0 : left;
        if (patience < 0) {
            break;
        }
    }
}

static void answer(request_rec *r)
{
    ap_set_content_type(r, "text/plain");
    ap_rputs("handled\n", r);
}

static int is_document(const request_rec *r)
{
    return r->prev && ap_is_HTTP_ERROR(r->prev->status);
}

/* DirectoryIndex and FallbackResource have led to a file: what holds there has
 * to hold as well. */
static void hold_against_file(const request_rec *r, fate_t *fate)
{
    const char *path = r->prev || !r->filename
                           ? NULL : ap_strstr_c(r->filename, "/htdocs/");
    fuzz_head_t head = fate->head;
    fuzz_ceiling_t there;

    if (path) {
        head.path = path + strlen("/htdocs");
        there = fuzz_ceiling(&head, r->handler, fate->r->user);
        fate->ceiling.is_judged |= there.is_judged;
        fate->ceiling.is_admitted &= there.is_admitted;
        if (there.max != FUZZ_NO_MAX
            && (fate->ceiling.max == FUZZ_NO_MAX
                || there.max < fate->ceiling.max)) {
            fate->ceiling.max = there.max;
        }
    }
}

/* The first handler settles what the rules let. */
static void settle(const request_rec *r, fate_t *fate)
{
    if (!fate->is_handled && fate->is_mapped && !fate->is_refused) {
        fate->ceiling = fuzz_ceiling(&fate->head, r->handler, fate->r->user);
        hold_against_file(r, fate);
        MUST(!fuzz_has_content(&fate->head) || fate->ceiling.is_admitted,
             fate->r->the_request);
    }
    fate->is_handled = 1;
}

static int fuzz_handler(request_rec *r)
{
    fate_t *fate = fate_of(r);
    apr_size_t how = 0;

    while (how < HANDLERS
           && (!r->handler || strcmp(r->handler, handlers[how].name))) {
        ++how;
    }
    if (how == HANDLERS) {
        return DECLINED;
    }
    if (!is_document(r)) {
        settle(r, fate);
    }
    if (handlers[how].is_early) {
        fate->is_early = 1;
        answer(r);
        ap_rflush(r);
    }
    if (!EXPECT_CORE_MAY_ADMIT_UNKNOWN
        || fate->r->proto_num <= HTTP_VERSION(1, 1)) {
        /* 2.5 of October 2024 looks for no content there, and takes all that
         * follows for it */
        read_content(r, how);
    }
    if (handlers[how].is_blind) {
        ap_add_input_filter_handle(end_filter, NULL, r, r->connection);
    }
    if (!handlers[how].is_early && handlers[how].status == OK) {
        answer(r);
    }
    return handlers[how].status;
}

/* --- what comes of requests ---------------------------------------------- */

static void fuzz_error_log(const ap_errorlog_info *info, const char *text)
{
    if (now.is_shown) {
        fprintf(stderr, "%s\n", text);
    }
    if (strstr(text, "expect: refused ")
        || strstr(text, "expect: would refuse ")) {
        MUST(info->r, text);
        MUST(fuzz_is_clean(text) && strlen(text) < SAID_MAX, text);
        ++fate_of(info->r)->lines;
    }
    if (strstr(text, "expect: refused ")) {
        fate_t *fate = fate_of(info->r);

        now.refused = fate->number;
        fate->is_refused = 1;
        fate->seen_before = fate->seen;
    }
}

static int is_note(const request_rec *r, const char *name, const char *value)
{
    const char *got = apr_table_get(r->notes, name);

    return got && !strcmp(got, value);
}

static void check_refusal(const request_rec *r, const request_rec *last)
{
    const expect_request_t *e = expect_request_get(r);
    const char *reason = apr_table_get(last->notes, EXPECT_NOTE_REASON);
    const fate_t *fate = fate_of(r);

    MUST(fate->lines == 1, reason);
    MUST(reason && fuzz_is_clean(reason) && strlen(reason) < SAID_MAX,
         reason);
    /* an answer that is under way stands; a document of a tenant's may
     * redirect, as that of another refusal */
    MUST(ap_is_HTTP_ERROR(last->status) || fate->is_early
         || (is_document(last) && ap_is_HTTP_REDIRECT(last->status)),
         r->the_request);
    MUST(r->connection->keepalive == AP_CONN_CLOSE, r->the_request);
    if (e && e->outcome.verdict == EXPECT_CUT_OFF) {
        ++now.admitted;
    }
    else {
        MUST(!fate->is_handled, r->the_request);
        MUST(!fate->head.fields || now.taken == fate->head_end,
             r->the_request);
    }
}

/* Nobody, httpd included, has read more of content than the rules let; one byte
 * over is read to know. */
static void check_taken(const fate_t *fate)
{
    const fuzz_content_t *content = &fate->content;
    apr_size_t i = 0;

    if (!fate->is_mapped || !fate->ceiling.is_counted
        || fate->ceiling.max == FUZZ_NO_MAX) {
        return;
    }
    while (i < content->size && content->at[i] < now.taken) {
        ++i;
    }
    MUST((apr_off_t)i <= fate->ceiling.max + 1, fate->r->the_request);
}

/* Core refuses these, before any hook; it would wait for the content. */
static int is_unsupported(const request_rec *r)
{
    const fate_t *fate = fate_of(r);
    const char *expect = fate->head.fields
                             ? fuzz_field(&fate->head, "Expect")
                             : apr_table_get(r->headers_in, "Expect");

    return r->status == HTTP_EXPECTATION_FAILED && expect && *expect
           && strcasecmp(expect, "100-continue");
}

/* httpd hands over the first of a chain of internal redirects. */
static int fuzz_log_transaction(request_rec *r)
{
    const request_rec *last = r;

    if (!fate_of(r)->head.fields) {
        check_start(fate_of(r), r);
    }
    check_taken(fate_of(r));
    MUST(!now.refused || fate_of(r)->number <= now.refused, r->the_request);
    while (last->next) {
        last = last->next;
    }
    if (is_note(last, EXPECT_NOTE_VERDICT, "refuse")) {
        check_refusal(r, last);
    }
    else {
        MUST(!is_unsupported(r), r->the_request);
        MUST(fate_of(r)->lines == is_note(last, EXPECT_NOTE_VERDICT,
                                          "detect"), r->the_request);
        ++now.admitted;
    }
    return DECLINED;
}

/* --- .htaccess ----------------------------------------------------------- */

static apr_status_t fuzz_open_htaccess(request_rec *r, const char *dir,
                                       const char *name, ap_configfile_t **f,
                                       const char **full_name)
{
    apr_size_t length = strlen(dir);

    if (!now.htaccess
        || (!strstr(dir, "/htdocs/t/")
            && (length < 8 || strcmp(dir + length - 8, "/tenant/")))) {
        return APR_ENOENT;
    }
    *full_name = apr_pstrcat(r->pool, dir, name, NULL);
    *f = fuzz_config(r->pool, *full_name, now.htaccess);
    return APR_SUCCESS;
}

void fuzz_request_hooks(void)
{
    ap_hook_open_htaccess(fuzz_open_htaccess, NULL, NULL,
                          APR_HOOK_REALLY_FIRST);
    counter = ap_register_input_filter("FUZZ_COUNTER", count_taken, NULL,
                                       AP_FTYPE_NETWORK - 1);
    end_filter = ap_register_input_filter("FUZZ_END", read_end, NULL,
                                          AP_FTYPE_RESOURCE);
    ap_hook_pre_connection(fuzz_pre_connection, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_post_read_request(fuzz_post_read_request, NULL, NULL,
                              APR_HOOK_REALLY_FIRST);
    /* before the module's own, which refuses */
    ap_hook_header_parser(fuzz_header_parser, NULL, NULL,
                          APR_HOOK_REALLY_FIRST - 1);
    ap_hook_create_request(fuzz_create_request, NULL, NULL,
                           APR_HOOK_REALLY_FIRST);
    ap_hook_handler(fuzz_handler, NULL, NULL, APR_HOOK_REALLY_FIRST);
    ap_hook_log_transaction(fuzz_log_transaction, NULL, NULL,
                            APR_HOOK_MIDDLE);
    ap_hook_error_log(fuzz_error_log, NULL, NULL, APR_HOOK_MIDDLE);
}

/* --- the connection ------------------------------------------------------ */

/* What the server has sent; it has closed its end. */
static char *read_answer(apr_pool_t *p, int fd)
{
    apr_size_t size = 0, room = 65536;
    char *text = apr_palloc(p, room + 1);
    ssize_t n;

    while ((n = read(fd, text + size, room - size)) > 0) {
        size += n;
        if (size == room) {
            text = memcpy(apr_palloc(p, 2 * room + 1), text, size);
            room *= 2;
        }
    }
    text[size] = '\0';
    return text;
}

static void check_answer(const char *text)
{
    static const char interim[] = "HTTP/1.1 100 Continue\r\n\r\n";
    const char *json = strstr(text, "application/problem+json\r\n");
    const char *body = json ? strstr(json, "\r\n\r\n{") : NULL;
    int interims = 0;

    while ((text = strstr(text, interim))) {
        ++interims;
        text += strlen(interim);
    }
    MUST(interims <= now.admitted && interims <= now.asked, NULL);
    if (body && now.refused) {
        json_t *object = json_loads(body + 4, 0, NULL);

        MUST(json_is_object(object), body);
        json_decref(object);
    }
}

static void talk(fuzz_input_t *in, const char *bytes, apr_size_t size)
{
    int ends[2];
    conn_rec *c;
    apr_socket_t *socket;
    apr_pool_t *pool;

    MUST(!socketpair(AF_UNIX, SOCK_STREAM, 0, ends), NULL);
    /* within the room that a socket has: nobody reads meanwhile */
    MUST(write(ends[1], bytes, size) == (ssize_t)size, NULL);
    shutdown(ends[1], SHUT_WR);
    now.bytes = bytes;
    now.size = size;

    apr_pool_create(&pool, in->pool);
    c = fuzz_connection(pool, ends[0], &socket);
    ap_process_connection(c, socket);
    ap_lingering_close(c);
    apr_pool_destroy(pool);

    check_answer(read_answer(in->pool, ends[1]));
    close(ends[1]);
}

/* httpd reads for ever where HTTP_IN stands twice, and crashes with filters of
 * the connection that have no context, and of an edit* that matches nothing. */
static int is_harmless(const char *htaccess)
{
    return fuzz_is_harmless(htaccess) && !ap_strcasestr(htaccess, "_IN")
           && !ap_strcasestr(htaccess, "fuzz_")
           && !ap_strcasestr(htaccess, "edit*");
}

static const char *as_it_is(fuzz_input_t *in, char *end)
{
    end[1] = '\0';
    now.htaccess = in->text;
    return end + strlen(SEPARATOR);
}

static const char *from_genes(fuzz_input_t *in)
{
    apr_size_t size = in->size < 2 ? 0 : (unsigned char)in->text[1];

    size = in->size - 2 < size ? in->size - 2 : size;
    now.htaccess = fuzz_htaccess(in->pool, in->text + 2, size);
    return in->text + 2 + size;
}

void fuzz_requests(fuzz_input_t *in)
{
    char *end = strstr(in->text, SEPARATOR);
    const char *bytes = in->text;

    memset(&now, 0, sizeof(now));
    now.pool = in->pool;
    if (*in->text == GENES && in->size > 1) {
        bytes = from_genes(in);
    }
    else if (end) {
        bytes = as_it_is(in, end);
        if (!is_harmless(now.htaccess)) {
            return;
        }
    }
    now.is_changed = now.htaccess
                     && ap_strcasestr(now.htaccess, "FLATE");
    now.is_shown = getenv("FUZZ_SHOW") != NULL;
    if (now.is_shown && now.htaccess) {
        fprintf(stderr, "%s", now.htaccess);
    }
    talk(in, bytes, in->size - (bytes - in->text));
}
