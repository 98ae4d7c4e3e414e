/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/*
 * Sections of the configuration, outermost first, lines "---" between; the
 * last is an .htaccess. They are read by httpd and the module's directives,
 * and then:
 * - printed and read again they are the same;
 * - merged from either end they are the same;
 * - under ExpectMerging And nothing is admitted that one of them refuses;
 * - evaluated stage by stage they have the result that they have when all is
 *   known;
 * - the bounds that OPTIONS shows hold for every upload that is admitted.
 */

#include <string.h>

#include "fuzz.h"

#include "apr_lib.h"
#include "apr_strings.h"

#include "config/merge.h"
#include "judge/request.h"
#include "tree/describe.h"
#include "tree/evaluate.h"

#define SECTIONS_MAX 3

/* --- printing ------------------------------------------------------------ */

typedef struct {
    apr_pool_t *p;
    apr_array_header_t *parts;
    /* the printed text cannot be read again: the methods of <Limit> are not
     * known, and a backslash at the end of a line joins it to the next */
    int is_lossy;
} print_t;

static void print(print_t *out, const char *text)
{
    APR_ARRAY_PUSH(out->parts, const char *) = text;
}

static void print_rule(print_t *out, const expect_rule_t *rule)
{
    static const char *const names[] = { "", "All>\n", "Any>\n", "None>\n" };
    int i;

    if (rule->limited != -1) {
        out->is_lossy = 1;
    }
    if (rule->kind == EXPECT_RULE) {
        MUST(ap_strcasestr(rule->text, rule->name), rule->text);
        if (*rule->text && rule->text[strlen(rule->text) - 1] == '\\') {
            out->is_lossy = 1;
        }
        print(out, "ExpectRequire ");
        print(out, rule->text);
        print(out, "\n");
        return;
    }
    print(out, "<ExpectRequire");
    print(out, names[rule->kind]);
    for (i = 0; i < rule->children->nelts; ++i) {
        print_rule(out, APR_ARRAY_IDX(rule->children, i,
                                      const expect_rule_t *));
    }
    print(out, "</ExpectRequire");
    print(out, names[rule->kind]);
}

static const char *text_of(apr_pool_t *p, const expect_rule_t *rules,
                           int *is_lossy)
{
    print_t out = { .p = p };

    out.parts = apr_array_make(p, 16, sizeof(const char *));
    if (rules) {
        print_rule(&out, rules);
    }
    *is_lossy = out.is_lossy;
    return apr_array_pstrcat(p, out.parts, '\0');
}

static const char *rules_text(apr_pool_t *p, const expect_dir_conf_t *conf)
{
    int is_lossy;

    return text_of(p, expect_conf_rules(p, conf), &is_lossy);
}

static expect_dir_conf_t *nothing_written(apr_pool_t *p)
{
    return apr_pcalloc(p, sizeof(expect_dir_conf_t));
}

/* --- reading ------------------------------------------------------------- */

static expect_dir_conf_t *read_section(apr_pool_t *p, const char *text,
                                       int is_htaccess)
{
    ap_conf_vector_t *section;
    const char *err = fuzz_section(p, text, is_htaccess, &section);
    expect_dir_conf_t *conf;

    if (err) {
        MUST(*err, text);
        MUST(strncmp(err, "ExpectRequire: ", 15) || strstr(err, "; "), err);
        return NULL;
    }
    conf = ap_get_module_config(section, &expect_module);
    return conf ? conf : nothing_written(p);
}

static void check_read_again(apr_pool_t *p, const expect_dir_conf_t *conf,
                             int is_htaccess)
{
    int is_lossy;
    const expect_dir_conf_t *again;
    const char *text, *again_text;

    MUST(!conf->open, NULL);
    MUST(!conf->own == !conf->has_rules, NULL);
    if (!conf->own) {
        return;
    }
    text = text_of(p, conf->own, &is_lossy);
    if (is_lossy) {
        return;
    }
    again = read_section(p, text, is_htaccess);
    MUST(again && again->own, text);
    /* the section itself is an implicit All: now there are two */
    MUST(again->own->children->nelts == 1, text);
    again_text = text_of(p, APR_ARRAY_IDX(again->own->children, 0,
                                          const expect_rule_t *),
                         &is_lossy);
    MUST(!strcmp(text, again_text), again_text);
    MUST(again->own->leaves == conf->own->leaves, text);
    MUST(again->own->final == conf->own->final, text);
    MUST(again->own->needs_access == conf->own->needs_access, text);
}

/* --- deciding ------------------------------------------------------------ */

static int is_admitted(const expect_answer_t *answer)
{
    return answer->value == EXPECT_GRANTED || answer->value == EXPECT_NEUTRAL;
}

static expect_answer_t decide_by_stages(const expect_rule_t *rules,
                                        const expect_facts_t *facts)
{
    expect_answer_t *memo = apr_pcalloc(facts->pool,
                                        rules->leaves * sizeof(*memo));
    expect_answer_t answer;
    expect_stage_e stage = EXPECT_AT_HEAD;

    do {
        answer = expect_rule_evaluate(rules, facts, stage, memo);
    } while ((answer.value == EXPECT_UNKNOWN || is_admitted(&answer))
             && ++stage <= EXPECT_AT_HANDLER);
    return answer;
}

static int is_among(const apr_array_header_t *patterns, const char *type)
{
    const char *slash = strchr(type, '/');
    const char *plus = strrchr(slash, '+');
    int i;

    for (i = 0; i < patterns->nelts; ++i) {
        const char *pattern = APR_ARRAY_IDX(patterns, i, const char *);
        const char *star = strstr(pattern, "/*");

        if (!strcmp(pattern, "*/*") || !strcasecmp(pattern, type)
            || (star && !strncasecmp(pattern, type, star + 1 - pattern)
                && star - pattern == slash - type
                && (!star[2] || (plus && !strcasecmp(star + 2, plus))))) {
            return 1;
        }
    }
    return 0;
}

static void check_accepts(apr_pool_t *p, const expect_accepts_t *accepts,
                          expect_head_t *head, const expect_answer_t *answer,
                          const char *text)
{
    const char *type = expect_head_media_type(p, head)->type;

    if (head->length == EXPECT_LENGTH_UNKNOWN) {
        MUST(accepts->min <= 0, text);
        MUST(accepts->max == EXPECT_UNLIMITED
             || (answer->max != EXPECT_UNLIMITED
                 && answer->max <= accepts->max), text);
    }
    else {
        MUST(head->length >= accepts->min, text);
        MUST(accepts->max == EXPECT_UNLIMITED || head->length <= accepts->max,
             text);
    }
    MUST(!accepts->accepted || (type && is_among(accepts->accepted, type)),
         text);
}

typedef struct {
    request_rec *r;
    /* of each section, and of all merged */
    const expect_rule_t *rules[SECTIONS_MAX];
    const expect_rule_t *merged;
    expect_accepts_t accepts;
    int is_ceiling;
    const char *text;
} sections_t;

static void try_upload(sections_t *s, const char *length, const char *type)
{
    request_rec *r = s->r;
    apr_pool_t *p = r->pool;
    expect_facts_t facts = {
        .r = r, .pool = p, .method = AP_METHOD_BIT << M_PUT, .auth = OK
    };
    expect_head_t head;
    expect_answer_t answer, staged;
    int i;

    apr_table_clear(r->headers_in);
    apr_table_setn(r->headers_in, length ? "Content-Length"
                                         : "Transfer-Encoding",
                   length ? length : "chunked");
    if (type) {
        apr_table_setn(r->headers_in, "Content-Type", type);
    }
    MUST(expect_head_read(&head, r->headers_in, 0), length);
    facts.head = &head;

    answer = expect_rule_evaluate(s->merged, &facts, EXPECT_AT_HANDLER, NULL);
    staged = decide_by_stages(s->merged, &facts);
    MUST(is_admitted(&answer) == is_admitted(&staged), s->text);
    if (!is_admitted(&answer)) {
        const char *sentence = answer.value == EXPECT_ERROR
                                   ? "" : expect_rule_reason(p, &answer,
                                                              &facts);

        MUST(answer.rule && answer.status >= 400, s->text);
        MUST(fuzz_is_clean(sentence), sentence);
        return;
    }
    MUST(answer.max == staged.max, s->text);
    check_accepts(p, &s->accepts, &head, &answer, s->text);
    for (i = 0; i < SECTIONS_MAX && s->is_ceiling; ++i) {
        if (s->rules[i]) {
            answer = expect_rule_evaluate(s->rules[i], &facts,
                                        EXPECT_AT_HANDLER, NULL);
            MUST(is_admitted(&answer), s->text);
        }
    }
}

static void try_uploads(sections_t *s)
{
    static const char *const lengths[] = {
        NULL, "1", "10", "11", "1024", "1048577", "9223372036854775807"
    };
    static const char *const types[] = {
        NULL, "image/png", "IMAGE/SVG+xml", "application/ld+json", "a/b, c/d"
    };
    apr_size_t i, j;

    expect_rule_accepts_all(s->r->pool, s->merged, NULL, &s->accepts);
    for (i = 0; i < sizeof(lengths) / sizeof(lengths[0]); ++i) {
        for (j = 0; j < sizeof(types) / sizeof(types[0]); ++j) {
            try_upload(s, lengths[i], types[j]);
        }
    }
}

/* --- merging ------------------------------------------------------------- */

static const expect_dir_conf_t *merge(apr_pool_t *p,
                                      const expect_dir_conf_t *outer,
                                      const expect_dir_conf_t *inner)
{
    return expect_conf_merge(p, (void *)outer, (void *)inner);
}

static const expect_dir_conf_t *merge_all(apr_pool_t *p,
                                          const expect_dir_conf_t **confs)
{
    const expect_dir_conf_t *a = merge(p, merge(p, confs[0], confs[1]),
                                       confs[2]);
    const expect_dir_conf_t *b = merge(p, confs[0],
                                       merge(p, confs[1], confs[2]));

    MUST(a->engine == b->engine && a->status == b->status
         && a->scope == b->scope && a->has_rules == b->has_rules, NULL);
    MUST(!strcmp(rules_text(p, a), rules_text(p, b)), rules_text(p, a));
    MUST(!a->has_rules == !expect_conf_rules(p, a), rules_text(p, a));
    return a;
}

/* The next section's text; NULL behind the last. */
static char *next_section(char **text)
{
    char *section = *text;
    char *end = section ? strstr(section, "\n---\n") : NULL;

    *text = end ? end + 5 : NULL;
    if (end) {
        end[1] = '\0';
    }
    return section;
}

void fuzz_tree(fuzz_input_t *in)
{
    const expect_dir_conf_t *confs[SECTIONS_MAX];
    sections_t s = { 0 };
    char *rest = in->text;
    int i;

    if (!fuzz_is_harmless(in->text)) {
        return;
    }
    s.is_ceiling = 1;
    for (i = 0; i < SECTIONS_MAX; ++i) {
        char *text = next_section(&rest);
        int is_htaccess = !rest;

        confs[i] = text ? read_section(in->pool, text, is_htaccess)
                        : nothing_written(in->pool);
        if (!confs[i]) {
            return;
        }
        s.rules[i] = confs[i]->own;
        s.is_ceiling &= confs[i]->merging <= EXPECT_MERGING_AND;
        check_read_again(in->pool, confs[i], is_htaccess);
    }
    confs[0] = merge_all(in->pool, confs);
    s.merged = expect_conf_rules(in->pool, confs[0]);
    if (s.merged) {
        s.text = rules_text(in->pool, confs[0]);
        s.r = fuzz_request(in);
        try_uploads(&s);
        apr_pool_destroy(s.r->pool);
    }
}
