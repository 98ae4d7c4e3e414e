/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/*
 * The handler expect-status: it checks the request and chooses the format.
 */

#include <string.h>

#include "httpd.h"
#include "http_config.h"
#include "http_log.h"
#include "http_protocol.h"
#include "http_request.h"
#include "util_script.h"

#include "base/quote.h"
#include "count/counters.h"
#include "status/formats.h"
#include "status/placement.h"
#include "status/serve.h"

APLOG_USE_MODULE(expect);

int expect_status_answer(request_rec *r)
{
    static const struct {
        const char *name;
        expect_status_format_t *write;
    } formats[] = {
        { "", expect_status_html }, { "html", expect_status_html },
        { "json", expect_status_json },
        { "openmetrics", expect_status_openmetrics }
    };
    apr_table_t *args;
    const char *format;
    apr_size_t i;

    if (!expect_placed_by_server(r, EXPECT_STATUS_HANDLER)) {
        ap_log_rerror(APLOG_MARK, APLOG_ERR, 0, r,
                      "expect: " EXPECT_STATUS_HANDLER " is not served at %s: "
                      "an .htaccess names this handler; SetHandler and "
                      "AddHandler have to stand in the server's configuration",
                      expect_quoted_path(r->pool, r->uri));
        return HTTP_NOT_FOUND;
    }
    if (r->method_number != M_GET) {
        ap_allow_standard_methods(r, REPLACE_ALLOW, M_GET, -1);
        return HTTP_METHOD_NOT_ALLOWED;
    }
    ap_args_to_table(r, &args);
    format = apr_table_get(args, "format");
    for (i = 0; i < sizeof(formats) / sizeof(formats[0]); ++i) {
        if (!strcmp(format ? format : "", formats[i].name)) {
            apr_table_setn(r->headers_out, "Cache-Control", "no-store");
            apr_table_setn(r->headers_out, "X-Content-Type-Options",
                           "nosniff");
            return formats[i].write(r, expect_counters_report(r->pool),
                                    expect_remembered(r->pool));
        }
    }
    return HTTP_BAD_REQUEST;
}
