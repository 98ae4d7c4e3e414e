/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/*
 * mod_expect: whether an upload is welcome, decided from the request head
 * alone, before a byte of its content crosses the network.
 *
 *     <Directory /srv/uploads>
 *         ExpectRequire auth
 *         ExpectRequire content-length max=100M
 *         ExpectRequire content-type image/png application/pdf
 *     </Directory>
 *
 * A client that asked first (Expect: 100-continue) gets 417 Expectation
 * Failed, or with `ExpectStatus specific` the status that names the cause,
 * instead of 100 Continue. A client that did not ask is refused with that
 * status at once, its content unread. What is admitted goes on as ever:
 * httpd itself sends 100 Continue when the handler first reads.
 *
 * This file is the face of the module: the hooks and why each stands where it
 * does. The way of a request is head.c, target.c, rule.c, refusal.c, content.c.
 */

#include "httpd.h"
#include "http_config.h"
#include "http_protocol.h"
#include "http_request.h"

#include "src/access.h"
#include "src/conf.h"
#include "src/content.h"
#include "src/refusal.h"
#include "src/request.h"
#include "src/rules_authz.h"
#include "src/target.h"

module AP_MODULE_DECLARE_DATA expect_module;

static int expect_post_config(apr_pool_t *p, apr_pool_t *plog,
                              apr_pool_t *ptemp, server_rec *s)
{
    (void)p;
    (void)plog;
    (void)ptemp;
    (void)s;
    expect_access_init();
    return OK;
}

/* A client that asked waits now: look its target up and refuse what the head
 * alone refuses. */
static int expect_post_read_request(request_rec *r)
{
    expect_request_t *e;
    request_rec *target;

    if (!r->expecting_100 && !r->prev) {
        return DECLINED;
    }
    if (r->prev) {
        expect_refusal_inherit(r);
        return DECLINED;
    }
    e = expect_request_begin(r);
    if (!e || !e->head.asked) {
        return DECLINED;
    }
    target = expect_target_lookup(r, e);
    if (!target) {
        return DECLINED;
    }
    if (target->status != HTTP_OK) {
        /* A broken .htaccess, say: told and logged once. Redirects are left
         * to the main request. */
        return ap_is_HTTP_ERROR(target->status) ? target->status : DECLINED;
    }
    expect_request_take_rules(r, e, target);
    return expect_request_judge(r, e, EXPECT_AT_DIRECTORY);
}

/* The section is known. For clients that did not ask this is the first look,
 * for those that did the last word on whose rules count. */
static int expect_post_perdir_config(request_rec *r)
{
    expect_request_t *e;

    if (r->main) {
        return expect_target_found(r);
    }
    /* most requests have no content and leave here */
    if (!expect_head_has_content(r->headers_in)) {
        return DECLINED;
    }
    e = r->prev ? NULL : expect_request_get(r);
    if (!e) {
        e = expect_request_begin(r);
        if (!e) {
            return DECLINED;
        }
    }
    expect_request_take_rules(r, e, r);
    return expect_request_judge(r, e, EXPECT_AT_DIRECTORY);
}

static int expect_access_checker(request_rec *r)
{
    expect_request_t *e = expect_request_get(r);
    int status;

    if (!e || e->state != EXPECT_OPEN) {
        return DECLINED;
    }
    status = expect_request_judge(r, e, EXPECT_AT_ENV);
    return status == DECLINED ? expect_access_address(r, e) : status;
}

static int expect_access_checker_ex(request_rec *r)
{
    expect_request_t *e = expect_request_get(r);

    if (!e) {
        return DECLINED;
    }
    /* Satisfy Any: a denial of access_checker is not the last word there, but
     * a refusal is */
    return e->state == EXPECT_REFUSED ? e->status : expect_access_user(r, e);
}

static void expect_register_hooks(apr_pool_t *p)
{
    ap_hook_post_config(expect_post_config, NULL, NULL, APR_HOOK_MIDDLE);

    /* Last: mod_remoteip and early RequestHeader (FIRST), mod_setenvif and
     * mod_ssl (MIDDLE) have said who the client is and what it sent. */
    ap_hook_post_read_request(expect_post_read_request, NULL, NULL,
                              APR_HOOK_REALLY_LAST);

    /* First: a lookup has to end before others act on it. */
    ap_hook_post_perdir_config(expect_post_perdir_config, NULL, NULL,
                               APR_HOOK_REALLY_FIRST);

    /* First: header_parser (mod_setenvif) is behind, and no backend is asked
     * yet; access_checker_ex runs the rest of its chain. PER_CONF: what they
     * answer depends on the section only, so httpd may go on skipping access
     * control in subrequests. */
    ap_hook_check_access(expect_access_checker, NULL, NULL,
                         APR_HOOK_REALLY_FIRST, AP_AUTH_INTERNAL_PER_CONF);
    ap_hook_check_access_ex(expect_access_checker_ex, NULL, NULL,
                            APR_HOOK_REALLY_FIRST, AP_AUTH_INTERNAL_PER_CONF);

    /* First: the response begins here, and the content is not to be waited
     * for. */
    ap_hook_insert_error_filter(expect_refuse_unsupported, NULL, NULL,
                                APR_HOOK_REALLY_FIRST);

    /* The last stage, the handler, is the filter's to see. */
    expect_content_register();
    expect_authz_register(p);
}

AP_DECLARE_MODULE(expect) =
{
    STANDARD20_MODULE_STUFF,
    expect_conf_create,
    expect_conf_merge,
    NULL,
    NULL,
    expect_directives,
    expect_register_hooks,
#ifdef AP_MODULE_FLAG_NONE
    AP_MODULE_FLAG_NONE
#endif
};
