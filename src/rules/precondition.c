/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/*
 * The rules that need httpd: its regular expressions, the file that the
 * target maps to, its own verdict on access, and its handlers.
 *
 *     ExpectRequire header If-Match
 *     ExpectRequire precondition
 *     ExpectRequire free-space 5%
 *     ExpectRequire auth
 *     ExpectRequire handler
 */

#include <string.h>
#include <sys/statvfs.h>

#include "httpd.h"
#include "http_protocol.h"
#include "mod_rewrite.h"

#include "apr_date.h"
#include "apr_lib.h"
#include "apr_strings.h"

#include "base/patience.h"
#include "base/quote.h"
#include "rules/registry.h"

/* header NAME [PATTERN] */

typedef struct {
    const char *name;
    /* NULL: the field need only be there */
    const ap_regex_t *pattern;
} header_arg_t;

#define HEADER_ACCEPTED "header takes NAME [PATTERN]"

static const char *header_parse(apr_pool_t *p, int argc,
                                const char *const *argv, const void **arg)
{
    header_arg_t *a = apr_pcalloc(p, sizeof(*a));

    if (argc < 1) {
        return expect_rule_wrong(p, NULL, "the NAME is missing",
                                 HEADER_ACCEPTED);
    }
    if (argc > 2) {
        return expect_rule_wrong(p, argv[2], "one argument too many",
                                 HEADER_ACCEPTED
                                 ", quotes around a PATTERN with spaces");
    }
    if (!expect_is_token(argv[0])) {
        return expect_rule_wrong(p, argv[0],
                                 "not a field name", HEADER_ACCEPTED);
    }
    a->name = argv[0];
    if (argc == 2
        && !(a->pattern = ap_pregcomp(p, argv[1], AP_REG_EXTENDED))) {
        return expect_rule_wrong(p, argv[1],
                                 "the regular expression does not compile",
                                 "a PATTERN is a Perl-compatible regular "
                                 "expression");
    }
    *arg = a;
    return NULL;
}

/* As ap_regexec(); what is not tried any more has given up, too. */
static int try_pattern(expect_patience_t *patience, const ap_regex_t *pattern,
                       const char *value)
{
    apr_interval_time_t since;
    int match;

    if (expect_patience_is_over(patience)) {
        return AP_REG_ESPACE;
    }
    since = expect_patience_clock();
    match = ap_regexec(pattern, value, 0, NULL, 0);
    expect_patience_spend(patience, since);
    if (match && match != AP_REG_NOMATCH) {
        expect_patience_end(patience);
    }
    return match;
}

static expect_value_e header_check(const expect_facts_t *facts,
                                   const void *arg, expect_answer_t *answer)
{
    const header_arg_t *a = arg;
    const char *value = apr_table_get(facts->head->fields, a->name);
    int match = !value ? AP_REG_NOMATCH
                : a->pattern ? try_pattern(facts->patience, a->pattern,
                                           value) : 0;

    if (!match) {
        return EXPECT_GRANTED;
    }
    if (match != AP_REG_NOMATCH) {
        /* a pattern that takes too long did not tell */
        answer->survives_not = 1;
        return EXPECT_DENIED;
    }
    /* RFC 6585, 3: how a server asks for a conditional request */
    if (!ap_cstr_casecmp(a->name, "If-Match")
        || !ap_cstr_casecmp(a->name, "If-Unmodified-Since")) {
        answer->status = HTTP_PRECONDITION_REQUIRED;
    }
    return EXPECT_DENIED;
}

static const char *header_explain(apr_pool_t *p, const expect_facts_t *facts,
                                  const void *arg, int status, int negated)
{
    const header_arg_t *a = arg;
    const char *name = expect_quoted(p, a->name, EXPECT_QUOTED_MAX);

    (void)status;
    if (negated) {
        return apr_psprintf(p, "header %s is not accepted", name);
    }
    return apr_psprintf(p, apr_table_get(facts->head->fields, a->name)
                               ? "header %s does not have the required form"
                               : "header %s is missing",
                        name);
}

/* precondition and others that take no argument */

static const char *no_argument(apr_pool_t *p, int argc,
                               const char *const *argv, const char *accepted)
{
    return argc ? expect_rule_wrong(p, argv[0],
                                    "one argument too many", accepted)
                : NULL;
}

static const char *precondition_parse(apr_pool_t *p, int argc,
                                      const char *const *argv,
                                      const void **arg)
{
    (void)arg;
    return no_argument(p, argc, argv, "precondition takes none");
}

/* Whether the target is a file or folder that is there already. */
static int target_exists(const request_rec *r)
{
    return r->finfo.filetype != APR_NOFILE
           && !(r->path_info && *r->path_info);
}

/* The entity tag that a GET of the file would show, NULL for none. It is made
 * once: FileETag Digest reads the file for it. */
static const char *target_etag(request_rec *r)
{
    const char *key = apr_pstrcat(r->pool, "expect-etag ", r->filename, NULL);
    apr_time_t mtime = r->mtime;
    void *made = NULL;
    const char *etag;

    if (!target_exists(r)) {
        return NULL;
    }
    apr_pool_userdata_get(&made, key, r->pool);
    etag = made;
    if (!etag) {
        /* before 2.4.47 this is the time that httpd makes it of */
        r->mtime = r->finfo.mtime;
        etag = ap_make_etag(r, 0);
        r->mtime = mtime;
        apr_pool_userdata_setn(etag ? etag : "", key, NULL, r->pool);
    }
    return etag && *etag ? etag : NULL;
}

/* RFC 9110, 13.1.1, 13.1.4 and 13.1.2, in the order of 13.2.2 */
static const char *precondition_failed(request_rec *r,
                                       const apr_table_t *fields)
{
    const char *match = apr_table_get(fields, "If-Match");
    const char *none_match = apr_table_get(fields, "If-None-Match");
    const char *since = apr_table_get(fields, "If-Unmodified-Since");
    const char *etag = match || none_match ? target_etag(r) : NULL;

    if (match) {
        if (*match == '*'
            ? !target_exists(r)
            : !etag || !ap_find_etag_strong(r->pool, match, etag)) {
            return "If-Match";
        }
    }
    else if (since) {
        apr_time_t date = apr_date_parse_http(since);

        if (date != APR_DATE_BAD && target_exists(r)
            && apr_time_sec(r->finfo.mtime) > apr_time_sec(date)) {
            return "If-Unmodified-Since";
        }
    }
    if (none_match
        && (*none_match == '*'
            ? target_exists(r)
            : etag && ap_find_etag_weak(r->pool, none_match, etag))) {
        return "If-None-Match";
    }
    return NULL;
}

static expect_value_e precondition_check(const expect_facts_t *facts,
                                         const void *arg,
                                         expect_answer_t *answer)
{
    (void)arg;
    (void)answer;
    return precondition_failed(facts->r, facts->head->fields)
               ? EXPECT_DENIED : EXPECT_GRANTED;
}

static const char *precondition_explain(apr_pool_t *p,
                                        const expect_facts_t *facts,
                                        const void *arg, int status,
                                        int negated)
{
    (void)arg;
    (void)status;
    if (negated) {
        return "precondition holds, which is not accepted";
    }
    return apr_pstrcat(p, "precondition ",
                       precondition_failed(facts->r, facts->head->fields),
                       " does not hold for what is stored", NULL);
}

/* free-space SIZE|PERCENT% */

typedef struct {
    /* one of the two, the other is 0 */
    apr_off_t size;
    int percent;
    /* as written: "5%" */
    const char *text;
} space_arg_t;

#define SPACE_ACCEPTED \
    "free-space takes a SIZE or a percentage from 1% to 99%, " \
    EXPECT_SIZE_ACCEPTED

/* A whole number of per cent, 0 if the word is none from 1% to 99%. */
static int percent_parse(const char *word)
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
                                      : "an argument is missing",
                                 SPACE_ACCEPTED);
    }
    a->text = expect_quoted(p, argv[0], EXPECT_QUOTED_MAX);
    if (ap_strchr_c(argv[0], '%')) {
        a->percent = percent_parse(argv[0]);
    }
    else if (!expect_size_parse(&a->size, argv[0])) {
        a->size = 0;
    }
    if (!a->percent && !a->size) {
        return expect_rule_wrong(p, argv[0],
                                 "neither a SIZE nor a percentage, or out "
                                 "of range", SPACE_ACCEPTED);
    }
    *arg = a;
    return NULL;
}

static int target_is_file(const request_rec *r)
{
    return r->filename && r->filename[0] == '/';
}

/* The file system that the target lies on, by its nearest folder. */
static int target_statvfs(const request_rec *r, struct statvfs *fs)
{
    char *path;
    char *slash;

    if (!target_is_file(r)) {
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
 * What is announced and what must stay free are compared in bytes that an
 * unprivileged process may take. A target that is no file has no file
 * system: nobody can promise room there.
 */
static expect_value_e space_check(const expect_facts_t *facts,
                                  const void *arg, expect_answer_t *answer)
{
    const space_arg_t *a = arg;
    apr_off_t length = facts->head->length;
    struct statvfs fs;
    double avail, keep;

    (void)answer;
    if (!target_statvfs(facts->r, &fs)) {
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

static const char *space_explain(apr_pool_t *p, const expect_facts_t *facts,
                                 const void *arg, int status, int negated)
{
    const space_arg_t *a = arg;
    apr_off_t length = facts->head->length;

    (void)status;
    if (negated) {
        return "free-space holds, which is not accepted";
    }
    if (!target_is_file(facts->r)) {
        return "free-space is not known, the target is no file";
    }
    if (length == EXPECT_LENGTH_UNKNOWN) {
        return apr_psprintf(p, "free-space %s is not left", a->text);
    }
    return apr_psprintf(p, "free-space %s would not be left after %"
                        APR_OFF_T_FMT " bytes", a->text, length);
}

/* Seconds: others may have made room by then. */
#define SPACE_RETRY_AFTER 300

static void space_tell(apr_pool_t *p, const expect_facts_t *facts,
                       const void *arg, expect_accepts_t *told)
{
    (void)p;
    (void)arg;
    if (facts && target_is_file(facts->r)) {
        told->retry_after = SPACE_RETRY_AFTER;
    }
}

/* auth */

static const char *auth_parse(apr_pool_t *p, int argc,
                              const char *const *argv, const void **arg)
{
    (void)arg;
    return no_argument(p, argc, argv, "auth takes none");
}

static expect_value_e auth_check(const expect_facts_t *facts, const void *arg,
                                 expect_answer_t *answer)
{
    (void)arg;
    if (facts->auth == EXPECT_AUTH_PENDING) {
        return EXPECT_UNKNOWN;
    }
    if (facts->auth == 0) {
        return EXPECT_GRANTED;
    }
    answer->status = facts->auth;
    return EXPECT_DENIED;
}

static const char *auth_explain(apr_pool_t *p, const expect_facts_t *facts,
                                const void *arg, int status, int negated)
{
    (void)arg;
    (void)status;
    if (negated) {
        return "auth holds, which is not accepted";
    }
    return apr_psprintf(p, "auth: access control answers %d", facts->auth);
}

/* handler [NAME...] */

typedef struct {
    /* ended by NULL; none: any but the file handlers */
    const char *const *names;
} handler_arg_t;

static const char *handler_parse(apr_pool_t *p, int argc,
                                 const char *const *argv, const void **arg)
{
    handler_arg_t *a = apr_palloc(p, sizeof(*a));
    const char **copy = apr_pcalloc(p, (argc + 1) * sizeof(*copy));
    int i;

    for (i = 0; i < argc; ++i) {
        if (!*argv[i]) {
            return expect_rule_wrong(p, argv[i], "not a handler's name",
                                     "a NAME is like dav-handler, cgi-script "
                                     "or proxy-server");
        }
        copy[i] = argv[i];
    }
    a->names = copy;
    *arg = a;
    return NULL;
}

#define PROXY_HANDLER "proxy-server"

/*
 * The handler that will be asked. A media type stands in where none is set
 * (ap_invoke_handler()); only types of the family application/x-httpd-* are
 * handlers' names, by httpd's custom (mod_php). SetHandler "proxy:..." is
 * mod_proxy by another name.
 */
static const char *target_handler(const request_rec *r)
{
    if (r->handler) {
        return strncmp(r->handler, "proxy:", 6) ? r->handler : PROXY_HANDLER;
    }
    if (r->content_type
        && !ap_cstr_casecmpn(r->content_type, "application/x-httpd-", 20)) {
        return r->content_type;
    }
    return AP_DEFAULT_HANDLER_NAME;
}

/* Those that send what is stored and take no content. */
static int is_file_handler(const char *handler)
{
    static const char *const names[] = {
        AP_DEFAULT_HANDLER_NAME, "default-handler", DIR_MAGIC_TYPE,
        REWRITE_REDIRECT_HANDLER_NAME, "send-as-is", "server-parsed",
        "type-map", NULL
    };
    int i;

    for (i = 0; names[i]; ++i) {
        if (!ap_cstr_casecmp(handler, names[i])) {
            return 1;
        }
    }
    return 0;
}

int expect_target_takes_content(const request_rec *r)
{
    return !is_file_handler(target_handler(r));
}

int expect_target_is_rewritten(const request_rec *r)
{
    return r->handler && !strcmp(r->handler, REWRITE_REDIRECT_HANDLER_NAME)
           && r->filename && !strncmp(r->filename, "redirect:", 9);
}

static expect_value_e handler_check(const expect_facts_t *facts,
                                    const void *arg, expect_answer_t *answer)
{
    const handler_arg_t *a = arg;
    const char *handler = target_handler(facts->r);
    const char *const *name;

    (void)answer;
    if (expect_target_is_rewritten(facts->r)) {
        return EXPECT_UNKNOWN;
    }
    for (name = a->names; *name; ++name) {
        if (!ap_cstr_casecmp(handler, *name)) {
            return EXPECT_GRANTED;
        }
    }
    return a->names[0] || is_file_handler(handler) ? EXPECT_DENIED
                                                   : EXPECT_GRANTED;
}

static const char *handler_explain(apr_pool_t *p, const expect_facts_t *facts,
                                   const void *arg, int status, int negated)
{
    const handler_arg_t *a = arg;

    (void)p;
    (void)facts;
    (void)status;
    return negated || a->names[0]
               ? "handler: what takes content here is not accepted"
               : "handler: nothing here takes content";
}

/* What the file handler does (RFC 9110, 10.2.1). */
static void handler_tell(apr_pool_t *p, const expect_facts_t *facts,
                         const void *arg, expect_accepts_t *told)
{
    apr_array_header_t *methods = apr_array_make(p, 3, sizeof(const char *));

    (void)facts;
    (void)arg;
    APR_ARRAY_PUSH(methods, const char *) = "GET";
    APR_ARRAY_PUSH(methods, const char *) = "HEAD";
    APR_ARRAY_PUSH(methods, const char *) = "OPTIONS";
    told->accepted = methods;
    told->field = "Allow";
}

const expect_rule_type_t expect_rules_target[] = {
    { "header", EXPECT_AT_HEAD, HTTP_BAD_REQUEST,
      header_parse, header_check, header_explain, NULL },
    /* RFC 9110, 13.2.1: not before access control; and what is stored here is
     * told to nobody whom that keeps out */
    { "precondition", EXPECT_AT_USER, HTTP_PRECONDITION_FAILED,
      precondition_parse, precondition_check, precondition_explain, NULL },
    { "free-space", EXPECT_AT_DIRECTORY, HTTP_INSUFFICIENT_STORAGE,
      space_parse, space_check, space_explain, space_tell },
    { "auth", EXPECT_AT_AUTH, HTTP_FORBIDDEN,
      auth_parse, auth_check, auth_explain, NULL },
    { "handler", EXPECT_AT_HANDLER, HTTP_METHOD_NOT_ALLOWED,
      handler_parse, handler_check, handler_explain, handler_tell },
    { NULL, EXPECT_AT_HEAD, 0, NULL, NULL, NULL, NULL }
};

const expect_rule_type_t *expect_rules_find(const char *name)
{
    const expect_rule_type_t *type =
        expect_rule_type_find(expect_rules_content, name);

    return type ? type : expect_rule_type_find(expect_rules_target, name);
}
