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
 * The request is rehearsed in a process apart (apart.h), with the rights of the
 * server's own children: hooks of other modules run in it, and with them the
 * scripts of whoever may write an .htaccess. What comes from there is printed
 * so that it can be nothing but lines of this answer. If a module crashes
 * there, the request is rehearsed again, up to where that was.
 */

#include <string.h>
#include <unistd.h>

#include "httpd.h"
#include "http_log.h"
#include "mpm_common.h"

#include "apr_shm.h"
#include "apr_strings.h"

#include "explain/apart.h"
#include "explain/explain.h"
#include "explain/wording.h"
#include "explain/simulate.h"
#include "explain/show.h"

/* How long a question may take, however often it is rehearsed. */
#define LIMIT_SECONDS 10

/* In the process apart */

typedef struct {
    apr_pool_t *p;
    server_rec *s;
    apr_file_t *out;
    const expect_query_t *question;
    expect_phase_e stop;
    /** memory that the process apart can write to: of any value */
    volatile int *phase;
} job_t;

static expect_simulation_t *rehearse(const job_t *job, expect_client_e asks)
{
    expect_simulation_t *h = apr_pcalloc(job->p, sizeof(*h));

    h->pool = job->p;
    h->question = job->question;
    h->asks = asks;
    h->stop = job->stop;
    h->phase = job->phase;
    expect_simulate(job->s, h);
    return h;
}

/* What is the same for both clients is said once: before, and after them. */
static const char *answer(const job_t *job)
{
    const expect_query_t *q = job->question;
    const char *text = "", *place = "", *end = "";
    int asks;

    for (asks = EXPECT_CLIENT_ASKS; asks <= EXPECT_CLIENT_DOES_NOT; ++asks) {
        expect_simulation_t *h;
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

/* httpd's log is in the answer, and nowhere else. */
static void log_nowhere(const job_t *job)
{
    apr_file_t *null;
    server_rec *s;

    if (apr_file_open(&null, "/dev/null", APR_FOPEN_WRITE, APR_FPROT_OS_DEFAULT,
                      job->p) == APR_SUCCESS) {
        for (s = job->s; s; s = s->next) {
            s->error_log = null;
        }
    }
}

/* mod_unixd takes root's rights away; where it is not loaded, nobody does. */
static int drop_privileges(const job_t *job)
{
    return geteuid() || (ap_run_drop_privileges(job->p, job->s) == OK
                         && geteuid() && getuid());
}

/* All in one, at the end: who crashes has said nothing. */
static const char *work(void *data)
{
    const job_t *job = data;

    log_nowhere(job);
    if (!drop_privileges(job)) {
        return "  not known: the rights of User and Group cannot be taken on, "
               "and modules and their scripts do not run as root here\n";
    }
    expect_simulate_prepare(job->p, job->s);
    return answer(job);
}

/* In the caller's */

/* Line by line. Each is indented, so that none looks like the head of another
 * answer. */
static void print_hostile(const job_t *job, const char *label,
                          const expect_apart_text_t *text)
{
    const char *line = text->bytes;
    const char *end = line + text->length;

    while (line < end) {
        const char *next = memchr(line, '\n', end - line);

        next = next ? next : end;
        apr_file_puts(apr_pstrcat(job->p, *label || !strncmp(line, "  ", 2)
                                              ? label : "  ",
                                  expect_show_safely(job->p, line, next - line),
                                  "\n", NULL), job->out);
        line = next + 1;
    }
}

static void print(const job_t *job, const expect_apart_t *result)
{
    print_hostile(job, "", &result->answer);
    print_hostile(job, "    printed by a module or a script: ",
                  &result->printed);
    if (result->printed.cut) {
        apr_file_printf(job->out, "    and more was printed than the first %d "
                        "bytes\n", EXPECT_APART_PRINTED_BYTES);
    }
}

static void give_up(const job_t *job, const char *why)
{
    apr_file_printf(job->out, "  not known: %s\n", why);
}

/* Only values that the simulation itself writes. */
static expect_phase_e phase_of(const job_t *job)
{
    int phase = *job->phase;

    return phase > EXPECT_PHASE_MAP && phase < EXPECT_PHASE_END
               ? (expect_phase_e)phase : EXPECT_PHASE_MAP;
}

/* NULL: it is worth another try, up to the phase in which it ended. */
static const char *why_not(job_t *job, const expect_apart_t *result)
{
    expect_phase_e phase = phase_of(job);

    if (result->end == EXPECT_APART_LATE) {
        return apr_psprintf(job->p, "this took longer than %d seconds and was "
                            "ended; what took so long: %s", LIMIT_SECONDS,
                            expect_explain_phase(phase));
    }
    if (result->end == EXPECT_APART_TOO_LONG) {
        return apr_psprintf(job->p, "a module or a script made the answer "
                            "longer than %d bytes",
                            EXPECT_APART_ANSWER_BYTES);
    }
    if (phase == EXPECT_PHASE_MAP || phase >= job->stop) {
        return "a module that needs a running server crashed before it was "
               "known whose section that is";
    }
    job->stop = phase;
    return NULL;
}

static void try(job_t *job)
{
    apr_time_t until = apr_time_now() + apr_time_from_sec(LIMIT_SECONDS);
    expect_apart_t result;
    const char *why = NULL;

    while (!why) {
        apr_status_t rv = expect_apart(&result, job->p, work, job, until);
        char message[120];

        if (rv != APR_SUCCESS) {
            why = apr_pstrcat(job->p, "no process could be had: ",
                              apr_strerror(rv, message, sizeof(message)),
                              NULL);
        }
        else if (result.end == EXPECT_APART_ANSWERED) {
            print(job, &result);
            return;
        }
        else {
            why = why_not(job, &result);
        }
    }
    give_up(job, why);
}

void expect_explain(apr_pool_t *p, server_rec *s, apr_file_t *out,
                    const expect_query_t *question)
{
    int none = EXPECT_PHASE_MAP;
    job_t job = { NULL, s, out, question, EXPECT_PHASE_END, &none };
    apr_shm_t *shm;

    /* an answer takes memory, and there may be many questions */
    apr_pool_create(&job.p, p);
    if (apr_shm_create(&shm, sizeof(int), NULL, job.p) == APR_SUCCESS) {
        job.phase = apr_shm_baseaddr_get(shm);
    }
    expect_show_print(job.p, out, "ExpectExplain %s\n", question->text);
    try(&job);
    apr_pool_destroy(job.p);
}
