/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/*
 * What the client reads of a refusal: the content of the response.
 *
 * httpd's own error response is used, with its hooks and filters; only the text
 * is the module's. jansson makes the JSON, as in mod_md: it escapes, and
 * accepts UTF-8 only.
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

#include "apr_strings.h"

#include "answer/accept.h"
#include "answer/fields.h"
#include "answer/notes.h"
#include "answer/page.h"

/* the note that carries the media type to the filter */
#define NOTE_TYPE "expect-type"

static ap_filter_rec_t *type_filter;

/* --- the two forms ------------------------------------------------------- */

static const char *page_html(request_rec *r, int status, const char *reason)
{
    const char *line = ap_get_status_line(status);

    /* most sentences have nothing to escape, and to see that is cheaper */
    if (reason[strcspn(reason, "<>&\"")]) {
        reason = ap_escape_html(r->pool, reason);
    }
    return apr_pstrcat(r->pool,
                       DOCTYPE_HTML_2_0 "<html><head>\n<title>", line,
                       "</title>\n</head><body>\n<h1>", line + 4,
                       "</h1>\n<p>This upload is not accepted: ", reason,
                       ".</p>\n",
                       ap_psignature("<hr>\n", r), "</body></html>\n", NULL);
}

static void problem_add_string(json_t *object, const char *key,
                               const char *value)
{
    /* json_string() is NULL for what is not UTF-8: the member is left out */
    json_object_set_new(object, key, json_string(value));
}

static apr_off_t problem_limit(const expect_accepts_t *accepts)
{
    int is_under = accepts->length != EXPECT_UNLIMITED
                   && accepts->length < accepts->min;

    return accepts->max == EXPECT_UNLIMITED || is_under ? accepts->min
                                                        : accepts->max;
}

static void problem_add_accepts(json_t *object,
                                const expect_accepts_t *accepts)
{
    apr_off_t limit = problem_limit(accepts);

    if (accepts->length != EXPECT_UNLIMITED) {
        json_object_set_new(object, "announced",
                            json_integer(accepts->length));
    }
    else if (accepts->announced) {
        problem_add_string(object, "announced", accepts->announced);
    }
    if (limit != EXPECT_UNLIMITED) {
        json_object_set_new(object, "limit", json_integer(limit));
    }
    if (accepts->accepted) {
        json_t *list = json_array();
        int i;

        for (i = 0; i < accepts->accepted->nelts; ++i) {
            json_array_append_new(list, json_string(
                APR_ARRAY_IDX(accepts->accepted, i, const char *)));
        }
        json_object_set_new(object, "accepted", list);
    }
}

/* RFC 9457 */
static const char *page_problem(request_rec *r, int status, const char *rule,
                                const char *reason,
                                const expect_accepts_t *accepts)
{
    json_t *object = json_object();
    char *text;
    const char *copy;

    problem_add_string(object, "type", accepts->problem_type
                                           ? accepts->problem_type
                                           : "about:blank");
    problem_add_string(object, "title", ap_get_status_line(status) + 4);
    json_object_set_new(object, "status", json_integer(status));
    problem_add_string(object, "detail", reason);
    problem_add_string(object, "rule", rule);
    problem_add_accepts(object, accepts);
    if (accepts->problem_type && accepts->violated) {
        json_t *policies = json_array();

        json_array_append_new(policies, json_string(accepts->violated));
        json_object_set_new(object, "violated-policies", policies);
    }

    text = json_dumps(object, JSON_INDENT(2) | JSON_PRESERVE_ORDER);
    copy = text ? apr_pstrcat(r->pool, text, "\n", NULL) : "{}\n";
    free(text);
    json_decref(object);
    return copy;
}

/* --- which one ----------------------------------------------------------- */

static void page_set(request_rec *r, int answered, int status,
                     const char *rule, const char *reason,
                     const expect_accepts_t *accepts)
{
    const char *accept = apr_table_get(r->headers_in, "Accept");
    const char *json = expect_accept_json(r->pool, accept);

    if (json) {
        apr_table_setn(r->notes, NOTE_TYPE, json);
    }
    apr_table_mergen(r->err_headers_out, "Vary", "Accept");
    ap_custom_response(r, answered,
                       json ? page_problem(r, status, rule, reason, accepts)
                            : page_html(r, status, reason));
}

void expect_page_prepare(request_rec *r, int status, const char *rule,
                         const char *reason, const expect_accepts_t *accepts)
{
    /* httpd looks for the ErrorDocument of the status that access control has
     * set, where it has denied already: see stages/access.c */
    int answered = ap_is_HTTP_ERROR(r->status) ? r->status : status;

    expect_fields_set(r, status, accepts);
    if (!ap_response_code_string(r, ap_index_of_response(answered))) {
        page_set(r, answered, status, rule, reason, accepts);
    }
}

/* httpd's own text for an ErrorDocument that cannot be had would be wrong
 * here: the module's page replaces it. */
static void page_replace_lost_document(request_rec *r)
{
    const char *document =
        ap_response_code_string(r, ap_index_of_response(r->status));
    const expect_request_t *e = expect_request_get(r);
    const char *rule, *reason, *verdict;

    if (!document || document[0] != '/') {
        return;
    }
    rule = apr_table_get(r->notes, EXPECT_NOTE_RULE);
    reason = apr_table_get(r->notes, EXPECT_NOTE_REASON);
    verdict = apr_table_get(r->notes, EXPECT_NOTE_VERDICT);
    if (reason && rule && verdict && !strcmp(verdict, EXPECT_WORD_REFUSE)) {
        page_set(r, r->status, r->status, rule, reason,
                 e ? &e->outcome.accepts : &expect_accepts_anything);
    }
}

/* --- the media type ------------------------------------------------------ */

/* The context of the filter. One without was added by SetOutputFilter of some
 * .htaccess. */
static char ours;

/* core sends every text as text/html. */
static apr_status_t page_set_type(ap_filter_t *f, apr_bucket_brigade *bb)
{
    ap_filter_t *next = f->next;
    const char *type = apr_table_get(f->r->notes, NOTE_TYPE);

    if (f->ctx && type) {
        ap_set_content_type(f->r, type);
    }
    if (f->ctx && !ap_is_HTTP_REDIRECT(f->r->status)) {
        /* core keeps the Location of a redirect by access control, whose
         * status was replaced: see stages/access.c */
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
    page_replace_lost_document(r);
    if (apr_table_get(r->notes, NOTE_TYPE)
        || (e && e->outcome.replaces_status)) {
        ap_add_output_filter_handle(type_filter, &ours, r, r->connection);
    }
}

void expect_page_register(void)
{
    type_filter = ap_register_output_filter("EXPECT_TYPE", page_set_type, NULL,
                                            AP_FTYPE_CONTENT_SET);
}
