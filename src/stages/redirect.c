/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/*
 * At post_read_request of an internal redirect: an ErrorDocument, a
 * RewriteRule in a directory, a CGI's local redirect.
 */

#include "httpd.h"

#include "answer/fields.h"
#include "answer/notes.h"
#include "answer/once.h"
#include "content/filter.h"
#include "content/framing.h"
#include "stages/stages.h"

void expect_redirect_continue(request_rec *r)
{
    expect_request_t *e = expect_request_get(r->prev);
    int is_unsupported = expect_unsupported_is(r->prev);

    expect_access_denied(r->prev);
    r->status = r->prev->status;
    expect_request_continue(r);
    expect_once_keep(r);
    if (e) {
        expect_fields_restore(r, e);
        expect_filter_reinstall(r, e);
    }
    if (is_unsupported) {
        /* the ErrorDocument has its own filters already */
        expect_unsupported_refuse(r->prev);
        expect_filter_refuse_all(r);
    }
    expect_notes_inherit(r);
    if (is_unsupported
        || (e && e->outcome.verdict == EXPECT_REFUSED)) {
        expect_framing_remove(r);
    }
}
