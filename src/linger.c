/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/*
 * The end of a refused connection.
 *
 * A response is lost if its connection is closed while content is still coming
 * in, and many clients (wget, python's http.client) write all of it before they
 * read. So httpd lingers, and takes in what comes, for up to 30 seconds: that
 * is an upload after all. Here what keeps coming is taken in up to a few MB, and
 * then the connection is reset; a client that falls silent has two seconds more
 * to read and to close.
 */

#include "httpd.h"
#include "http_config.h"
#include "http_connection.h"
#include "http_core.h"

#include "linger.h"
#include "request.h"

/* Bytes that are taken in, and how long that may take, in microseconds. */
#define DRAIN_MAX ((apr_size_t)3 * 1024 * 1024)
#define DRAIN_TIME (2 * APR_USEC_PER_SEC)

/* The silence that ends that, in microseconds: longer than most round trips. */
#define DRAIN_SILENCE apr_time_from_msec(100)

void expect_linger_begin(request_rec *r)
{
    conn_rec *c = r->connection;

    /* before the status is returned: otherwise httpd reads all content of a
     * client that did not ask before it answers */
    c->keepalive = AP_CONN_CLOSE;
    /* two seconds instead of thirty */
    apr_table_setn(c->notes, "short-lingering-close", "1");

    /* over HTTP/2 the stream is reset */
    if (!c->master) {
        ap_set_module_config(c->conn_config, &expect_module, c);
    }
}

int expect_pre_close_connection(conn_rec *c)
{
    char buffer[8192];
    apr_size_t length, total = 0;
    apr_socket_t *socket;
    apr_interval_time_t timeout;
    apr_time_t end;

    if (!ap_get_module_config(c->conn_config, &expect_module) || c->aborted
        || !(socket = ap_get_conn_socket(c))) {
        return DECLINED;
    }
    /* to the last byte, so that the client can end it from its side */
    ap_flush_conn(c);
    apr_socket_shutdown(socket, APR_SHUTDOWN_WRITE);
    apr_socket_timeout_get(socket, &timeout);
    apr_socket_timeout_set(socket, DRAIN_SILENCE);
    end = apr_time_now() + DRAIN_TIME;
    do {
        length = sizeof(buffer);
        if (apr_socket_recv(socket, buffer, &length) != APR_SUCCESS) {
            length = 0;
        }
        total += length;
    } while (length && total < DRAIN_MAX && apr_time_now() < end);
    apr_socket_timeout_set(socket, timeout);
    if (length) {
        /* it goes on and on: what is unread makes the close a reset */
        c->aborted = 1;
    }
    return OK;
}
