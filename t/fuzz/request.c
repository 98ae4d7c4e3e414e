/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/*
 * All that a client sends on a connection, to the whole server: httpd.conf has
 * a place for each rule, in which a handler reads what it is given and knows
 * what must not have come so far. In front of the bytes may stand an .htaccess
 * for /tenant/, ended by a line "===".
 *
 * - What a rule refuses reaches no handler, and nothing that follows it on the
 *   connection is taken for a request.
 * - Content of unknown length ends at its max.
 * - A refusal is one line in the log, clean and bounded, and no 100 Continue.
 * - A tenant's .htaccess opens nothing that the administrator closed.
 */

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

#include "refusal.h"
#include "request.h"

#define HANDLER "fuzz"
#define SEPARATOR "\n===\n"
/* what httpd.conf says of /max/ and, to the administrator's end, /tenant/ */
#define MAX 16
#define CEILING 1000
#define SAID_MAX 2000

extern module AP_MODULE_DECLARE_DATA fuzz_module;

/* The connection. */
static struct {
    const char *htaccess;
    /* requests that were begun; the one that was refused, the last then */
    int requests;
    int refused;
    /* that many may have seen 100 Continue */
    int admitted;
} now;

/* What has happened to a request of the client's. Many of them may be there at
 * a time: they are logged when their answers have been sent. */
typedef struct {
    int number;
    /* lines of the log that tell of a refusal */
    int lines;
    /* a handler ran, not an ErrorDocument's */
    int is_handled;
} fate_t;

/* --- what must not come to a handler ------------------------------------- */

static const char *field(const request_rec *r, const char *name)
{
    return apr_table_get(r->headers_in, name);
}

static apr_off_t length_of(const request_rec *r)
{
    return field(r, "Transfer-Encoding") || !field(r, "Content-Length")
               ? -1 : (apr_off_t)apr_atoi64(field(r, "Content-Length"));
}

static int has_content(const request_rec *r)
{
    return field(r, "Transfer-Encoding") || length_of(r) > 0;
}

static void never(const request_rec *r)
{
    MUST(0, r->the_request);
}

static void at_max(const request_rec *r)
{
    MUST(length_of(r) <= MAX, field(r, "Content-Length"));
}

static void at_known(const request_rec *r)
{
    MUST(length_of(r) >= 2, r->the_request);
}

static void at_type(const request_rec *r)
{
    const char *type = field(r, "Content-Type");

    MUST(type && !strncasecmp(type + strspn(type, " \t"), "image/", 6), type);
    MUST(!strchr(type, ',') || strchr(type, '"'), type);
}

static void at_coding(const request_rec *r)
{
    const char *coding = field(r, "Content-Encoding");

    MUST(!coding || strspn(coding, "gzipGZIPxX-, \t") == strlen(coding),
         coding);
}

static void at_header(const request_rec *r)
{
    MUST(field(r, "If-Match") && strstr(field(r, "If-Match"), "\"a\""),
         r->the_request);
}

static void at_auth(const request_rec *r)
{
    MUST(r->user && !strcmp(r->user, "bob"), r->user);
}

static void at_asked(const request_rec *r)
{
    const char *expect = field(r, "Expect");

    MUST(!expect || strcasecmp(expect, "100-continue")
         || r->proto_num < HTTP_VERSION(1, 1), expect);
}

static void at_none(const request_rec *r)
{
    const char *type = field(r, "Content-Type");

    type = type ? type + strspn(type, " \t") : "";
    MUST(strncasecmp(type, "text/html", 9) || !strchr("; \t", type[9]), type);
    MUST(r->method_number != M_POST, r->the_request);
}

static void at_any(const request_rec *r)
{
    MUST(r->method_number == M_PUT || field(r, "X-Grant"), r->the_request);
}

static void at_tenant(const request_rec *r)
{
    MUST(length_of(r) <= CEILING, field(r, "Content-Length"));
}

static const struct {
    const char *path;
    void (*check)(const request_rec *r);
    apr_off_t max;
} places[] = {
    { "/never/", never, 0 }, { "/max/", at_max, MAX },
    { "/deflate/", at_max, -1 }, { "/known/", at_known, -1 },
    { "/type/", at_type, -1 }, { "/coding/", at_coding, -1 },
    { "/header/", at_header, -1 }, { "/auth/", at_auth, -1 },
    { "/asked/", at_asked, -1 }, { "/none/", at_none, -1 },
    { "/any/", at_any, -1 }, { "/document/", never, 0 },
    { "/index/", at_max, MAX }, { "/rewrite/", at_max, MAX },
    { "/tenant/", at_tenant, CEILING }
};
#define PLACES (sizeof(places) / sizeof(places[0]))

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

/* The place of the target that the client named; PLACES for none. */
static apr_size_t place_of(const request_rec *r)
{
    const char *path = r->parsed_uri.path;
    apr_size_t i;

    for (i = 0; path && i < PLACES; ++i) {
        if (!strncmp(path, places[i].path, strlen(places[i].path))) {
            return i;
        }
    }
    return PLACES;
}

/* --- the handler --------------------------------------------------------- */

static apr_off_t read_content(request_rec *r)
{
    apr_bucket_brigade *bb = apr_brigade_create(r->pool,
                                                r->connection->bucket_alloc);
    apr_off_t total = 0;
    int seen_eos = 0;

    while (!seen_eos) {
        apr_off_t length = 0;

        if (ap_get_brigade(r->input_filters, bb, AP_MODE_READBYTES,
                           APR_BLOCK_READ, 7) != APR_SUCCESS) {
            break;
        }
        apr_brigade_length(bb, 1, &length);
        total += length;
        seen_eos = !APR_BRIGADE_EMPTY(bb)
                   && APR_BUCKET_IS_EOS(APR_BRIGADE_LAST(bb));
        apr_brigade_cleanup(bb);
    }
    return total;
}

static int fuzz_handler(request_rec *r)
{
    const request_rec *first = original(r);
    apr_size_t place = place_of(first);
    int is_document = r->prev && ap_is_HTTP_ERROR(r->prev->status);
    apr_off_t read;

    if (!r->handler || strcmp(r->handler, HANDLER)) {
        return DECLINED;
    }
    if (!is_document) {
        fate_of(r)->is_handled = 1;
        if (place < PLACES && has_content(first)) {
            places[place].check(first);
        }
    }
    read = read_content(r);
    if (EXPECT_CORE_MAY_ADMIT_UNKNOWN
        && first->proto_num > HTTP_VERSION(1, 1)) {
        /* 2.5 of October 2024 looks for no content there, and takes all that
         * follows for it */
        return OK;
    }
    if (is_document) {
        MUST(!now.refused || read == 0, r->the_request);
    }
    else if (place < PLACES && places[place].max >= 0) {
        MUST(read <= places[place].max, r->the_request);
    }
    ap_set_content_type(r, "text/plain");
    ap_rputs("handled\n", r);
    return OK;
}

/* --- the requests of a connection ---------------------------------------- */

static int fuzz_create_request(request_rec *r)
{
    fate_t *fate;

    if (!r->main && !r->prev) {
        fate = apr_pcalloc(r->pool, sizeof(*fate));
        fate->number = ++now.requests;
        ap_set_module_config(r->request_config, &fuzz_module, fate);
    }
    return OK;
}

static void fuzz_error_log(const ap_errorlog_info *info, const char *text)
{
    if (strstr(text, "expect: refused ")
        || strstr(text, "expect: would refuse ")) {
        MUST(info->r, text);
        MUST(fuzz_is_clean(text) && strlen(text) < SAID_MAX, text);
        ++fate_of(info->r)->lines;
    }
    if (strstr(text, "expect: refused ")) {
        now.refused = fate_of(info->r)->number;
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

    MUST(fate_of(r)->lines == 1, reason);
    MUST(reason && fuzz_is_clean(reason) && strlen(reason) < SAID_MAX,
         reason);
    MUST(ap_is_HTTP_ERROR(last->status), r->the_request);
    MUST(r->connection->keepalive == AP_CONN_CLOSE, r->the_request);
    if (e && e->state == EXPECT_CUT_OFF) {
        ++now.admitted;
    }
    else {
        MUST(!fate_of(r)->is_handled, r->the_request);
    }
}

/* Core refuses these, before any hook; it would wait for the content. */
static int is_unsupported(const request_rec *r)
{
    const char *expect = field(r, "Expect");

    return r->status == HTTP_EXPECTATION_FAILED && expect && *expect
           && strcasecmp(expect, "100-continue");
}

/* httpd hands over the first of a chain of internal redirects. */
static int fuzz_log_transaction(request_rec *r)
{
    const request_rec *last = r;

    MUST(!now.refused || fate_of(r)->number <= now.refused, r->the_request);
    while (last->next) {
        last = last->next;
    }
    if (is_note(last, EXPECT_NOTE_VERDICT, "refuse")) {
        check_refusal(r, last);
    }
    else {
        MUST(!is_unsupported(r), field(r, "Expect"));
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

    if (!now.htaccess || length < 8
        || strcmp(dir + length - 8, "/tenant/")) {
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
    MUST(interims <= now.admitted, NULL);
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

    apr_pool_create(&pool, in->pool);
    c = fuzz_connection(pool, ends[0], &socket);
    ap_process_connection(c, socket);
    ap_lingering_close(c);
    apr_pool_destroy(pool);

    check_answer(read_answer(in->pool, ends[1]));
    close(ends[1]);
}

void fuzz_requests(fuzz_input_t *in)
{
    char *end = strstr(in->text, SEPARATOR);
    const char *bytes = end ? end + strlen(SEPARATOR) : in->text;

    memset(&now, 0, sizeof(now));
    if (end) {
        end[1] = '\0';
        if (!fuzz_is_harmless(in->text)) {
            return;
        }
        now.htaccess = in->text;
    }
    talk(in, bytes, in->size - (bytes - in->text));
}
