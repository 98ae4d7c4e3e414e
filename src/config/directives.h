/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/*
 * The functions of the directives. Their table is in mod_expect.c.
 */

#ifndef EXPECT_DIRECTIVES_H
#define EXPECT_DIRECTIVES_H

#include "http_config.h"

/** A directive that takes one of several words. */
typedef struct expect_setting_t expect_setting_t;

extern const expect_setting_t expect_engine_setting;
extern const expect_setting_t expect_merging_setting;
extern const expect_setting_t expect_status_setting;
extern const expect_setting_t expect_scope_setting;

/** ExpectEngine, ExpectMerging, ExpectStatus, ExpectScope; cmd->info is the
 *  expect_setting_t. */
const char *expect_cmd_setting(cmd_parms *cmd, void *unused,
                               const char *args);

/** ExpectRequire. */
const char *expect_cmd_require(cmd_parms *cmd, void *unused,
                               const char *args);

/** <ExpectRequireAll> and the others; cmd->info is the expect_kind_e. */
const char *expect_cmd_container(cmd_parms *cmd, void *unused,
                                 const char *args);

/** ExpectLinger: bounds.c. */
const char *expect_cmd_linger(cmd_parms *cmd, void *unused, const char *args);

/** ExpectLedger: ledger.c. */
const char *expect_cmd_ledger(cmd_parms *cmd, void *unused, const char *args);

/** ExpectStore: store.c. */
const char *expect_cmd_store(cmd_parms *cmd, void *unused, const char *args);

/**
 * The message of an error.
 * @param cmd  the directive being read
 * @param read the word or text that was read
 * @param err  ": what is wrong; what is accepted"
 * @return the message, with the line in an .htaccess
 */
const char *expect_config_error(cmd_parms *cmd, const char *read,
                                const char *err);

#endif
