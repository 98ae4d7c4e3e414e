/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/*
 * The moments before content is read.
 */

#include "httpd.h"
#include "http_protocol.h"

#include "apr_strings.h"

#include "answer/enforce.h"
#include "content/filter.h"
#include "content/framing.h"
#include "content/lookup.h"
#include "content/start.h"
#include "content/unread.h"
#include "judge/connection.h"

void expect_content_enter(request_rec *r, expect_request_t *e,
                          request_rec *in)
{
    if (expect_request_enter_section(e, in)) {
        expect_filter_install(r, e);
        if (!e->content.ended) {
            expect_unread_hold(r);
        }
    }
}

/* Content is read earlier than the handler runs: the rules that remember are
 * evaluated now. */
static int start_enforce_early(request_rec *r, expect_request_t *e,
                               expect_stage_e stage)
{
    int status;

    e->content.is_early = 1;
    status = expect_enforce(r, e, stage);
    e->content.is_early = 0;
    return status;
}

/* --- before the section is known ----------------------------------------- */

/* If a quick handler answers, no later hook counts an admitted request: count
 * it when its pool is destroyed. */
static apr_status_t start_count_late(void *r)
{
    expect_count_outcome(r, expect_request_get(r));
    return APR_SUCCESS;
}

/* A broken .htaccess, or a folder that httpd may not search, ends httpd's walk
 * before the rules above it are in force. A tenant could use that to have
 * content read without them. */
static int start_hides_rules(const request_rec *target)
{
    const expect_dir_conf_t *conf = expect_conf_of(target->per_dir_config);

    return (target->status == HTTP_FORBIDDEN
            || ap_is_HTTP_SERVER_ERROR(target->status))
           && (!conf || expect_conf_refuses(conf));
}

/*
 * A quick handler or a translate hook reads before httpd has found the section:
 * it is looked up. A lookup that fails on its way (with 404, or a redirect) has
 * the rules that are in force so far, those of <Location> or of the server. A
 * quick handler may answer such a request nevertheless.
 */
static int start_before_section(request_rec *r, expect_request_t *e)
{
    request_rec *target;

    if (e->outcome.verdict == EXPECT_REFUSED) {
        return DECLINED;
    }
    target = expect_lookup_section(r, e);
    if (target && start_hides_rules(target)) {
        expect_enforce_close(r, e, target->status);
        return target->status;
    }
    apr_pool_pre_cleanup_register(r->pool, r, start_count_late);
    expect_content_enter(r, e, target ? target : r);
    return start_enforce_early(r, e, EXPECT_AT_DIRECTORY);
}

int expect_content_decide_early(request_rec *r, expect_request_t *e)
{
    if (!e->section.entered_by) {
        return start_before_section(r, e);
    }
    /* access control may read: a login form is content */
    if (e->outcome.verdict != EXPECT_UNDECIDED || e->busy != EXPECT_IDLE) {
        return DECLINED;
    }
    return start_enforce_early(r, e, e->stage);
}

/* --- when the handler is about to run ------------------------------------ */

/*
 * DirectoryIndex moves a request to another file, and so into other <Files>
 * sections: their rules count as well. An internal redirect keeps the rules of
 * the target that the client named. If mod_rewrite redirects a request that is
 * undecided, it is decided in the redirect.
 */
static int start_decide_last(request_rec *r, expect_request_t *e)
{
    int status = expect_enforce(r, e, EXPECT_AT_HANDLER);
    request_rec *target;

    if (e->section.entered_by != r || e->section.vector == r->per_dir_config
        || status != DECLINED || e->outcome.verdict == EXPECT_UNDECIDED
        || e->outcome.verdict == EXPECT_REFUSED
        || e->outcome.verdict == EXPECT_CUT_OFF) {
        return status;
    }
    target = expect_lookup_moved(r, e);
    if (!target) {
        return HTTP_INTERNAL_SERVER_ERROR;
    }
    expect_content_enter(r, e, target);
    status = expect_enforce(r, e, EXPECT_AT_HANDLER);
    /* the content is that of r, not of the lookup */
    e->facts.r = r;
    return status;
}

int expect_content_start(request_rec *r, expect_request_t *e)
{
    int status;

    e->content.handler_started = 1;
    expect_connection_get(r->connection)->is_handled = 1;
    expect_framing_restore(r, e);
    status = start_decide_last(r, e);
    /* a verdict that is final stands: what another module denied, for example,
     * keeps its status */
    if (status == DECLINED && e->outcome.verdict != EXPECT_REFUSED
        && e->outcome.verdict != EXPECT_CUT_OFF
        && e->content.max != EXPECT_UNLIMITED
        && e->content.read > e->content.max) {
        status = expect_enforce_cut_off(r, e);
    }
    expect_count_outcome(r, e);
    return status;
}

void expect_content_mark_handler(request_rec *r, expect_request_t *e)
{
    if (e->head.length == EXPECT_LENGTH_UNKNOWN) {
        e->content.handler = apr_pstrdup(r->pool, r->handler);
        r->handler = e->content.handler;
    }
}

int expect_content_handler_runs(const request_rec *r,
                                const expect_request_t *e)
{
    return e->content.handler && r->handler == e->content.handler;
}

int expect_content_start_late(request_rec *r, expect_request_t *e)
{
    expect_filter_reinstall(r, e);
    return expect_content_start(r, e);
}
