/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/*
 * mod_expect_redis: the store of mod_expect in a Redis server, or in another
 * one that speaks its protocol (Valkey, KeyDB).
 *
 *     LoadModule expect_module       modules/mod_expect.so
 *     LoadModule expect_redis_module modules/mod_expect_redis.so
 *     ExpectStore redis://10.0.0.5/0 password-file=conf/redis.password
 *
 * It has no directive of its own: mod_expect hands over what ExpectStore says.
 * See ledger/store.h for what lies between the two.
 *
 * These are the files, from a decision down to the wire:
 *
 *     decide.c     look, take, draw, settle: what mod_expect calls
 *     uploads.c    what an upload holds in the store, and the commands for that
 *     script.c     the script that decides (script.lua), and its answers
 *     breaker.c    whether the store answers, and so may be asked
 *     exchange.c   a command on an idle connection, or on a new one
 *     link.c       one connection: connect, log in, send, receive
 *     command.c    a command in the protocol of Redis
 *     renewer.c    the thread of a process: leases, and what is left to do
 *     process.c    what a process has: locks, lists, connections
 *     figures.c    what all processes know together, in shared memory
 *     url.c, addresses.c   where the Redis server is, "the server" in this room
 */

#include <string.h>

#include <sys/mman.h>

#include "httpd.h"
#include "http_config.h"
#include "http_log.h"
#include "http_main.h"
#include "ap_provider.h"

#include "apr_strings.h"

#include "base/startup.h"
#include "ledger/store.h"
#include "redis/addresses.h"
#include "redis/breaker.h"
#include "redis/decide.h"
#include "redis/figures.h"
#include "redis/process.h"
#include "redis/renewer.h"
#include "redis/script.h"
#include "redis/url.h"

module AP_MODULE_DECLARE_DATA expect_redis_module;

APLOG_USE_MODULE(expect_redis);

/* Set while the configuration is read. */
static const redis_store_t *store;

/* --- the configuration --------------------------------------------------- */

static const char *store_configure(apr_pool_t *p,
                                   const expect_store_conf_t *conf)
{
    redis_store_t *made = apr_pcalloc(p, sizeof(*made));
    const char *err = redis_url_parse(p, conf->url, &made->url);

    if (err) {
        return err;
    }
    if (made->url.password && conf->password) {
        return "the URL has a password, and password-file= another; accepted "
               "is one of them";
    }
    if (made->url.user && !made->url.password && !conf->password) {
        return "the URL has a user without a password; accepted is "
               "USER:PASSWORD, or USER and password-file=";
    }
    made->password = conf->password;
    made->timeout = conf->timeout;
    made->lease = conf->lease;
    made->on_error = conf->on_error;
    made->prefix = conf->prefix;
    redis_script_sha(made->sha);
    if (made->url.host) {
        /* if it is not known now, the thread looks it up again */
        redis_addresses_find(made->url.host, &made->addresses);
    }
    store = made;
    return NULL;
}

static const char *store_shown(apr_pool_t *p, const expect_store_conf_t *conf)
{
    redis_url_t url;
    const char *err = redis_url_parse(p, conf->url, &url);

    return err ? conf->scheme : url.shown;
}

/* --- the log ------------------------------------------------------------- */

/* For all processes there is one line when it changes: see figures.c. */
static void store_log(const redis_store_t *of, const redis_failure_t *failure)
{
    static const char *const what[] = {
        "each server decides by itself", "uploads are admitted without it",
        "uploads are refused with 503"
    };

    if (!failure) {
        ap_log_error(APLOG_MARK, APLOG_NOTICE, 0, ap_server_conf,
                     "expect: store %s answers again", of->url.shown);
    }
    else if (failure->is_late) {
        ap_log_error(APLOG_MARK, APLOG_WARNING, 0, ap_server_conf,
                     "expect: store %s does not answer within %" APR_TIME_T_FMT
                     " ms: %s", of->url.shown, apr_time_as_msec(of->timeout),
                     what[of->on_error]);
    }
    else {
        ap_log_error(APLOG_MARK, APLOG_WARNING, 0, ap_server_conf,
                     "expect: store %s cannot be used (%s): %s", of->url.shown,
                     failure->reason, what[of->on_error]);
    }
}

/* --- httpd --------------------------------------------------------------- */

static int store_pre_config(apr_pool_t *p, apr_pool_t *plog, apr_pool_t *ptemp)
{
    (void)p;
    (void)plog;
    (void)ptemp;
    store = NULL;
    return OK;
}

/* Every child inherits anonymous memory; it outlives graceful restarts. */
static int store_post_config(apr_pool_t *p, apr_pool_t *plog,
                             apr_pool_t *ptemp, server_rec *s)
{
    const char *key = apr_psprintf(ptemp, "mod_expect-redis-%d-%"
                                   APR_SIZE_T_FMT, REDIS_FIGURES_LAYOUT,
                                   sizeof(redis_figures_t));
    void **retained = ap_retained_data_get(key);
    void *made;

    (void)p;
    (void)plog;
    if (!store || !expect_startup_serves()) {
        return OK;
    }
    if (!retained) {
        retained = ap_retained_data_create(key, sizeof(*retained));
    }
    if (!*retained) {
        made = mmap(NULL, sizeof(redis_figures_t), PROT_READ | PROT_WRITE,
                    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        if (made == MAP_FAILED) {
            ap_log_error(APLOG_MARK, APLOG_WARNING, 0, s,
                         "expect: store: no shared memory: each process logs "
                         "what becomes of the store, and there are no figures");
            return OK;
        }
        *retained = made;
    }
    redis_figures_use(*retained);
    return OK;
}

/* May run in a signal handler. */
static apr_status_t store_leave(void *unused)
{
    redis_process_t *process = redis_process_at_home();

    (void)unused;
    if (process) {
        redis_renewer_leave(process);
    }
    return APR_SUCCESS;
}

static void store_child_init(apr_pool_t *pchild, server_rec *s)
{
    (void)s;
    if (!store) {
        redis_process_forget();
        return;
    }
    redis_breaker_init(store_log);
    redis_process_begin(store);
    /* before the pools of requests, which settle, are destroyed */
    apr_pool_pre_cleanup_register(pchild, NULL, store_leave);
}

static void store_register_hooks(apr_pool_t *p)
{
    static const expect_store_provider_t provider = {
        .configure = store_configure,
        .shown = store_shown,
        .peek = redis_peek,
        .take = redis_take,
        .hold = redis_hold,
        .hold_more = redis_hold_more,
        .draw = redis_draw,
        .settle = redis_settle,
        .figures = redis_figures_read
    };

    ap_register_provider(p, EXPECT_STORE_GROUP, "redis", EXPECT_STORE_VERSION,
                         &provider);
    ap_register_provider(p, EXPECT_STORE_GROUP, "redis+unix",
                         EXPECT_STORE_VERSION, &provider);
    ap_hook_pre_config(store_pre_config, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_post_config(store_post_config, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_child_init(store_child_init, NULL, NULL, APR_HOOK_MIDDLE);
}

module AP_MODULE_DECLARE_DATA expect_redis_module =
{
    STANDARD20_MODULE_STUFF,
    NULL,
    NULL,
    NULL,
    NULL,
    NULL,
    store_register_hooks,
#ifdef AP_MODULE_FLAG_NONE
    AP_MODULE_FLAG_NONE
#endif
};
