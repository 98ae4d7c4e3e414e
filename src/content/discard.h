/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/*
 * Content of a login step, which its worker throws away.
 */

#ifndef EXPECT_DISCARD_H
#define EXPECT_DISCARD_H

#include "httpd.h"

/**
 * Read all content of a request and throw it away, within the bounds of
 * ExpectLinger, and within tighter ones because a worker does it: 3 MB, 2 s.
 * @param r a judged request, HTTP/1.x
 * @return 1 if it was read to its end; 0: the connection has to be closed
 */
int expect_content_discard(request_rec *r);

#endif
