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
 * does. The way of a request is head.c, target.c, rule.c, refusal.c.
 */

#include "httpd.h"
#include "http_config.h"
#include "http_protocol.h"
#include "http_request.h"

#include "src/access.h"
#include "src/conf.h"
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

static int expect_create_request(request_rec *r)
{
    if (r->main) {
        expect_target_prepare(r);
    }
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
    if (e->lookup != EXPECT_LOOKUP_FOUND) {
        /* A broken .htaccess, say: told and logged once. Redirects are left
         * to the main request. */
        return ap_is_HTTP_ERROR(target->status) ? target->status : DECLINED;
    }
    expect_request_take_rules(e, target);
    return expect_request_judge(r, e, EXPECT_AT_DIRECTORY);
}

/* The section is known: for clients that did not ask the first look, for
 * those that did the last word on whose rules count. */
static int expect_post_perdir_config(request_rec *r)
{
    const expect_dir_conf_t *conf;
    expect_request_t *e;

    if (r->main) {
        return expect_target_found(r);
    }
    e = expect_request_get(r);
    if (!e) {
        conf = ap_get_module_config(r->per_dir_config, &expect_module);
        if (!conf->has_rules || !(e = expect_request_begin(r))) {
            return DECLINED;
        }
    }
    expect_request_take_rules(e, r);
    return expect_request_judge(r, e, EXPECT_AT_DIRECTORY);
}

static int expect_header_parser(request_rec *r)
{
    return expect_request_judge(r, expect_request_get(r), EXPECT_AT_ENV);
}

/* Access control is behind us: it let the request through, as who it is. */
static int expect_type_checker(request_rec *r)
{
    expect_request_t *e = expect_request_get(r);

    if (e && e->state == EXPECT_OPEN) {
        e->facts.auth = OK;
    }
    return expect_request_judge(r, e, EXPECT_AT_USER);
}

static int expect_fixups(request_rec *r)
{
    return expect_request_judge(r, expect_request_get(r),
                                EXPECT_AT_HANDLER);
}

static void expect_register_hooks(apr_pool_t *p)
{
    ap_hook_post_config(expect_post_config, NULL, NULL, APR_HOOK_MIDDLE);

    /* After the core's, which makes the request's configuration; any place
     * will do: the walks that need the content fields come later. */
    ap_hook_create_request(expect_create_request, NULL, NULL, APR_HOOK_LAST);

    /* Last: mod_remoteip and early RequestHeader (FIRST), mod_setenvif and
     * mod_ssl (MIDDLE) have said who the client is and what it sent. */
    ap_hook_post_read_request(expect_post_read_request, NULL, NULL,
                              APR_HOOK_REALLY_LAST);

    /* First: a lookup has to end before others act on it. */
    ap_hook_post_perdir_config(expect_post_perdir_config, NULL, NULL,
                               APR_HOOK_REALLY_FIRST);

    /* Last: behind mod_setenvif (MIDDLE), for the env and expr rules, and
     * before access control, which may have to ask a backend. */
    ap_hook_header_parser(expect_header_parser, NULL, NULL,
                          APR_HOOK_REALLY_LAST);

    /* First of each chain: they run the rest of it. PER_CONF: their answers
     * depend on the section only, so httpd may go on skipping access control
     * in subrequests. force_authn has no such mark to bear. */
    ap_hook_check_access(expect_access_checker, NULL, NULL,
                         APR_HOOK_REALLY_FIRST, AP_AUTH_INTERNAL_PER_CONF);
    ap_hook_check_access_ex(expect_access_checker_ex, NULL, NULL,
                            APR_HOOK_REALLY_FIRST, AP_AUTH_INTERNAL_PER_CONF);
    ap_hook_force_authn(expect_force_authn, NULL, NULL,
                        APR_HOOK_REALLY_FIRST);
    ap_hook_check_authn(expect_check_user_id, NULL, NULL,
                        APR_HOOK_REALLY_FIRST, AP_AUTH_INTERNAL_PER_CONF);
    ap_hook_check_authz(expect_auth_checker, NULL, NULL,
                        APR_HOOK_REALLY_FIRST, AP_AUTH_INTERNAL_PER_CONF);

    /* First: the user is known, and fixups has hooks that read content
     * (mod_security2's). */
    ap_hook_type_checker(expect_type_checker, NULL, NULL,
                         APR_HOOK_REALLY_FIRST);

    /* Last: behind mod_rewrite, mod_proxy and mod_dir, which choose the
     * handler. */
    ap_hook_fixups(expect_fixups, NULL, NULL, APR_HOOK_REALLY_LAST);

    /* First: the response begins here, and the content is not to be waited
     * for. */
    ap_hook_insert_error_filter(expect_refuse_unsupported, NULL, NULL,
                                APR_HOOK_REALLY_FIRST);

    expect_refusal_register();
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
