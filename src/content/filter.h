/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/*
 * The filter between the readers of a judged request and its content.
 */

#ifndef EXPECT_FILTER_H
#define EXPECT_FILTER_H

#include "httpd.h"

#include "judge/request.h"

/** Register the filter. */
void expect_filter_register(void);

/**
 * Install the filter, unless it is there.
 * @param r the request that will read: the main one, or an internal redirect
 *          that continues it
 * @param e its state, which decides what may be read
 */
void expect_filter_install(request_rec *r, expect_request_t *e);

/**
 * Install the filter again after another module has read the content and has
 * put what it read in the place of HTTP_IN and of all filters (mod_ssl does,
 * for SSLVerifyClient in a directory). All of it will be read once more, so the
 * count begins anew.
 * @param r the main request, or its ErrorDocument
 * @param e its state; where no rules are in force nothing is done
 */
void expect_filter_reinstall(request_rec *r, expect_request_t *e);

/**
 * Refuse all reads of a request's content, where it has no state: each finds
 * the end.
 * @param r the request
 */
void expect_filter_refuse_all(request_rec *r);

/**
 * Keep a request that announced no content without any, whatever RequestHeader
 * of some .htaccess adds to its fields (RFC 9112, 6.3: without Content-Length
 * and Transfer-Encoding the content's length is zero).
 * @param r a request without content, main or redirected
 * @return 0 if HTTP_IN is not there any more: it was replaced, or a module has
 *         removed it
 */
int expect_filter_none(request_rec *r);

#endif
