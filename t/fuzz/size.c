/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/*
 * SIZE, as a word by itself and where rules take one, held against a second
 * reading in 128 bits.
 */

#include <string.h>

#include "fuzz.h"

#include "apr_strings.h"

#include "base/size.h"
#include "rules/registry.h"

/* The bytes of a SIZE; negative: the word is not a SIZE, or too large. */
static apr_off_t size_of(const char *word)
{
    static const char units[] = "kKmMgGtT";
    unsigned __int128 size = 0;
    apr_size_t digits = strspn(word, "0123456789");
    const char *unit = word + digits;
    apr_size_t i;

    if (!digits || (*unit && (!strchr(units, *unit) || unit[1]))) {
        return -1;
    }
    for (i = 0; i < digits; ++i) {
        size = size * 10 + (word[i] - '0');
        if (size > APR_INT64_MAX) {
            return -1;
        }
    }
    if (*unit) {
        size <<= 10 * ((strchr(units, *unit) - units) / 2 + 1);
    }
    return size > APR_INT64_MAX ? -1 : (apr_off_t)size;
}

static int percent_of(const char *word)
{
    apr_size_t digits = strspn(word, "0123456789");

    if (digits < 1 || digits > 2 || strcmp(word + digits, "%")) {
        return 0;
    }
    return digits == 1 ? word[0] - '0'
                       : 10 * (word[0] - '0') + (word[1] - '0');
}

static int parses(apr_pool_t *p, const expect_rule_type_t *type, int argc,
                  const char *const *argv)
{
    const void *arg = NULL;
    const char *err = type->parse(p, argc, argv, &arg);

    MUST(!err || strstr(err, "; "), err);
    return !err;
}

void fuzz_size(fuzz_input_t *in)
{
    apr_pool_t *p = in->pool;
    char *rest = in->text;
    const char *first = fuzz_line(&rest);
    const char *second = fuzz_line(&rest);
    apr_off_t a = size_of(first), b = size_of(second);
    apr_off_t size = -7;
    const char *argv[2];

    MUST(expect_size_parse(&size, first) == (a >= 0), first);
    MUST(a < 0 || size == a, first);

    argv[0] = apr_pstrcat(p, "min=", first, NULL);
    argv[1] = apr_pstrcat(p, "MAX=", second, NULL);
    MUST(parses(p, &expect_rule_content_length, 2, argv)
         == (a >= 0 && b >= 0 && a <= b), first);
    MUST(!parses(p, &expect_rule_content_length, 1, &first)
         || !strcasecmp(first, "known") || !strncasecmp(first, "min=", 4)
         || !strncasecmp(first, "max=", 4), first);

    MUST(parses(p, &expect_rule_free_space, 1, &first)
         == (a > 0 || percent_of(first)), first);
}
