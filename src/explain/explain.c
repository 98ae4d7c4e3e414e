/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/*
 * The answer to a query: how an upload would be handled, and why.
 *
 *     ExpectExplain /uploads/film.png PUT length=50M type=image/png
 *       client: 127.0.0.1, without a login
 *       server: VirtualHost files.example.org:80 (files.conf:1)
 *       target: /srv/uploads/film.png, which does not exist
 *       .htaccess: none
 *       engine On, status 417, scope content
 *         all of
 *           content-length max=20M known             head       files.conf:8
 *             denied: content-length 52428800 is over max=20971520
 *           content-type image/png                   head       files.conf:9
 *             granted, saw image/png (not needed: the result was already
 *             certain)
 *       asks: refused 417: content-length 52428800 is over max=20971520
 *       does not ask: refused 413: content-length 52428800 is over max=20971520
 *
 * The request is simulated in a process of its own (apart.h), with the rights
 * of the server's own children: hooks of other modules run in it, and with them
 * the scripts of all who may write an .htaccess. All output of it is printed so
 * that it can only be read as lines of this answer. If a module crashes there,
 * the request is simulated again, up to that phase.
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
#include "explain/show.h"
#include "explain/simulate.h"
#include "explain/wording.h"

/* The time for one query, however often it is simulated. */
#define LIMIT_SECONDS 10

/* --- in the process of its own ------------------------------------------- */

typedef struct {
    apr_pool_t *p;
    server_rec *s;
    apr_file_t *out;
    const expect_query_t *query;
    expect_phase_e stop;
    /** memory that the process can write to, so it may have any value */
    volatile int *phase;
} job_t;

static expect_simulation_t *explain_simulate(const job_t *job,
                                             expect_client_e asks)
{
    expect_simulation_t *h = apr_pcalloc(job->p, sizeof(*h));

    h->pool = job->p;
    h->query = job->query;
    h->asks = asks;
    h->stop = job->stop;
    h->phase = job->phase;
    expect_simulate(job->s, h);
    return h;
}

/* Lines that are the same for both clients are printed once, before or after
 * them. */
static const char *explain_answer(const job_t *job)
{
    const expect_query_t *q = job->query;
    const char *text = "", *place = "", *end = "";
    int asks;

    for (asks = EXPECT_CLIENT_ASKS; asks <= EXPECT_CLIENT_DOES_NOT; ++asks) {
        expect_simulation_t *h;
        const char *here, *remarks;

        if (q->asks && (int)q->asks != asks) {
            continue;
        }
        h = explain_simulate(job, asks);
        /* first: the place evaluates more rules, which may log something */
        remarks = expect_wording_remarks(h);
        here = expect_wording_place(h);
        text = apr_pstrcat(job->p, text, strcmp(remarks, end) ? end : "",
                           strcmp(here, place) ? here : "",
                           expect_wording_outcome(h), NULL);
        place = here;
        end = remarks;
        if (apr_table_get(q->fields, "Expect")) {
            break;
        }
    }
    return apr_pstrcat(job->p, text, end, NULL);
}

/* The answer has the lines of httpd's log, and no other place has them. */
static void explain_log_nowhere(const job_t *job)
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

/* mod_unixd takes root's rights away; if it is not loaded, no module does. */
static int explain_drop_privileges(const job_t *job)
{
    return geteuid() || (ap_run_drop_privileges(job->p, job->s) == OK
                         && geteuid() && getuid());
}

/* The whole answer is written at the end, so that a crash leaves none. */
static const char *explain_work(void *data)
{
    const job_t *job = data;

    explain_log_nowhere(job);
    if (!explain_drop_privileges(job)) {
        return "  not known: httpd cannot switch to its User and Group, and "
               "modules and their scripts are not run as root here\n";
    }
    expect_simulate_prepare(job->p, job->s);
    return explain_answer(job);
}

/* --- in the caller ------------------------------------------------------- */

/* Prints line by line. Each line is indented, so that none looks like the head
 * of another answer. */
static void explain_print_hostile(const job_t *job, const char *label,
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

static void explain_print(const job_t *job, const expect_apart_t *result)
{
    explain_print_hostile(job, "", &result->answer);
    explain_print_hostile(job, "    printed by a module or a script: ",
                          &result->printed);
    if (result->printed.cut) {
        apr_file_printf(job->out, "    more was printed than the first %d "
                        "bytes, which are shown\n", EXPECT_APART_PRINTED_BYTES);
    }
}

static void explain_give_up(const job_t *job, const char *why)
{
    apr_file_printf(job->out, "  not known: %s\n", why);
}

/* Only the values that the simulation itself writes are accepted. */
static expect_phase_e explain_phase(const job_t *job)
{
    int phase = *job->phase;

    return phase > EXPECT_PHASE_MAP && phase < EXPECT_PHASE_END
               ? (expect_phase_e)phase : EXPECT_PHASE_MAP;
}

/* NULL: another try may succeed, up to the phase in which this one ended. */
static const char *explain_failure(job_t *job, const expect_apart_t *result)
{
    expect_phase_e phase = explain_phase(job);

    if (result->end == EXPECT_APART_LATE) {
        return apr_psprintf(job->p, "this took longer than %d seconds and was "
                            "ended during %s", LIMIT_SECONDS,
                            expect_wording_phase(phase));
    }
    if (result->end == EXPECT_APART_TOO_LONG) {
        return apr_psprintf(job->p, "a module or a script made the answer "
                            "longer than %d bytes",
                            EXPECT_APART_ANSWER_BYTES);
    }
    if (phase == EXPECT_PHASE_MAP || phase >= job->stop) {
        return "a module that needs a running server crashed before the "
               "section was determined";
    }
    job->stop = phase;
    return NULL;
}

static void explain_try(job_t *job)
{
    apr_time_t until = apr_time_now() + apr_time_from_sec(LIMIT_SECONDS);
    expect_apart_t result;
    const char *why = NULL;

    while (!why) {
        apr_status_t rv = expect_apart(&result, job->p, explain_work, job,
                                       until);
        char message[120];

        if (rv != APR_SUCCESS) {
            why = apr_pstrcat(job->p, "no process could be created: ",
                              apr_strerror(rv, message, sizeof(message)),
                              NULL);
        }
        else if (result.end == EXPECT_APART_ANSWERED) {
            explain_print(job, &result);
            return;
        }
        else {
            why = explain_failure(job, &result);
        }
    }
    explain_give_up(job, why);
}

void expect_explain(apr_pool_t *p, server_rec *s, apr_file_t *out,
                    const expect_query_t *query)
{
    int none = EXPECT_PHASE_MAP;
    job_t job = {
        .s = s, .out = out, .query = query, .stop = EXPECT_PHASE_END,
        .phase = &none
    };
    apr_shm_t *shm;

    /* an answer takes memory, and there may be many queries */
    apr_pool_create(&job.p, p);
    if (apr_shm_create(&shm, sizeof(int), NULL, job.p) == APR_SUCCESS) {
        job.phase = apr_shm_baseaddr_get(shm);
    }
    expect_show_print(job.p, out, "ExpectExplain %s\n", query->text);
    explain_try(&job);
    apr_pool_destroy(job.p);
}
