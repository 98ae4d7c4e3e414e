/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/*
 * What a client can learn before it sends anything: OPTIONS.
 *
 * Browsers cannot ask by Expect. A page of theirs can read these fields, and
 * refuse a file that would be refused.
 */

#include "httpd.h"
#include "http_config.h"

#include "apr_strings.h"

#include "answer/page.h"
#include "config/section.h"
#include "answer/options.h"
#include "config/merge.h"
#include "tree/describe.h"

/* Rules that do not hold for everybody are not told. */
static int is_binding(const expect_dir_conf_t *conf)
{
    return conf && conf->has_rules && expect_conf_refuses(conf)
           && conf->scope != EXPECT_SCOPE_EXPECTATION;
}

void expect_options_announce(request_rec *r)
{
    const expect_dir_conf_t *conf = expect_conf_of(r->per_dir_config);
    expect_accepts_t told;
    const char *limit, *types;

    if (!is_binding(conf)) {
        return;
    }
    expect_rule_accepts_all(r->pool, expect_conf_rules(r->pool, conf), &told);
    limit = expect_fields_upload_limit(r->pool, &told);
    if (limit) {
        apr_table_setn(r->err_headers_out, "Upload-Limit", limit);
    }
    if (told.accepted && told.accepted->nelts) {
        types = expect_fields_list(r->pool, told.accepted);
        apr_table_setn(r->err_headers_out, "Accept-Post", types);
        apr_table_setn(r->err_headers_out, "Accept-Patch", types);
    }
}
