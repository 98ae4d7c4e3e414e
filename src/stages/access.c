/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/*
 * httpd's own access control, for rules that need its verdict or the user.
 *
 * Where such a rule is undecided, the module's hook runs the rest of its chain
 * and what follows it, as ap_process_request_internal() would, and returns the
 * result of all of them. So nothing runs twice, what Require, Satisfy and
 * AuthType decide is what httpd decides, and the rules have the last word
 * before any later hook can read content.
 */

#include "httpd.h"
#include "http_log.h"
#include "http_protocol.h"
#include "http_request.h"

#include "answer/enforce.h"
#include "content/filter.h"
#include "stages/login_step.h"
#include "stages/stages.h"

APLOG_USE_MODULE(expect);

/* A redirect (to a login page) is a denial, and so is the 503 of a limiter.
 * Another fault of the server is not: it is passed on. */
static int access_is_denial(int status)
{
    return (status >= HTTP_MULTIPLE_CHOICES
            && status < HTTP_INTERNAL_SERVER_ERROR)
           || status == HTTP_SERVICE_UNAVAILABLE;
}

/* The status that the rules give to a denial of access control. A denial that
 * no rule refers to is answered by httpd. */
static int access_decide(request_rec *r, expect_request_t *e, int status)
{
    int refusal;

    if (!access_is_denial(status)) {
        return status;
    }
    if (e->outcome.verdict == EXPECT_UNDECIDED
        && expect_login_step_is(r, e, status)) {
        expect_login_step_pass(r, e);
        return status;
    }
    e->facts.auth = status;
    refusal = expect_enforce(r, e, EXPECT_AT_AUTH);
    if (refusal != DECLINED) {
        return refusal;
    }
    expect_enforce_yield(r, e, status);
    return status;
}

static int access_is_needed(const expect_request_t *e)
{
    return e->outcome.verdict == EXPECT_UNDECIDED
           && e->section.rules->final >= EXPECT_AT_AUTH;
}

/* As ap_process_request_internal() does after access_checker_ex. */
static int access_check_user(request_rec *r, expect_request_t *e)
{
    int status = ap_run_check_user_id(r);

    e->facts.has_user = status == OK;
    if (status == OK) {
        status = r->user ? ap_run_auth_checker(r) : DECLINED;
    }
    if (status == DECLINED) {
        ap_log_rerror(APLOG_MARK, APLOG_ERR, 0, r,
                      "expect: Require needs a user, but no authentication is "
                      "configured: %s", r->uri);
        return HTTP_INTERNAL_SERVER_ERROR;
    }
    return status;
}

int expect_access_run(request_rec *r, expect_request_t *e)
{
    expect_busy_e busy = e->busy;
    int status, is_forced;

    if (busy == EXPECT_IN_ACCESS_CONTROL) {
        return DECLINED;
    }
    e->stage = EXPECT_AT_ENV;
    expect_filter_reinstall(r, e);
    status = expect_enforce(r, e, EXPECT_AT_ENV);
    if (status != DECLINED || !access_is_needed(e)) {
        return status;
    }
    e->busy = EXPECT_IN_ACCESS_CONTROL;
    status = ap_run_access_checker_ex(r);
    is_forced = status == OK && ap_run_force_authn(r) == OK;
    if (status == DECLINED) {
        status = access_check_user(r, e);
    }
    e->busy = busy;
    if (is_forced) {
        /* force_authn: httpd always authenticates after this hook, and
         * expect_access_granted() or expect_access_denied() sees the result */
        return OK;
    }
    if (status != OK) {
        return access_decide(r, e, status);
    }
    /* granted: the user is known, if there is one */
    e->facts.auth = OK;
    status = expect_enforce(r, e, EXPECT_AT_USER);
    return status == DECLINED ? OK : status;
}

int expect_access_granted(request_rec *r, expect_request_t *e)
{
    e->stage = EXPECT_AT_USER;
    e->facts.auth = OK;
    return expect_enforce(r, e, EXPECT_AT_USER);
}

void expect_access_denied(request_rec *r)
{
    expect_request_t *e = expect_request_get(r);
    int status;

    /* a redirect may be an ErrorDocument elsewhere */
    if (!e || e->outcome.verdict != EXPECT_UNDECIDED
        || r->status < HTTP_MULTIPLE_CHOICES) {
        return;
    }
    if (e->section.rules->needs_access && e->in_access
        && e->facts.auth == EXPECT_AUTH_PENDING) {
        status = access_decide(r, e, r->status);
        if (status != r->status) {
            expect_enforce_replace_status(r, e, status);
        }
    }
    expect_enforce_yield(r, e, r->status);
}
