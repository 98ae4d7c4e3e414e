/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/*
 * The response fields that say what is accepted.
 */

#include "httpd.h"
#include "http_protocol.h"
#include "http_request.h"
#include "mod_core.h"

#include "apr_strings.h"

#include "answer/fields.h"

const char *expect_fields_upload_limit(apr_pool_t *p,
                                       const expect_accepts_t *accepts)
{
    /* RFC 9651, 3.3.1: an Integer has 15 digits at the most */
    const apr_off_t integer_max = APR_INT64_C(999999999999999);
    int has_max = accepts->max != EXPECT_UNLIMITED
                  && accepts->max <= integer_max;
    const char *max = has_max ? apr_psprintf(p, "max-size=%" APR_OFF_T_FMT,
                                             accepts->max)
                              : NULL;
    const char *min = accepts->min > 0 && accepts->min <= integer_max
                          ? apr_psprintf(p, "min-size=%" APR_OFF_T_FMT,
                                         accepts->min)
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

void expect_fields_rate_limit(request_rec *r, const expect_accepts_t *accepts)
{
    if (accepts->policy) {
        apr_table_setn(r->err_headers_out, "RateLimit-Policy",
                       accepts->policy);
    }
    if (accepts->rate_limit) {
        apr_table_setn(r->err_headers_out, "RateLimit", accepts->rate_limit);
    }
}

void expect_fields_set(request_rec *r, int status,
                       const expect_accepts_t *accepts)
{
    const char *limit = expect_fields_upload_limit(r->pool, accepts);

    if (limit) {
        apr_table_setn(r->err_headers_out, "Upload-Limit", limit);
    }
    if (accepts->accepted && accepts->field) {
        apr_table_setn(r->err_headers_out, accepts->field,
                       expect_fields_list(r->pool, accepts->accepted));
    }
    if (status == HTTP_METHOD_NOT_ALLOWED) {
        /* core sets Allow itself, from this */
        ap_allow_standard_methods(r, MERGE_ALLOW, M_GET, M_OPTIONS, -1);
    }
    expect_fields_rate_limit(r, accepts);
    if (accepts->retry_after) {
        apr_table_setn(r->err_headers_out, "Retry-After",
                       apr_itoa(r->pool, accepts->retry_after));
    }
}

void expect_fields_restore(request_rec *r, const expect_request_t *e)
{
    if (e->outcome.verdict == EXPECT_CUT_OFF && !e->content.answered) {
        expect_fields_set(r, e->outcome.status, &e->outcome.accepts);
    }
}
