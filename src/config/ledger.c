/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/*
 * ExpectLedger: how many keys the ledger remembers.
 */

#include <string.h>

#include "httpd.h"
#include "http_config.h"

#include "apr_lib.h"
#include "apr_strings.h"

#include "config/directives.h"
#include "ledger/server.h"

#define KEYS_MIN 64
#define KEYS_MAX APR_INT64_C(16777216)

#define ACCEPTED "keys=N is accepted, a whole number from 64 to 16777216"

const char *expect_cmd_ledger(cmd_parms *cmd, void *unused, const char *args)
{
    const char *err = ap_check_cmd_context(cmd, GLOBAL_ONLY);
    const char *word = ap_getword_conf(cmd->pool, &args);
    apr_int64_t keys = 0;
    char *end = NULL;

    (void)unused;
    if (err) {
        return err;
    }
    if (!*word) {
        return expect_config_error(cmd, "no argument",
                                   ": a value is missing; " ACCEPTED);
    }
    if (*args) {
        return expect_config_error(cmd, args,
                                   ": one argument too many; " ACCEPTED);
    }
    if (strncasecmp(word, "keys=", 5)) {
        return expect_config_error(cmd, word, ": unknown argument; " ACCEPTED);
    }
    keys = apr_strtoi64(word + 5, &end, 10);
    if (!apr_isdigit(word[5]) || *end || keys < KEYS_MIN || keys > KEYS_MAX) {
        return expect_config_error(cmd, word, ": not a number, or out of "
                                              "range; " ACCEPTED);
    }
    expect_server_set_keys((apr_uint32_t)keys);
    return NULL;
}
