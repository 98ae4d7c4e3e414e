/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/*
 * The rules that need nothing but the request head:
 *
 *     ExpectRequire content-length max=100M known
 *     ExpectRequire content-type application/pdf image/png
 *     ExpectRequire content-encoding identity gzip
 */

#include <string.h>

#include "apr_hash.h"
#include "apr_lib.h"
#include "apr_strings.h"

#include "rules/registry.h"

#define BAD_REQUEST 400
#define LENGTH_REQUIRED 411
#define CONTENT_TOO_LARGE 413
#define UNSUPPORTED_MEDIA_TYPE 415

/* content-length [min=SIZE] [max=SIZE] [known] */

typedef struct {
    /* bytes; EXPECT_UNLIMITED where not given */
    apr_off_t min, max;
    /* as written: "1M" */
    const char *min_text, *max_text;
    int known;
} length_arg_t;

#define LENGTH_ACCEPTED \
    "content-length takes [min=SIZE] [max=SIZE] [known]"

int expect_size_parse(apr_off_t *size, const char *word)
{
    static const char units[] = "kmgt";
    char *end;
    int shift = 0;

    if (!apr_isdigit(*word)
        || apr_strtoff(size, word, &end, 10) != APR_SUCCESS) {
        return 0;
    }
    if (*end) {
        const char *unit = strchr(units, apr_tolower(*end));

        if (!unit || end[1]) {
            return 0;
        }
        shift = 10 * (int)(unit - units + 1);
    }
    if (*size > (APR_INT64_MAX >> shift)) {
        return 0;
    }
    *size <<= shift;
    return 1;
}

static const char *length_parse_word(apr_pool_t *p, length_arg_t *a,
                                     const char *word)
{
    apr_off_t *size;
    const char **text;

    if (!strcasecmp(word, "known")) {
        if (a->known) {
            return expect_rule_wrong(p, word, "given twice", LENGTH_ACCEPTED);
        }
        a->known = 1;
        return NULL;
    }
    if (!strncasecmp(word, "min=", 4)) {
        size = &a->min;
        text = &a->min_text;
    }
    else if (!strncasecmp(word, "max=", 4)) {
        size = &a->max;
        text = &a->max_text;
    }
    else {
        return expect_rule_wrong(p, word, "unknown argument",
                                 LENGTH_ACCEPTED);
    }
    if (*text) {
        return expect_rule_wrong(p, word, "given twice", LENGTH_ACCEPTED);
    }
    *text = word + 4;
    if (!expect_size_parse(size, *text)) {
        return expect_rule_wrong(p, word, **text ? "not a SIZE, or too large"
                                                 : "the SIZE is missing",
                                 EXPECT_SIZE_ACCEPTED);
    }
    return NULL;
}

static const char *length_parse(apr_pool_t *p, int argc,
                                const char *const *argv, const void **arg)
{
    length_arg_t *a = apr_pcalloc(p, sizeof(*a));
    int i;

    a->min = a->max = EXPECT_UNLIMITED;
    for (i = 0; i < argc; ++i) {
        const char *err = length_parse_word(p, a, argv[i]);

        if (err) {
            return err;
        }
    }
    if (!argc) {
        return expect_rule_wrong(p, NULL, "an argument is missing",
                                 LENGTH_ACCEPTED);
    }
    if (a->max != EXPECT_UNLIMITED && a->min > a->max) {
        return expect_rule_wrong(p, apr_psprintf(p, "min=%s max=%s",
                                                 a->min_text, a->max_text),
                                 "min is over max, no length is within",
                                 "min must not be over max");
    }
    *arg = a;
    return NULL;
}

/*
 * Content of unknown length passes a max, which the cap then enforces; that
 * it reaches a min nobody can promise, so there its length must be known. Nor
 * can anybody promise that it does not: only "not known" holds of it.
 */
static expect_value_e length_check(const expect_facts_t *facts,
                                   const void *arg, expect_answer_t *answer)
{
    const length_arg_t *a = arg;
    apr_off_t length = facts->head->length;

    if (length == EXPECT_LENGTH_UNKNOWN) {
        if (a->known || a->min > 0) {
            answer->status = LENGTH_REQUIRED;
            answer->survives_not = !a->known;
            return EXPECT_DENIED;
        }
        answer->cap = a->max;
        return EXPECT_GRANTED;
    }
    if (a->max != EXPECT_UNLIMITED && length > a->max) {
        answer->status = CONTENT_TOO_LARGE;
        return EXPECT_DENIED;
    }
    if (length < a->min) {
        answer->status = BAD_REQUEST;
        return EXPECT_DENIED;
    }
    return EXPECT_GRANTED;
}

static const char *length_explain(apr_pool_t *p, const expect_facts_t *facts,
                                  const void *arg, int status, int negated)
{
    const length_arg_t *a = arg;
    apr_off_t length = facts->head->length;

    if (length == EXPECT_LENGTH_UNKNOWN) {
        return negated ? "content-length is not announced, which is not "
                         "accepted"
                       : "content-length is not announced, and must be";
    }
    if (negated) {
        return apr_psprintf(p, "content-length %" APR_OFF_T_FMT
                            " is not accepted", length);
    }
    return apr_pstrcat(p, "content-length ", apr_off_t_toa(p, length),
                       status == CONTENT_TOO_LARGE ? " is over max="
                                                   : " is under min=",
                       apr_off_t_toa(p, status == CONTENT_TOO_LARGE
                                            ? a->max : a->min), NULL);
}

static void length_tell(apr_pool_t *p, const expect_facts_t *facts,
                        const void *arg, expect_accepts_t *told)
{
    const length_arg_t *a = arg;

    (void)p;
    if (facts && facts->head->length != EXPECT_LENGTH_UNKNOWN) {
        told->length = facts->head->length;
    }
    told->min = a->min;
    told->max = a->max;
}

/* Lists of what is accepted, for content-type and content-encoding */

/* A list this short is read through, a longer one is looked up in a hash: to
 * hash the same three words again for each of many rules is what costs. */
#define LIST_SCAN_MAX 4

typedef struct {
    /* what is accepted, in lower case; the first few, ended by NULL, or all,
     * each its own value */
    const char *few[LIST_SCAN_MAX + 1];
    int count;
    apr_hash_t *accepted;
    /* content-type: the type that any is, or some wildcard, is among them */
    int any;
    int wildcards;
    /* the words as written, and as one string; of a long list the first */
    const apr_array_header_t *words;
    const char *text;
} list_arg_t;

/* The longest list that a refused client is told, in bytes. */
#define LIST_TOLD_MAX 1000

static list_arg_t *list_make(apr_pool_t *p, int argc, const char *const *argv)
{
    list_arg_t *list = apr_pcalloc(p, sizeof(*list));
    apr_array_header_t *words = apr_array_make(p, 4, sizeof(const char *));
    apr_size_t length = 0;
    int i;

    for (i = 0; i < argc && length < LIST_TOLD_MAX
                && strlen(argv[i]) <= EXPECT_WORD_MAX; ++i) {
        APR_ARRAY_PUSH(words, const char *) = argv[i];
        length += strlen(argv[i]) + 1;
    }
    list->accepted = apr_hash_make(p);
    list->words = words;
    list->text = apr_array_pstrcat(p, words, ' ');
    if (i < argc) {
        list->text = i ? apr_psprintf(p, "%s and %d more", list->text,
                                      argc - i)
                       : apr_psprintf(p, "%d that are too long to be shown",
                                      argc);
    }
    return list;
}

/* key: in lower case */
static void list_add(list_arg_t *list, const char *key)
{
    apr_hash_set(list->accepted, key, APR_HASH_KEY_STRING, key);
    if (list->count < LIST_SCAN_MAX) {
        list->few[list->count] = key;
    }
    ++list->count;
}

static int list_has(const list_arg_t *list, const char *key)
{
    const char *const *few;

    if (list->count <= LIST_SCAN_MAX) {
        for (few = list->few; *few; ++few) {
            if (**few == *key && !strcmp(*few, key)) {
                return 1;
            }
        }
        return 0;
    }
    return apr_hash_get(list->accepted, key, APR_HASH_KEY_STRING) != NULL;
}

/* Client data as a sentence shows it. */
static const char *cut(apr_pool_t *p, const char *value)
{
    return expect_quoted(p, value, EXPECT_QUOTED_MAX);
}

/* of what counts as sent, RFC 9110, 8.3 and 8.4 */
#define NONE_SENT " (none was sent)"

static int is_sent(const expect_facts_t *facts, const char *field)
{
    return apr_table_get(facts->head->fields, field) != NULL;
}

/*
 * Of a long list a refused client is told the first. To say what every upload
 * must be (no facts) it would have to be whole.
 */
static void list_tell(const expect_facts_t *facts, const list_arg_t *list,
                      const char *field, expect_accepts_t *told)
{
    told->field = field;
    told->is_long = list->words->nelts < (facts ? 1 : list->count);
    told->accepted = told->is_long ? NULL : list->words;
}

/* content-type TYPE... */

#define TYPE_ACCEPTED \
    "a TYPE is like image/png, image/*, application/*+json or */*"

/*
 * Wildcards are keys of the same hash as whole types: a type is looked up as
 * itself and as each wildcard that it falls under, so that the cost does not
 * grow with the list.
 */
static int is_type_pattern(apr_pool_t *p, const char *word)
{
    const char *slash = strchr(word, '/');
    const char *subtype;

    if (!slash) {
        return 0;
    }
    if (!strcmp(word, "*/*")) {
        return 1;
    }
    if (strchr(apr_pstrmemdup(p, word, slash - word), '*')
        || !expect_is_token(apr_pstrmemdup(p, word, slash - word))) {
        return 0;
    }
    subtype = slash + 1;
    if (subtype[0] == '*') {
        if (!subtype[1]) {
            return 1;
        }
        if (subtype[1] != '+' || !subtype[2]) {
            return 0;
        }
        subtype += 2;
    }
    return expect_is_token(subtype) && !strchr(subtype, '*');
}

static const char *type_parse(apr_pool_t *p, int argc,
                              const char *const *argv, const void **arg)
{
    list_arg_t *list = list_make(p, argc, argv);
    int i;

    if (!argc) {
        return expect_rule_wrong(p, NULL, "an argument is missing",
                                 "content-type takes TYPE..., " TYPE_ACCEPTED);
    }
    for (i = 0; i < argc; ++i) {
        if (!is_type_pattern(p, argv[i])) {
            return expect_rule_wrong(p, argv[i],
                                     "not a media type", TYPE_ACCEPTED);
        }
        list_add(list, expect_lower(p, argv[i], argv[i] + strlen(argv[i])));
        list->any |= !strcmp(argv[i], "*/*");
        list->wildcards |= strchr(argv[i], '*') != NULL;
    }
    *arg = list;
    return NULL;
}

static expect_value_e type_check(const expect_facts_t *facts, const void *arg,
                                 expect_answer_t *answer)
{
    const list_arg_t *list = arg;
    const expect_media_type_t *sent =
        expect_head_media_type(facts->pool, facts->head);

    if (!sent->type) {
        answer->survives_not = 1;
        return EXPECT_DENIED;
    }
    return list->any || list_has(list, sent->type)
           || (list->wildcards
               && (list_has(list, sent->major)
                   || (sent->suffix && list_has(list, sent->suffix))))
               ? EXPECT_GRANTED : EXPECT_DENIED;
}

static const char *type_explain(apr_pool_t *p, const expect_facts_t *facts,
                                const void *arg, int status, int negated)
{
    const list_arg_t *list = arg;
    const char *type = expect_head_media_type(p, facts->head)->type;

    (void)status;
    if (!type) {
        return "content-type is not a media type";
    }
    if (!is_sent(facts, "Content-Type")) {
        type = apr_pstrcat(p, type, NONE_SENT, NULL);
    }
    if (negated) {
        return apr_psprintf(p, "content-type %s is not accepted",
                            cut(p, type));
    }
    return apr_psprintf(p, "content-type %s is none of %s", cut(p, type),
                        list->text);
}

static void type_tell(apr_pool_t *p, const expect_facts_t *facts,
                      const void *arg, expect_accepts_t *told)
{
    const char *type = facts && is_sent(facts, "Content-Type")
                           ? expect_head_media_type(p, facts->head)->type
                           : NULL;

    told->announced = type ? cut(p, type) : NULL;
    list_tell(facts, arg, "Accept", told);
    told->is_types = 1;
}

/* content-encoding CODING... */

#define CODING_ACCEPTED \
    "a CODING is like gzip, br, zstd, deflate, or identity for none"

static const char *coding_parse(apr_pool_t *p, int argc,
                                const char *const *argv, const void **arg)
{
    list_arg_t *list = list_make(p, argc, argv);
    int i;

    if (!argc) {
        return expect_rule_wrong(p, NULL, "an argument is missing",
                                 "content-encoding takes CODING..., "
                                 CODING_ACCEPTED);
    }
    for (i = 0; i < argc; ++i) {
        const char *rest = argv[i];

        if (!expect_is_token(argv[i]) || !strcmp(argv[i], "*")) {
            return expect_rule_wrong(p, argv[i],
                                     "not a coding", CODING_ACCEPTED);
        }
        list_add(list, expect_next_coding(p, &rest));
    }
    *arg = list;
    return NULL;
}

/* The first coding that is not accepted, "" if all are; NULL: what was sent
 * is no list of codings */
static const char *coding_refused(const expect_facts_t *facts,
                                  const list_arg_t *list)
{
    const apr_array_header_t *sent = expect_head_codings(facts->pool,
                                                         facts->head);
    int i;

    for (i = 0; i < sent->nelts; ++i) {
        const char *coding = APR_ARRAY_IDX(sent, i, const char *);

        if (!coding || !list_has(list, coding)) {
            return coding;
        }
    }
    return "";
}

static expect_value_e coding_check(const expect_facts_t *facts,
                                   const void *arg, expect_answer_t *answer)
{
    const apr_array_header_t *sent = expect_head_codings(facts->pool,
                                                         facts->head);
    const char *const *codings = (const char *const *)sent->elts;
    int i, listed = 0;

    for (i = 0; i < sent->nelts; ++i) {
        listed += codings[i] && list_has(arg, codings[i]);
    }
    if (listed == sent->nelts) {
        return EXPECT_GRANTED;
    }
    /* what is no list; and what `not` is to keep out is not let in with others
     * beside it */
    answer->survives_not = !codings[0] || listed > 0;
    return EXPECT_DENIED;
}

static const char *coding_explain(apr_pool_t *p, const expect_facts_t *facts,
                                  const void *arg, int status, int negated)
{
    const list_arg_t *list = arg;
    const char *refused = coding_refused(facts, list);

    (void)status;
    if (!refused) {
        return "content-encoding is not a list of codings";
    }
    if (negated) {
        return "content-encoding is not accepted";
    }
    if (!is_sent(facts, "Content-Encoding")) {
        refused = apr_pstrcat(p, refused, NONE_SENT, NULL);
    }
    return apr_psprintf(p, "content-encoding %s is none of %s",
                        cut(p, refused), list->text);
}

static void coding_tell(apr_pool_t *p, const expect_facts_t *facts,
                        const void *arg, expect_accepts_t *told)
{
    const char *refused = facts && is_sent(facts, "Content-Encoding")
                              ? coding_refused(facts, arg) : NULL;

    told->announced = refused && *refused ? cut(p, refused) : NULL;
    list_tell(facts, arg, "Accept-Encoding", told);
}

const expect_rule_type_t expect_rules_content[] = {
    { "content-length", EXPECT_AT_HEAD, BAD_REQUEST,
      length_parse, length_check, length_explain, length_tell },
    { "content-type", EXPECT_AT_HEAD, UNSUPPORTED_MEDIA_TYPE,
      type_parse, type_check, type_explain, type_tell },
    { "content-encoding", EXPECT_AT_HEAD, UNSUPPORTED_MEDIA_TYPE,
      coding_parse, coding_check, coding_explain, coding_tell },
    { NULL, EXPECT_AT_HEAD, 0, NULL, NULL, NULL, NULL }
};
