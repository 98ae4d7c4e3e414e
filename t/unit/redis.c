/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/*
 * src/redis with a real redis-server: what the script reckons, compared with a
 * model and with the ledger's own arithmetic, by a clock that the tests set;
 * servers that answer nonsense; processes that fork.
 */

/* links: src/redis/addresses.c src/redis/breaker.c src/redis/command.c src/redis/decide.c src/redis/exchange.c src/redis/figures.c src/redis/link.c src/redis/process.c src/redis/renewer.c src/redis/uploads.c src/redis/url.c src/ledger/gcra.c */
/* libs: -lhiredis -lm */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include <math.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "apr_strings.h"

#include "pool.h"

/* The script that runs has another clock. */
#define redis_script script_as_it_is
#include "redis/script.c"
#undef redis_script

#include "ledger/gcra.h"
#include "redis/addresses.h"
#include "redis/decide.h"
#include "redis/exchange.h"
#include "redis/figures.h"
#include "redis/link.h"
#include "redis/renewer.h"

char redis_script[sizeof(script_as_it_is) + 256];

#define SECOND APR_INT64_C(1000000)
#define HOUR (3600 * SECOND)
#define START (1700000000 * SECOND)
#define NONE EXPECT_LIMIT_NONE

static char folder[64];
static pid_t server;
static redisContext *own;
static redis_store_t store;
static apr_int64_t now;
static int refused;
static apr_interval_time_t waited;

/* --- the server ---------------------------------------------------------- */

static redisReply *call(const char *format, ...)
{
    va_list args;
    redisReply *reply;

    va_start(args, format);
    reply = redisvCommand(own, format, args);
    va_end(args);
    assert_non_null(reply);
    assert_int_not_equal(reply->type, REDIS_REPLY_ERROR);
    return reply;
}

static long long call_number(const char *format, const char *key)
{
    redisReply *reply = call(format, key);
    long long number = reply->type == REDIS_REPLY_STRING ? atoll(reply->str)
                                                         : reply->integer;

    freeReplyObject(reply);
    return number;
}

static void clock_set(apr_int64_t time)
{
    now = time;
    freeReplyObject(call("HMSET the-clock s %lld us %lld",
                         (long long)(now / SECOND),
                         (long long)(now % SECOND)));
}

static void script_change_clock(void)
{
    static const char was[] = "redis.call('TIME')";
    static const char is[] = "{ redis.call('HGET', 'the-clock', 's'), "
                             "redis.call('HGET', 'the-clock', 'us') }";
    const char *at = strstr(script_as_it_is, was);
    apr_sha1_ctx_t context;
    unsigned char digest[APR_SHA1_DIGESTSIZE];
    size_t i;

    assert_non_null(at);
    assert_null(strstr(at + 1, was));
    (void)snprintf(redis_script, sizeof(redis_script), "%.*s%s%s",
                   (int)(at - script_as_it_is), script_as_it_is, is,
                   at + strlen(was));
    apr_sha1_init(&context);
    apr_sha1_update_binary(&context, (unsigned char *)redis_script,
                           (unsigned)strlen(redis_script));
    apr_sha1_final(digest, &context);
    for (i = 0; i < sizeof(digest); ++i) {
        (void)snprintf(store.sha + 2 * i, 3, "%02x", digest[i]);
    }
}

/* A process that ends with this one, however this one ends: else it would keep
 * open what the caller reads. */
static pid_t fork_server(void)
{
    pid_t pid = fork();

    if (!pid) {
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    }
    return pid;
}

static void server_start(void)
{
    char path[96];

    (void)snprintf(folder, sizeof(folder), "/tmp/redis-XXXXXX");
    assert_non_null(mkdtemp(folder));
    (void)snprintf(path, sizeof(path), "%s/socket", folder);
    server = fork_server();
    if (!server) {
        (void)!freopen("/dev/null", "w", stdout);
        execlp("redis-server", "redis-server", "--port", "0", "--unixsocket",
               path, "--save", "", "--dir", folder, NULL);
        _exit(127);
    }
    while (!own || own->err) {
        assert_int_equal(waitpid(server, NULL, WNOHANG), 0);
        if (own) {
            redisFree(own);
        }
        (void)poll(NULL, 0, 10);
        own = redisConnectUnix(path);
    }
}

/* For the leak checker: what a process has had is left alone when it is over. */
static redis_process_t *processes[100];

static void process_begin(const redis_store_t *of)
{
    static size_t n;

    redis_process_begin(of);
    processes[n++ % 100] = redis_process();
}

static int setup(void **state)
{
    signal(SIGPIPE, SIG_IGN);
    if (pool_create(state)) {
        return 1;
    }
    server_start();
    store.url.path = apr_pstrcat(pool, folder, "/socket", NULL);
    store.url.shown = "the store";
    store.timeout = 20 * SECOND;
    store.lease = 30 * SECOND;
    store.prefix = "test";
    script_change_clock();
    process_begin(&store);
    return 0;
}

static int teardown(void **state)
{
    char path[96];

    redis_renewer_leave(redis_process());
    redisFree(own);
    kill(server, SIGKILL);
    waitpid(server, NULL, 0);
    (void)snprintf(path, sizeof(path), "%s/socket", folder);
    (void)unlink(path);
    (void)rmdir(folder);
    return pool_destroy(state);
}

static int each(void **state)
{
    (void)state;
    freeReplyObject(call("FLUSHALL"));
    clock_set(START);
    return 0;
}

/* --- uploads ------------------------------------------------------------- */

static expect_limit_t a_limit(expect_limit_e kind, apr_int64_t uploads,
                              apr_int64_t bytes)
{
    expect_limit_t limit;

    memset(&limit, 0, sizeof(limit));
    limit.kind = kind;
    limit.uploads = uploads;
    limit.bytes = bytes;
    limit.period = HOUR;
    return limit;
}

static expect_store_item_t an_item(const expect_limit_t *limit, int key)
{
    expect_store_item_t item;

    memset(&item, 0, sizeof(item));
    item.id[0] = (unsigned char)key;
    item.limit = limit;
    return item;
}

static int look(expect_store_item_t *items, int n, apr_int64_t length)
{
    waited = 0;
    return redis_peek(items, n, length, &waited, &refused);
}

static int take(expect_store_upload_t **upload, expect_store_item_t *items,
                int n, apr_int64_t length)
{
    *upload = NULL;
    waited = 0;
    return redis_take(upload, items, n, length, 0, &waited, &refused);
}

#define assert_taken(result) assert_int_equal(result, EXPECT_LEDGER_TAKEN)
#define assert_refused(result) assert_int_equal(result, EXPECT_LEDGER_REFUSED)
#define assert_down(result) assert_int_equal(result, EXPECT_LEDGER_DOWN)

#define FLIGHT "{test}:%s00000000000000000000000000000000000000:"

static void test_in_flight(void **state)
{
    expect_limit_t limit = a_limit(EXPECT_LIMIT_IN_FLIGHT, 2, 1000);
    expect_store_item_t item = an_item(&limit, 1);
    expect_store_upload_t *a, *b, *c;

    (void)state;
    assert_taken(take(&a, &item, 1, 300));
    assert_int_equal(item.left_uploads, 2);
    assert_int_equal(item.left_bytes, 1000);
    assert_taken(look(&item, 1, 700));
    assert_int_equal(item.left_bytes, 700);
    assert_refused(take(&c, &item, 1, 701));
    assert_int_equal(refused, 0);
    assert_null(c);
    assert_taken(take(&b, &item, 1, 700));
    assert_refused(take(&c, &item, 1, 0));
    assert_int_equal(item.left_uploads, 0);
    assert_int_equal(item.wait, 0);
    redis_settle(a, 300, 1, 1);
    assert_int_equal(call_number("ZCARD " FLIGHT "f", "01"), 1);
    assert_int_equal(call_number("HGET " FLIGHT "b sum", "01"), 700);
    redis_settle(b, 0, 1, 1);
    assert_int_equal(call_number("EXISTS " FLIGHT "f", "01"), 0);
    assert_int_equal(call_number("EXISTS " FLIGHT "b", "01"), 0);
}

/* All or nothing, and the same limit and key twice counts twice. */
static void test_several(void **state)
{
    expect_limit_t many = a_limit(EXPECT_LIMIT_IN_FLIGHT, 9, NONE);
    expect_limit_t few = a_limit(EXPECT_LIMIT_QUOTA, 3, 1000);
    expect_store_item_t items[3] = { an_item(&many, 1), an_item(&few, 2),
                                     an_item(&few, 2) };
    expect_store_upload_t *a, *b;

    (void)state;
    assert_taken(take(&a, items, 3, 100));
    assert_refused(take(&b, items, 3, 100));
    assert_int_equal(refused, 2);
    assert_int_equal(items[0].left_uploads, 8);
    assert_int_equal(items[1].left_uploads, 1);
    assert_int_equal(items[2].left_bytes, 800);
    assert_int_equal(call_number("ZCARD " FLIGHT "f", "01"), 1);
    redis_settle(a, 40, 0, 1);
    assert_taken(look(items, 2, 0));
    assert_int_equal(items[0].left_uploads, 9);
    assert_int_equal(items[1].left_uploads, 3);
    assert_int_equal(items[1].left_bytes, 1000 - 80);
}

/* A command that is done twice, or taken back before it is done. */
static void test_once(void **state)
{
    expect_limit_t limit = a_limit(EXPECT_LIMIT_QUOTA, 10, NONE);
    expect_limit_t flight = a_limit(EXPECT_LIMIT_IN_FLIGHT, 10, 1000);
    expect_store_item_t items[2] = { an_item(&limit, 1), an_item(&flight, 2) };
    redis_item_t held[2];
    redis_question_t question = { .name = "take", .items = held, .n = 2,
                                  .id = "once", .command = 1, .first = 10,
                                  .second = 10 };
    redis_failure_t failure;
    redisReply *reply;
    redis_command_t command;
    int i, round;

    (void)state;
    redis_item_init(&held[0], &items[0], 0);
    redis_item_init(&held[1], &items[1], 1);
    for (round = 0; round < 2; ++round) {
        for (i = 0; i < 4; ++i) {
            /* twice; taken back; and once more, for one that was late */
            question.name = i == 2 ? "void" : "take";
            question.first = i == 2 ? 1 : 10;
            question.command = round + 1;
            if (round == 1 && i < 2) {
                continue;
            }
            redis_command_ask(&command, redis_process(), &question);
            assert_true(redis_exchange(redis_process(), &command,
                                       redis_clock() + 20 * SECOND, &reply,
                                       &failure));
            redis_command_free(&command);
            freeReplyObject(reply);
            if (i < 2) {
                /* it can be taken back after an outage of half a minute */
                assert_true(call_number("PTTL {test}:c:once/%s", "1") > 30000);
            }
            assert_int_equal(call_number("ZCARD " FLIGHT "f", "02"),
                             i < 2 ? 1 : 0);
            assert_taken(look(items, 2, 0));
            assert_int_equal(items[0].left_uploads, i < 2 ? 9 : 10);
            assert_int_equal(items[1].left_bytes, i < 2 ? 990 : 1000);
        }
    }
}

/* --- leases -------------------------------------------------------------- */

/* Nobody renews it: it is free when its lease has ended. */
static void test_lease(void **state)
{
    expect_limit_t limit = a_limit(EXPECT_LIMIT_IN_FLIGHT, 1, 100);
    expect_store_item_t item = an_item(&limit, 1);
    expect_store_upload_t *a, *b;

    (void)state;
    assert_taken(take(&a, &item, 1, 100));
    clock_set(START + store.lease - 1000);
    assert_refused(take(&b, &item, 1, 1));
    clock_set(START + store.lease);
    assert_taken(take(&b, &item, 1, 100));
    assert_int_equal(call_number("HGET " FLIGHT "b sum", "01"), 100);
    /* the one that was stopped goes on, and ends */
    redis_settle(a, 100, 1, 1);
    assert_int_equal(call_number("HGET " FLIGHT "b sum", "01"), 100);
    redis_settle(b, 100, 1, 1);
    assert_int_equal(call_number("EXISTS " FLIGHT "b", "01"), 0);
}

/* The Redis server's clock is set back by an hour, while an httpd dies. */
static void test_lease_clock_back(void **state)
{
    expect_limit_t limit = a_limit(EXPECT_LIMIT_IN_FLIGHT, 1, NONE);
    expect_store_item_t item = an_item(&limit, 1);
    expect_store_upload_t *a, *b;

    (void)state;
    assert_taken(take(&a, &item, 1, 100));
    clock_set(START - HOUR);
    assert_refused(take(&b, &item, 1, 1));
    clock_set(START - HOUR + store.lease);
    assert_taken(take(&b, &item, 1, 1));
    redis_settle(a, 100, 1, 1);
    redis_settle(b, 100, 1, 1);
}

/* --- quotas: against a model ---------------------------------------------- */

#define LIMIT 1000000
#define TURNS 4000
#define LIVE 40

/* What each turn has outstanding. Time takes from the earliest. */
typedef struct model_t {
    long double rest[TURNS];
    int first, n;
    apr_int64_t at;
    gcra_t gcra;
} model_t;

static const gcra_rate_t rate = { LIMIT, HOUR * 1000 };

static void model_drain(model_t *m)
{
    long double gone = 0;

    if (now > m->at) {
        gone = (long double)(now - m->at) * LIMIT / HOUR;
    }
    m->at = now;
    while (gone > 0 && m->first < m->n) {
        long double some = fminl(gone, m->rest[m->first]);

        m->rest[m->first] -= some;
        gone -= some;
        m->first += m->rest[m->first] <= 0;
    }
}

static long double model_level(const model_t *m)
{
    long double level = 0;
    int i;

    for (i = m->first; i < m->n; ++i) {
        level += m->rest[i];
    }
    return level;
}

typedef struct live_t {
    expect_store_upload_t *upload;
    apr_int64_t bytes;
    int turn;
    apr_uint64_t end;
} live_t;

/* What the store has left is what the model has, and not less than what the
 * ledger would have, which remembers fewer refunds. */
static void model_compare(const model_t *m, expect_store_item_t *item)
{
    long double left = LIMIT - model_level(m);

    look(item, 1, 0);
    assert_true(fabsl(left - (long double)item->left_bytes) <= 1.01L);
    assert_true(gcra_left(&m->gcra, &rate, m->at * 1000)
                <= item->left_bytes + 1);
}

static void model_take(model_t *m, expect_store_item_t *item, live_t *one)
{
    long double left = LIMIT - model_level(m);
    int found;

    one->bytes = 1 + rand() % (rand() % 4 ? LIMIT / 50 : LIMIT / 4);
    found = take(&one->upload, item, 1, one->bytes);
    if (fabsl(left - one->bytes) > 1) {
        assert_int_equal(found, left > one->bytes ? EXPECT_LEDGER_TAKEN
                                                  : EXPECT_LEDGER_REFUSED);
    }
    if (found == EXPECT_LEDGER_REFUSED) {
        long double wait = (one->bytes - left) * HOUR / LIMIT;

        assert_true(fabsl(wait - item->wait) < 2);
        assert_null(one->upload);
        return;
    }
    one->turn = m->n;
    m->rest[m->n++] = one->bytes;
    if (m->first == m->n - 1 && m->n > 1 && m->rest[m->first] <= 0) {
        ++m->first;
    }
    one->end = gcra_spend(&m->gcra, gcra_cost(one->bytes, &rate), now * 1000);
}

static void model_settle(model_t *m, live_t *one)
{
    apr_int64_t received = rand() % 3 ? rand() % (one->bytes + 1) : 0;
    long double back = one->bytes - received;

    redis_settle(one->upload, received, 1, 1);
    one->upload = NULL;
    back = fminl(back, m->rest[one->turn]);
    m->rest[one->turn] -= back;
    gcra_refund(&m->gcra, gcra_cost(one->bytes - received, &rate), one->end,
                (apr_uint64_t)one->turn + 1, now * 1000);
}

static void test_model(void **state)
{
    expect_limit_t limit = a_limit(EXPECT_LIMIT_QUOTA, NONE, LIMIT);
    expect_store_item_t item = an_item(&limit, 1);
    static model_t model;
    live_t live[LIVE];
    int i, seed;

    (void)state;
    for (seed = 1; seed <= 5; ++seed) {
        srand((unsigned)seed);
        memset(&model, 0, sizeof(model));
        memset(live, 0, sizeof(live));
        each(NULL);
        model.at = now;
        for (i = 0; i < 700; ++i) {
            live_t *one = &live[rand() % LIVE];

            /* mostly none, else up to a minute; at times so long that all of
             * it comes back */
            if (rand() % 3 == 0) {
                clock_set(now + rand() % (60 * SECOND));
            }
            else if (rand() % 100 == 0) {
                clock_set(now + rand() % (2 * HOUR));
            }
            model_drain(&model);
            if (one->upload) {
                model_settle(&model, one);
            }
            else {
                model_take(&model, &item, one);
            }
            model_compare(&model, &item);
        }
        for (i = 0; i < LIVE; ++i) {
            if (live[i].upload) {
                model_settle(&model, &live[i]);
                model_compare(&model, &item);
            }
        }
    }
}

/* Many at once are aborted, in any order: all of it comes back, but for what
 * time has brought. */
static void test_burst(void **state)
{
    expect_limit_t limit = a_limit(EXPECT_LIMIT_QUOTA, 200, LIMIT);
    expect_store_item_t item = an_item(&limit, 1);
    expect_store_upload_t *uploads[200];
    int order, i;

    (void)state;
    for (order = 0; order < 3; ++order) {
        each(NULL);
        for (i = 0; i < 200; ++i) {
            assert_taken(take(&uploads[i], &item, 1, LIMIT / 200));
        }
        assert_refused(look(&item, 1, 1));
        srand(1);
        for (i = 0; i < 200; ++i) {
            int from = order == 0 ? i : order == 1 ? 199 - i
                                      : i + rand() % (200 - i);
            expect_store_upload_t *one = uploads[from];

            if (order == 2) {
                uploads[from] = uploads[i];
            }
            redis_settle(one, 0, 0, 1);
        }
        assert_taken(look(&item, 1, 0));
        assert_int_equal(item.left_bytes, LIMIT);
        assert_int_equal(item.left_uploads, 200);
    }
}

/* More ranges than are remembered: less comes back, never more. */
static void test_many_ranges(void **state)
{
    expect_limit_t limit = a_limit(EXPECT_LIMIT_QUOTA, NONE, LIMIT);
    expect_store_item_t item = an_item(&limit, 1);
    expect_store_upload_t *uploads[400];
    int i;

    (void)state;
    for (i = 0; i < 400; ++i) {
        assert_taken(take(&uploads[i], &item, 1, 1000));
    }
    /* half an hour brings back those of the first 500 kB: all of these */
    clock_set(START + HOUR / 4);
    for (i = 0; i < 400; i += 2) {
        redis_settle(uploads[i], 0, 1, 1);
    }
    look(&item, 1, 0);
    /* 250 kB by time; of what is left, 150 kB, half at most */
    assert_true(item.left_bytes <= LIMIT - 400000 + 250000 + 75000);
    assert_true(item.left_bytes >= LIMIT - 400000 + 250000);
    for (i = 1; i < 400; i += 2) {
        redis_settle(uploads[i], 0, 1, 1);
    }
    look(&item, 1, 0);
    assert_true(item.left_bytes <= LIMIT);
}

/* The server's clock is set: nobody is locked out, and nothing is minted. */
static void test_clock_back(void **state)
{
    expect_limit_t limit = a_limit(EXPECT_LIMIT_QUOTA, 10, LIMIT);
    expect_store_item_t item = an_item(&limit, 1);
    expect_store_upload_t *a, *b;

    (void)state;
    assert_taken(take(&a, &item, 1, LIMIT / 2));
    clock_set(START - HOUR);
    assert_refused(take(&b, &item, 1, LIMIT / 2 + 1));
    assert_int_equal(item.left_bytes, LIMIT / 2);
    assert_taken(take(&b, &item, 1, LIMIT / 4));
    clock_set(START - HOUR / 2);
    assert_taken(look(&item, 1, 0));
    assert_int_equal(item.left_bytes, LIMIT / 4 + LIMIT / 2);
    redis_settle(a, 0, 1, 1);
    redis_settle(b, LIMIT / 4, 1, 1);
    look(&item, 1, 0);
    assert_in_range(item.left_bytes, LIMIT / 4 + LIMIT / 2, LIMIT);
}

/* --- unknown length ------------------------------------------------------- */

static void test_draw(void **state)
{
    expect_limit_t limit = a_limit(EXPECT_LIMIT_QUOTA, NONE, 10000);
    expect_limit_t flight = a_limit(EXPECT_LIMIT_IN_FLIGHT, 2, NONE);
    expect_store_item_t items[2] = { an_item(&flight, 1), an_item(&limit, 2) };
    expect_store_upload_t *a, *b;
    apr_int64_t bytes = 100, received = 0;
    int asked = 0;

    (void)state;
    assert_taken(take(&a, items, 2, -1));
    assert_taken(redis_draw(a, &bytes, items, &refused));
    assert_int_equal(bytes, 100);
    /* an eighth of what was left was taken in advance, and comes back */
    look(&items[1], 1, 0);
    assert_int_equal(items[1].left_bytes, 10000 - 1250);
    redis_settle(a, 100, 1, 1);
    look(&items[1], 1, 0);
    assert_int_equal(items[1].left_bytes, 9900);

    assert_taken(take(&b, items, 2, -1));
    while (redis_draw(b, &bytes, items, &refused) == EXPECT_LEDGER_TAKEN) {
        received += bytes;
        ++asked;
        bytes = 100;
    }
    assert_int_equal(received, 9900);
    assert_int_equal(bytes, 0);
    assert_int_equal(refused, 1);
    assert_int_equal(asked, 99);
    assert_refused(take(&a, items, 2, -1));
    assert_int_equal(refused, 1);
    redis_settle(b, received, 1, 1);
    look(&items[1], 1, 0);
    assert_int_equal(items[1].left_bytes, 0);
}

/* --- the time of a decision ----------------------------------------------- */

/* What earlier questions have used up is not there for the next one. If that is
 * more than half, it is not asked; and that the rest is too little for an answer
 * does not show that the store is down. */
static void test_time(void **state)
{
    expect_limit_t limit = a_limit(EXPECT_LIMIT_QUOTA, 5, NONE);
    expect_store_item_t item = an_item(&limit, 1);
    expect_store_upload_t *upload;
    redis_store_t other = store;

    (void)state;
    other.timeout = SECOND;
    process_begin(&other);
    assert_taken(look(&item, 1, 10));
    assert_true(waited > 0 && waited < SECOND);
    waited = SECOND / 2 + 1;
    assert_int_equal(redis_peek(&item, 1, 10, &waited, &refused),
                     EXPECT_LEDGER_LATE);
    assert_int_equal(waited, SECOND / 2 + 1);
    assert_non_null(redis_process()->idle);

    kill(server, SIGSTOP);
    waited = SECOND / 2;
    upload = NULL;
    assert_int_equal(redis_take(&upload, &item, 1, 10, 0, &waited, &refused),
                     EXPECT_LEDGER_LATE);
    assert_null(upload);
    assert_true(waited >= SECOND);
    assert_false(redis_process()->is_down);
    assert_null(redis_process()->idle);
    assert_down(look(&item, 1, 10));
    assert_true(redis_process()->is_down);
    redis_renewer_leave(redis_process());
    kill(server, SIGCONT);
    process_begin(&store);
}

/* --- a server that answers nonsense --------------------------------------- */

#define ITEM ":5\r\n:-1\r\n:0\r\n$0\r\n\r\n$0\r\n\r\n"

static const char *const nonsense[] = {
    "*8\r\n:1\r\n:-1\r\n:0\r\n:5\r\n:-1\r\n:0\r\n$0\r\n\r\n",   /* too short */
    "*7\r\n:1\r\n:-1\r\n:0\r\n:5\r\n:-1\r\n:0\r\n$0\r\n\r\n",
    "*13\r\n:1\r\n:-1\r\n:0\r\n" ITEM ITEM,
    "*8\r\n:2\r\n:-1\r\n:0\r\n" ITEM,                   /* neither nor */
    "*8\r\n:-1\r\n:-1\r\n:0\r\n" ITEM,
    "*8\r\n:0\r\n:1\r\n:0\r\n" ITEM,                    /* no such item */
    "*8\r\n:0\r\n:-2\r\n:0\r\n" ITEM,
    "*8\r\n:1\r\n:-1\r\n:-5\r\n" ITEM,
    "*8\r\n:1\r\n:-1\r\n$1\r\n0\r\n" ITEM,              /* other types */
    "*8\r\n:1\r\n:-1\r\n:0\r\n:5\r\n:-1\r\n:0\r\n:0\r\n$0\r\n\r\n",
    "*8\r\n:1\r\n:-1\r\n:0\r\n:-2\r\n:-1\r\n:0\r\n$0\r\n\r\n$0\r\n\r\n",
    "*8\r\n:1\r\n:-1\r\n:0\r\n:5\r\n:-1\r\n:-1\r\n$0\r\n\r\n$0\r\n\r\n",
    "*8\r\n:1\r\n:-1\r\n:0\r\n:5\r\n:-1\r\n:0\r\n$2\r\n;;\r\n$0\r\n\r\n",
    "*8\r\n:1\r\n:-1\r\n:0\r\n:5\r\n:-1\r\n:0\r\n$-1\r\n$0\r\n\r\n",
    "*8\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n:1\r\n",
    "*8\r\n:1\r\n:-1\r\n:0\r\n" ITEM "+OK\r\n",         /* two answers */
    "+OK\r\n", ":1\r\n", "$-1\r\n", "*-1\r\n", "*0\r\n", "$3\r\nabc\r\n",
    "-ERR no\r\n", "-NOSCRIPT\r\n", "-\r\n", "\r\n", "x", "HTTP/1.1 400\r\n",
    "*99999999999999999999\r\n", "$99999999999999999999\r\n", "*8\r\n:1\r\n",
    ":99999999999999999999\r\n", "", NULL
};

static int listen_at(const char *path)
{
    struct sockaddr_un address;
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);

    memset(&address, 0, sizeof(address));
    address.sun_family = AF_UNIX;
    (void)unlink(path);
    (void)apr_cpystrn(address.sun_path, path, sizeof(address.sun_path));
    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)),
                     0);
    assert_int_equal(listen(fd, 5), 0);
    return fd;
}

/* Answers each connection with the same, whatever was asked, and closes it. */
static pid_t server_of(const char *path, const char *answer, int repeat)
{
    int fd = listen_at(path);
    pid_t pid = fork_server();

    if (!pid) {
        for (;;) {
            char bytes[8192];
            int client = accept(fd, NULL, NULL), i;

            (void)!read(client, bytes, sizeof(bytes));
            for (i = 0; i < repeat; ++i) {
                if (write(client, answer, strlen(answer)) < 0) {
                    break;
                }
            }
            close(client);
        }
    }
    close(fd);
    return pid;
}

static void nonsense_is_down(const char *path, const char *answer, int repeat)
{
    expect_limit_t limit = a_limit(EXPECT_LIMIT_QUOTA, 5, NONE);
    expect_store_item_t item = an_item(&limit, 1);
    expect_store_upload_t *upload;
    pid_t pid = server_of(path, answer, repeat);
    redis_store_t other = store;
    int found;

    other.url.path = path;
    other.timeout = 2 * SECOND;
    process_begin(&other);
    found = take(&upload, &item, 1, 10);
    redis_renewer_leave(redis_process());
    /* before anything fails */
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    assert_down(found);
    assert_null(upload);
    assert_true(redis_process()->is_down);
    assert_null(redis_process()->idle);
}

static void test_nonsense(void **state)
{
    const char *path = apr_pstrcat(pool, folder, "/nonsense", NULL);
    int i;

    (void)state;
    for (i = 0; nonsense[i]; ++i) {
        nonsense_is_down(path, nonsense[i], 1);
    }
    /* it does not end */
    nonsense_is_down(path, "*8\r\n:1\r\n:-1\r\n:0\r\n$90000\r\n", 10000);
    nonsense_is_down(path, "*90000000\r\n:1\r\n:1\r\n:1\r\n:1\r\n", 20000);
    (void)unlink(path);
    process_begin(&store);
}

/* Answers the first command of each connection after 300 ms, and no other. */
static pid_t late_server(const char *path)
{
    static const char answer[] = "*8\r\n:1\r\n:-1\r\n:0\r\n" ITEM;
    int fd = listen_at(path);
    pid_t pid = fork_server();

    while (!pid) {
        int client = accept(fd, NULL, NULL);
        char bytes[8192];

        if (!fork()) {
            (void)!read(client, bytes, sizeof(bytes));
            (void)poll(NULL, 0, 300);
            (void)!write(client, answer, strlen(answer));
            while (read(client, bytes, sizeof(bytes)) > 0) {
                /* no answer */
            }
            _exit(0);
        }
        close(client);
    }
    close(fd);
    return pid;
}

/* An answer that comes too late is not taken for that to the next command. */
static void test_late(void **state)
{
    const char *path = apr_pstrcat(pool, folder, "/late", NULL);
    expect_limit_t limit = a_limit(EXPECT_LIMIT_QUOTA, 5, NONE);
    expect_store_item_t item = an_item(&limit, 1);
    expect_store_upload_t *upload;
    pid_t pid = late_server(path);
    redis_store_t other = store;
    int first, second;

    (void)state;
    other.url.path = path;
    other.timeout = SECOND / 10;
    process_begin(&other);
    first = take(&upload, &item, 1, 10);
    /* it has come meanwhile */
    (void)poll(NULL, 0, 400);
    redis_process()->is_down = 0;
    second = take(&upload, &item, 1, 10);
    redis_renewer_leave(redis_process());
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    (void)unlink(path);
    process_begin(&store);
    assert_down(first);
    assert_down(second);
}

/* --- several addresses ---------------------------------------------------- */

/* The address that was late is tried last; another request may have found that
 * before. */
static void test_addresses_turn(void **state)
{
    redis_process_t *process = redis_process();
    redis_addresses_t before = process->addresses;
    redis_addresses_t three = { 3, { "10.0.0.1", "10.0.0.2", "10.0.0.3" }, "" };

    (void)state;
    process->addresses = three;
    redis_addresses_turn(process, "10.0.0.2");
    assert_memory_equal(&process->addresses, &three, sizeof(three));
    redis_addresses_turn(process, "10.0.0.1");
    assert_int_equal(process->addresses.n, 3);
    assert_string_equal(process->addresses.text[0], "10.0.0.2");
    assert_string_equal(process->addresses.text[1], "10.0.0.3");
    assert_string_equal(process->addresses.text[2], "10.0.0.1");
    redis_addresses_turn(process, "10.0.0.1");
    assert_string_equal(process->addresses.text[0], "10.0.0.2");
    process->addresses = before;
}

static void test_addresses_none(void **state)
{
    redis_addresses_t found;

    (void)state;
    /* no name can be that, so no server is asked for it */
    redis_addresses_find("a..b", &found);
    assert_int_equal(found.n, 0);
    assert_true(found.reason[0]);
}

/* --- the thread ----------------------------------------------------------- */

/* Answers each command after 20 ms, and writes to a pipe whether it renews. */
static pid_t recording_server(const char *path, int record)
{
    int fd = listen_at(path), client;
    pid_t pid = fork_server();

    while (!pid && (client = accept(fd, NULL, NULL)) >= 0) {
        char bytes[8192];
        ssize_t n;

        while ((n = read(client, bytes, sizeof(bytes) - 1)) > 0) {
            bytes[n] = '\0';
            (void)!write(record, strstr(bytes, "\nrenew\r") ? "R" : "v", 1);
            (void)poll(NULL, 0, 20);
            (void)!write(client, ":1\r\n", 4);
        }
        close(client);
    }
    close(fd);
    return pid;
}

/* What the thread has to do when it starts: renew an upload's lease, and take
 * back three commands. */
static void give_work(redis_process_t *process)
{
    expect_limit_t limit = a_limit(EXPECT_LIMIT_IN_FLIGHT, 9, NONE);
    expect_store_item_t item = an_item(&limit, 1);
    expect_store_upload_t *upload = redis_upload_make(process);
    int i;

    assert_non_null(upload);
    assert_true(redis_upload_reserve(upload, 1));
    redis_item_init(&upload->items[upload->n++], &item, 0);
    redis_list_add(&process->held, upload);
    for (i = 0; i < 3; ++i) {
        redis_void_t *made = calloc(1, sizeof(*made));

        assert_non_null(made);
        made->since = redis_clock();
        redis_command_begin(&made->command, "void");
        made->next = process->voids;
        process->voids = made;
        ++process->n_voids;
    }
}

/* Leases are renewed in time, however much there is to give back. */
static void test_renews_in_time(void **state)
{
    const char *path = apr_pstrcat(pool, folder, "/recording", NULL);
    redis_store_t other = store;
    char order[] = "......";
    int record[2], i;
    pid_t pid;

    (void)state;
    assert_int_equal(pipe(record), 0);
    pid = recording_server(path, record[1]);
    other.url.path = path;
    other.timeout = 5 * SECOND;
    other.lease = SECOND / 100;
    process_begin(&other);
    give_work(redis_process());
    redis_renewer_start(redis_process());
    for (i = 0; i < 6; ++i) {
        assert_int_equal(read(record[0], &order[i], 1), 1);
    }
    redis_renewer_leave(redis_process());
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    close(record[0]);
    close(record[1]);
    (void)unlink(path);
    process_begin(&store);
    assert_string_equal(order, "RvRvRv");
}

/* --- processes ------------------------------------------------------------ */

/* As mpm_itk does: nothing of the process before is used. */
static void test_fork(void **state)
{
    expect_limit_t limit = a_limit(EXPECT_LIMIT_IN_FLIGHT, 9, NONE);
    expect_store_item_t item = an_item(&limit, 1);
    expect_store_upload_t *mine, *its;
    const redis_process_t *before = redis_process();
    int status;
    pid_t pid;

    (void)state;
    assert_taken(take(&mine, &item, 1, 1));
    pid = fork();
    if (!pid) {
        int is_right = redis_process_at_home() == NULL
                       && redis_process() != before
                       && strcmp(redis_process()->name, before->name) != 0
                       && !redis_process()->idle && !redis_process()->held.n
                       && !redis_process()->thread
                       && take(&its, &item, 1, 1) == EXPECT_LEDGER_TAKEN
                       && item.left_uploads == 8
                       && redis_process()->thread == REDIS_THREAD_RUNS;

        if (is_right) {
            /* not settled: at the end all is given back */
            redis_renewer_leave(redis_process_at_home());
        }
        _exit(!is_right);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    assert_ptr_equal(redis_process(), before);
    assert_int_equal(call_number("ZCARD " FLIGHT "f", "01"), 1);
    redis_settle(mine, 1, 1, 1);
    assert_int_equal(call_number("ZCARD " FLIGHT "f", "01"), 0);
}

/* --- URLs ----------------------------------------------------------------- */

static const struct {
    const char *url, *shown, *user, *password, *wrong;
} urls[] = {
    { "redis://h", "redis://h:6379/0", NULL, NULL, NULL },
    { "redis://h/", "redis://h:6379/0", NULL, NULL, NULL },
    { "REDIS://h:1/5", "redis://h:1/5", NULL, NULL, NULL },
    { "redis://:p%40s%2F@10.0.0.5:7/1", "redis://10.0.0.5:7/1", NULL, "p@s/",
      NULL },
    { "redis://u:p@[::1]:7/1", "redis://[::1]:7/1", "u", "p", NULL },
    { "redis+unix:///run/r.sock", "redis+unix:///run/r.sock/0", NULL, NULL,
      NULL },
    { "redis+unix:///run/r.sock/7", "redis+unix:///run/r.sock/7", NULL, NULL,
      NULL },
    { "redis+unix:///run/6379/0", "redis+unix:///run/6379/0", NULL, NULL,
      NULL },
    { "redis+unix://:p@/run/r", "redis+unix:///run/r/0", NULL, "p", NULL },
    { "redis+unix:///a%20b", "redis+unix:///a b/0", NULL, NULL, NULL },
    { "redis://", NULL, NULL, NULL, "the host is missing" },
    { "redis:///0", NULL, NULL, NULL, "the host is missing" },
    { "redis://h:0", NULL, NULL, NULL, "the port must be" },
    { "redis://h:65536", NULL, NULL, NULL, "port" },
    { "redis://h:x", NULL, NULL, NULL, "cannot be parsed" },
    { "redis://h/x", NULL, NULL, NULL, "the DB must be" },
    { "redis://h/1/2", NULL, NULL, NULL, "the DB must be" },
    { "redis://h/-1", NULL, NULL, NULL, "the DB must be" },
    { "redis://h/65536", NULL, NULL, NULL, "the DB must be" },
    { "redis://h/0?x", NULL, NULL, NULL, "nothing may follow" },
    { "redis://:p%4@h", NULL, NULL, NULL, "the password is not properly" },
    { "redis://:p%00@h", NULL, NULL, NULL, "the password is not properly" },
    { "redis+unix://run/r", NULL, NULL, NULL, "a path begins with /" },
    { "redis+unix:///", NULL, NULL, NULL, "the path is missing" },
    { "redis+unix:///0", NULL, NULL, NULL, NULL }
};

static void test_urls(void **state)
{
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(urls) / sizeof(*urls) - 1; ++i) {
        redis_url_t url;
        const char *err = redis_url_parse(pool, urls[i].url, &url);

        if (urls[i].wrong) {
            assert_non_null(err);
            assert_non_null(strstr(err, urls[i].wrong));
            continue;
        }
        assert_null(err);
        assert_string_equal(url.shown, urls[i].shown);
        assert_true(!url.user == !urls[i].user
                    && (!url.user || !strcmp(url.user, urls[i].user)));
        assert_true(!url.password == !urls[i].password
                    && (!url.password
                        || !strcmp(url.password, urls[i].password)));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_urls),
        cmocka_unit_test_setup(test_in_flight, each),
        cmocka_unit_test_setup(test_several, each),
        cmocka_unit_test_setup(test_once, each),
        cmocka_unit_test_setup(test_lease, each),
        cmocka_unit_test_setup(test_lease_clock_back, each),
        cmocka_unit_test_setup(test_model, each),
        cmocka_unit_test_setup(test_burst, each),
        cmocka_unit_test_setup(test_many_ranges, each),
        cmocka_unit_test_setup(test_clock_back, each),
        cmocka_unit_test_setup(test_draw, each),
        cmocka_unit_test_setup(test_fork, each),
        cmocka_unit_test_setup(test_time, each),
        cmocka_unit_test_setup(test_nonsense, each),
        cmocka_unit_test_setup(test_late, each),
        cmocka_unit_test(test_addresses_turn),
        cmocka_unit_test(test_addresses_none),
        cmocka_unit_test_setup(test_renews_in_time, each)
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
