/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/*
 * The end of a refused connection.
 */

#ifndef EXPECT_LINGER_H
#define EXPECT_LINGER_H

#include "httpd.h"

/**
 * End the connection with this response, without a look at the content.
 * @param r the request that is refused; its response has not begun
 */
void expect_linger_begin(request_rec *r);

/** The hooks of these names. */
int expect_pre_close_connection(conn_rec *c);
void expect_linger_child_init(apr_pool_t *pchild, server_rec *s);

#endif
