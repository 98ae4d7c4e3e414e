/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/*
 * What would become of an upload, and why.
 *
 *     ExpectExplain /uploads/film.png PUT length=50M type=image/png
 *       client: 127.0.0.1, without a login
 *       server: VirtualHost files.example.org:80 (files.conf:1)
 *       target: /srv/uploads/film.png, which is not there
 *       .htaccess: none
 *       engine On, status 417, scope content
 *         all of
 *           content-length max=20M known             head       files.conf:8
 *             denied: content-length 52428800 is over max=20971520
 *           content-type image/png                   head       files.conf:9
 *             granted, saw image/png (not asked: it was certain before)
 *       asks: refused 417: content-length 52428800 is over max=20971520
 *       does not ask: refused 413: content-length 52428800 is over max=20971520
 *
 * The request is rehearsed in a child of this process, with the rights of the
 * server's own children. If a module crashes there, it is rehearsed again, up
 * to where that was.
 */

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "httpd.h"
#include "mpm_common.h"

#include "apr_shm.h"
#include "apr_strings.h"
#include "apr_thread_proc.h"

#include "explain.h"
#include "explain_text.h"
#include "rehearse.h"

/* The child */

typedef struct {
    apr_pool_t *p;
    server_rec *s;
    apr_file_t *out;
    const expect_question_t *question;
    expect_phase_e stop;
    volatile int *phase;
} job_t;

static expect_rehearsal_t *rehearse(const job_t *job, expect_asks_e asks)
{
    expect_rehearsal_t *h = apr_pcalloc(job->p, sizeof(*h));

    h->pool = job->p;
    h->question = job->question;
    h->asks = asks;
    h->stop = job->stop;
    h->phase = job->phase;
    expect_rehearse(job->s, h);
    return h;
}

/* What is the same for both clients is said once: before, and after them. */
static const char *answer(const job_t *job)
{
    const expect_question_t *q = job->question;
    const char *text = apr_pstrcat(job->p, "ExpectExplain ", q->text, "\n",
                                   NULL);
    const char *place = "", *end = "";
    int asks;

    for (asks = EXPECT_ASKS_YES; asks <= EXPECT_ASKS_NO; ++asks) {
        expect_rehearsal_t *h;
        const char *here, *remarks;

        if (q->asks && (int)q->asks != asks) {
            continue;
        }
        h = rehearse(job, asks);
        /* first: for the place more rules are asked, and that may be logged */
        remarks = expect_explain_remarks(h);
        here = expect_explain_place(h);
        text = apr_pstrcat(job->p, text, strcmp(remarks, end) ? end : "",
                           strcmp(here, place) ? here : "",
                           expect_explain_outcome(h), NULL);
        place = here;
        end = remarks;
        if (apr_table_get(q->fields, "Expect")) {
            break;
        }
    }
    return apr_pstrcat(job->p, text, end, NULL);
}

/* Without what httpd and its modules do at the end of a process: this one has
 * begun nothing that is to be ended. */
static void leave(void)
{
#ifdef EXPECT_COVERAGE
    /* make coverage counts here, too */
    extern void __gcov_dump(void);

    __gcov_dump();
#endif
    _exit(0);
}

/* All in one, at the end: who crashes has said nothing. Does not return. */
static void child(const job_t *job)
{
    int null = open("/dev/null", O_WRONLY);

    if (!geteuid() && ap_run_drop_privileges(job->p, job->s) != OK) {
        apr_file_puts("ExpectExplain: User and Group cannot be taken on\n",
                      job->out);
        leave();
    }
    /* httpd's log is in the answer */
    dup2(null, STDERR_FILENO);
    expect_rehearse_prepare(job->p, job->s);
    apr_file_puts(answer(job), job->out);
    leave();
}

/* Whether there was a child, and whether it has answered. */
static apr_status_t answer_in_child(const job_t *job, int *answered)
{
    apr_proc_t proc;
    apr_exit_why_e why;
    int status;
    apr_status_t rv = apr_proc_fork(&proc, job->p);

    if (rv == APR_INCHILD) {
        child(job);
    }
    if (rv != APR_INPARENT) {
        return rv;
    }
    *answered = apr_proc_wait(&proc, &status, &why, APR_WAIT) == APR_CHILD_DONE
                && APR_PROC_CHECK_EXIT(why) && status == 0;
    return APR_SUCCESS;
}

static void give_up(const job_t *job, const char *why)
{
    apr_file_printf(job->out, "ExpectExplain %s\n  not known: %s\n",
                    job->question->text, why);
}

void expect_explain(apr_pool_t *p, server_rec *s, apr_file_t *out,
                    const expect_question_t *question)
{
    int none = EXPECT_PHASE_MAP;
    job_t job = { p, s, out, question, EXPECT_PHASE_END, &none };
    apr_shm_t *shm;
    int answered = 0;

    if (apr_shm_create(&shm, sizeof(int), NULL, p) == APR_SUCCESS) {
        job.phase = apr_shm_baseaddr_get(shm);
    }
    for (;;) {
        apr_status_t rv = answer_in_child(&job, &answered);
        char message[120];

        if (rv != APR_SUCCESS) {
            give_up(&job, apr_pstrcat(p, "no process could be had: ",
                                      apr_strerror(rv, message,
                                                   sizeof(message)), NULL));
            return;
        }
        if (answered) {
            return;
        }
        if (*job.phase == EXPECT_PHASE_MAP || *job.phase >= (int)job.stop) {
            give_up(&job, "a module that needs a running server crashed "
                          "before it was known whose section that is");
            return;
        }
        job.stop = (expect_phase_e)*job.phase;
    }
}
