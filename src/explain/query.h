/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/*
 * ExpectExplain: an upload that might be sent, as the administrator writes it.
 */

#ifndef EXPECT_QUERY_H
#define EXPECT_QUERY_H

#include "httpd.h"
#include "http_config.h"

typedef enum {
    EXPECT_CLIENT_BOTH = 0, EXPECT_CLIENT_ASKS, EXPECT_CLIENT_DOES_NOT
} expect_client_e;

/** A request head that nobody has sent. */
typedef struct expect_query_t {
    /** the arguments as written */
    const char *text;
    /** "http" or "https"; NULL: only a path was written */
    const char *scheme;
    /** NULL: the server's own name */
    const char *host;
    /** 0: the scheme's, or the one that the server listens on */
    apr_port_t port;
    /** path and query, as they stand in a request line */
    const char *target;
    const char *method;
    /** the header fields, but for Host and what asks tells */
    apr_table_t *fields;
    /** whether the client asks; both are to be answered if nothing is said.
     *  An Expect among the fields goes before */
    expect_client_e asks;
    /** who is logged in; NULL: nobody */
    const char *user;
    /** the client's address */
    const char *ip;
} expect_query_t;

/** The directive, for the table of directives: RAW_ARGS, global. */
const char *expect_cmd_explain(cmd_parms *cmd, void *dconf, const char *args);

/**
 * What was asked.
 * @param s the main server
 * @return expect_query_t *, in their order; NULL: nothing
 */
const apr_array_header_t *expect_queries(const server_rec *s);

#endif
