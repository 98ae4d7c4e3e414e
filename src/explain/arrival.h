/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/*
 * Where a query's request arrives: the address, the port and the Host field.
 */

#ifndef EXPECT_ARRIVAL_H
#define EXPECT_ARRIVAL_H

#include "httpd.h"

#include "explain/query.h"

/**
 * The server's address and port to which the client would connect.
 * @param p pool for the result
 * @param s the main server
 * @param q the query
 * @return that of its URL; if the URL has no host or port, an address and port
 *         on which the server listens
 */
apr_sockaddr_t *expect_arrival_address(apr_pool_t *p, server_rec *s,
                                       const expect_query_t *q);

/**
 * The Host field that the client would send.
 * @param p pool for the result
 * @param s the main server
 * @param q the query
 * @return "files.example.org", or with a port if the URL has one
 */
const char *expect_arrival_host(apr_pool_t *p, const server_rec *s,
                                const expect_query_t *q);

/**
 * Whether httpd would listen on the port on which a connection arrives.
 * @param c a simulation's connection
 * @return 1 or 0
 */
int expect_arrival_listens(const conn_rec *c);

#endif
