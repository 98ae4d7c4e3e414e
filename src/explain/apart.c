/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/*
 * Work in a process without a terminal.
 *
 * The process begins a session of its own, so that /dev/tty leads nowhere and
 * the kernel lets no code in it type into the caller's terminal. Two pipes are
 * its only way out: one for the answer, one for standard output and standard
 * error. The caller treats all bytes that come through them as hostile, reads
 * no more than it has room for, and never waits for their end: a process that
 * was left behind may hold them open for ever.
 */

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

#include "apr_errno.h"
#include "apr_strings.h"

#include "explain/apart.h"

/* The caller checks this often whether the process has ended. */
#define TICK_MILLISECONDS 5

/* How much one read() takes, and how many of them run before the time is
 * checked. */
#define CHUNK_BYTES 16384
#define CHUNKS_AT_ONCE 64

/* A shell hands down no descriptor from here on. */
#define DESCRIPTORS 65536

/* The process, while there is one; for the signal handler. */
static volatile pid_t process;

/* --- in the process ------------------------------------------------------ */

static int apart_leads_out(int fd)
{
    struct stat info;

    return !fstat(fd, &info) && (S_ISFIFO(info.st_mode)
                                 || S_ISSOCK(info.st_mode) || isatty(fd));
}

/* Descriptors keep their numbers, as modules write to those that they have
 * opened. */
static int apart_leave_terminal(int answer, int printed)
{
    long count = sysconf(_SC_OPEN_MAX);
    int null = open("/dev/null", O_RDWR);
    int fd;

    if (null < 0 || setsid() < 0 || dup2(null, STDIN_FILENO) < 0
        || dup2(printed, STDOUT_FILENO) < 0
        || dup2(printed, STDERR_FILENO) < 0) {
        return 0;
    }
    if (count < 0 || count > DESCRIPTORS) {
        count = DESCRIPTORS;
    }
    for (fd = STDERR_FILENO + 1; fd < count; ++fd) {
        if (fd != answer && apart_leads_out(fd) && dup2(null, fd) < 0) {
            return 0;
        }
    }
    return 1;
}

static int apart_write(int fd, const char *text)
{
    apr_size_t left = strlen(text);

    while (left) {
        ssize_t n = write(fd, text, left);

        if (n < 0 && errno != EINTR) {
            return 0;
        }
        text += n > 0 ? n : 0;
        left -= n > 0 ? (apr_size_t)n : 0;
    }
    return 1;
}

/* Ends the process without the cleanups of httpd and its modules: it has begun
 * nothing that they would have to end. */
static void apart_exit(int status)
{
#ifdef EXPECT_COVERAGE
    /* make coverage counts this process as well */
    extern void __gcov_dump(void);

    __gcov_dump();
#endif
    _exit(status);
}

/* --- in the caller ------------------------------------------------------- */

static const int signals[] = { SIGHUP, SIGINT, SIGQUIT, SIGTERM };

enum { SIGNALS = sizeof(signals) / sizeof(signals[0]) };

typedef struct {
    struct sigaction before[SIGNALS];
    struct sigaction child;
    sigset_t mask;
} handlers_t;

static void apart_kill(void)
{
    if (process > 0) {
        kill(-process, SIGKILL);
        /* it may not have a group of its own yet */
        kill(process, SIGKILL);
    }
}

/* Ctrl-C reaches only this process: the other one is not on the terminal. */
static void apart_end_both(int sig)
{
    apart_kill();
    (void)signal(sig, SIG_DFL);
    (void)raise(sig);
}

/* The signals are held back until the pid of the process is known. */
static void apart_take_signals(handlers_t *h)
{
    struct sigaction action;
    sigset_t set;
    int i;

    memset(&action, 0, sizeof(action));
    sigemptyset(&action.sa_mask);
    sigemptyset(&set);
    for (i = 0; i < SIGNALS; ++i) {
        sigaddset(&set, signals[i]);
    }
    pthread_sigmask(SIG_BLOCK, &set, &h->mask);
    action.sa_handler = SIG_DFL;
    sigaction(SIGCHLD, &action, &h->child);
    action.sa_handler = apart_end_both;
    for (i = 0; i < SIGNALS; ++i) {
        sigaction(signals[i], NULL, &h->before[i]);
        if (h->before[i].sa_handler != SIG_IGN) {
            sigaction(signals[i], &action, NULL);
        }
    }
}

static void apart_restore_signals(const handlers_t *h)
{
    int i;

    for (i = 0; i < SIGNALS; ++i) {
        sigaction(signals[i], &h->before[i], NULL);
    }
    sigaction(SIGCHLD, &h->child, NULL);
    pthread_sigmask(SIG_SETMASK, &h->mask, NULL);
}

/* Neither end is among the first three descriptors, which the process uses for
 * something else. */
static int apart_pipe(int ends[2])
{
    int low[2];

    if (pipe(low)) {
        return 0;
    }
    ends[0] = fcntl(low[0], F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
    ends[1] = fcntl(low[1], F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
    close(low[0]);
    close(low[1]);
    return ends[0] >= 0 && ends[1] >= 0
           && fcntl(ends[0], F_SETFL, O_NONBLOCK) >= 0;
}

static void apart_close(int *ends, int count)
{
    int i;

    for (i = 0; i < count; ++i) {
        if (ends[i] >= 0) {
            close(ends[i]);
        }
        ends[i] = -1;
    }
}

static void apart_keep(expect_apart_text_t *text, apr_size_t room,
                       const char *from, apr_size_t length)
{
    apr_size_t fits = room - text->length;

    if (length > fits) {
        text->cut = 1;
        length = fits;
    }
    memcpy(text->bytes + text->length, from, length);
    text->length += length;
}

/* Reads all that is there; fd becomes -1 at the end of the pipe. */
static void apart_read(expect_apart_text_t *text, apr_size_t room, int *fd)
{
    char chunk[CHUNK_BYTES];
    int i;

    for (i = 0; i < CHUNKS_AT_ONCE && *fd >= 0; ++i) {
        ssize_t n = read(*fd, chunk, sizeof(chunk));

        if (n > 0) {
            apart_keep(text, room, chunk, (apr_size_t)n);
        }
        else if (n < 0 && errno == EAGAIN) {
            return;
        }
        else if (n == 0 || errno != EINTR) {
            apart_close(fd, 1);
        }
    }
}

/* The process is not reaped before its group is killed, so that its number
 * cannot belong to another one yet. */
static int apart_has_ended(int *succeeded)
{
    siginfo_t info;

    memset(&info, 0, sizeof(info));
    if (waitid(P_PID, (id_t)process, &info, WEXITED | WNOHANG | WNOWAIT)
        || !info.si_pid) {
        return 0;
    }
    *succeeded = info.si_code == CLD_EXITED && info.si_status == 0;
    return 1;
}

static void apart_read_both(expect_apart_t *result, int fds[2])
{
    apart_read(&result->answer, EXPECT_APART_ANSWER_BYTES, &fds[0]);
    apart_read(&result->printed, EXPECT_APART_PRINTED_BYTES, &fds[1]);
}

static void apart_wait(expect_apart_t *result, int fds[2], apr_time_t until)
{
    int ended, succeeded = 0;

    do {
        struct pollfd polled[2] = {
            { .fd = fds[0], .events = POLLIN },
            { .fd = fds[1], .events = POLLIN }
        };

        poll(polled, 2, TICK_MILLISECONDS);
        /* before reading, so that all bytes written before the end are read */
        ended = apart_has_ended(&succeeded);
        apart_read_both(result, fds);
    } while (!ended && !result->answer.cut && apr_time_now() < until);

    result->end = result->answer.cut ? EXPECT_APART_TOO_LONG
                  : !ended ? EXPECT_APART_LATE
                  : succeeded && result->answer.length ? EXPECT_APART_ANSWERED
                                                       : EXPECT_APART_ENDED;
    apart_kill();
    while (waitpid(process, NULL, 0) < 0 && errno == EINTR) {
    }
    process = 0;
}

static void apart_work(expect_apart_work_t *work, void *data, int answer,
                       int printed, const handlers_t *h)
{
    process = 0;
    apart_restore_signals(h);
    if (!apart_leave_terminal(answer, printed)) {
        apart_exit(1);
    }
    apart_exit(apart_write(answer, work(data)) ? 0 : 1);
}

apr_status_t expect_apart(expect_apart_t *result, apr_pool_t *p,
                          expect_apart_work_t *work, void *data,
                          apr_time_t until)
{
    int answer[2] = { -1, -1 }, printed[2] = { -1, -1 };
    int fds[2];
    handlers_t h;
    apr_status_t rv = APR_SUCCESS;

    memset(result, 0, sizeof(*result));
    result->answer.bytes = apr_pcalloc(p, EXPECT_APART_ANSWER_BYTES + 1);
    result->printed.bytes = apr_pcalloc(p, EXPECT_APART_PRINTED_BYTES + 1);
    apart_take_signals(&h);
    process = apart_pipe(answer) && apart_pipe(printed) ? fork() : -1;
    if (process == 0) {
        apart_work(work, data, answer[1], printed[1], &h);
    }
    if (process < 0) {
        rv = errno;
    }
    else {
        pthread_sigmask(SIG_SETMASK, &h.mask, NULL);
        apart_close(&answer[1], 1);
        apart_close(&printed[1], 1);
        fds[0] = answer[0];
        fds[1] = printed[0];
        apart_wait(result, fds, until);
        answer[0] = fds[0];
        printed[0] = fds[1];
    }
    apart_close(answer, 2);
    apart_close(printed, 2);
    apart_restore_signals(&h);
    return rv;
}
