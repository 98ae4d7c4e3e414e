/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/*
 * precondition: If-Match, If-None-Match, If-Unmodified-Since
 *
 *     ExpectRequire precondition
 *
 * httpd's ap_condition_if_*() cannot be used: they take "*" for true although
 * the file does not exist yet, they compare a missing file with the time of
 * now, and they compare If-None-Match of a PUT by the strong function, where
 * RFC 9110, 13.1.2 has the weak one.
 */

#include "httpd.h"
#include "http_protocol.h"

#include "apr_date.h"
#include "apr_strings.h"

#include "rules/arguments.h"
#include "rules/registry.h"

static const char *precondition_parse(apr_pool_t *p, int argc,
                                      const char *const *argv,
                                      const void **arg)
{
    (void)arg;
    return expect_rule_no_argument(p, argc, argv, "precondition takes none");
}

/* Whether the target is a file or folder that exists. */
static int precondition_exists(const request_rec *r)
{
    return r->finfo.filetype != APR_NOFILE
           && !(r->path_info && *r->path_info);
}

/* The entity tag that a GET of the file would show, NULL for none. It is made
 * once, because FileETag Digest reads the whole file. */
static const char *precondition_etag(request_rec *r)
{
    const char *key = apr_pstrcat(r->pool, "expect-etag ", r->filename, NULL);
    apr_time_t mtime = r->mtime;
    void *made = NULL;
    const char *etag;

    if (!precondition_exists(r)) {
        return NULL;
    }
    apr_pool_userdata_get(&made, key, r->pool);
    etag = made;
    if (!etag) {
        /* httpd before 2.4.47 makes it of this time */
        r->mtime = r->finfo.mtime;
        etag = ap_make_etag(r, 0);
        r->mtime = mtime;
        apr_pool_userdata_setn(etag ? etag : "", key, NULL, r->pool);
    }
    return etag && *etag ? etag : NULL;
}

/* The field that does not hold, or NULL. RFC 9110, 13.1.1, 13.1.4 and 13.1.2,
 * in the order of 13.2.2. */
static const char *precondition_failed(request_rec *r,
                                       const apr_table_t *fields)
{
    const char *match = apr_table_get(fields, "If-Match");
    const char *none_match = apr_table_get(fields, "If-None-Match");
    const char *since = apr_table_get(fields, "If-Unmodified-Since");
    const char *etag = match || none_match ? precondition_etag(r) : NULL;

    if (match) {
        if (*match == '*'
            ? !precondition_exists(r)
            : !etag || !ap_find_etag_strong(r->pool, match, etag)) {
            return "If-Match";
        }
    }
    else if (since) {
        apr_time_t date = apr_date_parse_http(since);

        if (date != APR_DATE_BAD && precondition_exists(r)
            && apr_time_sec(r->finfo.mtime) > apr_time_sec(date)) {
            return "If-Unmodified-Since";
        }
    }
    if (none_match
        && (*none_match == '*'
            ? precondition_exists(r)
            : etag && ap_find_etag_weak(r->pool, none_match, etag))) {
        return "If-None-Match";
    }
    return NULL;
}

static expect_value_e precondition_check(const expect_facts_t *facts,
                                         const void *arg,
                                         expect_answer_t *answer)
{
    (void)arg;
    (void)answer;
    return precondition_failed(facts->r, facts->head->fields)
               ? EXPECT_DENIED : EXPECT_GRANTED;
}

static const char *precondition_reason(apr_pool_t *p,
                                       const expect_facts_t *facts,
                                       const void *arg, int status,
                                       int negated)
{
    (void)arg;
    (void)status;
    if (negated) {
        return "precondition is met, which is not accepted";
    }
    return apr_pstrcat(p, "precondition ",
                       precondition_failed(facts->r, facts->head->fields),
                       " does not hold for what is stored", NULL);
}

const expect_rule_type_t expect_rule_precondition = {
    .name = "precondition",
    /* RFC 9110, 13.2.1: not before access control; so a client that access
     * control refuses does not learn what is stored here */
    .known_at = EXPECT_AT_USER,
    .status = HTTP_PRECONDITION_FAILED,
    .parse = precondition_parse,
    .check = precondition_check,
    .reason = precondition_reason
};
