/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/*
 * Content of a login step, which its worker throws away.
 */

#include "httpd.h"
#include "http_core.h"
#include "util_filter.h"

#include "config/bounds.h"
#include "content/discard.h"
#include "count/counters.h"
#include "judge/request.h"

#define STEP_MAX ((apr_off_t)3 * 1024 * 1024)
#define STEP_TIME (2 * APR_USEC_PER_SEC)

typedef struct {
    /* bytes thrown away so far, and their bound */
    apr_off_t total;
    apr_off_t max;
    apr_time_t end;
    apr_interval_time_t idle;
    apr_socket_t *socket;
    /* the connection's own */
    apr_interval_time_t timeout;
} discard_t;

static discard_t discard_begin(const request_rec *r)
{
    const expect_linger_t *linger = expect_linger_of(r->server);
    const expect_bounds_t *bounds = &linger->bounds;
    discard_t d = { 0 };

    d.max = bounds->max >= 0 && bounds->max < STEP_MAX ? bounds->max
                                                       : STEP_MAX;
    d.end = apr_time_now()
            + (linger->is_off ? 0 : bounds->time < STEP_TIME ? bounds->time
                                                             : STEP_TIME);
    d.idle = bounds->idle;
    d.socket = ap_get_conn_socket(r->connection);
    apr_socket_timeout_get(d.socket, &d.timeout);
    return d;
}

/* Whether one more read is within the bounds. It takes no longer than the time
 * that is left. */
static int discard_goes_on(const discard_t *d)
{
    apr_interval_time_t left = d->end - apr_time_now();

    if (left <= 0 || d->total > d->max) {
        return 0;
    }
    apr_socket_timeout_set(d->socket, left < d->idle ? left : d->idle);
    return 1;
}

int expect_content_discard(request_rec *r)
{
    const expect_request_t *e = expect_request_get(r);
    apr_bucket_brigade *bb = apr_brigade_create(r->pool,
                                                r->connection->bucket_alloc);
    discard_t d = discard_begin(r);
    apr_status_t rv = APR_SUCCESS;
    apr_off_t length;
    int is_over = e->content.ended;

    while (rv == APR_SUCCESS && !is_over && discard_goes_on(&d)) {
        rv = ap_get_brigade(r->proto_input_filters, bb, AP_MODE_READBYTES,
                            APR_BLOCK_READ, HUGE_STRING_LEN);
        if (rv == APR_SUCCESS) {
            rv = apr_brigade_length(bb, 1, &length);
            d.total += rv == APR_SUCCESS ? length : 0;
        }
        /* HTTP_IN also reports the end where the status is an error and the
         * client waits for its 100: then nothing was read, and nothing comes */
        is_over = !APR_BRIGADE_EMPTY(bb)
                  && APR_BUCKET_IS_EOS(APR_BRIGADE_LAST(bb));
        apr_brigade_cleanup(bb);
    }
    apr_socket_timeout_set(d.socket, d.timeout);
    expect_count_drained(d.total);
    return rv == APR_SUCCESS && e->content.ended;
}
