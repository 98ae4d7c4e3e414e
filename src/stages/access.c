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

#include "apr_base64.h"
#include "apr_strings.h"

#include "stages/access.h"
#include "content/filter.h"
#include "answer/linger.h"
#include "answer/enforce.h"

APLOG_USE_MODULE(expect);

/* A redirect (to a login page) does not let through either, nor does a limiter
 * that answers 503. Another fault of the server is no verdict. */
static int is_denial(int status)
{
    return (status >= HTTP_MULTIPLE_CHOICES
            && status < HTTP_INTERNAL_SERVER_ERROR)
           || status == HTTP_SERVICE_UNAVAILABLE;
}

/* What may stand in a token68 (RFC 9110, 11.2), the padding apart. */
#define TOKEN68 "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz" \
                "0123456789-._~+/"

/*
 * Whether a token is the server's last one: negState of SPNEGO's negTokenResp
 * (RFC 4178, 4.2.2) says accept-completed (0) or reject (2).
 */
static int is_last_token(const char *token)
{
    /* a1 LENGTH 30 LENGTH, each length in one to four bytes, and the state */
    static const unsigned char state[] = { 0xa0, 0x03, 0x0a, 0x01 };
    unsigned char der[24] = { 0 };
    char text[20 + 1];
    apr_size_t at, i;

    apr_cpystrn(text, token, sizeof(text));
    apr_base64_decode_binary(der, text);
    for (at = 0, i = 0; i < 2; ++i) {
        if (der[at] != (i ? 0x30 : 0xa1) || der[at + 1] > 0x83) {
            return 0;
        }
        at += 2 + (der[at + 1] > 0x80 ? der[at + 1] - 0x80 : 0);
    }
    return !memcmp(der + at, state, sizeof(state))
           && (der[at + sizeof(state)] == 0 || der[at + sizeof(state)] == 2);
}

/* Whether a challenge carries a token68 in the place of parameters (RFC 9110,
 * 11.3), and another step follows: "NTLM TlRM..." or "Negotiate oY...=". */
static int has_token(void *found, const char *name, const char *value)
{
    const char *token = ap_strchr_c(value, ' ');
    const char *end;

    (void)name;
    if (token) {
        token += strspn(token, " ");
        end = token + strspn(token, TOKEN68);
        if (end > token) {
            end += strspn(end, "=");
            *(int *)found |= (!*end || *end == ',') && !is_last_token(token);
        }
    }
    return 1;
}

/* A login that takes several requests on one connection, and is not over. */
static int is_step_of_login(const request_rec *r, const expect_request_t *e,
                            int status)
{
    int found = 0;

    if (status == HTTP_UNAUTHORIZED && !e->facts.has_user
        && !r->connection->master && ap_get_conn_socket(r->connection)) {
        apr_table_do(has_token, &found, r->err_headers_out,
                     "WWW-Authenticate", NULL);
    }
    return found;
}

/*
 * Such a step is no denial. httpd keeps the connection for the next one, so the
 * content of this one has to be read first. That holds for a client that asked,
 * too: after a 401 it may send its content or not, and nobody could know which.
 * Under DetectionOnly, what is over the bounds is httpd's own matter.
 */
static void let_step(request_rec *r, expect_request_t *e)
{
    expect_verdict_set(&e->outcome.verdict, EXPECT_NOT_JUDGED);
    e->content.max = EXPECT_UNLIMITED;
    ap_log_rerror(APLOG_MARK, APLOG_DEBUG, 0, r,
                  "expect: the login goes on with the next request on this "
                  "connection; the content of this one is thrown away");
    if (!expect_content_discard(r) && expect_conf_refuses(e->section.conf)) {
        expect_verdict_set(&e->outcome.verdict, EXPECT_REFUSED);
        e->outcome.status = HTTP_UNAUTHORIZED;
        expect_linger_begin(r);
    }
}

/*
 * What access control answers, as the rules want it answered. A denial that
 * the rules do not mind survives_none httpd's.
 */
static int answer(request_rec *r, expect_request_t *e, int status)
{
    int refusal;

    if (!is_denial(status)) {
        return status;
    }
    if (e->outcome.verdict == EXPECT_UNDECIDED && is_step_of_login(r, e, status)) {
        let_step(r, e);
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

static int waits_for_user(const expect_request_t *e)
{
    return e->outcome.verdict == EXPECT_UNDECIDED && e->section.rules->final >= EXPECT_AT_AUTH;
}

/* As in ap_process_request_internal(), behind access_checker_ex. */
static int ask_for_user(request_rec *r, expect_request_t *e)
{
    int status = ap_run_check_user_id(r);

    e->facts.has_user = status == OK;
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

int expect_access_run(request_rec *r, expect_request_t *e)
{
    int status, is_forced;

    if (e->busy == EXPECT_IN_ACCESS_CONTROL) {
        return DECLINED;
    }
    e->stage = EXPECT_AT_ENV;
    expect_filter_reinstall(r, e);
    status = expect_enforce(r, e, EXPECT_AT_ENV);
    if (status != DECLINED || !waits_for_user(e)) {
        return status;
    }
    e->busy = EXPECT_IN_ACCESS_CONTROL;
    status = ap_run_access_checker_ex(r);
    is_forced = status == OK && ap_run_force_authn(r) == OK;
    if (status == DECLINED) {
        status = ask_for_user(r, e);
    }
    e->busy = EXPECT_IDLE;
    if (is_forced) {
        /* httpd checks the user all the same, after this hook: it is for
         * expect_access_granted() or expect_access_denied() to see the result */
        return OK;
    }
    if (status != OK) {
        return answer(r, e, status);
    }
    /* let through, and whoever the user is, it is known now */
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
    if (!e || e->outcome.verdict != EXPECT_UNDECIDED || r->status < HTTP_MULTIPLE_CHOICES) {
        return;
    }
    if (e->section.rules->needs_access && e->in_access
        && e->facts.auth == EXPECT_AUTH_PENDING) {
        status = answer(r, e, r->status);
        if (status != r->status) {
            r->status = status;
            r->status_line = ap_get_status_line(status);
            e->outcome.replaces_status = 1;
        }
    }
    expect_enforce_yield(r, e, r->status);
}
