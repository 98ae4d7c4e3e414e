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

#include "config/section.h"
#include "judge/connection.h"
#include "count/counters.h"
#include "answer/linger.h"
#include "judge/request.h"
#include "rules/registry.h"

APLOG_USE_MODULE(expect);

/* A login step is thrown away by its worker: so much and so long at most. */
#define STEP_MAX ((apr_off_t)3 * 1024 * 1024)
#define STEP_TIME (2 * APR_USEC_PER_SEC)

/* httpd's own times. */
static const expect_linger_t linger_default = {
    0, { 30 * APR_USEC_PER_SEC, 2 * APR_USEC_PER_SEC, -1 }
};

static const expect_linger_t *linger_of(const server_rec *s)
{
    const expect_linger_t *linger = ap_get_module_config(s->module_config,
                                                         &expect_module);

    return linger ? linger : &linger_default;
}

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
        expect_connection_get(c)->linger = linger_of(r->server);
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
    const expect_linger_t *linger = linger_of(r->server);
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

/* --- ExpectLinger -------------------------------------------------------- */

#define ACCEPTED "time=SECONDS, idle=SECONDS and max=SIZE, or Off, are accepted"

/* A day: what is longer is a mistake. */
#define SECONDS_MAX 86400

static const char *parse_seconds(apr_pool_t *p, apr_interval_time_t *time,
                                 const char *text)
{
    apr_int64_t seconds = apr_atoi64(text);

    if (text[strspn(text, "0123456789")]) {
        return ": not a number of seconds; " ACCEPTED;
    }
    if (seconds < 1 || seconds > SECONDS_MAX) {
        return apr_psprintf(p, ": not within 1 and %d seconds; " ACCEPTED,
                            SECONDS_MAX);
    }
    *time = apr_time_from_sec(seconds);
    return NULL;
}

/* One argument. Returns what is wrong and what is accepted, or NULL. */
static const char *parse_word(apr_pool_t *p, expect_linger_t *linger,
                              unsigned *given, const char *word)
{
    static const char *const keys[] = { "time=", "idle=", "max=" };
    const char *value = ap_strchr_c(word, '=');
    apr_off_t size;
    int i = 0;

    while (i < 3 && strncasecmp(word, keys[i], strlen(keys[i]))) {
        ++i;
    }
    if (i == 3 || !value) {
        return ": unknown argument; " ACCEPTED;
    }
    if (*given & (1U << i)) {
        return ": given twice; " ACCEPTED;
    }
    *given |= 1U << i;
    if (!*++value) {
        return ": the value is missing; " ACCEPTED;
    }
    if (i < 2) {
        return parse_seconds(p, i ? &linger->bounds.idle
                                  : &linger->bounds.time, value);
    }
    if (!expect_size_parse(&size, value)) {
        return ": not a SIZE, or too large; " EXPECT_SIZE_ACCEPTED;
    }
    linger->bounds.max = size;
    return NULL;
}

const char *expect_cmd_linger(cmd_parms *cmd, void *unused, const char *args)
{
    expect_linger_t *linger = apr_pmemdup(cmd->pool, &linger_default,
                                          sizeof(linger_default));
    const char *err = ap_check_cmd_context(cmd, NOT_IN_DIR_CONTEXT
                                                    | NOT_IN_HTACCESS);
    const char *word = ap_getword_conf(cmd->pool, &args);
    unsigned given = 0;

    (void)unused;
    if (err) {
        return err;
    }
    if (!*word) {
        return expect_config_error(cmd, "no argument",
                                 ": a value is missing; " ACCEPTED);
    }
    linger->is_off = !strcasecmp(word, "Off");
    if (linger->is_off && *args) {
        return expect_config_error(cmd, args,
                                 ": one argument too many; " ACCEPTED);
    }
    while (!linger->is_off) {
        err = parse_word(cmd->pool, linger, &given, word);
        if (err) {
            return expect_config_error(cmd, *word ? word : "\"\"", err);
        }
        if (!*args) {
            break;
        }
        word = ap_getword_conf(cmd->pool, &args);
    }
    ap_set_module_config(cmd->server->module_config, &expect_module, linger);
    return NULL;
}
