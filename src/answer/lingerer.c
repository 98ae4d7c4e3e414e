/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/*
 * One thread that throws away what the clients of refused connections send.
 *
 * - Connections come to it through a pipe, each as one message that is shorter
 *   than PIPE_BUF, so whole. The thread alone knows its table, and nobody locks
 *   anything: the main thread of a prefork process may be stopped by a signal
 *   anywhere, and its handler ends the process.
 * - It uses no pool: httpd destroys those of a process while the thread runs.
 * - It is started when the first connection comes, as a server may have
 *   hundreds of processes.
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

/* A process holds so many at the most, whatever number of descriptors it may
 * have; otherwise one in LIMIT_SHARE of these. */
#define LIMIT_MAX 16384
#define LIMIT_SHARE 4

/* Bytes of the thread's stack: thread-local storage of all that the process
 * has loaded is in it, too. */
#define STACK ((size_t)256 * 1024)

/* Bytes that are taken from one connection in one turn: where they are not
 * copied, and where they are. */
#define PIECE ((apr_size_t)1024 * 1024)
#define PIECE_COPIED ((apr_size_t)16 * 1024)

/* After each turn the thread pauses for one millisecond for each PAUSE_SHARE
 * connections: those that trickle are served together, and so are those that
 * come and go. */
#define PAUSE_SHARE 32
#define PAUSE_MAX 10

/* Milliseconds after which it tells what there is, in any case. */
#define TELL_EVERY 1000

/* Milliseconds that a process which ends waits for it, at the most. It takes a
 * few of them, but on a busy machine it may have to wait for the processor. */
#define STOP_WAIT 5000

typedef struct lingering_t {
    int fd;
    /** what comes need not be copied */
    int is_tcp;
    expect_bounds_t bounds;
    apr_time_t since;
    apr_time_t heard;
    apr_int64_t taken;
} lingering_t;

/* What a connection has come to. */
typedef enum { GOES_ON = 0, ENDED, OVER } turn_e;

enum { NOT_STARTED = 0, RUNS, CANNOT_RUN };

static pthread_mutex_t starting = PTHREAD_MUTEX_INITIALIZER;
static volatile apr_uint32_t state = NOT_STARTED;
static volatile apr_uint32_t is_stopping, is_parked;
/* connections handed over that have not ended; and the most there may be */
static volatile apr_uint32_t count;
static apr_uint32_t limit;
static int ends[2];
static pid_t home;
static expect_lingerer_report_fn tell;

/* The thread's own. The first of polled is the pipe. */
static struct pollfd *polled;
static lingering_t *held;
static apr_uint32_t n_held;

/* A clock that nobody sets, in microseconds. */
static apr_time_t monotonic(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return apr_time_from_sec((apr_time_t)now.tv_sec) + now.tv_nsec / 1000;
}

/* --- one connection ------------------------------------------------------ */

static int is_tcp(int fd)
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

static void begin(lingering_t *l, int fd, const expect_bounds_t *bounds)
{
    memset(l, 0, sizeof(*l));
    l->fd = fd;
    l->is_tcp = is_tcp(fd);
    l->bounds = *bounds;
    l->since = l->heard = monotonic();
}

/* Linux throws away what has come on a TCP socket without copying it. */
static ssize_t discard(const lingering_t *l)
{
    char copied[PIECE_COPIED];
    apr_size_t length = l->is_tcp ? PIECE : sizeof(copied);
    apr_int64_t left = l->bounds.max - l->taken;

    /* one byte over is enough to know */
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

static apr_time_t deadline(const lingering_t *l)
{
    apr_time_t in_all = l->since + l->bounds.time;
    apr_time_t idle = l->heard + l->bounds.idle;

    return in_all < idle ? in_all : idle;
}

/* Takes in what has come, if anything. */
static turn_e take_turn(lingering_t *l, int has_news, apr_time_t now,
                        apr_uint64_t *bytes)
{
    ssize_t n = -1;

    errno = EAGAIN;
    if (has_news) {
        n = discard(l);
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
    return now >= deadline(l) ? OVER : GOES_ON;
}

/*
 * Another process may hold the socket as well: mpm_itk's does, and so may
 * whatever was forked. A close then ends nothing, and the client fills its
 * buffers meanwhile. Where the system knows how to disconnect a socket (Linux),
 * that resets the connection for all who hold it.
 */
static void reset(int fd)
{
    struct linger now = { 1, 0 };
    struct sockaddr none;

    (void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
    memset(&none, 0, sizeof(none));
    none.sa_family = AF_UNSPEC;
    (void)connect(fd, &none, sizeof(none));
}

/* Milliseconds from now until then, TELL_EVERY at the most. */
static int wait_until(apr_time_t then, apr_time_t now)
{
    apr_time_t left = then > now ? (then - now) / 1000 + 1 : 0;

    return left < TELL_EVERY ? (int)left : TELL_EVERY;
}

void expect_lingerer_drain(int fd, const expect_bounds_t *bounds)
{
    lingering_t l;
    turn_e turn = GOES_ON;
    apr_time_t now;

    begin(&l, fd, bounds);
    now = l.since;
    tell(1, 0);
    while (turn == GOES_ON) {
        struct pollfd one = { 0, POLLIN, 0 };
        apr_uint64_t bytes = 0;
        int n;

        one.fd = fd;
        n = poll(&one, 1, wait_until(deadline(&l), now));
        now = monotonic();
        turn = take_turn(&l, n > 0, now, &bytes);
        tell(turn == GOES_ON, bytes);
    }
    if (turn == OVER) {
        reset(fd);
    }
}

/* --- the thread ---------------------------------------------------------- */

/* Takes in those that were handed over. One without a descriptor only wakes. */
static void take_new(void)
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

/* Has the last one in the place of one that has ended. */
static void drop(apr_uint32_t i)
{
    (void)close(held[i].fd);
    --n_held;
    held[i] = held[n_held];
    polled[i + 1] = polled[n_held + 1];
    apr_atomic_dec32(&count);
}

/* One turn for each, unless it has to stop; returns the bytes that have come,
 * and when the next one is due at the latest. */
static apr_uint64_t take_turns(apr_time_t now, apr_time_t *next)
{
    apr_uint64_t bytes = 0;
    apr_uint32_t i = 0;

    *next = now + apr_time_from_sec(60);
    while (i < n_held && !apr_atomic_read32(&is_stopping)) {
        turn_e turn = take_turn(&held[i], polled[i + 1].revents != 0, now,
                                &bytes);

        if (turn == GOES_ON) {
            apr_time_t due = deadline(&held[i]);

            *next = due < *next ? due : *next;
            ++i;
            continue;
        }
        if (turn == OVER) {
            reset(held[i].fd);
        }
        drop(i);
    }
    return bytes;
}

/* Where poll() has failed, nobody knows who has news: each is looked at. */
static void wait_for_news(int milliseconds)
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

static void rest(void)
{
    apr_uint32_t pause = n_held / PAUSE_SHARE;

    if (pause) {
        (void)poll(NULL, 0, (int)(pause < PAUSE_MAX ? pause : PAUSE_MAX));
    }
}

static void linger(void)
{
    apr_time_t now = monotonic(), next = now, told_at = now;
    apr_uint32_t told = 0;

    while (!apr_atomic_read32(&is_stopping)) {
        apr_uint64_t bytes;

        wait_for_news(n_held ? wait_until(next, now) : -1);
        now = monotonic();
        bytes = take_turns(now, &next);
        if (polled[0].revents) {
            take_new();
            next = now;
        }
        if (bytes || n_held != told
            || (n_held && now - told_at >= apr_time_from_sec(1))) {
            tell(n_held, bytes);
            told = n_held;
            told_at = now;
        }
        rest();
    }
}

/* When it has stopped it touches nothing any more, and stays where it is: the
 * module's code may be gone by then. */
static void *run(void *unused)
{
    linger();
    tell(0, 0);
    apr_atomic_set32(&is_parked, 1);
    for (;;) {
        (void)pause();
    }
    return unused;
}

/* --- its beginning and its end ------------------------------------------- */

static apr_uint32_t share_of_descriptors(void)
{
    struct rlimit most;

    if (getrlimit(RLIMIT_NOFILE, &most) < 0 || most.rlim_cur == RLIM_INFINITY
        || most.rlim_cur / LIMIT_SHARE > LIMIT_MAX) {
        return LIMIT_MAX;
    }
    return (apr_uint32_t)(most.rlim_cur / LIMIT_SHARE);
}

/* Not for programs that this process may run, nor to wait at either end. */
static int prepare_end(int fd)
{
    return fcntl(fd, F_SETFD, FD_CLOEXEC) == 0
           && fcntl(fd, F_SETFL, O_NONBLOCK) == 0;
}

static int prepare(void)
{
    limit = share_of_descriptors();
    /* memory that is not used yet costs nothing */
    held = calloc(limit + 1, sizeof(*held));
    polled = calloc(limit + 1, sizeof(*polled));
    if (!held || !polled || pipe(ends) < 0) {
        return 0;
    }
    polled[0].fd = ends[0];
    polled[0].events = POLLIN;
    return prepare_end(ends[0]) && prepare_end(ends[1]);
}

static int start_thread(void)
{
    pthread_attr_t attr;
    pthread_t thread;
    int rv;

    if (pthread_attr_init(&attr)) {
        return 0;
    }
    pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
    pthread_attr_setstacksize(&attr, STACK);
    rv = pthread_create(&thread, &attr, run, NULL);
    if (rv == EINVAL) {
        /* more of it is thread-local than would fit */
        pthread_attr_destroy(&attr);
        pthread_attr_init(&attr);
        pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
        rv = pthread_create(&thread, &attr, run, NULL);
    }
    pthread_attr_destroy(&attr);
    return rv == 0;
}

/*
 * No signal comes in between. The process' signals are for others, so that the
 * thread inherits a mask of all: handlers of prefork and worker have to run
 * where they are expected. And prefork's handler, which ends the process, has
 * to find the thread if there is one.
 */
static void start(void)
{
    sigset_t all, before;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    pthread_mutex_lock(&starting);
    if (apr_atomic_read32(&state) == NOT_STARTED) {
        apr_atomic_set32(&state, prepare() && start_thread() ? RUNS
                                                             : CANNOT_RUN);
    }
    pthread_mutex_unlock(&starting);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
}

static int has_started(void)
{
    if (apr_atomic_read32(&state) == NOT_STARTED) {
        start();
    }
    return apr_atomic_read32(&state) == RUNS
           && !apr_atomic_read32(&is_stopping);
}

void expect_lingerer_init(expect_lingerer_report_fn tell_fn)
{
    home = getpid();
    tell = tell_fn;
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

    if (!has_started()) {
        return EXPECT_LINGERER_NONE;
    }
    if (apr_atomic_inc32(&count) >= limit
        || (fd = fcntl(fd, F_DUPFD_CLOEXEC, 0)) < 0) {
        apr_atomic_dec32(&count);
        return EXPECT_LINGERER_FULL;
    }
    begin(&l, fd, bounds);
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
    /* if there is no room for it, the thread is awake */
    if (write(ends[1], &none, sizeof(none)) < 0) {
        errno = 0;
    }
    for (i = 0; i < STOP_WAIT && !apr_atomic_read32(&is_parked); ++i) {
        (void)poll(NULL, 0, 1);
    }
}
