/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/*
 * The ledger of this server.
 */

#include <errno.h>

#include <sys/mman.h>

#include "httpd.h"
#include "http_config.h"
#include "http_core.h"
#include "http_log.h"
#include "ap_mpm.h"

#include "apr_general.h"
#include "apr_strings.h"

#include "base/startup.h"
#include "ledger/named.h"
#include "ledger/server.h"

APLOG_USE_MODULE(expect);

#define KEYS_DEFAULT 16384

/* The layout of the ledger: to be raised with every change of it. */
#define LAYOUT 1

typedef struct {
    expect_ledger_t *ledger;
} retained_t;

static expect_ledger_t *ledger;
static apr_uint32_t ledger_keys = KEYS_DEFAULT;
static unsigned char *secret;
static apr_status_t secret_error;

typedef struct {
    unsigned char bytes[16];
    /* why there is no randomness */
    apr_status_t error;
} secret_t;

expect_ledger_t *expect_server_ledger(void)
{
    return ledger;
}

int expect_server_is_absent(void)
{
    return expect_startup_is_test();
}

const unsigned char *expect_server_secret(void)
{
    return secret;
}

void expect_server_set_keys(apr_uint32_t keys)
{
    ledger_keys = keys;
}

/* Before the configuration is read: rules need the secret for their ids.
 * Without randomness it is no secret, and there is no ledger. */
static int server_pre_config(apr_pool_t *p, apr_pool_t *plog,
                             apr_pool_t *ptemp)
{
    static const char key[] = "mod_expect-secret";
    secret_t *retained;

    (void)plog;
    (void)ptemp;
    ledger = NULL;
    ledger_keys = KEYS_DEFAULT;
    expect_named_begin(p);
    retained = ap_retained_data_get(key);
    if (!retained) {
        retained = ap_retained_data_create(key, sizeof(*retained));
        retained->error = apr_generate_random_bytes(retained->bytes,
                                                    sizeof(retained->bytes));
    }
    secret = retained->bytes;
    secret_error = retained->error;
    return OK;
}

/* As many uploads as the server can have at once, and once more, for streams of
 * HTTP/2 and for uploads with several limits. */
static apr_uint32_t server_places(void)
{
    int processes = 0, threads = 0;

    ap_mpm_query(AP_MPMQ_HARD_LIMIT_DAEMONS, &processes);
    ap_mpm_query(AP_MPMQ_HARD_LIMIT_THREADS, &threads);
    return ledger_keys + 4 * (apr_uint32_t)(processes > 0 ? processes : 1)
                             * (apr_uint32_t)(threads > 0 ? threads : 1);
}

/* Every child inherits anonymous memory. It is never unmapped: see
 * expect_ledger_init(). */
static apr_status_t server_make(retained_t *retained, apr_size_t size,
                                apr_uint32_t places)
{
    void *made = mmap(NULL, size, PROT_READ | PROT_WRITE,
                      MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    if (made == MAP_FAILED) {
        return APR_FROM_OS_ERROR(errno);
    }
    if (!expect_ledger_init(made, ledger_keys, places, secret)) {
        munmap(made, size);
        return APR_ENOTIMPL;
    }
    retained->ledger = made;
    return APR_SUCCESS;
}

/* As with the counters: the generations of a graceful restart share the memory
 * if its layout and its size are the same. */
static int server_post_config(apr_pool_t *p, apr_pool_t *plog,
                              apr_pool_t *ptemp, server_rec *s)
{
    apr_uint32_t places = server_places();
    apr_size_t size = expect_ledger_size(ledger_keys, places);
    const char *key = apr_psprintf(ptemp, "mod_expect-ledger-%d-%"
                                   APR_SIZE_T_FMT, LAYOUT, size);
    retained_t *retained = ap_retained_data_get(key);
    apr_status_t rv = secret_error;

    (void)p;
    (void)plog;
    if (!expect_startup_serves()) {
        return OK;
    }
    if (!retained) {
        retained = ap_retained_data_create(key, sizeof(*retained));
    }
    if (rv == APR_SUCCESS && !retained->ledger) {
        rv = server_make(retained, size, places);
    }
    if (rv != APR_SUCCESS) {
        ap_log_error(APLOG_MARK, APLOG_WARNING, rv, s,
                     "expect: no ledger (%" APR_SIZE_T_FMT " bytes of shared "
                     "memory) could be made: in-flight and quota refuse all "
                     "uploads with 503", size);
        return OK;
    }
    ledger = retained->ledger;
    return OK;
}

static apr_status_t server_leave(void *unused)
{
    (void)unused;
    expect_ledger_leave();
    return APR_SUCCESS;
}

static void server_child_init(apr_pool_t *pchild, server_rec *s)
{
    (void)s;
    if (ledger) {
        expect_ledger_join(ledger);
    }
    /* before the pools of requests, which settle, are destroyed */
    apr_pool_pre_cleanup_register(pchild, NULL, server_leave);
}

void expect_server_register(void)
{
    ap_hook_pre_config(server_pre_config, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_post_config(server_post_config, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_child_init(server_child_init, NULL, NULL, APR_HOOK_MIDDLE);
}
