/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/*
 * One rule and its arguments, the first line, is evaluated for a head, the
 * other lines. The results of content-length, content-type, content-encoding
 * and header are worked out a second time, here by comparing word by word. The
 * sentences and lists for the client are clean and bounded whatever was sent.
 * in-flight and quota look at a ledger from which nothing is ever taken.
 */

#include <string.h>

#include "fuzz.h"

#include "apr_strings.h"

#include "base/quote.h"
#include "base/size.h"
#include "ledger/claims.h"
#include "rules/limits.h"
#include "rules/registry.h"

/* The longest sentence without words of the configuration: its own words, and
 * client data up to EXPECT_QUOTED_MAX. */
#define SENTENCE_MAX 200

/* --- a second opinion ---------------------------------------------------- */

static int is_type(const char *pattern, const char *type)
{
    const char *slash = strchr(pattern, '/');
    const char *plus = strrchr(strchr(type, '/'), '+');

    if (!strcmp(pattern, "*/*")) {
        return 1;
    }
    if (slash[1] != '*') {
        return !strcasecmp(pattern, type);
    }
    return !strncasecmp(pattern, type, slash + 1 - pattern)
           && (!slash[2] || (plus && !strcasecmp(slash + 2, plus)));
}

static int type_holds(apr_pool_t *p, const apr_array_header_t *words,
                      expect_head_t *head)
{
    const char *type = expect_head_media_type(p, head)->type;
    int i;

    for (i = 0; type && i < words->nelts; ++i) {
        if (is_type(APR_ARRAY_IDX(words, i, const char *), type)) {
            return 1;
        }
    }
    return 0;
}

static int is_coding(const char *word, const char *coding)
{
    return !strcasecmp(word, coding)
           || (!strncasecmp(word, "x-", 2) && !strcasecmp(word + 2, coding)
               && (!strcmp(coding, "gzip") || !strcmp(coding, "compress")));
}

static int coding_holds(apr_pool_t *p, const apr_array_header_t *words,
                        expect_head_t *head)
{
    const apr_array_header_t *sent = expect_head_codings(p, head);
    int i, j, found = 1;

    for (i = 0; i < sent->nelts && found; ++i) {
        const char *coding = APR_ARRAY_IDX(sent, i, const char *);

        for (j = 0, found = 0; coding && j < words->nelts; ++j) {
            found |= is_coding(APR_ARRAY_IDX(words, j, const char *), coding);
        }
    }
    return found;
}

static int length_holds(apr_pool_t *p, const apr_array_header_t *words,
                        expect_head_t *head)
{
    int i;

    (void)p;
    for (i = 0; i < words->nelts; ++i) {
        const char *word = APR_ARRAY_IDX(words, i, const char *);
        apr_off_t size = 0;

        if (!strcasecmp(word, "known")) {
            if (head->length == EXPECT_LENGTH_UNKNOWN) {
                return 0;
            }
            continue;
        }
        MUST(expect_size_parse(&size, word + 4), word);
        if (!strncasecmp(word, "min", 3)
                ? head->length < size && size > 0
                : head->length > size) {
            return 0;
        }
    }
    return 1;
}

static int header_holds(apr_pool_t *p, const apr_array_header_t *words,
                        expect_head_t *head)
{
    (void)p;
    return words->nelts > 1
           || apr_table_get(head->fields, APR_ARRAY_IDX(words, 0,
                                                        const char *));
}

/* Nothing is taken: only what alone is larger than the limit is denied. */
static int limit_holds(apr_pool_t *p, const apr_array_header_t *words,
                       expect_head_t *head)
{
    int i;

    (void)p;
    for (i = 0; i < words->nelts; ++i) {
        const char *word = APR_ARRAY_IDX(words, i, const char *);
        apr_off_t size = 0;

        if (!strncasecmp(word, "bytes=", 6)) {
            MUST(expect_size_parse(&size, word + 6), word);
            return head->length == EXPECT_LENGTH_UNKNOWN
                   || head->length <= size;
        }
    }
    return 1;
}

static const struct {
    const char *name;
    int (*holds)(apr_pool_t *p, const apr_array_header_t *words,
                 expect_head_t *head);
} opinions[] = {
    { "content-type", type_holds },
    { "content-encoding", coding_holds },
    { "content-length", length_holds },
    { "header", header_holds },
    { "in-flight", limit_holds },
    { "quota", limit_holds }
};

static void check_value(apr_pool_t *p, const expect_rule_type_t *type,
                        const apr_array_header_t *words, expect_head_t *head,
                        expect_value_e value)
{
    const char *rule = type->name;
    apr_size_t i;

    /* key=expr= with an empty value */
    if (type->remembers && value == EXPECT_NEUTRAL) {
        return;
    }
    MUST(value == EXPECT_GRANTED || value == EXPECT_DENIED
         || value == EXPECT_UNKNOWN, rule);
    for (i = 0; i < sizeof(opinions) / sizeof(opinions[0]); ++i) {
        if (!strcasecmp(rule, opinions[i].name)) {
            int holds = opinions[i].holds(p, words, head);

            /* patterns are not worked out here */
            MUST(holds == (value == EXPECT_GRANTED)
                 || (!strcasecmp(rule, "header") && words->nelts > 1), rule);
        }
    }
}

/* --- what the client may know -------------------------------------------- */

static void check_accepts(apr_pool_t *p, const expect_rule_type_t *type,
                          const expect_facts_t *facts, const void *arg,
                          const char *line)
{
    expect_accepts_t accepts = expect_accepts_anything;
    int i;

    if (!type->accepts) {
        return;
    }
    type->accepts(p, facts, arg, &accepts);
    MUST(!accepts.policy || type->remembers, line);
    MUST(!accepts.policy || fuzz_is_clean(accepts.policy), accepts.policy);
    MUST(!accepts.rate_limit || fuzz_is_clean(accepts.rate_limit),
         accepts.rate_limit);
    MUST(accepts.retry_after >= 0, line);
    if (accepts.announced) {
        MUST(fuzz_is_clean(accepts.announced), accepts.announced);
        MUST(strlen(accepts.announced) <= EXPECT_QUOTED_MAX + 3,
             accepts.announced);
    }
    for (i = 0; accepts.accepted && i < accepts.accepted->nelts; ++i) {
        const char *word = APR_ARRAY_IDX(accepts.accepted, i, const char *);

        MUST(fuzz_is_clean(word), word);
        MUST(accepts.field, line);
    }
}

static void check_sentence(const char *sentence, const char *line)
{
    MUST(sentence && *sentence, line);
    MUST(fuzz_is_clean(sentence), sentence);
    MUST(strlen(sentence) <= strlen(line) + SENTENCE_MAX, sentence);
}

/* --- the rule ------------------------------------------------------------ */

static apr_array_header_t *words_of(apr_pool_t *p, const char *line)
{
    apr_array_header_t *words = apr_array_make(p, 4, sizeof(const char *));

    while (*line) {
        APR_ARRAY_PUSH(words, const char *) = ap_getword_conf(p, &line);
    }
    return words;
}

/* A target that exists, one that does not, or none. */
static void set_target(request_rec *r)
{
    const char *target = apr_table_get(r->headers_in, "Target");

    r->handler = apr_table_get(r->headers_in, "Handler");
    r->content_type = apr_table_get(r->headers_in, "Content-Type");
    if (target) {
        r->filename = apr_pstrdup(r->pool, target);
        apr_stat(&r->finfo, strchr(target, 'x') ? "/dev/null" : "/",
                 APR_FINFO_MIN, r->pool);
    }
}

static void evaluate(request_rec *r, const expect_rule_type_t *type,
                     const void *arg, const char *args)
{
    expect_answer_t answer = EXPECT_ANSWER_INIT;
    apr_pool_t *p = r->pool;
    expect_facts_t facts = { .r = r, .pool = p, .method = -1 };
    expect_head_t head;
    expect_value_e value;
    int status;

    if (!expect_head_read(&head, r->headers_in, 0)) {
        return;
    }
    set_target(r);
    answer.status = type->status;
    facts.head = &head;
    facts.claims = expect_claims_make(p);
    facts.auth = strlen(args) % 2 ? HTTP_UNAUTHORIZED : EXPECT_AUTH_PENDING;
    value = type->check(&facts, arg, &answer);
    check_value(p, type, words_of(p, args), &head, value);
    MUST(answer.status >= 400 && answer.status < 600, args);
    MUST(answer.max == EXPECT_UNLIMITED
         || (value == EXPECT_GRANTED && head.length < 0), args);

    check_accepts(p, type, &facts, arg, args);
    check_accepts(p, type, NULL, arg, args);
    if (value == EXPECT_DENIED) {
        check_sentence(type->reason(p, &facts, arg, answer.status, 0), args);
    }
    if (value == EXPECT_GRANTED && !type->remembers) {
        check_sentence(type->reason(p, &facts, arg, answer.status, 1), args);
    }
    if (value == EXPECT_GRANTED && type->remembers) {
        check_sentence(expect_limits_cut_off(p, &facts, arg, head.length,
                                             &status), args);
        MUST(status == HTTP_REQUEST_ENTITY_TOO_LARGE
             || status == HTTP_SERVICE_UNAVAILABLE, args);
    }
}

/* The rest of a rule that depends on where it is written: in an .htaccess, for
 * which httpd has one pool only, or in the server's configuration. */
static const char *finish(const fuzz_input_t *in, apr_pool_t *temp,
                          const expect_rule_type_t *type, const char *text,
                          const void *arg)
{
    ap_directive_t directive = { .directive = "ExpectRequire",
                                 .filename = "fuzz", .line_num = 1 };
    command_rec command = { .name = "ExpectRequire" };
    cmd_parms cmd = { .pool = in->pool, .temp_pool = temp,
                      .server = fuzz_server, .cmd = &command,
                      .directive = &directive };
    expect_rule_t *rule = expect_rule_leaf(in->pool, type, arg);

    rule->text = text;
    rule->file = "fuzz";
    rule->line = 1;
    return type->finish ? type->finish(&cmd, rule, (void *)arg) : NULL;
}

static void check_error(const char *err)
{
    MUST((err[0] == ' ' || err[0] == ':') && strstr(err, ": ")
         && strstr(err, "; "), err);
}

void fuzz_rule(fuzz_input_t *in)
{
    char *rest = in->text;
    const char *text = fuzz_line(&rest), *args = text;
    const char *name = ap_getword_conf(in->pool, &args);
    const expect_rule_type_t *type = expect_registry_find(name);
    const void *arg = NULL;
    const char *err;
    request_rec *r;
    apr_pool_t *temp;

    /* expressions that look at files or ask the network */
    if (!type || (type->finish && !fuzz_is_harmless(text))) {
        return;
    }
    err = expect_registry_parse(in->pool, type, args, &arg);
    if (err) {
        check_error(err);
        return;
    }
    err = finish(in, in->pool, type, text, arg);
    if (err) {
        check_error(err);
        apr_pool_create(&temp, in->pool);
        err = finish(in, temp, type, text, arg);
    }
    if (err) {
        check_error(err);
        return;
    }
    r = fuzz_request(in);
    r->headers_in = fuzz_fields(r->pool, rest);
    evaluate(r, type, arg, args);
    apr_pool_destroy(r->pool);
}
