/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/*
 * No byte of a judged request's content becomes a request.
 *
 * A handler may answer before it has read all content, and httpd does not
 * always read the rest before it reads the next request: with mod_proxy_fcgi
 * and enablereuse=on the rest is parsed as requests. While content of a judged
 * request is unread, a filter of the connection lets only the filter of that
 * content read. Any other reader (httpd, for the next request) finds the end of
 * the connection, and the connection is closed.
 *
 * The filter stays on the connection until its end, and does nothing while no
 * such content is unread.
 */

#include "httpd.h"
#include "util_filter.h"

#include "content/unread.h"
#include "judge/connection.h"

static ap_filter_rec_t *connection_filter;

static apr_status_t unread_read(ap_filter_t *f, apr_bucket_brigade *bb,
                                ap_input_mode_t mode, apr_read_type_e block,
                                apr_off_t readbytes)
{
    const expect_connection_t *connection = f->ctx;
    ap_filter_t *next = f->next;

    if (!connection) {
        /* SetInputFilter of some .htaccess has added it */
        ap_remove_input_filter(f);
        return ap_get_brigade(next, bb, mode, block, readbytes);
    }
    /* mod_ssl looks for data before it asks for a certificate */
    if (!connection->is_unread || connection->is_reading
        || mode == AP_MODE_INIT
        || (mode == AP_MODE_SPECULATIVE && !connection->is_handled)) {
        return ap_get_brigade(next, bb, mode, block, readbytes);
    }
    f->c->keepalive = AP_CONN_CLOSE;
    return APR_EOF;
}

void expect_unread_hold(request_rec *r)
{
    conn_rec *c = r->connection;
    expect_connection_t *connection;

    if (c->master) {
        return;
    }
    connection = expect_connection_get(c);
    if (!connection->has_filter) {
        connection->has_filter = 1;
        ap_add_input_filter_handle(connection_filter, connection, r, c);
    }
    if (!connection->is_unread) {
        connection->is_unread = 1;
        connection->is_handled = 0;
    }
}

void expect_unread_register(void)
{
    /* CONNECTION: above TLS, so that it sees what is read as HTTP */
    connection_filter = ap_register_input_filter("EXPECT_CONNECTION",
                                                 unread_read, NULL,
                                                 AP_FTYPE_CONNECTION);
}
