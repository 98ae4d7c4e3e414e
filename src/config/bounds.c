/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/*
 * ExpectLinger: its defaults and its parser.
 */

#include <string.h>

#include "httpd.h"
#include "http_config.h"

#include "apr_strings.h"

#include "base/size.h"
#include "config/bounds.h"
#include "config/directives.h"
#include "config/server.h"

/* httpd's own times */
static const expect_linger_t linger_default = {
    .bounds = {
        .time = 30 * APR_USEC_PER_SEC,
        .idle = 2 * APR_USEC_PER_SEC,
        .max = -1
    }
};

const expect_linger_t *expect_linger_of(const server_rec *s)
{
    const expect_server_conf_t *conf = expect_server_conf_of(s);

    return conf && conf->linger ? conf->linger : &linger_default;
}

#define ACCEPTED "time=SECONDS, idle=SECONDS and max=SIZE, or Off, are accepted"

/* A day: a longer time is a mistake. */
#define SECONDS_MAX 86400

static const char *bounds_parse_seconds(apr_pool_t *p,
                                        apr_interval_time_t *time,
                                        const char *text)
{
    apr_int64_t seconds = apr_atoi64(text);

    if (text[strspn(text, "0123456789")]) {
        return ": not a number of seconds; " ACCEPTED;
    }
    if (seconds < 1 || seconds > SECONDS_MAX) {
        return apr_psprintf(p, ": not within 1 and %d seconds; " ACCEPTED,
                            SECONDS_MAX);
    }
    *time = apr_time_from_sec(seconds);
    return NULL;
}

/*
 * Parse one argument.
 * @param given a bit for each key that was given so far
 * @return NULL, or ": what is wrong; what is accepted"
 */
static const char *bounds_parse_word(apr_pool_t *p, expect_linger_t *linger,
                                     unsigned *given, const char *word)
{
    static const char *const keys[] = { "time=", "idle=", "max=" };
    const char *value = ap_strchr_c(word, '=');
    apr_off_t size;
    int i = 0;

    while (i < 3 && strncasecmp(word, keys[i], strlen(keys[i]))) {
        ++i;
    }
    if (i == 3 || !value) {
        return ": unknown argument; " ACCEPTED;
    }
    if (*given & (1U << i)) {
        return ": given twice; " ACCEPTED;
    }
    *given |= 1U << i;
    if (!*++value) {
        return ": the value is missing; " ACCEPTED;
    }
    if (i < 2) {
        return bounds_parse_seconds(p, i ? &linger->bounds.idle
                                         : &linger->bounds.time, value);
    }
    if (!expect_size_parse(&size, value)) {
        return ": not a SIZE, or too large; " EXPECT_SIZE_ACCEPTED;
    }
    linger->bounds.max = size;
    return NULL;
}

const char *expect_cmd_linger(cmd_parms *cmd, void *unused, const char *args)
{
    expect_linger_t *linger = apr_pmemdup(cmd->pool, &linger_default,
                                          sizeof(linger_default));
    const char *err = ap_check_cmd_context(cmd, NOT_IN_DIR_CONTEXT
                                                    | NOT_IN_HTACCESS);
    const char *word = ap_getword_conf(cmd->pool, &args);
    unsigned given = 0;

    (void)unused;
    if (err) {
        return err;
    }
    if (!*word) {
        return expect_config_error(cmd, "no argument",
                                   ": a value is missing; " ACCEPTED);
    }
    linger->is_off = !strcasecmp(word, "Off");
    if (linger->is_off && *args) {
        return expect_config_error(cmd, args,
                                   ": one argument too many; " ACCEPTED);
    }
    while (!linger->is_off) {
        err = bounds_parse_word(cmd->pool, linger, &given, word);
        if (err) {
            return expect_config_error(cmd, *word ? word : "\"\"", err);
        }
        if (!*args) {
            break;
        }
        word = ap_getword_conf(cmd->pool, &args);
    }
    expect_server_conf_get(cmd)->linger = linger;
    return NULL;
}
