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

#include "apr_file_io.h"

#include "base/version.h"
#include "config/merge.h"
#include "explain/dump.h"
#include "explain/explain.h"
#include "explain/query.h"
#include "explain/sections.h"
#include "explain/show.h"
#include "explain/simulate.h"
#include "ledger/fleet.h"

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

static void dump_test_config(apr_pool_t *p, server_rec *s)
{
    const apr_array_header_t *queries = expect_queries(s);
    apr_file_t *out;
    int i;

    if (!ap_exists_config_define("DUMP_EXPECT")) {
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
}
