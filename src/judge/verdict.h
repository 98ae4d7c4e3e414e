/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/*
 * The verdict on a request, its words, and which verdict may follow which.
 */

#ifndef EXPECT_VERDICT_H
#define EXPECT_VERDICT_H

typedef enum {
    EXPECT_NOT_JUDGED = 0, /* no rules are in force for it, or none yet */
    EXPECT_UNDECIDED,      /* something that the rules need is not known yet */
    EXPECT_ADMITTED,       /* the rules hold */
    EXPECT_WOULD_REFUSE,   /* the rules do not hold, under DetectionOnly */
    EXPECT_REFUSED,        /* refused, by a rule or by access control; its
                            * content is never read */
    EXPECT_CUT_OFF,        /* admitted, then its content went over the max */
    EXPECT_VERDICTS        /* their number */
} expect_verdict_e;

/* The words of the notes, of EXPECT_VERDICT and of the metrics. */
#define EXPECT_WORD_CONTINUE "continue"
#define EXPECT_WORD_REFUSE "refuse"
#define EXPECT_WORD_DETECT "detect"

/**
 * Change a verdict. A change that is not in the table of verdict.c is not made:
 * a refusal and a cut-off are final. Builds with EXPECT_DEBUG (make asan, make
 * fuzz) abort at one.
 * @param verdict changed
 * @param to      the new verdict
 */
void expect_verdict_set(expect_verdict_e *verdict, expect_verdict_e to);

#endif
