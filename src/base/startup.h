/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/*
 * What httpd is started for.
 */

#ifndef EXPECT_STARTUP_H
#define EXPECT_STARTUP_H

#include "httpd.h"
#include "http_core.h"

/**
 * Whether httpd only tests its configuration.
 * @return 1 or 0
 */
static APR_INLINE int expect_startup_is_test(void)
{
    return ap_state_query(AP_SQ_RUN_MODE) == AP_SQ_RM_CONFIG_TEST;
}

/**
 * For post_config: whether httpd is going to serve with this configuration. At
 * its start it reads the configuration twice, the first time as a test.
 * @return 1 or 0
 */
static APR_INLINE int expect_startup_serves(void)
{
    return ap_state_query(AP_SQ_MAIN_STATE) != AP_SQ_MS_CREATE_PRE_CONFIG
           && !expect_startup_is_test();
}

#endif
