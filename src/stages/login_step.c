/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/*
 * A login that takes several requests on one connection.
 */

#include <string.h>

#include "httpd.h"
#include "http_core.h"
#include "http_log.h"

#include "apr_base64.h"
#include "apr_strings.h"

#include "answer/enforce.h"
#include "content/discard.h"
#include "stages/login_step.h"

APLOG_USE_MODULE(expect);

/* The characters of a token68 (RFC 9110, 11.2), the padding apart. */
#define TOKEN68 "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz" \
                "0123456789-._~+/"

/*
 * Whether a token is the server's last one: negState of SPNEGO's negTokenResp
 * (RFC 4178, 4.2.2) says accept-completed (0) or reject (2).
 */
static int login_token_is_last(const char *token)
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

/* Whether a challenge carries a token68 instead of parameters (RFC 9110, 11.3),
 * and another step follows: "NTLM TlRM..." or "Negotiate oY...=". For
 * apr_table_do(). */
static int login_find_token(void *found, const char *name, const char *value)
{
    const char *token = ap_strchr_c(value, ' ');
    const char *end;

    (void)name;
    if (token) {
        token += strspn(token, " ");
        end = token + strspn(token, TOKEN68);
        if (end > token) {
            end += strspn(end, "=");
            *(int *)found |= (!*end || *end == ',')
                             && !login_token_is_last(token);
        }
    }
    return 1;
}

int expect_login_step_is(const request_rec *r, const expect_request_t *e,
                         int status)
{
    int found = 0;

    if (status == HTTP_UNAUTHORIZED && !e->facts.has_user
        && !r->connection->master && ap_get_conn_socket(r->connection)) {
        apr_table_do(login_find_token, &found, r->err_headers_out,
                     "WWW-Authenticate", NULL);
    }
    return found;
}

void expect_login_step_pass(request_rec *r, expect_request_t *e)
{
    expect_enforce_exempt(e);
    ap_log_rerror(APLOG_MARK, APLOG_DEBUG, 0, r,
                  "expect: the login goes on with the next request on this "
                  "connection; the content of this one is thrown away");
    /* A client that asked is sent 100 Continue here: after a bare 401 it may
     * send its content or not, and the server could not know which. */
    if (!expect_content_discard(r) && expect_conf_refuses(e->section.conf)) {
        expect_enforce_close(r, e, HTTP_UNAUTHORIZED);
    }
}
