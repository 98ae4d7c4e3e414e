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

/**
 * The hook pre_close_connection: everything is sent. Shut down the sending side
 * of a refused connection, and give the rest of it to the thread.
 * @param c any connection
 * @return DECLINED if no request on it was refused, else OK; c->aborted is set
 *         if httpd has nothing left to do but to close it
 */
int expect_pre_close_connection(conn_rec *c);

/** The hook child_init: the thread belongs to this process. */
void expect_linger_child_init(apr_pool_t *pchild, server_rec *s);

#endif
