/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/*
 * src/lingerer.c under ThreadSanitizer: many threads hand connections over
 * whose clients send, stop, close and go away. No access may race with another,
 * each connection ends as it should, all bytes are counted, and when the thread
 * has stopped it touches nothing any more. Signals of the process run where
 * they would without the thread.
 */

/* sanitize: thread */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "apr_atomic.h"
#include "apr_general.h"

/* APR's are in a library that was not built for this: the same by the
 * compiler, for ThreadSanitizer to see. */
#define ORDER __ATOMIC_SEQ_CST
#define apr_atomic_read32(at) __atomic_load_n(at, ORDER)
#define apr_atomic_set32(at, n) __atomic_store_n(at, n, ORDER)
#define apr_atomic_inc32(at) __atomic_fetch_add(at, 1, ORDER)
#define apr_atomic_dec32(at) __atomic_sub_fetch(at, 1, ORDER)

#include <limits.h>
#include <pthread.h>

/* A signal comes just when the thread has been started. */
static int create_and_raise(pthread_t *, const pthread_attr_t *,
                            void *(*)(void *), void *);
#define pthread_create create_and_raise

#include "answer/lingerer.c"

#undef pthread_create

#include <arpa/inet.h>
#include <sys/wait.h>

#define THREADS 8
#define ROUNDS 60
#define BYTES 1000
#define SECONDS(n) apr_time_from_sec(n)

static int observer;
static struct sockaddr_in address;
static volatile apr_uint32_t told_held, told_times;
static volatile apr_uint64_t told_bytes;

/* What the handler of SIGUSR1 saw, and the thread that it ran in. */
static volatile sig_atomic_t saw_state = -1;
static pthread_t main_thread, saw_thread;

static void see(int unused)
{
    (void)unused;
    saw_state = (sig_atomic_t)apr_atomic_read32(&state);
    saw_thread = pthread_self();
}

static int create_and_raise(pthread_t *thread, const pthread_attr_t *attr,
                            void *(*main_of)(void *), void *argument)
{
    int rv = pthread_create(thread, attr, main_of, argument);

    if (rv == 0) {
        raise(SIGUSR1);
    }
    return rv;
}

static void count_told(apr_uint32_t now_held, apr_uint64_t bytes)
{
    __atomic_store_n(&told_held, now_held, ORDER);
    __atomic_fetch_add(&told_bytes, bytes, ORDER);
    __atomic_fetch_add(&told_times, 1, ORDER);
}

static int wait_for_held(apr_uint32_t n)
{
    int i;

    for (i = 0; i < 2000; ++i) {
        if (__atomic_load_n(&told_held, ORDER) == n
            && apr_atomic_read32(&count) == n) {
            return 1;
        }
        (void)poll(NULL, 0, 5);
    }
    return 0;
}

/* A connection: the client's end, and in *server the other one. */
static int connect_pair(int *server)
{
    static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    int client = socket(AF_INET, SOCK_STREAM, 0);

    pthread_mutex_lock(&lock);
    assert_int_equal(connect(client, (struct sockaddr *)&address,
                             sizeof(address)), 0);
    *server = accept(observer, NULL, NULL);
    pthread_mutex_unlock(&lock);
    assert_true(*server >= 0);
    return client;
}

/* Hands one over; returns the client's end. */
static int hand_over(apr_interval_time_t time, apr_interval_time_t idle,
                     apr_int64_t max)
{
    const expect_bounds_t bounds = { time, idle, max };
    int server, client = connect_pair(&server);

    assert_int_equal(expect_lingerer_take(server, &bounds),
                     EXPECT_LINGERER_TAKEN);
    close(server);
    return client;
}

/* Whether the peer has reset the connection, within ten seconds. */
static int is_reset(int client)
{
    struct pollfd one = { 0, POLLIN, 0 };
    char byte;

    one.fd = client;
    return poll(&one, 1, 10000) == 1 && recv(client, &byte, 1, 0) < 0
           && errno == ECONNRESET;
}

static void set_up(void)
{
    socklen_t length = sizeof(address);

    observer = socket(AF_INET, SOCK_STREAM, 0);
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    assert_int_equal(bind(observer, (struct sockaddr *)&address,
                          sizeof(address)), 0);
    assert_int_equal(listen(observer, 100), 0);
    assert_int_equal(getsockname(observer, (struct sockaddr *)&address,
                                 &length), 0);
    signal(SIGPIPE, SIG_IGN);
    signal(SIGUSR1, see);
    main_thread = pthread_self();
    expect_lingerer_init(count_told);
}

/* With nothing held the thread sleeps, and a stop wakes it: in a process of its
 * own, as there is no start after it. */
static void test_stop_asleep(void **unused)
{
    pid_t child;
    int status;

    (void)unused;
    child = fork();
    if (child == 0) {
        expect_lingerer_init(count_told);
        close(hand_over(SECONDS(600), SECONDS(600), -1));
        if (!wait_for_held(0)) {
            _exit(1);
        }
        expect_lingerer_stop();
        _exit(apr_atomic_read32(&is_parked) ? 0 : 2);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
}

/* The first connection starts the thread. A handler that ends the process, as
 * prefork's do, has to find it. */
static void test_start(void **unused)
{
    int client;

    (void)unused;
    assert_int_equal(saw_state, -1);
    client = hand_over(SECONDS(600), SECONDS(600), -1);
    assert_int_equal(saw_state, RUNS);
    assert_true(pthread_equal(saw_thread, main_thread));
    assert_true(wait_for_held(1));
    close(client);
    assert_true(wait_for_held(0));
}

/* What the process gets is for its main thread, also when that has to wait. */
static void test_signals(void **unused)
{
    sigset_t one, before;

    (void)unused;
    saw_state = -1;
    sigemptyset(&one);
    sigaddset(&one, SIGUSR1);
    pthread_sigmask(SIG_BLOCK, &one, &before);
    kill(getpid(), SIGUSR1);
    /* the thread has run meanwhile */
    close(hand_over(SECONDS(600), SECONDS(600), -1));
    assert_true(wait_for_held(0));
    assert_int_equal(saw_state, -1);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    assert_int_equal(saw_state, RUNS);
    assert_true(pthread_equal(saw_thread, main_thread));
}

static void *hand_over_many(void *unused)
{
    char bytes[BYTES] = "";
    int i;

    for (i = 0; i < ROUNDS; ++i) {
        int client = hand_over(SECONDS(600), SECONDS(600), -1);

        if (send(client, bytes, BYTES, 0) != BYTES) {
            break;
        }
        if (i % 3 == 0) {
            shutdown(client, SHUT_WR);
        }
        close(client);
    }
    return unused;
}

static void test_many_at_once(void **unused)
{
    pthread_t threads[THREADS];
    int i;

    (void)unused;
    for (i = 0; i < THREADS; ++i) {
        pthread_create(&threads[i], NULL, hand_over_many, NULL);
    }
    for (i = 0; i < THREADS; ++i) {
        pthread_join(threads[i], NULL);
    }
    assert_true(wait_for_held(0));
    assert_int_equal(__atomic_load_n(&told_bytes, ORDER),
                     THREADS * ROUNDS * BYTES);
}

static void test_bounds(void **unused)
{
    int idle = hand_over(SECONDS(600), SECONDS(1) / 5, -1);
    int time = hand_over(SECONDS(1) / 5, SECONDS(600), -1);
    int max = hand_over(SECONDS(600), SECONDS(600), 10);
    int survives_none = hand_over(SECONDS(600), SECONDS(600), 10);

    (void)unused;
    assert_int_equal(send(survives_none, "0123456789", 10, 0), 10);
    assert_int_equal(send(max, "0123456789X", 11, 0), 11);
    assert_true(is_reset(max));
    assert_true(is_reset(idle));
    assert_true(is_reset(time));
    assert_true(wait_for_held(1));
    assert_int_equal(send(survives_none, "X", 1, 0), 1);
    assert_true(is_reset(survives_none));
    assert_true(wait_for_held(0));
    close(idle);
    close(time);
    close(max);
    close(survives_none);
}

/* No more is taken than shows that there is more than max. */
static void test_taken(void **unused)
{
    apr_uint64_t before = __atomic_load_n(&told_bytes, ORDER);
    const char bytes[BYTES] = "";
    int client = hand_over(SECONDS(600), SECONDS(600), 10);

    (void)unused;
    assert_int_equal(send(client, bytes, BYTES, 0), BYTES);
    assert_true(is_reset(client));
    assert_true(wait_for_held(0));
    assert_in_range(__atomic_load_n(&told_bytes, ORDER) - before, 1, 11);
    close(client);
}

/* What is held is said again and again, though nothing happens. */
static void test_told_again(void **unused)
{
    int client = hand_over(SECONDS(600), SECONDS(600), -1);
    apr_uint32_t before;
    int i;

    (void)unused;
    assert_true(wait_for_held(1));
    before = __atomic_load_n(&told_times, ORDER);
    for (i = 0; i < 2000; ++i) {
        if (__atomic_load_n(&told_times, ORDER) - before >= 2) {
            break;
        }
        (void)poll(NULL, 0, 5);
    }
    assert_in_range(i, 0, 1999);
    close(client);
    assert_true(wait_for_held(0));
}

/* The thread is so far behind that nothing more can be handed over: that leaves
 * nothing behind. */
static void test_behind(void **unused)
{
    const expect_bounds_t bounds = { SECONDS(600), SECONDS(600), -1 };
    char bytes[PIPE_BUF] = "";
    int own = ends[1], full[2], server, client = connect_pair(&server);
    int next;

    (void)unused;
    assert_int_equal(pipe(full), 0);
    assert_true(thread_prepare_end(full[1]));
    while (write(full[1], bytes, sizeof(bytes)) > 0) {
        continue;
    }
    ends[1] = full[1];
    next = dup(server);
    close(next);
    assert_int_equal(expect_lingerer_take(server, &bounds),
                     EXPECT_LINGERER_FULL);
    ends[1] = own;
    assert_int_equal(apr_atomic_read32(&count), 0);
    own = dup(server);
    assert_int_equal(own, next);
    close(own);
    close(full[0]);
    close(full[1]);
    close(client);
    close(server);
}

/* poll() fails where it is given more descriptors than the process may have
 * by now: the bounds hold all the same. */
static void test_fewer_descriptors(void **unused)
{
    struct rlimit most, few;
    int max, idle, gone;

    (void)unused;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &most), 0);
    max = hand_over(SECONDS(600), SECONDS(600), 10);
    idle = hand_over(SECONDS(600), SECONDS(1) / 5, -1);
    gone = hand_over(SECONDS(600), SECONDS(600), -1);
    few = most;
    few.rlim_cur = 1;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
    close(gone);
    assert_int_equal(send(max, "0123456789X", 11, 0), 11);
    assert_true(wait_for_held(0));
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &most), 0);
    assert_true(is_reset(max));
    assert_true(is_reset(idle));
    close(max);
    close(idle);
}

/* The same where bytes have to be copied: no TCP. */
static void test_copied(void **unused)
{
    const expect_bounds_t bounds = { SECONDS(600), SECONDS(600), 40000 };
    char bytes[20000] = "";
    int pair[2], i;

    (void)unused;
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    assert_int_equal(expect_lingerer_take(pair[0], &bounds),
                     EXPECT_LINGERER_TAKEN);
    close(pair[0]);
    for (i = 0; i < 2; ++i) {
        assert_int_equal(send(pair[1], bytes, sizeof(bytes), 0),
                         sizeof(bytes));
    }
    assert_true(wait_for_held(1));
    assert_int_equal(send(pair[1], bytes, 1, 0), 1);
    assert_true(wait_for_held(0));
    close(pair[1]);
}

/* By itself, as a process does that was forked for one connection. */
static void test_drain(void **unused)
{
    const expect_bounds_t bounds = { SECONDS(600), SECONDS(600), 10 };
    int server, client = connect_pair(&server);

    (void)unused;
    assert_int_equal(send(client, "0123456789X", 11, 0), 11);
    expect_lingerer_drain(server, &bounds);
    assert_true(is_reset(client));
    close(client);
    close(server);

    client = connect_pair(&server);
    close(client);
    expect_lingerer_drain(server, &bounds);
    close(server);
}

static void test_forked(void **unused)
{
    pid_t child;
    int status;

    (void)unused;
    assert_true(expect_lingerer_is_at_home());
    child = fork();
    if (child == 0) {
        int is_home = expect_lingerer_is_at_home();

        /* returns at once: the thread is not here */
        expect_lingerer_stop();
        _exit(is_home || apr_atomic_read32(&is_stopping));
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
}

static void test_stop(void **unused)
{
    const expect_bounds_t bounds = { SECONDS(600), SECONDS(600), -1 };
    int server, client = connect_pair(&server);
    int goes = hand_over(SECONDS(600), SECONDS(600), -1);
    int held_on = hand_over(SECONDS(600), SECONDS(600), -1);

    (void)unused;
    assert_true(wait_for_held(2));
    close(goes);
    assert_true(wait_for_held(1));
    expect_lingerer_stop();
    /* the last one has the place of the one that has ended */
    assert_int_equal(n_held, 1);
    assert_int_equal(polled[1].fd, held[0].fd);
    assert_int_equal(apr_atomic_read32(&is_parked), 1);
    assert_int_equal(__atomic_load_n(&told_held, ORDER), 0);
    assert_int_equal(expect_lingerer_take(server, &bounds),
                     EXPECT_LINGERER_NONE);
    close(held_on);
    close(client);
    close(server);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_stop_asleep),
        cmocka_unit_test(test_start),
        cmocka_unit_test(test_signals),
        cmocka_unit_test(test_many_at_once),
        cmocka_unit_test(test_bounds),
        cmocka_unit_test(test_taken),
        cmocka_unit_test(test_told_again),
        cmocka_unit_test(test_behind),
        cmocka_unit_test(test_fewer_descriptors),
        cmocka_unit_test(test_copied),
        cmocka_unit_test(test_drain),
        cmocka_unit_test(test_forked),
        cmocka_unit_test(test_stop),
    };

    set_up();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
