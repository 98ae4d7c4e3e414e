/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/*
 * How the rules of sections are joined: ExpectMerging.
 */

#ifndef EXPECT_MERGE_H
#define EXPECT_MERGE_H

#include "http_config.h"

#include "config/section.h"

/**
 * Note where a section stands. What its rules are joined by depends on that,
 * and only the parser knows it.
 * @param conf the section's configuration, new
 * @param cmd  the first directive of the module in it
 */
void expect_merge_place(expect_dir_conf_t *conf, cmd_parms *cmd);

#endif
