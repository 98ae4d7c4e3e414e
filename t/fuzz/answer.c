/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/*
 * What a refused client reads, whatever it is told and whatever its Accept
 * says: JSON that says what was told, or a page without markup of others;
 * which of the two, by a list of weights that is known here.
 *
 * Lines: Accept, or "#" and two letters for each of its ranges; the rule; the
 * sentence; what was announced; bounds; the rest is what is accepted.
 */

#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "fuzz.h"

#include "http_core.h"
#include "http_protocol.h"
#include "http_request.h"
#include "mod_core.h"

#include "apr_strings.h"

#include "answer/page.h"

#define PROBLEM "application/problem+json"
#define JSON "application/json"

/* --- Accept -------------------------------------------------------------- */

static const char *const ranges[] = {
    PROBLEM, JSON, "text/html", "text/*", "*/*", "image/png", "text/json",
    "application/*"
};
#define RANGES (sizeof(ranges) / sizeof(ranges[0]))

static const struct {
    const char *text;
    int weight;
} weights[] = {
    { "", 1000 }, { ";q=1", 1000 }, { ";q=1.000", 1000 }, { ";q=0", 0 },
    { ";q=0.0", 0 }, { ";q=0.5", 500 }, { " ; q=0.50", 500 },
    { ";q=0.001", 1 }, { ";Q=0.999", 999 }, { ";a=b;q=0.7", 700 },
    { ";q=0.7;a=b", 700 }
};
#define WEIGHTS (sizeof(weights) / sizeof(weights[0]))

/* A field, and the weight of each range, -1 where it does not stand. */
static const char *make_accept(apr_pool_t *p, const char *letters,
                               int *weight)
{
    const char *field = "";
    apr_size_t i;

    for (i = 0; i < RANGES; ++i) {
        weight[i] = -1;
    }
    for (; letters[0] && letters[1]; letters += 2) {
        apr_size_t range = (unsigned char)letters[0] % RANGES;
        apr_size_t q = (unsigned char)letters[1] % WEIGHTS;

        field = apr_pstrcat(p, field, *field ? ", " : "", ranges[range],
                            weights[q].text, NULL);
        if (weight[range] < 0) {
            weight[range] = weights[q].weight;
        }
    }
    return field;
}

static const char *type_by(const int *weight)
{
    int json = weight[0] >= weight[1] ? weight[0] : weight[1];
    int text = weight[2] >= 0 ? weight[2]
               : weight[3] >= 0 ? weight[3] : weight[4];

    if (json <= 0 || json < text) {
        return NULL;
    }
    return weight[1] > weight[0] ? JSON : PROBLEM;
}

/* --- the two forms ------------------------------------------------------- */

static int is_utf8(const char *text)
{
    json_t *string = json_string(text);

    json_decref(string);
    return string != NULL;
}

static void check_member(const json_t *object, const char *name,
                         const char *value)
{
    const char *got = json_string_value(json_object_get(object, name));

    MUST(is_utf8(value) ? got && !strcmp(got, value) : !got, value);
}

static void check_json(const char *text, int status, const char *rule,
                       const char *reason, const expect_accepts_t *told)
{
    json_t *object = json_loads(text, JSON_REJECT_DUPLICATES, NULL);

    MUST(json_is_object(object), text);
    check_member(object, "rule", rule);
    check_member(object, "detail", reason);
    check_member(object, "type", "about:blank");
    MUST(json_integer_value(json_object_get(object, "status")) == status,
         text);
    if (told->length == EXPECT_UNLIMITED) {
        check_member(object, "announced", told->announced);
    }
    MUST(!told->accepted == !json_object_get(object, "accepted"), text);
    json_decref(object);
}

static int count(const char *text, char c)
{
    int n = 0;

    while ((text = strchr(text, c))) {
        ++n;
        ++text;
    }
    return n;
}

static void check_page(request_rec *r, const char *text, const char *reason)
{
    static int marks;

    if (!marks) {
        marks = count(text, '<');
    }
    MUST(count(text, '<') == marks && count(text, '>') == marks, text);
    MUST(strstr(text, ap_escape_html(r->pool, reason)), text);
}

/* --- the fields ---------------------------------------------------------- */

static void check_limit(request_rec *r, const expect_accepts_t *told)
{
    const char *limit = apr_table_get(r->err_headers_out, "Upload-Limit");
    apr_size_t i;

    if (!limit) {
        return;
    }
    MUST(fuzz_is_clean(limit), limit);
    for (i = 0; limit[i]; i += strspn(limit + i, "0123456789")) {
        MUST(strspn(limit + i, "0123456789") <= 15, limit);
        i += strcspn(limit + i, "0123456789");
    }
    MUST(!strstr(limit, "max-size=") || told->max >= 0, limit);
    MUST(!strstr(limit, "min-size=") || told->min > 0, limit);
}

static apr_off_t bound(const char *text)
{
    apr_off_t bytes = apr_atoi64(text);

    return bytes < 0 ? EXPECT_UNLIMITED : bytes;
}

static void read_told(apr_pool_t *p, expect_accepts_t *told, char *text)
{
    apr_array_header_t *words;

    *told = expect_accepts_anything;
    told->announced = fuzz_line(&text);
    if (*told->announced >= '0' && *told->announced <= '9') {
        told->length = apr_atoi64(told->announced);
    }
    told->min = bound(fuzz_line(&text));
    told->max = bound(fuzz_line(&text));
    if (text) {
        words = apr_array_make(p, 4, sizeof(const char *));
        while (text) {
            APR_ARRAY_PUSH(words, const char *) = fuzz_line(&text);
        }
        told->accepted = words;
        told->field = "Accept";
    }
}

void fuzz_answer(fuzz_input_t *in)
{
    request_rec *r = fuzz_request(in);
    char *text = in->text;
    const char *accept = fuzz_line(&text);
    const char *rule = fuzz_line(&text);
    const char *reason = fuzz_line(&text);
    int status = strlen(rule) % 2 ? HTTP_EXPECTATION_FAILED
                                  : HTTP_UNSUPPORTED_MEDIA_TYPE;
    int known = accept[0] == '#';
    int weight[RANGES];
    const char *type;
    expect_accepts_t told;

    if (known) {
        accept = make_accept(r->pool, accept + 1, weight);
    }
    apr_table_setn(r->headers_in, "Accept", accept);
    read_told(r->pool, &told, text);
    expect_page_prepare(r, status, rule, reason, &told);

    type = apr_table_get(r->notes, "expect-type");
    if (known) {
        const char *want = type_by(weight);

        MUST(type == want || (type && want && !strcmp(type, want)), accept);
    }
    text = ap_response_code_string(r, ap_index_of_response(status));
    MUST(text && *text == '"', text);
    if (type) {
        check_json(text + 1, status, rule, reason, &told);
    }
    else {
        check_page(r, text + 1, reason);
    }
    check_limit(r, &told);
    apr_pool_destroy(r->pool);
}
