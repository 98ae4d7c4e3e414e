/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/*
 * Work that runs other people's code, such as a script that an .htaccess names,
 * while an administrator looks on: it is done in a process of its own that has
 * no terminal and no input. Its time is limited, and so is what is kept of its
 * output.
 */

#ifndef EXPECT_APART_H
#define EXPECT_APART_H

#include "apr_pools.h"
#include "apr_time.h"

/** How many bytes an answer may have. */
#define EXPECT_APART_ANSWER_BYTES 1048576

/** How many bytes are kept of what is printed. */
#define EXPECT_APART_PRINTED_BYTES 1024

typedef enum {
    EXPECT_APART_ANSWERED = 0,
    /** it crashed, or ended without an answer */
    EXPECT_APART_ENDED,
    /** its time was over: it was killed */
    EXPECT_APART_LATE,
    /** the answer was longer than allowed: it was killed */
    EXPECT_APART_TOO_LONG
} expect_apart_end_e;

/** Bytes of any value, as the code in the process may have written them. */
typedef struct {
    /** a NUL stands behind them */
    char *bytes;
    apr_size_t length;
    /** there was more than is kept */
    int cut;
} expect_apart_text_t;

typedef struct {
    expect_apart_end_e end;
    /** what the work returned, or what other code sent in its place */
    expect_apart_text_t answer;
    /** what was written to standard output and standard error */
    expect_apart_text_t printed;
} expect_apart_t;

/**
 * The work. It runs in the new process.
 * @param data the caller's
 * @return the answer
 */
typedef const char *expect_apart_work_t(void *data);

/**
 * Do work in a process of its own, and wait for its end. Whatever of its
 * process group is left is killed then.
 * @param result filled in
 * @param p      pool for the result
 * @param work   what is to be done
 * @param data   for work
 * @param until  when it has to be over
 * @return APR_SUCCESS; else there was no process
 */
apr_status_t expect_apart(expect_apart_t *result, apr_pool_t *p,
                          expect_apart_work_t *work, void *data,
                          apr_time_t until);

#endif
