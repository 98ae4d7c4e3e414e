/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/*
 * The server's tally: its shared memory, and the requests that it counts.
 */

#include <string.h>

#include <unistd.h>

#include "httpd.h"
#include "http_config.h"
#include "http_core.h"
#include "http_log.h"

#include "apr_shm.h"
#include "apr_strings.h"

#include "base/startup.h"
#include "count/counters.h"

APLOG_USE_MODULE(expect);

/* Set while the configuration is read, before there is any request. */
static expect_tally_t *tally;

/* --- the memory ---------------------------------------------------------- */

/* This outlives a restart, in which the module is loaded again. */
typedef struct retained_t {
    apr_shm_t *shm;
} retained_t;

/* Every child inherits anonymous memory. Where the system has none, httpd's
 * parent maps a file. */
static apr_status_t counters_create_shm(apr_shm_t **shm, server_rec *s)
{
    apr_pool_t *pool = s->process->pool;
    apr_status_t rv = apr_shm_create(shm, expect_tally_size(), NULL, pool);
    const char *file;

    if (rv != APR_ENOTIMPL) {
        return rv;
    }
    file = ap_runtime_dir_relative(pool, "expect_counters");
    apr_shm_remove(file, pool);
    return apr_shm_create(shm, expect_tally_size(), file, pool);
}

static apr_status_t counters_create_tally(retained_t *retained, server_rec *s)
{
    apr_status_t rv = counters_create_shm(&retained->shm, s);

    if (rv != APR_SUCCESS) {
        retained->shm = NULL;
        return rv;
    }
    tally = apr_shm_baseaddr_get(retained->shm);
    memset(tally, 0, expect_tally_size());
    expect_tally_init(tally, apr_time_now());
    return APR_SUCCESS;
}

/*
 * After a graceful restart the children of the generation before still count
 * while they end. They and the new ones share the memory if both versions of
 * the module lay it out in the same way. If not, the new version has another
 * key, and begins to count in memory of its own.
 */
static int expect_counters_post_config(apr_pool_t *p, apr_pool_t *plog,
                                       apr_pool_t *ptemp, server_rec *s)
{
    const char *key = apr_psprintf(ptemp, "mod_expect-tally-%d-%"
                                   APR_SIZE_T_FMT, EXPECT_TALLY_LAYOUT,
                                   expect_tally_size());
    retained_t *retained = ap_retained_data_get(key);
    apr_status_t rv;

    (void)p;
    (void)plog;
    if (!expect_startup_serves()) {
        return OK;
    }
    if (!retained) {
        retained = ap_retained_data_create(key, sizeof(*retained));
    }
    if (retained->shm) {
        tally = apr_shm_baseaddr_get(retained->shm);
        return OK;
    }
    rv = counters_create_tally(retained, s);
    if (rv != APR_SUCCESS) {
        ap_log_error(APLOG_MARK, APLOG_WARNING, rv, s,
                     "expect: no shared memory (%" APR_SIZE_T_FMT " bytes) "
                     "could be created: requests are judged but not counted",
                     expect_tally_size());
    }
    return OK;
}

/* --- counting ------------------------------------------------------------ */

void expect_count(const request_rec *r, expect_count_e decision,
                  const char *rule, int status, const char *reason,
                  apr_off_t bytes, int waited)
{
    expect_event_t event;

    if (!tally) {
        return;
    }
    event.time = apr_time_now();
    event.decision = decision;
    event.status = status;
    event.rule = rule;
    event.method = r->method;
    event.reason = reason;
    event.bytes = bytes;
    event.waited = waited;
    expect_tally_count(tally, &event);
}

void expect_count_drained(apr_uint64_t bytes)
{
    if (tally && bytes) {
        expect_tally_drained(tally, bytes);
    }
}

/* Only one thread of the process calls this. */
void expect_count_lingering(apr_uint32_t held, apr_uint64_t bytes)
{
    static int place = EXPECT_TALLY_NO_PLACE;

    expect_count_drained(bytes);
    if (tally) {
        expect_tally_lingering(tally, &place, (apr_uint32_t)getpid(), held,
                               apr_time_now());
    }
}

const expect_report_t *expect_counters_report(apr_pool_t *p)
{
    expect_report_t *report;

    if (!tally) {
        return NULL;
    }
    report = apr_palloc(p, sizeof(*report));
    expect_tally_read(report, tally, apr_time_now());
    return report;
}

void expect_counters_register(void)
{
    ap_hook_post_config(expect_counters_post_config, NULL, NULL,
                        APR_HOOK_MIDDLE);
}
