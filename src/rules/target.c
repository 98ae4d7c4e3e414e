/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/*
 * Which handler will run for a request.
 */

#include <string.h>

#include "httpd.h"
#include "mod_rewrite.h"

#include "rules/target.h"

#define PROXY_HANDLER "proxy-server"

/*
 * Where no handler is set, the media type is its name (ap_invoke_handler());
 * httpd's custom is that only types of the family application/x-httpd-* name
 * handlers (mod_php).
 */
const char *expect_target_handler(const request_rec *r)
{
    if (r->handler) {
        return strncmp(r->handler, "proxy:", 6) ? r->handler : PROXY_HANDLER;
    }
    if (r->content_type
        && !ap_cstr_casecmpn(r->content_type, "application/x-httpd-", 20)) {
        return r->content_type;
    }
    return AP_DEFAULT_HANDLER_NAME;
}

int expect_target_takes_content(const request_rec *r)
{
    static const char *const file_handlers[] = {
        AP_DEFAULT_HANDLER_NAME, "default-handler", DIR_MAGIC_TYPE,
        REWRITE_REDIRECT_HANDLER_NAME, "send-as-is", "server-parsed",
        "type-map", NULL
    };
    const char *handler = expect_target_handler(r);
    int i;

    for (i = 0; file_handlers[i]; ++i) {
        if (!ap_cstr_casecmp(handler, file_handlers[i])) {
            return 0;
        }
    }
    return 1;
}

int expect_target_is_rewritten(const request_rec *r)
{
    return r->handler && !strcmp(r->handler, REWRITE_REDIRECT_HANDLER_NAME)
           && r->filename && !strncmp(r->filename, "redirect:", 9);
}
