/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/*
 * ExpectStore: where several servers remember together. What its URL means is
 * for the module that provides the store.
 */

#include <string.h>

#include "httpd.h"
#include "http_config.h"

#include "apr_file_io.h"
#include "apr_lib.h"
#include "apr_strings.h"

#include "config/directives.h"
#include "ledger/fleet.h"

#define ACCEPTED \
    "a URL like redis://HOST[:PORT][/DB] or redis+unix://PATH[/DB] is " \
    "accepted, and behind it timeout=MS, lease=SECONDS, " \
    "on-error=local|admit|refuse, prefix=WORD and password-file=PATH"

#define TIMEOUT_MAX 10000
#define LEASE_MIN 3
#define LEASE_MAX 3600
#define PREFIX_MAX 64
#define PASSWORD_MAX 1024

static const char *store_number(apr_pool_t *p, const char *value, int min,
                                int max, const char *unit, apr_int64_t *number)
{
    char *end;

    *number = apr_strtoi64(value, &end, 10);
    if (!apr_isdigit(*value) || *end || *number < min || *number > max) {
        return apr_psprintf(p, ": not a number of %s within %d and %d; "
                            ACCEPTED, unit, min, max);
    }
    return NULL;
}

static const char *store_timeout(cmd_parms *cmd, expect_store_conf_t *conf,
                                 const char *value)
{
    apr_int64_t ms;
    const char *err = store_number(cmd->pool, value, 1, TIMEOUT_MAX,
                                   "milliseconds", &ms);

    conf->timeout = ms * 1000;
    return err;
}

static const char *store_lease(cmd_parms *cmd, expect_store_conf_t *conf,
                               const char *value)
{
    apr_int64_t seconds;
    const char *err = store_number(cmd->pool, value, LEASE_MIN, LEASE_MAX,
                                   "seconds", &seconds);

    conf->lease = apr_time_from_sec(seconds);
    return err;
}

static const char *store_on_error(cmd_parms *cmd, expect_store_conf_t *conf,
                                  const char *value)
{
    int i = 0;

    (void)cmd;
    while (i < EXPECT_STORE_ON_ERRORS
           && strcasecmp(value, expect_store_on_errors[i])) {
        ++i;
    }
    if (i == EXPECT_STORE_ON_ERRORS) {
        return ": neither local nor admit nor refuse; " ACCEPTED;
    }
    conf->on_error = (expect_store_error_e)i;
    return NULL;
}

/* Without braces: they say which keys a cluster keeps together. */
static const char *store_prefix(cmd_parms *cmd, expect_store_conf_t *conf,
                                const char *value)
{
    apr_size_t length = strlen(value);

    (void)cmd;
    if (length > PREFIX_MAX
        || value[strspn(value, "abcdefghijklmnopqrstuvwxyz"
                               "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                               "0123456789-_.:")]) {
        return ": not a word of at most 64 letters, digits, and - _ . :; "
               ACCEPTED;
    }
    conf->prefix = value;
    return NULL;
}

/* One line. */
static const char *store_password(cmd_parms *cmd, expect_store_conf_t *conf,
                                  const char *value)
{
    const char *path = ap_server_root_relative(cmd->pool, value);
    char *line = apr_pcalloc(cmd->pool, PASSWORD_MAX + 2);
    apr_file_t *file = NULL;
    apr_status_t rv = path ? apr_file_open(&file, path, APR_FOPEN_READ,
                                           APR_OS_DEFAULT, cmd->temp_pool)
                           : APR_EBADPATH;
    char text[128];

    if (rv == APR_SUCCESS) {
        rv = apr_file_gets(line, PASSWORD_MAX + 2, file);
        apr_file_close(file);
    }
    if (rv != APR_SUCCESS && rv != APR_EOF) {
        return apr_psprintf(cmd->pool, ": cannot be read: %s; " ACCEPTED,
                            apr_strerror(rv, text, sizeof(text)));
    }
    line[strcspn(line, "\r\n")] = '\0';
    if (!*line || strlen(line) > PASSWORD_MAX) {
        return ": the first line of the file is no password of 1 to 1024 "
               "bytes; " ACCEPTED;
    }
    conf->password = line;
    return NULL;
}

/*
 * Parse one argument behind the URL.
 * @param given a bit for each key that was given so far
 * @return NULL, or ": what is wrong; what is accepted"
 */
static const char *store_word(cmd_parms *cmd, expect_store_conf_t *conf,
                              unsigned *given, const char *word)
{
    static const struct {
        const char *name;
        const char *(*parse)(cmd_parms *, expect_store_conf_t *, const char *);
    } words[] = {
        { "timeout=", store_timeout }, { "lease=", store_lease },
        { "on-error=", store_on_error }, { "prefix=", store_prefix },
        { "password-file=", store_password }
    };
    const char *value = ap_strchr_c(word, '=');
    unsigned i = 0;

    while (i < 5 && strncasecmp(word, words[i].name, strlen(words[i].name))) {
        ++i;
    }
    if (i == 5 || !value) {
        return ": unknown argument; " ACCEPTED;
    }
    if (*given & (1U << i)) {
        return ": given twice; " ACCEPTED;
    }
    *given |= 1U << i;
    if (!*++value) {
        return ": the value is missing; " ACCEPTED;
    }
    return words[i].parse(cmd, conf, value);
}

/* RFC 3986, 3.1. */
static const char *store_scheme(apr_pool_t *p, const char *url)
{
    const char *end = strstr(url, "://");
    char *scheme;

    if (!end || !end[3] || !apr_isalpha(*url)) {
        return NULL;
    }
    scheme = apr_pstrmemdup(p, url, end - url);
    ap_str_tolower(scheme);
    return scheme[strspn(scheme, "abcdefghijklmnopqrstuvwxyz0123456789+-.")]
               ? NULL : scheme;
}

const char *expect_cmd_store(cmd_parms *cmd, void *unused, const char *args)
{
    const char *err = ap_check_cmd_context(cmd, GLOBAL_ONLY);
    expect_store_conf_t *conf = apr_pcalloc(cmd->pool, sizeof(*conf));
    unsigned given = 0;

    (void)unused;
    if (err) {
        return err;
    }
    conf->url = ap_getword_conf(cmd->pool, &args);
    if (!*conf->url) {
        return expect_config_error(cmd, "no argument",
                                   ": the URL is missing; " ACCEPTED);
    }
    conf->scheme = store_scheme(cmd->pool, conf->url);
    if (!conf->scheme) {
        /* it may have a password in it */
        return expect_config_error(cmd, "the first argument",
                                   ": not a URL; " ACCEPTED);
    }
    conf->timeout = APR_USEC_PER_SEC / 20;
    conf->lease = apr_time_from_sec(30);
    conf->prefix = "expect";
    conf->file = cmd->directive->filename;
    conf->line = cmd->directive->line_num;
    while (*args) {
        const char *word = ap_getword_conf(cmd->pool, &args);

        err = store_word(cmd, conf, &given, word);
        if (err) {
            return expect_config_error(cmd, *word ? word : "\"\"", err);
        }
    }
    expect_fleet_set_store(conf);
    return NULL;
}
