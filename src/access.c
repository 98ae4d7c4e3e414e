/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/*
 * httpd's own access control, for rules that wait for its verdict or for the
 * user.
 *
 * Where such a rule is open, the module's hook runs the rest of its chain and
 * what follows it, as ap_process_request_internal() would have, and answers
 * for them all. So nothing is asked twice, what Require, Satisfy and AuthType
 * decide is what httpd decides, and the rules have the last word before any
 * later hook can read content.
 */

#include <string.h>

#include "httpd.h"
#include "http_core.h"
#include "http_protocol.h"
#include "http_log.h"
#include "http_request.h"

#include "access.h"

APLOG_USE_MODULE(expect);

/* Order, Allow and Deny of mod_access_compat; NULL where it is not loaded.
 * Set before children start, read by requests. */
static ap_HOOK_access_checker_t *order_allow_deny;

void expect_access_init(void)
{
    apr_array_header_t *hooks = ap_hook_get_access_checker();
    int i;

    order_allow_deny = NULL;
    for (i = 0; hooks && i < hooks->nelts; ++i) {
        const ap_LINK_access_checker_t *hook =
            &APR_ARRAY_IDX(hooks, i, ap_LINK_access_checker_t);

        if (!strcmp(hook->szName, "mod_access_compat.c")) {
            order_allow_deny = hook->pFunc;
        }
    }
}

/*
 * What access control answers, as the rules want it answered. A redirect (to
 * a login page) does not let through either. A fault of the server is no
 * verdict; a denial that the rules do not mind stays httpd's.
 */
static int answer(request_rec *r, expect_request_t *e, int status)
{
    int refusal;

    if (status < HTTP_MULTIPLE_CHOICES
        || status >= HTTP_INTERNAL_SERVER_ERROR) {
        return status;
    }
    e->facts.auth = status;
    refusal = expect_request_judge(r, e, EXPECT_AT_AUTH);
    return refusal == DECLINED ? status : refusal;
}

static int waits_for_user(const expect_request_t *e)
{
    return e->state == EXPECT_OPEN && e->rules->known_at >= EXPECT_AT_AUTH;
}

/* Let through: whoever the user is, it is known now. */
static int let_through(request_rec *r, expect_request_t *e)
{
    e->facts.auth = OK;
    return expect_request_judge(r, e, EXPECT_AT_USER);
}

/*
 * The chain of access checkers runs all its hooks unless one denies, whatever
 * the first answers: so here only the one is asked that has no side effect.
 * Under Satisfy Any its grant means that nobody will be asked for a user, and
 * its denial is not the last word.
 */
int expect_access_address(request_rec *r, expect_request_t *e)
{
    int any = ap_satisfies(r) == SATISFY_ANY;
    int status;

    if (!waits_for_user(e) || !order_allow_deny
        || (!any && !e->rules->asks_auth)) {
        return DECLINED;
    }
    status = order_allow_deny(r);
    if (any) {
        return status == OK ? let_through(r, e) : DECLINED;
    }
    return status == OK || status == DECLINED ? DECLINED
                                              : answer(r, e, status);
}

/* As in ap_process_request_internal(), behind access_checker. */
static int ask_httpd(request_rec *r)
{
    int status = ap_run_access_checker_ex(r);

    if (status != DECLINED) {
        return status;
    }
    status = ap_run_check_user_id(r);
    if (status == OK) {
        status = r->user ? ap_run_auth_checker(r) : DECLINED;
    }
    if (status == DECLINED) {
        ap_log_rerror(APLOG_MARK, APLOG_ERR, 0, r,
                      "expect: access control needs a user, and nothing "
                      "here authenticates: %s", r->uri);
        return HTTP_INTERNAL_SERVER_ERROR;
    }
    return status;
}

int expect_access_user(request_rec *r, expect_request_t *e)
{
    int status;
    int refusal;

    if (e->asking || !waits_for_user(e)) {
        return DECLINED;
    }
    e->asking = 1;
    status = ask_httpd(r);
    e->asking = 0;
    if (status != OK) {
        return answer(r, e, status);
    }
    refusal = let_through(r, e);
    return refusal == DECLINED ? OK : refusal;
}
