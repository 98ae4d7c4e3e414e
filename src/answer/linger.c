/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/*
 * The end of a refused connection.
 *
 * A response is lost if its connection is closed while content is still coming
 * in, and many clients (wget, python's http.client, most reverse proxies) write
 * all of it before they read. So what keeps coming is thrown away, within the
 * bounds of ExpectLinger; then the connection is reset. httpd would do that in
 * a worker (worker, prefork), or without a bound on bytes (event). Here a
 * thread of the process does it, with a duplicate of the descriptor
 * (lingerer.c), and httpd closes its own: the worker is free at once.
 *
 * A process that was forked for this connection alone (mpm_itk) has no such
 * thread, and nothing else to do: it throws away what comes itself.
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

#include "config/bounds.h"
#include "judge/connection.h"
#include "count/counters.h"
#include "answer/linger.h"
#include "answer/lingerer.h"
#include "judge/request.h"

APLOG_USE_MODULE(expect);

/* A login step is thrown away by its worker: so much and so long at most. */
#define STEP_MAX ((apr_off_t)3 * 1024 * 1024)
#define STEP_TIME (2 * APR_USEC_PER_SEC)

/* --- the connection ------------------------------------------------------ */

void expect_linger_begin(request_rec *r)
{
    conn_rec *c = r->connection;

    /* before the status is returned: otherwise httpd reads all content of a
     * client that did not ask before it answers */
    c->keepalive = AP_CONN_CLOSE;
    /* where it is left to httpd after all: two seconds instead of thirty */
    apr_table_setn(c->notes, "short-lingering-close", "1");

    /* over HTTP/2 the stream is reset */
    if (!c->master) {
        expect_connection_get(c)->linger = expect_linger_of(r->server);
    }
}

/* Once in a process: it says what to do about it. */
static void log_left(conn_rec *c, expect_lingerer_e why)
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
 * In a process that was forked for this connection. A stop of httpd ends it at
 * once: prefork's handler destroys its pools, which may wait for ever for
 * threads of the process that it was forked from (mod_http2's, mod_watchdog's).
 */
static void drain(int fd, const expect_bounds_t *bounds)
{
    apr_sigfunc_t *handler = apr_signal(SIGTERM, SIG_DFL);

    expect_lingerer_drain(fd, bounds);
    apr_signal(SIGTERM, handler);
}

/* Whether the connection is done with as far as httpd is concerned. */
static int hand_over(conn_rec *c, apr_socket_t *socket,
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
        drain(fd, &linger->bounds);
        return 1;
    }
    taken = expect_lingerer_take(fd, &linger->bounds);
    if (taken != EXPECT_LINGERER_TAKEN) {
        log_left(c, taken);
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
    /* to the last byte, and TLS says good-bye, so that the client can end it
     * from its side */
    ap_flush_conn(c);
    if (c->aborted) {
        return OK;
    }
    apr_socket_shutdown(socket, APR_SHUTDOWN_WRITE);
    if (hand_over(c, socket, connection->linger)) {
        /* httpd closes its descriptor now, and waits for nothing */
        c->aborted = 1;
    }
    return OK;
}

/* --- the process --------------------------------------------------------- */

static apr_status_t stop(void *unused)
{
    (void)unused;
    expect_lingerer_stop();
    return APR_SUCCESS;
}

void expect_linger_child_init(apr_pool_t *pchild, server_rec *s)
{
    (void)s;
    expect_lingerer_init(expect_count_lingering);
    /* not in programs that the process runs */
    apr_pool_cleanup_register(pchild, NULL, stop, apr_pool_cleanup_null);
}

/* --- a login's step ------------------------------------------------------ */

void expect_drain_begin(expect_drain_t *drain, const request_rec *r)
{
    const expect_linger_t *linger = expect_linger_of(r->server);
    const expect_bounds_t *bounds = &linger->bounds;

    drain->total = 0;
    drain->max = bounds->max >= 0 && bounds->max < STEP_MAX ? bounds->max
                                                            : STEP_MAX;
    drain->end = apr_time_now()
                 + (linger->is_off ? 0 : bounds->time < STEP_TIME
                                             ? bounds->time : STEP_TIME);
    drain->idle = bounds->idle;
    drain->socket = ap_get_conn_socket(r->connection);
    apr_socket_timeout_get(drain->socket, &drain->timeout);
}

int expect_drain_goes_on(expect_drain_t *drain)
{
    apr_interval_time_t left = drain->end - apr_time_now();

    if (left <= 0 || drain->total > drain->max) {
        return 0;
    }
    apr_socket_timeout_set(drain->socket,
                           left < drain->idle ? left : drain->idle);
    return 1;
}

void expect_drain_end(expect_drain_t *drain)
{
    apr_socket_timeout_set(drain->socket, drain->timeout);
    expect_count_drained(drain->total);
}
