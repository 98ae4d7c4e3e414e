/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/*
 * free-space SIZE|PERCENT%
 *
 *     ExpectRequire free-space 5%
 */

#include <string.h>
#include <sys/statvfs.h>

#include "httpd.h"

#include "apr_lib.h"
#include "apr_strings.h"

#include "base/quote.h"
#include "base/size.h"
#include "rules/arguments.h"
#include "rules/registry.h"

/* Seconds after which it is worth another try. */
#define RETRY_AFTER 300

typedef struct {
    /* one of the two, the other is 0 */
    apr_off_t size;
    int percent;
    /* as written: "5%" */
    const char *text;
} space_arg_t;

#define ACCEPTED \
    "free-space takes a SIZE or a percentage from 1% to 99%, " \
    EXPECT_SIZE_ACCEPTED

/* The number of a percentage from 1% to 99%; 0 if the word is none. */
static int space_parse_percent(const char *word)
{
    int percent = 0;
    int digits = 0;

    for (; apr_isdigit(*word) && digits < 2; ++word, ++digits) {
        percent = 10 * percent + (*word - '0');
    }
    return digits && word[0] == '%' && !word[1] ? percent : 0;
}

static const char *space_parse(apr_pool_t *p, int argc,
                               const char *const *argv, const void **arg)
{
    space_arg_t *a = apr_pcalloc(p, sizeof(*a));

    if (argc != 1) {
        return expect_rule_wrong(p, argc ? argv[1] : NULL,
                                 argc ? "one argument too many"
                                      : "an argument is missing", ACCEPTED);
    }
    a->text = expect_quoted(p, argv[0], EXPECT_QUOTED_MAX);
    if (ap_strchr_c(argv[0], '%')) {
        a->percent = space_parse_percent(argv[0]);
    }
    else if (!expect_size_parse(&a->size, argv[0])) {
        a->size = 0;
    }
    if (!a->percent && !a->size) {
        return expect_rule_wrong(p, argv[0],
                                 "neither a SIZE nor a percentage, or out "
                                 "of range", ACCEPTED);
    }
    *arg = a;
    return NULL;
}

static int space_has_file(const request_rec *r)
{
    return r->filename && r->filename[0] == '/';
}

/* Look at the file system of the target, by its nearest folder that exists. */
static int space_statvfs(const request_rec *r, struct statvfs *fs)
{
    char *path;
    char *slash;

    if (!space_has_file(r)) {
        return 0;
    }
    path = apr_pstrdup(r->pool, r->filename);
    while (statvfs(path, fs) != 0) {
        if (path[0] == '/' && !path[1]) {
            return 0;
        }
        slash = strrchr(path, '/');
        slash[slash == path] = '\0';
    }
    return 1;
}

/*
 * The announced length and the space that must stay free are compared in bytes
 * that an unprivileged process may take. A target that is not a file has no
 * file system: there the rule is denied.
 */
static expect_value_e space_check(const expect_facts_t *facts,
                                  const void *arg, expect_answer_t *answer)
{
    const space_arg_t *a = arg;
    apr_off_t length = facts->head->length;
    struct statvfs fs;
    double avail, keep;

    (void)answer;
    if (!space_statvfs(facts->r, &fs)) {
        return EXPECT_DENIED;
    }
    avail = (double)fs.f_bavail * (double)fs.f_frsize;
    keep = a->percent
               ? (double)fs.f_blocks * (double)fs.f_frsize * a->percent / 100
               : (double)a->size;
    if (length != EXPECT_LENGTH_UNKNOWN) {
        keep += (double)length;
    }
    return avail >= keep ? EXPECT_GRANTED : EXPECT_DENIED;
}

static const char *space_reason(apr_pool_t *p, const expect_facts_t *facts,
                                const void *arg, int status, int negated)
{
    const space_arg_t *a = arg;
    apr_off_t length = facts->head->length;

    (void)status;
    if (negated) {
        return "free-space is left, which is not accepted";
    }
    if (!space_has_file(facts->r)) {
        return "free-space cannot be determined: the target is not a file";
    }
    if (length == EXPECT_LENGTH_UNKNOWN) {
        return apr_psprintf(p, "less than %s is free", a->text);
    }
    return apr_psprintf(p, "free-space %s would not be left after %"
                        APR_OFF_T_FMT " bytes", a->text, length);
}

static void space_accepts(apr_pool_t *p, const expect_facts_t *facts,
                          const void *arg, expect_accepts_t *accepts)
{
    (void)p;
    (void)arg;
    if (facts && space_has_file(facts->r)) {
        accepts->retry_after = RETRY_AFTER;
    }
}

const expect_rule_type_t expect_rule_free_space = {
    .name = "free-space",
    .known_at = EXPECT_AT_DIRECTORY,
    .status = HTTP_INSUFFICIENT_STORAGE,
    .parse = space_parse,
    .check = space_check,
    .reason = space_reason,
    .accepts = space_accepts
};
