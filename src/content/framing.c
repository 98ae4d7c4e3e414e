/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/*
 * The fields that frame content.
 */

#include "httpd.h"

#include "content/framing.h"

static void framing_restore_field(apr_table_t *fields, const char *name,
                                  const char *value)
{
    if (apr_table_get(fields, name) == value) {
        return;
    }
    if (value) {
        apr_table_setn(fields, name, value);
    }
    else {
        apr_table_unset(fields, name);
    }
}

void expect_framing_restore(request_rec *r, const expect_request_t *e)
{
    if (!e->content.was_read && e->section.rules
        && e->outcome.verdict != EXPECT_REFUSED) {
        framing_restore_field(r->headers_in, "Content-Length",
                              e->content.length);
        framing_restore_field(r->headers_in, "Transfer-Encoding",
                              e->content.transfer_encoding);
    }
}

void expect_framing_remove(request_rec *r)
{
    r->headers_in = apr_table_copy(r->pool, r->headers_in);
    apr_table_unset(r->headers_in, "Content-Length");
    apr_table_unset(r->headers_in, "Transfer-Encoding");
    apr_table_unset(r->headers_in, "Expect");
    /* mod_proxy would ask the origin for a 100, and forward it */
    r->expecting_100 = 0;
}

void expect_framing_unannounce(request_rec *r)
{
    apr_table_unset(r->headers_in, "Transfer-Encoding");
    if (apr_table_get(r->headers_in, "Content-Length")) {
        apr_table_setn(r->headers_in, "Content-Length", "0");
    }
}
