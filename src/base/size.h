/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/*
 * SIZE, as rules and directives take it.
 *
 * This file knows APR only, no httpd.
 */

#ifndef EXPECT_SIZE_H
#define EXPECT_SIZE_H

#include "apr.h"

/** The most bytes that one upload adds to a sum. A client can announce any
 *  number without sending a byte, and no sum must overflow. */
#define EXPECT_SIZE_SUMMED_MAX (APR_INT64_C(1) << 40)

/**
 * What an upload adds to a sum.
 * @param bytes what it announced or sent
 * @return that, or EXPECT_SIZE_SUMMED_MAX if it is more
 */
static APR_INLINE apr_int64_t expect_size_summed(apr_int64_t bytes)
{
    return bytes < EXPECT_SIZE_SUMMED_MAX ? bytes : EXPECT_SIZE_SUMMED_MAX;
}

/**
 * Parse a SIZE: bytes, or with K, M, G or T (powers of 1024), in either case.
 * @param size set to the bytes; may be changed where the result is 0
 * @param word the word
 * @return 1 if it is a SIZE that apr_off_t can hold, else 0
 */
int expect_size_parse(apr_off_t *size, const char *word);

/** What expect_size_parse() accepts, for messages. */
#define EXPECT_SIZE_ACCEPTED \
    "a SIZE is a number of bytes, or of K, M, G or T (powers of 1024), like " \
    "10M"

#endif
