/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/*
 * httpd -t -D DUMP_EXPECT: the rules in force in every section, after merging,
 * with file and line and the stage at which each is known.
 *
 *     VirtualHost files.example.org:443
 *       <Directory /srv/uploads/>: engine On, status 417, scope content
 *         (its rules: see show.c)
 *
 * The rules of .htaccess files are not known here. If the configuration has
 * queries (ExpectExplain), these are answered instead: see explain.c.
 */

#include "httpd.h"
#include "http_config.h"
#include "http_core.h"
#include "http_log.h"

#include "apr_file_io.h"

#include "base/startup.h"
#include "base/version.h"
#include "config/merge.h"
#include "explain/dump.h"
#include "explain/explain.h"
#include "explain/query.h"
#include "explain/sections.h"
#include "explain/show.h"
#include "explain/simulate.h"
#include "ledger/fleet.h"

APLOG_USE_MODULE(expect);

static void dump_servers(apr_pool_t *p, server_rec *s, apr_file_t *out)
{
    int auth_varies = expect_show_find(ap_conftree, "AuthType", "%{") != NULL;
    const char *store = expect_fleet_shown(p);

    expect_show_print(p, out, "mod_expect %s: the rules in force, without "
                      "those of .htaccess files\n", EXPECT_VERSION);
    if (store) {
        expect_show_print(p, out, "ExpectStore %s: in-flight and quota are "
                          "shared by all servers that use it\n", store);
    }
    for (; s; s = s->next) {
        expect_sections_print(p, out, s, auth_varies);
    }
}

/* A query that was left in a file must not keep a server from starting, least
 * of all after apachectl has found the configuration to be in order. */
static void dump_warn_ignored(const server_rec *s)
{
    const apr_array_header_t *queries = expect_queries(s);
    int i;

    for (i = 0; queries && i < queries->nelts; ++i) {
        const ap_directive_t *at = APR_ARRAY_IDX(queries, i,
                                                 expect_query_t *)->directive;

        ap_log_error(APLOG_MARK, APLOG_WARNING, 0, s,
                     "expect: ExpectExplain at %s:%d is ignored: only "
                     "httpd -t -D DUMP_EXPECT answers it",
                     at->filename, at->line_num);
    }
}

static int dump_post_config(apr_pool_t *p, apr_pool_t *plog, apr_pool_t *ptemp,
                            server_rec *s)
{
    (void)p;
    (void)plog;
    (void)ptemp;
    if (expect_startup_serves()) {
        dump_warn_ignored(s);
    }
    return OK;
}

static void dump_test_config(apr_pool_t *p, server_rec *s)
{
    const apr_array_header_t *queries = expect_queries(s);
    apr_file_t *out;
    int i;

    if (!ap_exists_config_define("DUMP_EXPECT")) {
        dump_warn_ignored(s);
        return;
    }
    apr_file_open_stdout(&out, p);
    if (!queries) {
        dump_servers(p, s, out);
        return;
    }
    for (i = 0; i < queries->nelts; ++i) {
        expect_explain(p, s, out, APR_ARRAY_IDX(queries, i,
                                                const expect_query_t *));
    }
}

void expect_dump_register(void)
{
    expect_simulate_register();
    ap_hook_test_config(dump_test_config, NULL, NULL, APR_HOOK_MIDDLE);
    /* anywhere: it only logs, and ErrorLog is open */
    ap_hook_post_config(dump_post_config, NULL, NULL, APR_HOOK_MIDDLE);
}
