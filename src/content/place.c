/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/*
 * Where the content filter stands.
 */

#include "httpd.h"
#include "mod_core.h"
#include "util_filter.h"

#include "content/place.h"

/* Link a filter in directly above another one. */
static void place_link_above(request_rec *r, ap_filter_t *f, ap_filter_t *below)
{
    ap_filter_t *at;

    for (at = r->input_filters; at && at != below; at = at->next) {
        if (at->next == below) {
            at->next = f;
            break;
        }
    }
    if (r->input_filters == below) {
        r->input_filters = f;
    }
    if (r->proto_input_filters == below) {
        r->proto_input_filters = f;
    }
    f->next = below;
}

/* httpd places a filter below those of its type that are there already. This
 * one belongs above HTTP_IN. */
static void place_move_above(request_rec *r, ap_filter_t *f, ap_filter_t *below)
{
    ap_filter_t *at = below;

    while (at && at->next != f) {
        at = at->next;
    }
    if (at && f) {
        at->next = f->next;
        place_link_above(r, f, below);
    }
}

/* The filter that content comes from: HTTP_IN, or a filter that replaced it and
 * holds what was read already; NULL: there is none. */
static ap_filter_t *place_source(const request_rec *r)
{
    ap_filter_t *source = NULL, *f;

    for (f = r->input_filters; f && f->frec->ftype < AP_FTYPE_CONNECTION;
         f = f->next) {
        if (f->frec->ftype >= AP_FTYPE_PROTOCOL) {
            source = f;
        }
        if (f->frec == ap_http_input_filter_handle) {
            break;
        }
    }
    return source;
}

ap_filter_t *expect_place_find(const request_rec *r, const ap_filter_rec_t *rec,
                               const void *ctx)
{
    ap_filter_t *f = r->input_filters;

    while (f && (f->frec != rec || f->ctx != ctx)) {
        f = f->next;
    }
    return f;
}

void expect_place_insert(request_rec *r, ap_filter_rec_t *rec, void *ctx)
{
    ap_filter_t *source = place_source(r);

    place_move_above(r, ap_add_input_filter_handle(rec, ctx, r,
                                                   r->connection), source);
}

ap_filter_t *expect_place_http(ap_filter_t *f)
{
    while (f && f->frec != ap_http_input_filter_handle) {
        f = f->next;
    }
    return f;
}
