/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/*
 * A copy of a request, which httpd can map without a trace in the request.
 */

#ifndef EXPECT_COPY_H
#define EXPECT_COPY_H

#include "httpd.h"

/**
 * Copy a request as it was before httpd mapped it: with the configuration of
 * its server, without the notes of the walks (ap_directory_walk() and its
 * like), and with tables and filters of its own, as ap_create_request() makes
 * them. Mapping the copy does not change the request.
 * @param p      pool of the copy, and for all that mapping allocates
 * @param r      the request
 * @param fields the header fields of the copy
 * @return the copy, on which the hook create_request has run
 */
request_rec *expect_request_copy(apr_pool_t *p, const request_rec *r,
                                 const apr_table_t *fields);

#endif
