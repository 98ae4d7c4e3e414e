/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/*
 * The directive ExpectExplain: a hypothetical upload, as the administrator
 * describes it.
 */

#ifndef EXPECT_QUERY_H
#define EXPECT_QUERY_H

#include "httpd.h"
#include "http_config.h"

typedef enum {
    EXPECT_CLIENT_BOTH = 0, EXPECT_CLIENT_ASKS, EXPECT_CLIENT_DOES_NOT
} expect_client_e;

/** A request head that no client has sent. */
typedef struct expect_query_t {
    /** the arguments as written */
    const char *text;
    /** where they are written */
    const ap_directive_t *directive;
    /** "http" or "https"; NULL: only a path was written */
    const char *scheme;
    /** NULL: the server's own name */
    const char *host;
    /** 0: the scheme's, or the one that the server listens on */
    apr_port_t port;
    /** path and query, as they stand in a request line */
    const char *target;
    const char *method;
    /** the header fields, without Host, and without Expect if asks is set */
    apr_table_t *fields;
    /** whether the client asks. An Expect among the fields takes precedence */
    expect_client_e asks;
    /** the user that is logged in; NULL: no user */
    const char *user;
    /** the client's address */
    const char *ip;
} expect_query_t;

/** The directive, for the table of directives: RAW_ARGS, global. */
const char *expect_cmd_explain(cmd_parms *cmd, void *dconf, const char *args);

/**
 * The queries in the configuration.
 * @param s the main server
 * @return expect_query_t *, in their order; NULL: there are none
 */
const apr_array_header_t *expect_queries(const server_rec *s);

#endif
