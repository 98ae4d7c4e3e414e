/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/*
 * Whether the administrator has placed the status page where it is requested.
 */

#ifndef EXPECT_PLACEMENT_H
#define EXPECT_PLACEMENT_H

#include "httpd.h"

/**
 * Whether the server's configuration alone gives a request to a handler. A
 * tenant has many ways to name a handler, and all of them begin in an
 * .htaccess file.
 * @param r       the request, as its handler is about to run
 * @param handler the handler's name
 * @return 1, also if no .htaccess file was read; 0 if one is needed for that
 */
int expect_placed_by_server(request_rec *r, const char *handler);

#endif
