/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/*
 * What the client reads of a refusal.
 *
 * httpd's own error response is used, with its hooks and filters; only its
 * text is ours. JSON is made by jansson, as in mod_md: it escapes, and takes
 * UTF-8 only.
 */

#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "httpd.h"
#include "http_core.h"
#include "http_protocol.h"
#include "http_request.h"
#include "mod_core.h"
#include "util_filter.h"

#include "apr_lib.h"
#include "apr_strings.h"

#include "answer/page.h"
#include "answer/enforce.h"
#include "judge/request.h"

#define PROBLEM_TYPE "application/problem+json"
#define JSON_TYPE "application/json"

/* the note that carries the media type to the filter */
#define NOTE_TYPE "expect-type"

static ap_filter_rec_t *type_filter;
static ap_filter_rec_t *drop_filter;

/* Which form: Accept */

/* A weight (RFC 9110, 12.4.2) in thousandths, 1000 where there is none. */
static int weight_of(const char *parameters)
{
    const char *q = parameters ? ap_strstr_c(parameters, ";q=") : NULL;
    int weight, digit;

    if (!q) {
        return 1000;
    }
    q += 3;
    if (*q != '0' && *q != '1') {
        return 0;
    }
    weight = (*q++ - '0') * 1000;
    if (*q == '.') {
        for (digit = 100, ++q; digit && apr_isdigit(*q); digit /= 10, ++q) {
            weight += (*q - '0') * digit;
        }
    }
    return weight > 1000 ? 1000 : weight;
}

/*
 * The weight of a media range in Accept (RFC 9110, 12.5.1).
 * @return 0..1000 thousandths; -1 if the field does not name it
 */
static int accept_weight(apr_pool_t *p, const char *accept, const char *range)
{
    apr_size_t length = strlen(range);
    const char *item;

    while ((item = ap_get_list_item(p, &accept))) {
        if (!strncmp(item, range, length)
            && (!item[length] || item[length] == ';')) {
            return weight_of(item[length] ? item + length : NULL);
        }
    }
    return -1;
}

/* The JSON type that the client names, unless it prefers text/html; or NULL. */
static const char *json_preferred(apr_pool_t *p, const char *accept)
{
    static const char *const html[] = { "text/html", "text/*", "*/*", NULL };
    const char *type = PROBLEM_TYPE;
    int json, plain, text = -1;
    int i;

    /* most clients name neither */
    if (!accept || !ap_strcasestr(accept, "json")) {
        return NULL;
    }
    json = accept_weight(p, accept, PROBLEM_TYPE);
    plain = accept_weight(p, accept, JSON_TYPE);
    if (plain > json) {
        type = JSON_TYPE;
        json = plain;
    }
    for (i = 0; html[i] && text < 0; ++i) {
        text = accept_weight(p, accept, html[i]);
    }
    return json > 0 && json >= text ? type : NULL;
}

/* The two forms */

static const char *html_page(request_rec *r, int status, const char *reason)
{
    const char *line = ap_get_status_line(status);

    return apr_pstrcat(r->pool,
                       DOCTYPE_HTML_2_0 "<html><head>\n<title>", line,
                       "</title>\n</head><body>\n<h1>", line + 4,
                       "</h1>\n<p>This upload is not accepted: ",
                       ap_escape_html(r->pool, reason), ".</p>\n",
                       ap_psignature("<hr>\n", r), "</body></html>\n", NULL);
}

static void set_string(json_t *object, const char *key, const char *value)
{
    /* what is not UTF-8 is left out: jansson says NULL, and takes none */
    json_object_set_new(object, key, json_string(value));
}

static apr_off_t limit_of(const expect_accepts_t *told)
{
    int is_under = told->length != EXPECT_UNLIMITED && told->length < told->min;

    return told->max == EXPECT_UNLIMITED || is_under ? told->min : told->max;
}

static void set_told(json_t *object, const expect_accepts_t *told)
{
    apr_off_t limit = limit_of(told);

    if (told->length != EXPECT_UNLIMITED) {
        json_object_set_new(object, "announced", json_integer(told->length));
    }
    else if (told->announced) {
        set_string(object, "announced", told->announced);
    }
    if (limit != EXPECT_UNLIMITED) {
        json_object_set_new(object, "limit", json_integer(limit));
    }
    if (told->accepted) {
        json_t *list = json_array();
        int i;

        for (i = 0; i < told->accepted->nelts; ++i) {
            json_array_append_new(list, json_string(
                APR_ARRAY_IDX(told->accepted, i, const char *)));
        }
        json_object_set_new(object, "accepted", list);
    }
}

/* RFC 9457 */
static const char *problem(request_rec *r, int status, const char *rule,
                           const char *reason, const expect_accepts_t *told)
{
    json_t *object = json_object();
    char *text;
    const char *copy;

    set_string(object, "type", "about:blank");
    set_string(object, "title", ap_get_status_line(status) + 4);
    json_object_set_new(object, "status", json_integer(status));
    set_string(object, "detail", reason);
    set_string(object, "rule", rule);
    set_told(object, told);

    text = json_dumps(object, JSON_INDENT(2) | JSON_PRESERVE_ORDER);
    copy = text ? apr_pstrcat(r->pool, text, "\n", NULL) : "{}\n";
    free(text);
    json_decref(object);
    return copy;
}

/* The fields */

const char *expect_fields_upload_limit(apr_pool_t *p,
                                     const expect_accepts_t *told)
{
    /* RFC 9651, 3.3.1: an Integer has 15 digits at the most */
    const apr_off_t integer_max = APR_INT64_C(999999999999999);
    const char *max = told->max != EXPECT_UNLIMITED && told->max <= integer_max
                          ? apr_psprintf(p, "max-size=%" APR_OFF_T_FMT,
                                         told->max)
                          : NULL;
    const char *min = told->min > 0 && told->min <= integer_max
                          ? apr_psprintf(p, "min-size=%" APR_OFF_T_FMT,
                                         told->min)
                          : NULL;

    return max && min ? apr_pstrcat(p, max, ", ", min, NULL)
                      : max ? max : min;
}

const char *expect_fields_list(apr_pool_t *p, const apr_array_header_t *words)
{
    apr_array_header_t *parts = apr_array_make(p, 2 * words->nelts,
                                               sizeof(const char *));
    int i;

    for (i = 0; i < words->nelts; ++i) {
        if (i) {
            APR_ARRAY_PUSH(parts, const char *) = ", ";
        }
        APR_ARRAY_PUSH(parts, const char *) = APR_ARRAY_IDX(words, i,
                                                            const char *);
    }
    return apr_array_pstrcat(p, parts, '\0');
}

/* The fields that tell what is accepted. */
static void set_fields(request_rec *r, int status, const expect_accepts_t *told)
{
    const char *limit = expect_fields_upload_limit(r->pool, told);

    if (limit) {
        apr_table_setn(r->err_headers_out, "Upload-Limit", limit);
    }
    if (told->accepted && told->field) {
        apr_table_setn(r->err_headers_out, told->field,
                       expect_fields_list(r->pool, told->accepted));
    }
    if (status == HTTP_METHOD_NOT_ALLOWED) {
        /* core sets Allow itself, from this */
        ap_allow_standard_methods(r, MERGE_ALLOW, M_GET, M_OPTIONS, -1);
    }
    if (told->retry_after) {
        apr_table_setn(r->err_headers_out, "Retry-After",
                       apr_itoa(r->pool, told->retry_after));
    }
}

void expect_fields_restore(request_rec *r, const expect_request_t *e)
{
    if (e->outcome.verdict == EXPECT_CUT_OFF && !e->content.answered) {
        set_fields(r, e->outcome.status, &e->outcome.accepts);
    }
}

static void set_page(request_rec *r, int answered, int status,
                     const char *rule, const char *reason,
                     const expect_accepts_t *told)
{
    const char *json = json_preferred(r->pool, apr_table_get(r->headers_in,
                                                             "Accept"));

    if (json) {
        apr_table_setn(r->notes, NOTE_TYPE, json);
    }
    apr_table_mergen(r->err_headers_out, "Vary", "Accept");
    ap_custom_response(r, answered,
                       json ? problem(r, status, rule, reason, told)
                            : html_page(r, status, reason));
}

void expect_page_prepare(request_rec *r, int status, const char *rule,
                         const char *reason, const expect_accepts_t *told)
{
    /* a denial of access control that is answered already is answered under
     * that status: see expect_access_denied() */
    int answered = ap_is_HTTP_ERROR(r->status) ? r->status : status;

    set_fields(r, status, told);
    if (!ap_response_code_string(r, ap_index_of_response(answered))) {
        set_page(r, answered, status, rule, reason, told);
    }
}

/* The ErrorDocument could not be had: core would send its own text, which is
 * not true here. */
static void replace_lost_document(request_rec *r)
{
    const char *document =
        ap_response_code_string(r, ap_index_of_response(r->status));
    const char *rule = apr_table_get(r->notes, EXPECT_NOTE_RULE);
    const char *reason = apr_table_get(r->notes, EXPECT_NOTE_REASON);
    const char *verdict = apr_table_get(r->notes, EXPECT_NOTE_VERDICT);
    const expect_request_t *e = expect_request_get(r);

    if (document && document[0] == '/' && reason && rule
        && verdict && !strcmp(verdict, EXPECT_WORD_REFUSE)) {
        set_page(r, r->status, r->status, rule, reason,
                 e ? &e->outcome.accepts : &expect_accepts_anything);
    }
}

/* What stands in the handler's place where none is set: ap_invoke_handler(). */
static int is_media_type(const request_rec *r)
{
    apr_size_t length = strlen(r->handler);

    return r->content_type && !strncmp(r->content_type, r->handler, length)
           && (!r->content_type[length] || r->content_type[length] == ';'
               || r->content_type[length] == ' ')
           && ap_cstr_casecmpn(r->handler, "application/x-httpd-", 20);
}

/* A file that is sent by httpd itself. mod_include's is one as well: what it
 * includes is a subrequest, and looked at by itself. */
static int is_plain_file(const request_rec *r)
{
    return !r->handler || !strcmp(r->handler, AP_DEFAULT_HANDLER_NAME)
           || !strcmp(r->handler, "default-handler") || is_media_type(r);
}

int expect_page_keep_out(request_rec *r)
{
    const expect_request_t *e = expect_request_get(expect_announced_first(r));

    return e && e->content.is_answering && !is_plain_file(r) ? HTTP_NOT_FOUND : DECLINED;
}

/* The media type: core says text/html of every text it sends. */

/* The context of our own filters. One without was put there by SetOutputFilter
 * of some .htaccess. */
static char ours;

static apr_status_t set_type(ap_filter_t *f, apr_bucket_brigade *bb)
{
    ap_filter_t *next = f->next;
    const char *type = apr_table_get(f->r->notes, NOTE_TYPE);

    if (f->ctx && type) {
        ap_set_content_type(f->r, type);
    }
    if (f->ctx && !ap_is_HTTP_REDIRECT(f->r->status)) {
        /* core sets it of what access control answered: see access.c */
        apr_table_unset(f->r->headers_out, "Location");
    }
    ap_remove_output_filter(f);
    return ap_pass_brigade(next, bb);
}

void expect_page_finish(request_rec *r)
{
    const expect_request_t *e = expect_request_get(r);

    if (e) {
        expect_fields_restore(r, e);
    }
    replace_lost_document(r);
    if (apr_table_get(r->notes, NOTE_TYPE) || (e && e->outcome.replaces_status)) {
        ap_add_output_filter_handle(type_filter, &ours, r, r->connection);
    }
}

/* The one answer. */

static apr_status_t drop(ap_filter_t *f, apr_bucket_brigade *bb)
{
    ap_filter_t *next = f->next;

    if (!f->ctx) {
        ap_remove_output_filter(f);
        return ap_pass_brigade(next, bb);
    }
    apr_brigade_cleanup(bb);
    return APR_SUCCESS;
}

void expect_page_drop(request_rec *r)
{
    ap_add_output_filter_handle(drop_filter, &ours, r, r->connection);
}

void expect_page_only_one(request_rec *r)
{
    const expect_request_t *e = expect_request_get(r->prev ? r->prev : r);

    if (e && e->content.answered) {
        r->status = e->content.was_begun ? e->content.sent_status : e->outcome.status;
        expect_page_drop(r);
    }
}

void expect_page_register(void)
{
    drop_filter = ap_register_output_filter("EXPECT_DROP", drop, NULL,
                                            AP_FTYPE_CONTENT_SET);
    type_filter = ap_register_output_filter("EXPECT_TYPE", set_type, NULL,
                                            AP_FTYPE_CONTENT_SET);
}
