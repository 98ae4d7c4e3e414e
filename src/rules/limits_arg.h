/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/*
 * The parsed arguments of in-flight and quota: for limits.c, limits_parse.c and
 * limits_text.c.
 */

#ifndef EXPECT_LIMITS_ARG_H
#define EXPECT_LIMITS_ARG_H

#include "ap_expr.h"

#include "ledger/claims.h"

typedef enum {
    KEY_ALL = 0, KEY_IP, KEY_USER, KEY_VHOST, KEY_DIRECTORY, KEY_EXPR
} key_e;

typedef struct {
    expect_limit_t limit;
    key_e key;
    /** the string of key=expr=STRING, and what it compiles to */
    const char *string;
    ap_expr_info_t *expr;
    /** for the client: "quota bytes=10G per=day", without the key */
    const char *shown;
    /** for names of policies: "day"; NULL: in-flight */
    const char *per;
} limits_arg_t;

/**
 * The status of a refusal.
 * @param a the arguments
 * @param c the claim, not admitted
 * @return 429, 503 or 413
 */
int expect_limits_status(const limits_arg_t *a, const expect_claim_entry_t *c);

#endif
