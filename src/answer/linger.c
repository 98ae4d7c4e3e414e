/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/*
 * The end of a refused connection.
 *
 * A response is lost if its connection is closed while content still arrives,
 * and many clients (wget, python's http.client, most reverse proxies) write all
 * content before they read. So what a client goes on sending is thrown away,
 * within the bounds of ExpectLinger; then the connection is reset. httpd alone
 * does that in a worker (worker, prefork), or without a bound on bytes (event).
 * Here a thread of the process does it (lingerer.c), with a duplicate of the
 * descriptor, and httpd closes its own: the worker is free at once.
 *
 * A process that was forked for this connection alone (mpm_itk) has no such
 * thread and nothing else to do: it throws the content away itself.
 */

#include <signal.h>
#include <string.h>

#include "httpd.h"
#include "http_config.h"
#include "http_connection.h"
#include "http_core.h"
#include "http_log.h"

#include "apr_atomic.h"
#include "apr_portable.h"
#include "apr_signal.h"
#include "apr_strings.h"

#include "answer/linger.h"
#include "answer/lingerer.h"
#include "config/bounds.h"
#include "config/section.h"
#include "count/counters.h"
#include "judge/connection.h"

APLOG_USE_MODULE(expect);

/* --- the connection ------------------------------------------------------ */

void expect_linger_begin(request_rec *r)
{
    conn_rec *c = r->connection;

    /* set before the status is returned: otherwise httpd reads all content of a
     * client that did not ask before it answers */
    c->keepalive = AP_CONN_CLOSE;
    /* if httpd itself has to linger: two seconds instead of thirty */
    apr_table_setn(c->notes, "short-lingering-close", "1");

    /* over HTTP/2 the stream is reset */
    if (!c->master) {
        expect_connection_get(c)->linger = expect_linger_of(r->server);
    }
}

/* Log once in a process why httpd itself closes a connection. */
static void linger_log(conn_rec *c, expect_lingerer_e why)
{
    static volatile apr_uint32_t is_logged;

    if (apr_atomic_cas32(&is_logged, 1, 0) != 0) {
        return;
    }
    if (why == EXPECT_LINGERER_FULL) {
        ap_log_cerror(APLOG_MARK, APLOG_WARNING, 0, c,
                      "expect: no more refused connections linger in this "
                      "process (%u at the most): httpd itself closes the next "
                      "ones, without the bounds of ExpectLinger; a higher "
                      "limit of open files (ulimit -n) lets more linger",
                      expect_lingerer_limit());
    }
    else {
        ap_log_cerror(APLOG_MARK, APLOG_WARNING, 0, c,
                      "expect: the thread for refused connections does not "
                      "run: httpd itself closes them, without the bounds of "
                      "ExpectLinger");
    }
}

/*
 * In a process that was forked for this connection. SIGTERM ends it at once
 * meanwhile: prefork's handler would destroy the pools, which may wait for ever
 * for threads of the process that it was forked from (those of mod_http2 or
 * mod_watchdog).
 */
static void linger_drain(int fd, const expect_bounds_t *bounds)
{
    apr_sigfunc_t *handler = apr_signal(SIGTERM, SIG_DFL);

    expect_lingerer_drain(fd, bounds);
    apr_signal(SIGTERM, handler);
}

/*
 * Give the connection to the thread.
 * @return 1 if httpd has nothing left to do with it; 0: httpd lingers itself
 */
static int linger_hand_over(conn_rec *c, apr_socket_t *socket,
                            const expect_linger_t *linger)
{
    apr_os_sock_t fd;
    expect_lingerer_e taken;

    if (linger->is_off) {
        return 1;
    }
    if (apr_os_sock_get(&fd, socket) != APR_SUCCESS) {
        return 0;
    }
    if (!expect_lingerer_is_at_home()) {
        linger_drain(fd, &linger->bounds);
        return 1;
    }
    taken = expect_lingerer_take(fd, &linger->bounds);
    if (taken != EXPECT_LINGERER_TAKEN) {
        linger_log(c, taken);
    }
    return taken == EXPECT_LINGERER_TAKEN;
}

int expect_pre_close_connection(conn_rec *c)
{
    const expect_connection_t *connection =
        ap_get_module_config(c->conn_config, &expect_module);
    apr_socket_t *socket;

    if (!connection || !connection->linger || c->aborted
        || !(socket = ap_get_conn_socket(c))) {
        return DECLINED;
    }
    /* Everything is sent. TLS has sent its close_notify, so that the client can
     * end the connection from its side. */
    ap_flush_conn(c);
    if (c->aborted) {
        return OK;
    }
    apr_socket_shutdown(socket, APR_SHUTDOWN_WRITE);
    if (linger_hand_over(c, socket, connection->linger)) {
        /* httpd closes its descriptor now and does not linger */
        c->aborted = 1;
    }
    return OK;
}

/* --- the process --------------------------------------------------------- */

static apr_status_t linger_stop(void *unused)
{
    (void)unused;
    expect_lingerer_stop();
    return APR_SUCCESS;
}

void expect_linger_child_init(apr_pool_t *pchild, server_rec *s)
{
    (void)s;
    expect_lingerer_init(expect_count_lingering);
    /* a program that the process runs does not stop the thread */
    apr_pool_cleanup_register(pchild, NULL, linger_stop,
                              apr_pool_cleanup_null);
}
