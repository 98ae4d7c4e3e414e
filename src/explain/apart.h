/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/*
 * Work that runs the code of others, such as a script that an .htaccess names,
 * for an administrator at a terminal: it is done in a process of its own that
 * has no terminal and no input. Its time is limited, and so is the part of its
 * output that is kept.
 */

#ifndef EXPECT_APART_H
#define EXPECT_APART_H

#include "apr_pools.h"
#include "apr_time.h"

/** How many bytes an answer may have. */
#define EXPECT_APART_ANSWER_BYTES 1048576

/** How many bytes of its output are kept. */
#define EXPECT_APART_PRINTED_BYTES 1024

typedef enum {
    EXPECT_APART_ANSWERED = 0,
    /** it crashed, or ended without an answer */
    EXPECT_APART_ENDED,
    /** it was killed, as its time was over */
    EXPECT_APART_LATE,
    /** it was killed, as its answer was longer than allowed */
    EXPECT_APART_TOO_LONG
} expect_apart_end_e;

/** Bytes of any value: any code in the process may have written them. */
typedef struct {
    /** a NUL stands behind them */
    char *bytes;
    apr_size_t length;
    /** there were more bytes than are kept */
    int cut;
} expect_apart_text_t;

typedef struct {
    expect_apart_end_e end;
    /** the answer of the work, or bytes that other code sent in its place */
    expect_apart_text_t answer;
    /** bytes written to standard output and standard error */
    expect_apart_text_t printed;
} expect_apart_t;

/**
 * The work. It runs in the new process.
 * @param data the caller's
 * @return the answer
 */
typedef const char *expect_apart_work_t(void *data);

/**
 * Do work in a process of its own, and wait for its end. Then all processes
 * that are left of its group are killed.
 * @param result filled in
 * @param p      pool for the result
 * @param work   the work
 * @param data   for work
 * @param until  the time at which it has to be over
 * @return APR_SUCCESS, or an error if there was no process
 */
apr_status_t expect_apart(expect_apart_t *result, apr_pool_t *p,
                          expect_apart_work_t *work, void *data,
                          apr_time_t until);

#endif
