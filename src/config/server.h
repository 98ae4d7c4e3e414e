/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/*
 * What is written for a server or virtual host, and not for a section. httpd
 * gives a module one pointer for it: all that is to be kept stands in one
 * structure.
 */

#ifndef EXPECT_SERVER_CONF_H
#define EXPECT_SERVER_CONF_H

#include "httpd.h"
#include "http_config.h"

struct expect_linger_t;

/** What is written for a server or virtual host. */
typedef struct expect_server_conf_t {
    /** ExpectLinger; NULL: not set */
    const struct expect_linger_t *linger;
    /** ExpectExplain, of expect_query_t *; NULL: none. The main server's */
    apr_array_header_t *queries;
} expect_server_conf_t;

/**
 * What is written for a server.
 * @param s a server or virtual host. A virtual host without any such directive
 *          has what the main server has (ap_fixup_virtual_hosts)
 * @return NULL if there is no such directive
 */
const expect_server_conf_t *expect_server_conf_of(const server_rec *s);

/**
 * What is written for a server, for a directive that changes it.
 * @param cmd the directive being read
 * @return the server's configuration, made if it has none yet
 */
expect_server_conf_t *expect_server_conf_get(cmd_parms *cmd);

#endif
