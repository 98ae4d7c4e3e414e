/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/*
 * One thread that throws away what the clients of refused connections send.
 *
 * - Connections reach it through a pipe, each as one message that is shorter
 *   than PIPE_BUF, so that a write is atomic. Only the thread uses its table,
 *   and there is no lock: a signal may stop the main thread of a prefork
 *   process anywhere, and its handler ends the process.
 * - It uses no pool: httpd destroys the pools of a process while the thread
 *   runs.
 * - It is started with the first connection, because a server may have hundreds
 *   of processes.
 */

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <netinet/in.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include "apr_atomic.h"

#include "answer/lingerer.h"

/* How many connections a process holds at most: one for LIMIT_SHARE descriptors
 * that it may have, and never more than LIMIT_MAX. */
#define LIMIT_MAX 16384
#define LIMIT_SHARE 4

/* Bytes of the thread's stack, which includes the thread-local storage of all
 * modules and libraries in the process. */
#define STACK ((size_t)256 * 1024)

/* Bytes that are read from one connection in one turn: without a copy, and with
 * one. */
#define PIECE ((apr_size_t)1024 * 1024)
#define PIECE_COPIED ((apr_size_t)16 * 1024)

/* After each turn the thread pauses, one millisecond for each PAUSE_SHARE
 * connections: so those that trickle, and those that come and go, are served
 * together. */
#define PAUSE_SHARE 32
#define PAUSE_MAX 10

/* Milliseconds after which the thread reports again, even without a change. */
#define REPORT_EVERY 1000

/* Milliseconds that an ending process waits for the thread at most. The thread
 * needs a few of them, but on a busy machine it may wait for the processor. */
#define STOP_WAIT 5000

typedef struct lingering_t {
    int fd;
    /** bytes can be thrown away without a copy */
    int is_tcp;
    expect_bounds_t bounds;
    apr_time_t since;
    apr_time_t heard;
    apr_int64_t taken;
} lingering_t;

/* What became of a connection in one turn. */
typedef enum { GOES_ON = 0, ENDED, OVER } turn_e;

enum { NOT_STARTED = 0, RUNS, CANNOT_RUN };

static pthread_mutex_t starting = PTHREAD_MUTEX_INITIALIZER;
static volatile apr_uint32_t state = NOT_STARTED;
static volatile apr_uint32_t is_stopping, is_parked;
/* connections that were handed over and have not ended; their limit */
static volatile apr_uint32_t count;
static apr_uint32_t limit;
static int ends[2];
static pid_t home;
static expect_lingerer_report_fn report;

/* Used by the thread only. The first of polled is the pipe. */
static struct pollfd *polled;
static lingering_t *held;
static apr_uint32_t n_held;

/* A clock that cannot be set, in microseconds. */
static apr_time_t lingerer_now(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return apr_time_from_sec((apr_time_t)now.tv_sec) + now.tv_nsec / 1000;
}

/* --- one connection ------------------------------------------------------ */

static int lingering_is_tcp(int fd)
{
#if defined(__linux__) && defined(SO_PROTOCOL)
    int protocol = 0;
    socklen_t length = sizeof(protocol);

    return getsockopt(fd, SOL_SOCKET, SO_PROTOCOL, &protocol, &length) == 0
           && protocol == IPPROTO_TCP;
#else
    (void)fd;
    return 0;
#endif
}

static void lingering_begin(lingering_t *l, int fd,
                            const expect_bounds_t *bounds)
{
    memset(l, 0, sizeof(*l));
    l->fd = fd;
    l->is_tcp = lingering_is_tcp(fd);
    l->bounds = *bounds;
    l->since = l->heard = lingerer_now();
}

/* Linux can throw away what has arrived on a TCP socket without a copy. */
static ssize_t lingering_discard(const lingering_t *l)
{
    char copied[PIECE_COPIED];
    apr_size_t length = l->is_tcp ? PIECE : sizeof(copied);
    apr_int64_t left = l->bounds.max - l->taken;

    /* one byte over the max is enough to know */
    if (l->bounds.max >= 0 && left < (apr_int64_t)length) {
        length = (apr_size_t)left + 1;
        length = length > sizeof(copied) && !l->is_tcp ? sizeof(copied)
                                                       : length;
    }
#ifdef __linux__
    if (l->is_tcp) {
        return recv(l->fd, NULL, length, MSG_DONTWAIT | MSG_TRUNC);
    }
#endif
    return recv(l->fd, copied, length, MSG_DONTWAIT);
}

static apr_time_t lingering_deadline(const lingering_t *l)
{
    apr_time_t in_all = l->since + l->bounds.time;
    apr_time_t idle = l->heard + l->bounds.idle;

    return in_all < idle ? in_all : idle;
}

/* Throw away what has arrived, if anything. */
static turn_e lingering_take_turn(lingering_t *l, int has_news, apr_time_t now,
                                  apr_uint64_t *bytes)
{
    ssize_t n = -1;

    errno = EAGAIN;
    if (has_news) {
        n = lingering_discard(l);
    }
    if (n > 0) {
        *bytes += n;
        l->taken += n;
        l->heard = now;
    }
    else if (n == 0 || (errno != EAGAIN && errno != EWOULDBLOCK
                        && errno != EINTR)) {
        return ENDED;
    }
    if (l->bounds.max >= 0 && l->taken > l->bounds.max) {
        return OVER;
    }
    return now >= lingering_deadline(l) ? OVER : GOES_ON;
}

/*
 * Another process may hold the socket as well: that of mpm_itk does, and a
 * forked program may. Then close() does not end the connection, and the client
 * fills the buffers meanwhile. Where a socket can be disconnected (Linux), that
 * resets the connection for all processes.
 */
static void lingering_reset(int fd)
{
    struct linger now = { 1, 0 };
    struct sockaddr none;

    (void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
    memset(&none, 0, sizeof(none));
    none.sa_family = AF_UNSPEC;
    (void)connect(fd, &none, sizeof(none));
}

/* Milliseconds from now until then, but no more than REPORT_EVERY. */
static int lingering_wait(apr_time_t then, apr_time_t now)
{
    apr_time_t left = then > now ? (then - now) / 1000 + 1 : 0;

    return left < REPORT_EVERY ? (int)left : REPORT_EVERY;
}

void expect_lingerer_drain(int fd, const expect_bounds_t *bounds)
{
    lingering_t l;
    turn_e turn = GOES_ON;
    apr_time_t now;

    lingering_begin(&l, fd, bounds);
    now = l.since;
    report(1, 0);
    while (turn == GOES_ON) {
        struct pollfd one = { 0, POLLIN, 0 };
        apr_uint64_t bytes = 0;
        int n;

        one.fd = fd;
        n = poll(&one, 1, lingering_wait(lingering_deadline(&l), now));
        now = lingerer_now();
        turn = lingering_take_turn(&l, n > 0, now, &bytes);
        report(turn == GOES_ON, bytes);
    }
    if (turn == OVER) {
        lingering_reset(fd);
    }
}

/* --- the thread ---------------------------------------------------------- */

/* Add the connections that were handed over. A message without a descriptor
 * only wakes the thread. */
static void thread_take_new(void)
{
    lingering_t l;

    while (read(ends[0], &l, sizeof(l)) == (ssize_t)sizeof(l)) {
        if (l.fd >= 0 && n_held < limit) {
            held[n_held++] = l;
            polled[n_held].fd = l.fd;
            polled[n_held].events = POLLIN;
            polled[n_held].revents = 0;
        }
    }
}

/* Remove a connection that has ended: the last one takes its place. */
static void thread_drop(apr_uint32_t i)
{
    (void)close(held[i].fd);
    --n_held;
    held[i] = held[n_held];
    polled[i + 1] = polled[n_held + 1];
    apr_atomic_dec32(&count);
}

/*
 * One turn for each connection, unless the thread must stop.
 * @param next set to the time of the next deadline
 * @return bytes that were thrown away
 */
static apr_uint64_t thread_take_turns(apr_time_t now, apr_time_t *next)
{
    apr_uint64_t bytes = 0;
    apr_uint32_t i = 0;

    *next = now + apr_time_from_sec(60);
    while (i < n_held && !apr_atomic_read32(&is_stopping)) {
        turn_e turn = lingering_take_turn(&held[i],
                                          polled[i + 1].revents != 0, now,
                                          &bytes);

        if (turn == GOES_ON) {
            apr_time_t due = lingering_deadline(&held[i]);

            *next = due < *next ? due : *next;
            ++i;
            continue;
        }
        if (turn == OVER) {
            lingering_reset(held[i].fd);
        }
        thread_drop(i);
    }
    return bytes;
}

/* If poll() fails it is not known which connections have sent: all are read. */
static void thread_wait(int milliseconds)
{
    apr_uint32_t i;

    if (poll(polled, n_held + 1, milliseconds) >= 0 || errno == EINTR) {
        return;
    }
    (void)poll(NULL, 0, PAUSE_MAX);
    for (i = 0; i <= n_held; ++i) {
        polled[i].revents = POLLIN;
    }
}

static void thread_rest(void)
{
    apr_uint32_t pause = n_held / PAUSE_SHARE;

    if (pause) {
        (void)poll(NULL, 0, (int)(pause < PAUSE_MAX ? pause : PAUSE_MAX));
    }
}

static void thread_linger(void)
{
    apr_time_t now = lingerer_now(), next = now, reported_at = now;
    apr_uint32_t reported = 0;

    while (!apr_atomic_read32(&is_stopping)) {
        apr_uint64_t bytes;

        thread_wait(n_held ? lingering_wait(next, now) : -1);
        now = lingerer_now();
        bytes = thread_take_turns(now, &next);
        if (polled[0].revents) {
            thread_take_new();
            next = now;
        }
        if (bytes || n_held != reported
            || (n_held && now - reported_at >= apr_time_from_sec(1))) {
            report(n_held, bytes);
            reported = n_held;
            reported_at = now;
        }
        thread_rest();
    }
}

/* A stopped thread uses nothing any more and sleeps for ever: the module's code
 * may be unloaded meanwhile. */
static void *thread_run(void *unused)
{
    thread_linger();
    report(0, 0);
    apr_atomic_set32(&is_parked, 1);
    for (;;) {
        (void)pause();
    }
    return unused;
}

/* --- its beginning and its end ------------------------------------------- */

static apr_uint32_t thread_limit(void)
{
    struct rlimit most;

    if (getrlimit(RLIMIT_NOFILE, &most) < 0 || most.rlim_cur == RLIM_INFINITY
        || most.rlim_cur / LIMIT_SHARE > LIMIT_MAX) {
        return LIMIT_MAX;
    }
    return (apr_uint32_t)(most.rlim_cur / LIMIT_SHARE);
}

/* Programs that this process runs do not inherit the pipe, and no read or write
 * of it waits. */
static int thread_prepare_end(int fd)
{
    return fcntl(fd, F_SETFD, FD_CLOEXEC) == 0
           && fcntl(fd, F_SETFL, O_NONBLOCK) == 0;
}

static int thread_prepare(void)
{
    limit = thread_limit();
    /* calloc() takes no physical memory before it is used */
    held = calloc(limit + 1, sizeof(*held));
    polled = calloc(limit + 1, sizeof(*polled));
    if (!held || !polled || pipe(ends) < 0) {
        return 0;
    }
    polled[0].fd = ends[0];
    polled[0].events = POLLIN;
    return thread_prepare_end(ends[0]) && thread_prepare_end(ends[1]);
}

static int thread_create(void)
{
    pthread_attr_t attr;
    pthread_t thread;
    int rv;

    if (pthread_attr_init(&attr)) {
        return 0;
    }
    pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
    pthread_attr_setstacksize(&attr, STACK);
    rv = pthread_create(&thread, &attr, thread_run, NULL);
    if (rv == EINVAL) {
        /* the thread-local storage does not fit */
        pthread_attr_destroy(&attr);
        pthread_attr_init(&attr);
        pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
        rv = pthread_create(&thread, &attr, thread_run, NULL);
    }
    pthread_attr_destroy(&attr);
    return rv == 0;
}

/*
 * All signals are blocked meanwhile. The thread inherits that mask: the
 * handlers of prefork and worker must run in the threads that expect them. And
 * prefork's handler, which ends the process, must find the thread if there is
 * one.
 */
static void thread_start(void)
{
    sigset_t all, before;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    pthread_mutex_lock(&starting);
    if (apr_atomic_read32(&state) == NOT_STARTED) {
        apr_atomic_set32(&state, thread_prepare() && thread_create() ? RUNS
                                                             : CANNOT_RUN);
    }
    pthread_mutex_unlock(&starting);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
}

static int thread_has_started(void)
{
    if (apr_atomic_read32(&state) == NOT_STARTED) {
        thread_start();
    }
    return apr_atomic_read32(&state) == RUNS
           && !apr_atomic_read32(&is_stopping);
}

void expect_lingerer_init(expect_lingerer_report_fn report_fn)
{
    home = getpid();
    report = report_fn;
}

int expect_lingerer_is_at_home(void)
{
    return home == getpid();
}

apr_uint32_t expect_lingerer_limit(void)
{
    return limit;
}

expect_lingerer_e expect_lingerer_take(int fd, const expect_bounds_t *bounds)
{
    lingering_t l;

    if (!thread_has_started()) {
        return EXPECT_LINGERER_NONE;
    }
    if (apr_atomic_inc32(&count) >= limit
        || (fd = fcntl(fd, F_DUPFD_CLOEXEC, 0)) < 0) {
        apr_atomic_dec32(&count);
        return EXPECT_LINGERER_FULL;
    }
    lingering_begin(&l, fd, bounds);
    if (write(ends[1], &l, sizeof(l)) != (ssize_t)sizeof(l)) {
        (void)close(fd);
        apr_atomic_dec32(&count);
        return EXPECT_LINGERER_FULL;
    }
    return EXPECT_LINGERER_TAKEN;
}

void expect_lingerer_stop(void)
{
    lingering_t none;
    int i;

    if (!expect_lingerer_is_at_home() || apr_atomic_read32(&state) != RUNS) {
        return;
    }
    memset(&none, 0, sizeof(none));
    none.fd = -1;
    apr_atomic_set32(&is_stopping, 1);
    /* if the pipe is full, the thread is awake */
    if (write(ends[1], &none, sizeof(none)) < 0) {
        errno = 0;
    }
    for (i = 0; i < STOP_WAIT && !apr_atomic_read32(&is_parked); ++i) {
        (void)poll(NULL, 0, 1);
    }
}
