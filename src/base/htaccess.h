/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/*
 * Whether a directive is in an .htaccess file.
 */

#ifndef EXPECT_HTACCESS_H
#define EXPECT_HTACCESS_H

#include "httpd.h"
#include "http_config.h"

/**
 * Whether a directive is read from an .htaccess file, for a request. It is what
 * ap_check_cmd_context() tests for NOT_IN_HTACCESS (server/core.c), without the
 * message that this function makes: such files are read for each request.
 * @param cmd the directive being read
 * @return 1 or 0
 */
static APR_INLINE int expect_is_htaccess(const cmd_parms *cmd)
{
    return cmd->pool == cmd->temp_pool;
}

#endif
