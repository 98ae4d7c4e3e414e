/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/*
 * The state of one connection.
 */

#include "httpd.h"
#include "http_config.h"

#include "config/section.h"
#include "judge/connection.h"

expect_connection_t *expect_connection_get(conn_rec *c)
{
    expect_connection_t *connection = ap_get_module_config(c->conn_config,
                                                           &expect_module);

    if (!connection) {
        connection = apr_pcalloc(c->pool, sizeof(*connection));
        ap_set_module_config(c->conn_config, &expect_module, connection);
    }
    return connection;
}
