/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/*
 * Which form of a refusal the client prefers. httpd has no public parser of
 * weights.
 */

#include <string.h>

#include "httpd.h"
#include "http_protocol.h"

#include "apr_lib.h"

#include "answer/accept.h"

#define PROBLEM_TYPE "application/problem+json"
#define JSON_TYPE "application/json"

/* A weight (RFC 9110, 12.4.2) in thousandths, 1000 where there is none. */
static int accept_parse_weight(const char *parameters)
{
    const char *q = parameters ? ap_strstr_c(parameters, ";q=") : NULL;
    int weight, digit;

    if (!q) {
        return 1000;
    }
    q += 3;
    if (*q != '0' && *q != '1') {
        return 0;
    }
    weight = (*q++ - '0') * 1000;
    if (*q == '.') {
        for (digit = 100, ++q; digit && apr_isdigit(*q); digit /= 10, ++q) {
            weight += (*q - '0') * digit;
        }
    }
    return weight > 1000 ? 1000 : weight;
}

/*
 * The weight of a media range in Accept (RFC 9110, 12.5.1).
 * @return 0..1000 thousandths; -1 if the field does not name it
 */
static int accept_weight(apr_pool_t *p, const char *accept, const char *range)
{
    apr_size_t length = strlen(range);
    const char *item;

    while ((item = ap_get_list_item(p, &accept))) {
        if (!strncmp(item, range, length)
            && (!item[length] || item[length] == ';')) {
            return accept_parse_weight(item[length] ? item + length : NULL);
        }
    }
    return -1;
}

const char *expect_accept_json(apr_pool_t *p, const char *accept)
{
    static const char *const html[] = { "text/html", "text/*", "*/*", NULL };
    const char *type = PROBLEM_TYPE;
    int json, plain, text = -1;
    int i;

    /* most clients name neither */
    if (!accept || !ap_strcasestr(accept, "json")) {
        return NULL;
    }
    json = accept_weight(p, accept, PROBLEM_TYPE);
    plain = accept_weight(p, accept, JSON_TYPE);
    if (plain > json) {
        type = JSON_TYPE;
        json = plain;
    }
    for (i = 0; html[i] && text < 0; ++i) {
        text = accept_weight(p, accept, html[i]);
    }
    return json > 0 && json >= text ? type : NULL;
}
