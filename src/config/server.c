/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/*
 * What is written for a server or virtual host.
 */

#include "httpd.h"
#include "http_config.h"

#include "config/section.h"
#include "config/server.h"

const expect_server_conf_t *expect_server_conf_of(const server_rec *s)
{
    return ap_get_module_config(s->module_config, &expect_module);
}

expect_server_conf_t *expect_server_conf_get(cmd_parms *cmd)
{
    ap_conf_vector_t *server = cmd->server->module_config;
    expect_server_conf_t *conf = ap_get_module_config(server, &expect_module);

    if (!conf) {
        conf = apr_pcalloc(cmd->pool, sizeof(*conf));
        ap_set_module_config(server, &expect_module, conf);
    }
    return conf;
}
