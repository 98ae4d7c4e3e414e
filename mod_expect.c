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
 * does. The way of a request is first.c, access.c, content.c, connection.c; of
 * a refusal refusal.c, body.c, linger.c.
 */

#include <string.h>

#include "httpd.h"
#include "http_config.h"
#include "http_connection.h"
#include "http_protocol.h"
#include "http_request.h"

#include "stages/access.h"
#include "answer/page.h"
#include "config/directives.h"
#include "config/merge.h"
#include "config/section.h"
#include "judge/connection.h"
#include "content/filter.h"
#include "count/counters.h"
#include "explain/dump.h"
#include "explain/query.h"
#include "stages/stages.h"
#include "base/compat.h"
#include "answer/linger.h"
#include "answer/enforce.h"
#include "judge/request.h"
#include "rules/require.h"
#include "status/handler.h"

module AP_MODULE_DECLARE_DATA expect_module;

/* These are on the way of every request: those without content are to leave
 * after a few tests. */

static APR_INLINE int is_governed(const request_rec *r)
{
    return expect_conf_governs(expect_conf_of(r->per_dir_config));
}

static int expect_post_read_request(request_rec *r)
{
    int status = EXPECT_CORE_IS_BEHIND ? expect_compat_check(r) : DECLINED;

    if (status != DECLINED) {
        return status;
    }
    return r->prev || expect_announced_has_content(r)
               ? expect_early_judge(r) : DECLINED;
}

/* Only with mpm_itk: see expect_pre_config(). */
static int expect_post_perdir_config(request_rec *r)
{
    const expect_request_t *e = expect_request_get(r);

    return e && e->busy == EXPECT_LOOKING_UP ? DONE : DECLINED;
}

static int expect_header_parser(request_rec *r)
{
    if (r->method_number == M_OPTIONS || expect_request_get(r)) {
        return expect_section_judge(r);
    }
    if (is_governed(r)) {
        expect_section_without_content(r);
    }
    return DECLINED;
}

static void expect_insert_error_filter(request_rec *r)
{
    expect_unknown_expectation(r);
    expect_failed_judge(r);
    expect_access_denied(r);
    expect_count_outcome(r, expect_request_get(r));
    expect_page_finish(r);
    expect_page_only_one(r);
}

static int expect_access_checker(request_rec *r)
{
    expect_request_t *e = expect_request_get(r);

    if (e) {
        e->in_access = 1;
    }
    return DECLINED;
}

static int expect_access_checker_ex(request_rec *r)
{
    expect_request_t *e = expect_request_get(r);

    return e ? expect_access_run(r, e) : DECLINED;
}

static int expect_type_checker(request_rec *r)
{
    expect_request_t *e = expect_request_get(r);

    return e ? expect_access_granted(r, e) : DECLINED;
}

static int expect_handler(request_rec *r)
{
    expect_request_t *e = expect_request_get(r);
    int status = r->prev || r->main ? expect_page_keep_out(r) : DECLINED;

    if (status == DECLINED && e && !e->content.handler_started) {
        status = expect_content_start_late(r, e);
    }
    if (status != DECLINED) {
        return status;
    }
    if (!e && is_governed(r) && !r->main && expect_section_without_content(r)) {
        expect_framing_unannounce(r);
    }
    return *r->handler == *EXPECT_STATUS_HANDLER
                   && !strcmp(r->handler, EXPECT_STATUS_HANDLER)
               ? expect_status_answer(r) : DECLINED;
}

/* mpm_itk makes the process the user that a section names, in
 * post_perdir_config, and only the request itself may do that: a lookup has to
 * end before. Now all modules are loaded, and hooks are not sorted yet. */
static int expect_pre_config(apr_pool_t *p, apr_pool_t *plog,
                             apr_pool_t *ptemp)
{
    static const char *const before_itk[] = { "mpm_itk.c", NULL };

    (void)p;
    (void)plog;
    (void)ptemp;
    if (ap_find_linked_module("mpm_itk.c")) {
        ap_hook_post_perdir_config(expect_post_perdir_config, NULL, before_itk,
                                   APR_HOOK_REALLY_FIRST);
    }
    return OK;
}

static void expect_register_hooks(apr_pool_t *p)
{
    /* Last: mod_remoteip and early RequestHeader (FIRST), mod_setenvif and
     * mod_ssl (MIDDLE) have said who the client is and what it sent. */
    ap_hook_post_read_request(expect_post_read_request, NULL, NULL,
                              APR_HOOK_REALLY_LAST);

    ap_hook_pre_config(expect_pre_config, NULL, NULL, APR_HOOK_MIDDLE);

    /* The directory is known, and under mpm_itk the process is the section's
     * user. httpd calls post_perdir_config just before, but this one is called
     * anyway, for mod_setenvif: that is cheaper. First: a lookup has to end
     * before others act on it, and others may read content. */
    ap_hook_header_parser(expect_header_parser, NULL, NULL,
                          APR_HOOK_REALLY_FIRST);

    /* First: what is denied from here on, access control denies. PER_CONF: as
     * below. */
    ap_hook_check_access(expect_access_checker, NULL, NULL,
                         APR_HOOK_REALLY_FIRST, AP_AUTH_INTERNAL_PER_CONF);

    /* First: what check_access brings about (mod_ssl, a certificate) is known,
     * and no backend is asked yet; it runs the rest of its chain. PER_CONF:
     * what it answers depends on the section only, so httpd may go on skipping
     * access control in subrequests. */
    ap_hook_check_access_ex(expect_access_checker_ex, NULL, NULL,
                            APR_HOOK_REALLY_FIRST, AP_AUTH_INTERNAL_PER_CONF);

    /* First of what follows access control: before fixups, where mod_security2
     * reads content. */
    ap_hook_type_checker(expect_type_checker, NULL, NULL,
                         APR_HOOK_REALLY_FIRST);

    /* First: the response begins here, and what core or access control have
     * refused without us is not to wait for content. */
    ap_hook_insert_error_filter(expect_insert_error_filter, NULL, NULL,
                                APR_HOOK_REALLY_FIRST);

    /* Last: mod_ssl has said good-bye. */
    ap_hook_pre_close_connection(expect_pre_close_connection, NULL, NULL,
                                 APR_HOOK_REALLY_LAST);

    /* Whose process it is: see lingerer.c. */
    ap_hook_child_init(expect_linger_child_init, NULL, NULL, APR_HOOK_MIDDLE);

    /* First: where somebody has taken the filter away that begins when a
     * handler is about to run, nothing runs before it is back; and no handler
     * runs inside another one's read. */
    ap_hook_handler(expect_handler, NULL, NULL, APR_HOOK_REALLY_FIRST);

    expect_unread_register();
    expect_filter_register();
    expect_page_register();
    expect_require_register(p, expect_request_facts);

    expect_counters_register();
    expect_status_register();
    expect_dump_register();
}

/* A tenant's .htaccess may add rules and choose the status of a refusal
 * (AllowOverride AuthConfig). The other directives are for the administrator
 * only. */
#define TENANT (RSRC_CONF | OR_AUTHCFG)
#define ADMINISTRATOR (RSRC_CONF | ACCESS_CONF)

static const command_rec expect_directives[] = {
    AP_INIT_RAW_ARGS("ExpectEngine", expect_cmd_setting,
                     (void *)&expect_engine_setting, ADMINISTRATOR,
                     "On, Off, or DetectionOnly: decide and log, but refuse "
                     "nothing"),
    AP_INIT_RAW_ARGS("ExpectRequire", expect_cmd_require, NULL, TENANT,
                     "[not] and a rule that an upload must meet"),
    AP_INIT_RAW_ARGS("<ExpectRequireAll", expect_cmd_container,
                     (void *)EXPECT_ALL, TENANT,
                     "container of rules that must all hold"),
    AP_INIT_RAW_ARGS("<ExpectRequireAny", expect_cmd_container,
                     (void *)EXPECT_ANY, TENANT,
                     "container of rules of which one must hold"),
    AP_INIT_RAW_ARGS("<ExpectRequireNone", expect_cmd_container,
                     (void *)EXPECT_NONE, TENANT,
                     "container of rules of which none may hold"),
    AP_INIT_RAW_ARGS("ExpectMerging", expect_cmd_setting,
                     (void *)&expect_merging_setting, ADMINISTRATOR,
                     "And, Or or Off: how a section's rules join those of "
                     "the sections around it"),
    AP_INIT_RAW_ARGS("ExpectStatus", expect_cmd_setting,
                     (void *)&expect_status_setting, TENANT,
                     "417, or specific: the status that names the cause"),
    AP_INIT_RAW_ARGS("ExpectScope", expect_cmd_setting,
                     (void *)&expect_scope_setting, ADMINISTRATOR,
                     "content: judge all uploads; expectation: only those of "
                     "clients that ask"),
    AP_INIT_RAW_ARGS("ExpectLinger", expect_cmd_linger, NULL, RSRC_CONF,
                     "time=SECONDS, idle=SECONDS, max=SIZE: how long the "
                     "connection of a refused client is kept; or Off"),
    AP_INIT_RAW_ARGS("ExpectExplain", expect_cmd_explain, NULL, RSRC_CONF,
                     "a hypothetical upload: httpd -t -D DUMP_EXPECT reports "
                     "how it would be handled"),
    { NULL, { NULL }, NULL, 0, RAW_ARGS, NULL }
};

AP_DECLARE_MODULE(expect) =
{
    STANDARD20_MODULE_STUFF,
    NULL, /* no create_dir_config: see expect_section_get() */
    expect_conf_merge,
    NULL,
    NULL,
    expect_directives,
    expect_register_hooks,
#ifdef AP_MODULE_FLAG_NONE
    AP_MODULE_FLAG_NONE
#endif
};
