/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/*
 * The request notes and the variable EXPECT_VERDICT.
 */

#include "httpd.h"

#include "apr_strings.h"

#include "answer/notes.h"

#define ENV_VERDICT "EXPECT_VERDICT"

void expect_notes_verdict(request_rec *r, const char *verdict)
{
    apr_table_setn(r->notes, EXPECT_NOTE_VERDICT, verdict);
    apr_table_setn(r->subprocess_env, ENV_VERDICT, verdict);
}

void expect_notes_refusal(request_rec *r, const char *verdict,
                          const char *rule, int status, const char *reason)
{
    expect_notes_verdict(r, verdict);
    apr_table_setn(r->notes, EXPECT_NOTE_RULE, rule);
    apr_table_setn(r->notes, EXPECT_NOTE_STATUS, apr_itoa(r->pool, status));
    apr_table_setn(r->notes, EXPECT_NOTE_REASON, reason);
}

void expect_notes_inherit(request_rec *r)
{
    static const char *const names[] = {
        EXPECT_NOTE_RULE, EXPECT_NOTE_STATUS, EXPECT_NOTE_REASON
    };
    const char *verdict = apr_table_get(r->prev->notes, EXPECT_NOTE_VERDICT);
    apr_size_t i;

    if (!verdict) {
        return;
    }
    expect_notes_verdict(r, verdict);
    for (i = 0; i < sizeof(names) / sizeof(names[0]); ++i) {
        const char *value = apr_table_get(r->prev->notes, names[i]);

        if (value) {
            apr_table_setn(r->notes, names[i], value);
        }
    }
}
