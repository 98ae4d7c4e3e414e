/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/*
 * Where the content filter stands: directly above HTTP_IN, below everything
 * that changes content.
 */

#ifndef EXPECT_PLACE_H
#define EXPECT_PLACE_H

#include "httpd.h"
#include "util_filter.h"

/**
 * Find a filter by its context.
 * @param r   the request
 * @param rec the kind of filter
 * @param ctx its context
 * @return the filter, or NULL
 */
ap_filter_t *expect_place_find(const request_rec *r, const ap_filter_rec_t *rec,
                               const void *ctx);

/**
 * Insert a filter directly above the one that content comes from.
 * @param r   the request
 * @param rec the kind of filter, AP_FTYPE_PROTOCOL
 * @param ctx its context
 */
void expect_place_insert(request_rec *r, ap_filter_rec_t *rec, void *ctx);

/**
 * Find HTTP_IN, the filter that frames content in HTTP/1.1.
 * @param f where to begin: a filter above it, or itself
 * @return NULL if it does not stand there
 */
ap_filter_t *expect_place_http(ap_filter_t *f);

#endif
