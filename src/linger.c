/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/*
 * The end of a refused connection.
 *
 * A response is lost if its connection is closed while content is still coming
 * in: so httpd lingers, and takes in what comes, for up to 30 seconds. That is
 * an upload after all. Here what is on its way is taken in, up to a limit; then
 * the receive buffer goes, and with it the window: a client that sends on gets
 * next to nothing through in the two seconds that are left.
 */

#include "httpd.h"
#include "http_config.h"
#include "http_connection.h"
#include "http_core.h"

#include "linger.h"
#include "request.h"

/* Bytes that are taken in before the window is shut. */
#define DRAIN_MAX (1024 * 1024)

/* The silence that ends that, in microseconds. */
#define DRAIN_SILENCE (10 * 1000)

/* The receive buffer then, in bytes: the least that systems allow. */
#define SHUT_RCVBUF 2048

static void shut_window(apr_socket_t *socket)
{
    if (socket) {
        apr_socket_opt_set(socket, APR_SO_RCVBUF, SHUT_RCVBUF);
    }
}

void expect_linger_begin(request_rec *r, int waits)
{
    conn_rec *c = r->connection;

    /* before the status is returned: otherwise httpd reads all content of a
     * client that did not ask before it answers */
    c->keepalive = AP_CONN_CLOSE;
    /* two seconds instead of thirty */
    apr_table_setn(c->notes, "short-lingering-close", "1");

    if (c->master) {
        return;     /* HTTP/2: the stream is reset */
    }
    if (waits) {
        shut_window(ap_get_conn_socket(c));
    }
    else {
        /* a mark for the hook below */
        ap_set_module_config(c->conn_config, &expect_module, c);
    }
}

int expect_pre_close_connection(conn_rec *c)
{
    char buffer[8192];
    apr_size_t length, total = 0;
    apr_socket_t *socket;
    apr_interval_time_t timeout;

    if (!ap_get_module_config(c->conn_config, &expect_module) || c->aborted
        || !(socket = ap_get_conn_socket(c))) {
        return DECLINED;
    }
    ap_flush_conn(c);
    apr_socket_timeout_get(socket, &timeout);
    apr_socket_timeout_set(socket, DRAIN_SILENCE);
    do {
        length = sizeof(buffer);
        if (apr_socket_recv(socket, buffer, &length) != APR_SUCCESS) {
            break;
        }
        total += length;
    } while (length && total < DRAIN_MAX);
    apr_socket_timeout_set(socket, timeout);
    shut_window(socket);
    return OK;
}
