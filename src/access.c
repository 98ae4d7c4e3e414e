/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/*
 * httpd's own access control, for the `auth` rule.
 *
 * Each hook here is the first of its chain, runs the rest of that chain as
 * httpd would have, and answers in its place: nothing is asked twice, and
 * what Require, Satisfy and AuthType decide is what httpd decides. A request
 * without an open `auth` rule passes by.
 */

#include <string.h>

#include "httpd.h"
#include "http_core.h"
#include "http_request.h"

#include "access.h"
#include "request.h"

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

static expect_request_t *asks_auth(const request_rec *r)
{
    expect_request_t *e = expect_request_get(r);

    return e && e->state == EXPECT_OPEN && e->rules->asks_auth && !e->nested
               ? e : NULL;
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

/*
 * This chain runs all its hooks whatever the first answers, but for a
 * denial: so only Order, Allow and Deny, which look at nothing but the
 * address, are asked ahead. Under Satisfy Any their denial is not the last
 * word.
 */
int expect_access_checker(request_rec *r)
{
    expect_request_t *e = asks_auth(r);
    int status;

    if (!e || !order_allow_deny || ap_satisfies(r) == SATISFY_ANY) {
        return DECLINED;
    }
    status = order_allow_deny(r);
    return status == OK || status == DECLINED ? DECLINED
                                              : answer(r, e, status);
}

/*
 * DECLINED means "I need a user" here. To say so without having the rest of
 * the chain asked again, answer OK and let force_authn ask for the user.
 */
int expect_access_checker_ex(request_rec *r)
{
    expect_request_t *e = asks_auth(r);
    int status;

    if (!e) {
        return DECLINED;
    }
    e->nested = 1;
    status = ap_run_access_checker_ex(r);
    e->nested = 0;

    if (status == DECLINED) {
        e->wants_user = 1;
        return OK;
    }
    return answer(r, e, status);
}

int expect_force_authn(request_rec *r)
{
    const expect_request_t *e = expect_request_get(r);

    return e && e->wants_user ? OK : DECLINED;
}

int expect_check_user_id(request_rec *r)
{
    expect_request_t *e = asks_auth(r);
    int status;

    if (!e) {
        return DECLINED;
    }
    e->nested = 1;
    status = ap_run_check_user_id(r);
    e->nested = 0;
    return answer(r, e, status);
}

int expect_auth_checker(request_rec *r)
{
    expect_request_t *e = asks_auth(r);
    int status;

    if (!e) {
        return DECLINED;
    }
    e->nested = 1;
    status = ap_run_auth_checker(r);
    e->nested = 0;
    return answer(r, e, status);
}
