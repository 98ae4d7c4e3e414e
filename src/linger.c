/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/*
 * The end of a refused connection.
 *
 * A response is lost if its connection is closed while content is still coming
 * in, and many clients (wget, python's http.client) write all of it before they
 * read. So httpd lingers, and takes in what comes, for up to 30 seconds: that
 * is an upload after all. Here what keeps coming is taken in up to a few MB and
 * for two seconds, then the connection is reset. A client from which nothing
 * comes, one that waited, is left to httpd, which needs no thread for that in
 * the event MPM, for two seconds, too; if it thinks better of it and sends, it
 * is slowed down by a small window.
 */

#include <string.h>

#include <sys/socket.h>

#include "httpd.h"
#include "http_config.h"
#include "http_connection.h"
#include "http_core.h"

#include "connection.h"
#include "apr_portable.h"

#include "linger.h"
#include "request.h"

/* Bytes that are taken in, and how long that may take, in microseconds. */
#define DRAIN_MAX ((apr_size_t)3 * 1024 * 1024)
#define DRAIN_TIME (2 * APR_USEC_PER_SEC)

/* Who sends nothing for so long, in microseconds, longer than most round trips,
 * is silent; and the bytes of its receive buffer from then on. */
#define SILENCE apr_time_from_msec(100)
#define SILENCE_BUFFER 4096

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
        expect_connection_get(c)->is_refused = 1;
    }
}

/* Takes in what comes; returns whether more would. */
static int drain(apr_socket_t *socket)
{
    char buffer[8192];
    apr_size_t length, total = 0;
    apr_interval_time_t left = DRAIN_TIME;
    apr_time_t end = apr_time_now() + DRAIN_TIME;

    do {
        apr_status_t rv;

        length = sizeof(buffer);
        apr_socket_timeout_set(socket, total ? left : SILENCE);
        rv = apr_socket_recv(socket, buffer, &length);
        if (APR_STATUS_IS_TIMEUP(rv) && !total) {
            apr_socket_opt_set(socket, APR_SO_RCVBUF, SILENCE_BUFFER);
            return 0;
        }
        if (rv != APR_SUCCESS) {
            return APR_STATUS_IS_TIMEUP(rv);
        }
        total += length;
        left = end - apr_time_now();
    } while (length && total < DRAIN_MAX && left > 0);
    return length > 0;
}

/* What is unread makes the close a reset; but only the last close: under
 * mpm_itk another process holds the socket until this one has ended, and the
 * client fills its buffers meanwhile. Where the system knows how to disconnect
 * a socket (Linux), that resets the connection for all who hold it. */
static void reset(apr_socket_t *socket)
{
    struct sockaddr none;
    apr_os_sock_t fd;

    memset(&none, 0, sizeof(none));
    none.sa_family = AF_UNSPEC;
    if (apr_os_sock_get(&fd, socket) == APR_SUCCESS) {
        (void)connect(fd, &none, sizeof(none));
    }
}

int expect_pre_close_connection(conn_rec *c)
{
    const expect_connection_t *connection =
        ap_get_module_config(c->conn_config, &expect_module);
    apr_socket_t *socket;
    apr_interval_time_t timeout;

    if (!connection || !connection->is_refused || c->aborted
        || !(socket = ap_get_conn_socket(c))) {
        return DECLINED;
    }
    /* to the last byte, so that the client can end it from its side */
    ap_flush_conn(c);
    apr_socket_shutdown(socket, APR_SHUTDOWN_WRITE);
    apr_socket_timeout_get(socket, &timeout);
    if (drain(socket)) {
        /* it goes on and on */
        c->aborted = 1;
        reset(socket);
    }
    apr_socket_timeout_set(socket, timeout);
    return OK;
}

void expect_drain_begin(expect_drain_t *drain, conn_rec *c)
{
    drain->total = 0;
    drain->end = apr_time_now() + DRAIN_TIME;
    drain->socket = ap_get_conn_socket(c);
    apr_socket_timeout_get(drain->socket, &drain->timeout);
}

int expect_drain_goes_on(expect_drain_t *drain)
{
    apr_interval_time_t left = drain->end - apr_time_now();

    if (left <= 0 || drain->total > (apr_off_t)DRAIN_MAX) {
        return 0;
    }
    apr_socket_timeout_set(drain->socket, left);
    return 1;
}

void expect_drain_end(expect_drain_t *drain)
{
    apr_socket_timeout_set(drain->socket, drain->timeout);
}
