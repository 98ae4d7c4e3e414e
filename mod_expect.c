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
 * status at once, and its content is not read. What is admitted goes on as if
 * the module were not there: httpd itself sends 100 Continue when the handler
 * first reads.
 *
 * This file is the face of the module: the hooks, why each stands where it
 * does, and the directives. src/README shows the rooms behind it, and follows a
 * request through them.
 */

#include <string.h>

#include "httpd.h"
#include "http_config.h"
#include "http_connection.h"
#include "http_protocol.h"
#include "http_request.h"

#include "answer/linger.h"
#include "answer/once.h"
#include "answer/options.h"
#include "answer/page.h"
#include "base/announced.h"
#include "base/compat.h"
#include "config/directives.h"
#include "config/merge.h"
#include "config/section.h"
#include "content/filter.h"
#include "content/framing.h"
#include "content/start.h"
#include "content/unread.h"
#include "count/counters.h"
#include "explain/dump.h"
#include "explain/query.h"
#include "judge/request.h"
#include "ledger/fleet.h"
#include "ledger/server.h"
#include "rules/require.h"
#include "stages/stages.h"
#include "status/serve.h"

module AP_MODULE_DECLARE_DATA expect_module;

/* Every request passes these hooks; a request without content leaves them after
 * a few tests. */

static APR_INLINE int expect_is_governed(const request_rec *r)
{
    return expect_conf_governs(expect_conf_of(r->per_dir_config));
}

static int expect_post_read_request(request_rec *r)
{
    int status = EXPECT_CORE_IS_BEHIND ? expect_compat_check(r) : DECLINED;

    if (status != DECLINED) {
        return status;
    }
    if (r->prev) {
        expect_redirect_continue(r);
        return DECLINED;
    }
    return expect_announced_has_content(r) ? expect_early_judge(r) : DECLINED;
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
        return expect_mapped_judge(r);
    }
    if (expect_is_governed(r)) {
        expect_mapped_without_content(r);
    }
    return DECLINED;
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

    if (r->method_number == M_OPTIONS && !r->prev) {
        expect_options_announce_again(r);
    }
    return e ? expect_access_granted(r, e) : DECLINED;
}

static int expect_handler(request_rec *r)
{
    expect_request_t *e = expect_request_get(r);
    int status = r->prev || r->main ? expect_once_keep_out(r) : DECLINED;

    if (status == DECLINED && e && !e->content.handler_started) {
        status = expect_content_start_late(r, e);
    }
    if (status != DECLINED) {
        return status;
    }
    if (e) {
        expect_content_mark_handler(r, e);
    }
    else if (!r->main && expect_is_governed(r)
             && expect_mapped_without_content(r)) {
        expect_framing_unannounce(r);
    }
    return *r->handler == *EXPECT_STATUS_HANDLER
                   && !strcmp(r->handler, EXPECT_STATUS_HANDLER)
               ? expect_status_answer(r) : DECLINED;
}

/* mpm_itk changes the process to the user that a section names, in
 * post_perdir_config. Only the request itself may cause that, so a lookup must
 * end before. At pre_config all modules are loaded, and hooks are not sorted
 * yet. */
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

/* The moments of a request. */
static void expect_register_request_hooks(void)
{
    /* Last: mod_remoteip and early RequestHeader (FIRST), mod_setenvif and
     * mod_ssl (MIDDLE) have run. They determine who the client is, and which
     * header fields count as sent. */
    ap_hook_post_read_request(expect_post_read_request, NULL, NULL,
                              APR_HOOK_REALLY_LAST);

    /* The directory is known, and under mpm_itk the process has become the
     * section's user. post_perdir_config comes just before, but header_parser
     * runs anyway, for mod_setenvif: that is cheaper. First: a lookup must end
     * before other modules act on it, and other modules may read content. */
    ap_hook_header_parser(expect_header_parser, NULL, NULL,
                          APR_HOOK_REALLY_FIRST);

    /* First: a denial from here on comes from access control. PER_CONF: as
     * below. */
    ap_hook_check_access(expect_access_checker, NULL, NULL,
                         APR_HOOK_REALLY_FIRST, AP_AUTH_INTERNAL_PER_CONF);

    /* First: what check_access determines (mod_ssl: a certificate) is known,
     * and no authentication backend was queried yet; this hook runs the rest of
     * its chain. PER_CONF: its result depends on the section only, so httpd may
     * go on skipping access control in subrequests. */
    ap_hook_check_access_ex(expect_access_checker_ex, NULL, NULL,
                            APR_HOOK_REALLY_FIRST, AP_AUTH_INTERNAL_PER_CONF);

    /* The first hook behind access control: before fixups, where mod_security2
     * reads content. */
    ap_hook_type_checker(expect_type_checker, NULL, NULL,
                         APR_HOOK_REALLY_FIRST);

    /* First: the response begins here, and a refusal by core or by access
     * control must not wait for content. */
    ap_hook_insert_error_filter(expect_error_stage, NULL, NULL,
                                APR_HOOK_REALLY_FIRST);

    /* First: if a module has removed the content filter, which starts when a
     * handler is about to run, no handler runs before it is back; and no
     * handler runs inside another one's read. */
    ap_hook_handler(expect_handler, NULL, NULL, APR_HOOK_REALLY_FIRST);
}

static void expect_register_hooks(apr_pool_t *p)
{
    ap_hook_pre_config(expect_pre_config, NULL, NULL, APR_HOOK_MIDDLE);
    expect_register_request_hooks();

    /* Last: mod_ssl has sent its close_notify. */
    ap_hook_pre_close_connection(expect_pre_close_connection, NULL, NULL,
                                 APR_HOOK_REALLY_LAST);

    /* The process of the lingering thread: see answer/lingerer.c. */
    ap_hook_child_init(expect_linger_child_init, NULL, NULL, APR_HOOK_MIDDLE);

    expect_unread_register();
    expect_filter_register();
    expect_page_register();
    expect_once_register();
    expect_require_register(p, expect_request_facts);

    expect_counters_register();
    expect_server_register();
    expect_fleet_register();
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
    AP_INIT_RAW_ARGS("ExpectLedger", expect_cmd_ledger, NULL, RSRC_CONF,
                     "keys=N: how many keys in-flight and quota remember"),
    AP_INIT_RAW_ARGS("ExpectStore", expect_cmd_store, NULL, RSRC_CONF,
                     "a URL, and timeout=MS, lease=SECONDS, on-error=WORD, "
                     "prefix=WORD, password-file=PATH: where several servers "
                     "remember together"),
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
