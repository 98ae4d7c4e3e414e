/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/*
 * The clients of a soak (t/soak/run): processes that send requests of every
 * kind to one httpd, know what has to come of each, and tell what does not.
 *
 *     client -p 8080 -f 8 -s 6 -r 1 -e FOLDER
 *
 * 8 processes send as fast as they can, 6 drip what they send; 1 seeds what
 * they choose; -e: there is a small disk. FOLDER is the driver's: htdocs/ is
 * where uploads arrive, board the memory in which the driver tells what it
 * does, ledger/ where each client writes which files have to be there in the
 * end. It runs until board says stop, and prints
 *
 *     requests 1000000
 *     sure continue 200000
 *     maybe continue 17
 *
 * and so on. A request that was answered is "sure" to have been counted under
 * what came of it. One whose answer was lost, with the child that was killed or
 * because the client itself broke off, is "maybe" counted under all that could
 * have come of it. What must not happen is a line on stderr, and a count of
 * violations.
 *
 *     client -v FOLDER...
 *
 * prints for each file below the folders whether it is "whole" or "torn": the
 * content of 3-17-5000, the 17th upload of client 3, is the first 5000 bytes
 * of the lines "3-17-5000 00000000", "3-17-5000 00000001", ...
 */

#define _GNU_SOURCE

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "../lib/field.h"

#define WORKERS_MAX 64
#define HEAD_MAX 8192
#define BODY_MAX 65536
#define LENGTH_MAX 200000       /* of an upload */
#define OUT_MAX (4 * LENGTH_MAX)
#define NAME_SIZE 48
#define RING 400                /* uploads that lie on the disk for a while */
#define SILENCE 40              /* seconds: longer than httpd's own timeouts */
#define TOLD_MAX 20             /* violations that a client tells of */
#define LIMIT 65536             /* ExpectRequire content-length max= */
#define FLIGHTS 4               /* ExpectRequire in-flight uploads= bytes= */
#define FLIGHT_BYTES 200000
#define FLIGHTS_KEY 2           /* the same of each key */
#define LEFT_AFTER "nothing was left after "

/* What a request is counted as. */
typedef enum {
    NOTHING = -1, ADMIT, CUT, CUT_IN_FLIGHT, CUT_QUOTA, LENGTH, TYPE, CODING,
    HEADER, AUTH, HANDLER, SPACE, IN_FLIGHT, QUOTA, EXPECTATION, DETECT,
    OUTCOMES
} outcome_e;

static const char *const outcome_names[OUTCOMES] = {
    "continue", "cut_off content-length", "cut_off in-flight",
    "cut_off quota", "refuse content-length", "refuse content-type",
    "refuse content-encoding", "refuse header", "refuse auth",
    "refuse handler", "refuse free-space", "refuse in-flight",
    "refuse quota", "refuse expectation", "detect content-length"
};

/* What the driver and the clients tell each other; t/soak/run knows it as a
 * list of 64-bit numbers. */
typedef struct {
    uint64_t stop;
    /* odd from before a child is killed until it is gone */
    uint64_t kills;
    /* odd while it changes; the state is the bit above */
    uint64_t htaccess;
    uint64_t space;
    /* odd while children of an older generation are there */
    uint64_t restarts;
    /* odd while no upload may begin under the rules that remember */
    uint64_t hush;
    uint64_t unused[10];
    uint64_t requests[WORKERS_MAX];
} board_t;

typedef struct {
    uint64_t count[OUTCOMES];
    uint64_t spared, refused;   /* bytes */
    /* what was received under the rules that remember; of that, in quota/ */
    uint64_t received, spent;
} account_t;

/* An upload that is in flight for sure: it was granted, and its last byte is
 * not sent. */
typedef struct {
    int is_held;
    char key;
    size_t length;
    uint64_t kills;             /* from before it was sent */
} hold_t;

/* An answer: one line of what may come of a request. */
typedef struct {
    outcome_e outcome;
    int status;
    int asked;                  /* the status for who asked; 0: the same */
    const char *field;          /* in its head, if not NULL */
    const char *says;           /* in its content, if not NULL */
} want_t;

typedef enum { BY_LENGTH, CHUNKED, OLD } form_e;

typedef struct {
    const char *place;
    const char *method;
    const char *fields;
    form_e form;                /* OLD: HTTP/1.0 */
    size_t length;
    int asks;
    int spoils;                 /* other content than the name says */
    char name[NAME_SIZE];
} upload_t;

typedef struct {
    int status;
    int continues;
    int closes;
    long length;                /* Content-Length, or -1 */
    char head[HEAD_MAX];
    char body[BODY_MAX + 1];
    size_t body_len;
} response_t;

typedef struct kind_t {
    const char *name;
    int weight;
    void (*run)(const struct kind_t *kind);
    /* for run_upload() */
    const char *place;
    const char *fields;
    form_e form;
    size_t least, most;
    want_t want;
} kind_t;

#define KINDS_MAX 40

typedef struct {
    account_t sure, maybe;
    uint64_t losses;            /* answers lost with a killed child */
    uint64_t stale;             /* kept alive, and closed by the server */
    uint64_t connects, verified, violations, ambiguous;
    uint64_t kinds[KINDS_MAX];
    hold_t hold;
    uint64_t held_most;         /* uploads in flight for sure, at once */
} tally_t;

/* One process is one client. */
static struct {
    int id;
    int is_slow;
    uint64_t random;
    unsigned serial;
    const kind_t *kind;
    int fd;
    int used;                   /* the connection has been answered on */
    int got;                    /* something of the current answer came */
    uint64_t asked_kills, asked_restarts;   /* before the current request */
    uint64_t kills, restarts;   /* before the last request that was answered,
                                 * or the connection was made */
    char in[HEAD_MAX + BODY_MAX];
    size_t in_len;
    char out[OUT_MAX];
    struct {
        const char *place;
        size_t length;
        char name[NAME_SIZE];
    } ring[RING];
    unsigned kept;
    FILE *ledger;
    tally_t *tally;
    size_t reset_rest;          /* of the last upload that was reset */
    uint64_t reset_kills;
} me;

static const char *folder;
static int port;
static board_t *board;
static tally_t *tallies;
static char *holds_lock;
static response_t answer;

static void die(const char *what)
{
    perror(what);
    exit(2);
}

static const char *clock_time(void)
{
    static char text[sizeof("00:00:00")];
    time_t now = time(NULL);

    strftime(text, sizeof(text), "%H:%M:%S", localtime(&now));
    return text;
}

__attribute__((format(printf, 1, 2)))
static void violation(const char *format, ...)
{
    char text[1000], *end;
    va_list args;

    if (me.tally->violations++ >= TOLD_MAX) {
        return;
    }
    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    while ((end = strpbrk(text, "\r\n"))) {
        *end = ' ';
    }
    fprintf(stderr, "%s client %d, %s%s: %s\n", clock_time(), me.id,
            me.kind->name, me.is_slow ? " (slow)" : "", text);
}

static uint64_t board_read(const uint64_t *field)
{
    return __atomic_load_n(field, __ATOMIC_SEQ_CST);
}

/* xorshift64*: 0 <= result < below */
static size_t choose(size_t below)
{
    me.random ^= me.random >> 12;
    me.random ^= me.random << 25;
    me.random ^= me.random >> 27;
    return (size_t)((me.random * 2685821657736338717ULL) >> 33) % below;
}

static size_t between(size_t least, size_t most)
{
    return least + choose(most - least + 1);
}

static void pause_ms(size_t ms)
{
    struct timespec t = { (time_t)(ms / 1000), (long)(ms % 1000) * 1000000 };

    nanosleep(&t, NULL);
}

/* --- content that its name tells ----------------------------------------- */

static void fill(char *to, size_t length, const char *name)
{
    char line[NAME_SIZE + 12];
    size_t width = (size_t)snprintf(line, sizeof(line), "%s 00000000\n", name);
    unsigned number = 0;
    size_t at;
    int i;

    for (at = 0; at < length; at += width, ++number) {
        for (i = 0; i < 8; ++i) {
            line[width - 2 - (size_t)i] =
                "0123456789abcdef"[number >> (4 * i) & 15];
        }
        memcpy(to + at, line, width < length - at ? width : length - at);
    }
}

/* Whether the file has exactly the content that its name says. */
static int is_whole(const char *path)
{
    static char want[LENGTH_MAX], got[LENGTH_MAX + 1];
    const char *name = strrchr(path, '/') + 1;
    const char *dash = strrchr(name, '-');
    size_t length = dash ? strtoul(dash + 1, NULL, 10) : 0;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n, total = 0;

    if (fd < 0) {
        return 0;
    }
    while ((n = read(fd, got + total, sizeof(got) - (size_t)total)) > 0) {
        total += n;
    }
    close(fd);
    if (length > LENGTH_MAX || total != (ssize_t)length) {
        return 0;
    }
    fill(want, length, name);
    return !memcmp(want, got, length);
}

static void name_upload(upload_t *u)
{
    snprintf(u->name, sizeof(u->name), "%d-%u-%zu", me.id, ++me.serial,
             u->length);
}

static const char *path_of(const char *place, const char *name)
{
    static char path[4096];

    /* what goes through the proxy arrives elsewhere */
    snprintf(path, sizeof(path), "%s/htdocs/%s/%d/%s", folder,
             strcmp(place, "proxy") ? place : "origin", me.id, name);
    return path;
}

/* --- what was uploaded --------------------------------------------------- */

static void check_kept(const char *place, const char *name)
{
    const char *path = path_of(place, name);

    if (is_whole(path)) {
        me.tally->verified++;
    }
    else {
        violation("%s/%s was answered with 2xx, and is not whole on the disk",
                  place, name);
    }
}

/* An upload was reported as stored. It is examined when others have come
 * after it, and removed; on the small disk at once. */
static void keep(const upload_t *u)
{
    unsigned nth = me.kept % RING;

    if (!strncmp(u->place, "small/", 6)) {
        check_kept(u->place, u->name);
        unlink(path_of(u->place, u->name));
        return;
    }
    if (me.ring[nth].place) {
        check_kept(me.ring[nth].place, me.ring[nth].name);
        unlink(path_of(me.ring[nth].place, me.ring[nth].name));
    }
    me.ring[nth].place = u->place;
    me.ring[nth].length = u->length;
    strcpy(me.ring[nth].name, u->name);
    me.kept++;
}

static void write_ledger(const char *word, const char *place, const char *name)
{
    fprintf(me.ledger, "%s %s\n", word,
            path_of(place, name) + strlen(folder) + 1);
}

/* The last ones stay on the disk, for t/soak/run to find. */
static void keep_last(void)
{
    unsigned i;

    for (i = 0; i < RING && me.ring[i].place; ++i) {
        check_kept(me.ring[i].place, me.ring[i].name);
        write_ledger("have", me.ring[i].place, me.ring[i].name);
    }
    if (fclose(me.ledger)) {
        die("ledger");
    }
}

/* --- what was counted ---------------------------------------------------- */

static int is_refusal(outcome_e outcome)
{
    return outcome >= LENGTH && outcome <= EXPECTATION;
}

static int is_cut(outcome_e outcome)
{
    return outcome >= CUT && outcome <= CUT_QUOTA;
}

static int is_remembered(const upload_t *u)
{
    return !strncmp(u->place, "flight", 6) || !strcmp(u->place, "quota");
}

/* Content that was read of an upload which was admitted. */
static void account_bytes(account_t *to, const upload_t *u, size_t bytes)
{
    if (is_remembered(u)) {
        to->received += bytes;
        to->spent += strcmp(u->place, "quota") ? 0 : bytes;
    }
}

static void account(account_t *to, outcome_e outcome, const upload_t *u)
{
    if (outcome == NOTHING) {
        return;
    }
    to->count[outcome]++;
    if (is_cut(outcome)) {
        to->count[ADMIT]++;
    }
    if (is_refusal(outcome) && u->form != CHUNKED) {
        to->refused += u->length;
        to->spared += u->asks ? u->length : 0;
    }
}

static void done(void)
{
    __atomic_fetch_add(&board->requests[me.id], 1, __ATOMIC_RELAXED);
}

/* --- connections --------------------------------------------------------- */

static void hang_up(void)
{
    if (me.fd >= 0) {
        close(me.fd);
    }
    me.fd = -1;
    me.in_len = 0;
}

/* Not as a connection ends, but as one breaks: by RST. */
static void break_off(void)
{
    struct linger now = { 1, 0 };

    setsockopt(me.fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
    hang_up();
}

/* A request is about to be sent, or a connection made: note which children have
 * ended by now. One that is just ending (odd) may still answer, and counts as
 * one that ends later. */
static void before_sending(void)
{
    me.asked_kills = board_read(&board->kills) & ~(uint64_t)1;
    me.asked_restarts = board_read(&board->restarts) & ~(uint64_t)1;
}

/* Something came: so the child has lived when the request was sent. It may be
 * long gone by the time at which this is read. */
static void alive(void)
{
    me.kills = me.asked_kills;
    me.restarts = me.asked_restarts;
}

static void dial(void)
{
    struct sockaddr_in to = { .sin_family = AF_INET };
    struct timeval patience = { SILENCE, 0 };
    int one = 1;

    to.sin_port = htons((unsigned short)port);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    for (;;) {
        before_sending();
        alive();
        me.fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (me.fd < 0) {
            die("socket");
        }
        setsockopt(me.fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
        setsockopt(me.fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
        setsockopt(me.fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
        if (!connect(me.fd, (struct sockaddr *)&to, sizeof(to))) {
            break;
        }
        violation("connect: %s", strerror(errno));
        hang_up();
        pause_ms(500);
        if (board_read(&board->stop)) {
            exit(1);
        }
    }
    me.tally->connects++;
    me.used = 0;
}

static void begin(void)
{
    if (me.fd < 0) {
        dial();
    }
    before_sending();
    me.got = 0;
}

/* 0 if the server does not take it: it may have answered all the same. */
static int send_all(const char *from, size_t length)
{
    while (length) {
        size_t piece = me.is_slow ? 1 + choose(length) : length;
        ssize_t sent = send(me.fd, from, piece, MSG_NOSIGNAL);

        if (sent < 0) {
            if (errno == EAGAIN) {
                violation("for %d s nothing could be sent", SILENCE);
            }
            return 0;
        }
        from += sent;
        length -= (size_t)sent;
        if (me.is_slow && length) {
            pause_ms(choose(300));
        }
    }
    return 1;
}

/* 0 if the connection has ended or broken. */
static int receive(void)
{
    ssize_t got = recv(me.fd, me.in + me.in_len, sizeof(me.in) - me.in_len, 0);

    if (got > 0) {
        me.in_len += (size_t)got;
        me.got = 1;
        return 1;
    }
    if (got == 0) {
        errno = 0;
    }
    else if (errno == EAGAIN) {
        violation("for %d s nothing came", SILENCE);
    }
    return 0;
}

static void drop_in(size_t length)
{
    me.in_len -= length;
    memmove(me.in, me.in + length, me.in_len);
}

/* --- responses ----------------------------------------------------------- */

/* Takes the next head off the connection. */
static int read_head(response_t *r)
{
    const char *value;
    char *end;
    size_t length;

    while (!(end = memmem(me.in, me.in_len, "\r\n\r\n", 4))) {
        if (me.in_len >= HEAD_MAX || !receive()) {
            return 0;
        }
    }
    length = (size_t)(end - me.in) + 2;
    if (length >= HEAD_MAX) {
        return 0;
    }
    memcpy(r->head, me.in, length);
    r->head[length] = '\0';
    drop_in(length + 2);
    if (sscanf(r->head, "HTTP/1.1 %3d ", &r->status) != 1) {
        violation("unreadable: %.60s", r->head);
        return 0;
    }
    value = field(r->head, "Content-Length");
    r->length = value ? atol(value) : -1;
    value = field(r->head, "Connection");
    r->closes = value && !strncasecmp(value, "close", 5);
    return 1;
}

static int read_body(response_t *r, int bare)
{
    r->body_len = 0;
    r->body[0] = '\0';
    if (bare || r->status == 204 || r->status == 304) {
        return 1;
    }
    if (r->length > BODY_MAX || (r->length < 0 && !r->closes)) {
        violation("a response of undue length: %.300s", r->head);
        return 0;
    }
    while (r->length < 0 || me.in_len < (size_t)r->length) {
        if (me.in_len >= BODY_MAX || !receive()) {
            break;
        }
    }
    if (r->length < 0) {
        /* up to the connection's end: all of httpd's pages end so */
        if (!memmem(me.in, me.in_len, "</html>", 7)) {
            return 0;
        }
        r->length = (long)me.in_len;
    }
    if (me.in_len < (size_t)r->length) {
        return 0;
    }
    r->body_len = (size_t)r->length;
    memcpy(r->body, me.in, r->body_len);
    r->body[r->body_len] = '\0';
    drop_in(r->body_len);
    return 1;
}

/* Reads a final response, and sends the content when it is asked for. 0: the
 * connection was lost. */
static int read_answer(response_t *r, int bare, const char *content,
                       size_t length)
{
    r->continues = 0;
    while (read_head(r)) {
        if (r->status != 100) {
            if (!read_body(r, bare)) {
                return 0;
            }
            alive();
            me.used = 1;
            me.got = 0;
            return 1;
        }
        if (!r->continues++) {
            send_all(content, length);
        }
    }
    return 0;
}

/*
 * A connection has ended before the answer. That may be, if a child was killed
 * after the client had sent the last request that was answered: then this
 * request may have been counted. And a child of an older generation ends a
 * connection that was kept alive: then it has not read the request. Nothing else
 * may be.
 * @return whether the request may have been counted
 */
static int lost(void)
{
    struct sockaddr_in at = { 0 };
    socklen_t size = sizeof(at);
    const char *why = strerror(errno);

    getsockname(me.fd, (struct sockaddr *)&at, &size);
    hang_up();
    if (board_read(&board->kills) != me.kills) {
        me.tally->losses++;
        return 1;
    }
    if (board_read(&board->restarts) != me.restarts && me.used && !me.got) {
        me.tally->stale++;
        return 0;
    }
    violation("the connection from port %d was lost, and no child had to end: "
              "%s, %sused before, %s", ntohs(at.sin_port), why,
              me.used ? "" : "not ", me.got ? "a part came" : "nothing came");
    return 1;
}

/* After a refusal the connection ends, and nothing else comes. */
static void check_end(const response_t *r)
{
    if (!r->closes) {
        violation("refused with %d, without Connection: close", r->status);
    }
    else if (me.in_len || receive()) {
        violation("more than one response: %.200s", me.in);
    }
}

static void after(const response_t *r)
{
    if (r->closes) {
        hang_up();
    }
}

/* --- one upload ---------------------------------------------------------- */

static size_t write_head(char *to, const upload_t *u)
{
    int n = snprintf(to, HEAD_MAX, "%s /%s/%d/%s HTTP/1.%d\r\nHost: soak\r\n"
                     "%s%s", u->method ? u->method : "PUT", u->place, me.id,
                     u->name, u->form != OLD, u->fields ? u->fields : "",
                     u->asks ? "Expect: 100-continue\r\n" : "");

    n += u->form == CHUNKED
             ? sprintf(to + n, "Transfer-Encoding: chunked\r\n\r\n")
             : sprintf(to + n, "Content-Length: %zu\r\n\r\n", u->length);
    return (size_t)n;
}

static size_t write_content(char *to, const upload_t *u)
{
    static char content[LENGTH_MAX];
    size_t at, piece, n = 0;
    const char *name = u->spoils ? "spoilt" : u->name;

    if (u->form != CHUNKED) {
        fill(to, u->length, name);
        return u->length;
    }
    fill(content, u->length, name);
    for (at = 0; at < u->length; at += piece) {
        piece = between(1, 30000);
        piece = piece < u->length - at ? piece : u->length - at;
        n += (size_t)sprintf(to + n, "%zx\r\n", piece);
        memcpy(to + n, content + at, piece);
        memcpy(to + n + piece, "\r\n", 2);
        n += piece + 2;
    }
    return n + (size_t)sprintf(to + n, "0\r\n\r\n");
}

static int fits(const response_t *r, const upload_t *u, const want_t *want)
{
    int status = u->asks && want->asked ? want->asked : want->status;
    int continues = u->asks && !is_refusal(want->outcome);

    return r->status == status && r->continues == continues
           && (!want->field || strstr(r->head, want->field))
           && (!want->says || strstr(r->body, want->says));
}

static const want_t *judge(const response_t *r, const upload_t *u,
                           const want_t *wants, int n)
{
    const want_t *want;
    int status;

    for (want = wants; want < wants + n; ++want) {
        if (fits(r, u, want)) {
            return want;
        }
    }
    status = u->asks && wants->asked ? wants->asked : wants->status;
    violation("%s of %zu bytes, %s, form %d: wanted %d, %s: got %d "
              "continues, %.300s%.300s", u->place, u->length,
              u->asks ? "asked" : "not asked", u->form, status,
              outcome_names[wants->outcome], r->continues, r->head, r->body);
    return NULL;
}

static void maybe(const upload_t *u, const want_t *wants, int n)
{
    int i;

    for (i = 0; i < n; ++i) {
        account(&me.tally->maybe, wants[i].outcome, u);
    }
    account_bytes(&me.tally->maybe, u, u->length);
    if (!u->spoils) {
        write_ledger("maybe", u->place, u->name);
    }
}

static int exchange(const upload_t *u, response_t *r)
{
    size_t head = write_head(me.out, u);
    size_t content = write_content(me.out + head, u);

    begin();
    send_all(me.out, u->asks ? head : head + content);
    return read_answer(r, 0, me.out + head, content);
}

/* A proxied request may end badly if the child that is its origin is killed. */
static int is_proxys_loss(const upload_t *u, const response_t *r,
                          uint64_t kills)
{
    return !strcmp(u->place, "proxy")
           && (r->status == 502 || r->status == 503 || r->status == 500)
           && board_read(&board->kills) != kills;
}

/* The page of what was cut off by a rule that remembers says how much of the
 * content that rule has let through. */
static size_t received(const response_t *r, const upload_t *u,
                       const want_t *want)
{
    const char *after_it = strstr(r->body, LEFT_AFTER);

    return !is_cut(want->outcome) ? u->length
           : after_it ? strtoul(after_it + strlen(LEFT_AFTER), NULL, 10) : 0;
}

/*
 * Sends it; what has to come of it is one of wants.
 * @return the one that came; NULL if none did, or the connection was lost
 */
static const want_t *send_upload(const upload_t *u, const want_t *wants, int n)
{
    uint64_t kills = board_read(&board->kills) & ~(uint64_t)1;
    const want_t *want;

    while (!exchange(u, &answer)) {
        if (lost()) {
            done();
            maybe(u, wants, n);
            return NULL;
        }
    }
    done();
    answer.closes |= u->form == OLD;
    if (is_proxys_loss(u, &answer, kills)) {
        me.tally->losses++;
        maybe(u, wants, n);
        hang_up();
        return NULL;
    }
    want = judge(&answer, u, wants, n);
    if (!want) {
        maybe(u, wants, n);
        hang_up();
        return NULL;
    }
    account(&me.tally->sure, want->outcome, u);
    if (is_refusal(want->outcome) || is_cut(want->outcome)) {
        check_end(&answer);
    }
    else if (answer.status == 201) {
        keep(u);
    }
    if (!is_refusal(want->outcome)) {
        account_bytes(&me.tally->sure, u, received(&answer, u, want));
    }
    after(&answer);
    return want;
}

/* --- kinds: uploads ------------------------------------------------------ */

static void run_upload(const kind_t *kind)
{
    upload_t u = { .place = kind->place, .fields = kind->fields,
                   .form = kind->form };
    /* most uploads are small */
    size_t most = choose(4) ? kind->least + (kind->most - kind->least) / 16
                            : kind->most;

    u.length = choose(50) ? between(kind->least, most)
                          : choose(2) ? kind->least : kind->most;
    u.asks = kind->form != OLD && kind->want.outcome != EXPECTATION
             && choose(2);
    name_upload(&u);
    send_upload(&u, &kind->want, 1);
}

/* Two that are there already: one is sent again, the other is not changed by
 * what is refused, cut off or broken off. */
static int choose_kept(upload_t *u)
{
    unsigned n = me.kept < RING ? me.kept : RING;
    unsigned nth;

    if (!n) {
        return 0;
    }
    nth = (unsigned)choose(n);
    memset(u, 0, sizeof(*u));
    u->place = me.ring[nth].place;
    u->length = me.ring[nth].length;
    strcpy(u->name, me.ring[nth].name);
    u->asks = (int)choose(2);
    return !strcmp(u->place, "dav");
}

static void run_again(const kind_t *kind)
{
    static const want_t want = { ADMIT, 204, 0, NULL, NULL };
    upload_t u;

    (void)kind;
    if (choose_kept(&u)) {
        /* what may be lost is there as it was */
        u.form = choose(2) ? CHUNKED : BY_LENGTH;
        send_upload(&u, &want, 1);
    }
}

static void run_spoil(const kind_t *kind)
{
    static const want_t cut = {
        CUT, 413, 0, "Upload-Limit: max-size=65536", "exceeded max=65536"
    };
    static const want_t over = {
        LENGTH, 413, 417, "Upload-Limit: max-size=65536", "over max=65536"
    };
    upload_t u;
    size_t head, content;

    (void)kind;
    if (!choose_kept(&u)) {
        return;
    }
    u.spoils = 1;
    if (choose(3)) {
        u.length = between(LIMIT + 1, LENGTH_MAX);
        u.form = choose(2) ? CHUNKED : BY_LENGTH;
        send_upload(&u, u.form == CHUNKED ? &cut : &over, 1);
        return;
    }
    hang_up();
    u.asks = 0;
    u.length = between(2, LIMIT);
    head = write_head(me.out, &u);
    content = write_content(me.out + head, &u);
    begin();
    send_all(me.out, head + choose(content));
    break_off();
    done();
    account(&me.tally->maybe, ADMIT, &u);
}

/* The rules in .htaccess change: see write_htaccess() in t/soak/run. */
static void run_htaccess(const kind_t *kind)
{
    static const want_t admit = { ADMIT, 201, 0, NULL, NULL };
    static const want_t length = {
        LENGTH, 413, 417, "Upload-Limit: max-size=1000\r\n", "over max=1000."
    };
    static const want_t type = {
        TYPE, 415, 417, "\r\nAccept: image/*\r\n", "content-type text/plain"
    };
    upload_t u = { .place = "tenant" };
    int is_image = (int)choose(2);
    uint64_t before = board_read(&board->htaccess), after_it;
    want_t wants[2];            /* by state */
    const want_t *want;

    (void)kind;
    u.length = choose(2) ? between(1, 1000) : between(1001, 20000);
    u.fields = is_image ? "Content-Type: image/png\r\n"
                        : "Content-Type: text/plain\r\n";
    u.asks = (int)choose(2);
    name_upload(&u);
    wants[0] = u.length <= 1000 ? admit : length;
    wants[1] = is_image ? admit : type;
    want = send_upload(&u, wants, 2);
    after_it = board_read(&board->htaccess);
    if (before != after_it || before & 1) {
        me.tally->ambiguous++;
    }
    else if (want && want->outcome != wants[before >> 1 & 1].outcome) {
        violation("%zu bytes, %s: %s, by the .htaccess that was there before",
                  u.length, u.fields, outcome_names[want->outcome]);
    }
}

/* The small disk is filled and emptied: see toggle_space() in t/soak/run. */
static void run_space(const kind_t *kind)
{
    /* 507 of httpd: what was free has gone to others meanwhile */
    static const want_t ruled[3] = {
        { ADMIT, 201, 0, NULL, NULL },
        { SPACE, 507, 417, "Retry-After: ", NULL },
        { ADMIT, 507, 0, NULL, NULL }
    };
    static const want_t unruled[2] = {
        { ADMIT, 201, 0, NULL, NULL },
        { ADMIT, 507, 0, NULL, NULL }
    };
    int is_ruled = (int)choose(2);
    upload_t u = { .place = is_ruled ? "small/ruled" : "small/free" };
    uint64_t before = board_read(&board->space);
    const want_t *want;

    (void)kind;
    u.length = between(1, 20000);
    u.asks = (int)choose(2);
    name_upload(&u);
    want = is_ruled ? send_upload(&u, ruled, 3) : send_upload(&u, unruled, 2);
    if (before != board_read(&board->space) || before & 1) {
        me.tally->ambiguous++;
    }
    else if (want && !(before >> 1 & 1) && answer.status != 201) {
        violation("%d, and the disk is not full", answer.status);
    }
    else if (want && is_ruled && before >> 1 & 1 && want->outcome == ADMIT) {
        violation("admitted, and too little is free");
    }
}

/* --- kinds: requests without content ------------------------------------- */

static const size_t file_sizes[] = { 100, 1000, 10000, 50000 };

static size_t write_get(char *to, int is_head, size_t size)
{
    return (size_t)sprintf(to, "%s /files/%d-0-%zu HTTP/1.1\r\nHost: soak\r\n"
                           "User-Agent: soak\r\nAccept: */*\r\n\r\n",
                           is_head ? "HEAD" : "GET", 0, size);
}

static void check_get(const response_t *r, int is_head, size_t size)
{
    static char want[BODY_MAX];
    char name[NAME_SIZE];

    snprintf(name, sizeof(name), "0-0-%zu", size);
    fill(want, size, name);
    if (r->status != 200 || r->continues || r->length != (long)size
        || (!is_head && memcmp(r->body, want, size))) {
        violation("%s %zu: %.300s", is_head ? "HEAD" : "GET", size, r->head);
    }
}

/* Sends me.out, again on a new connection if a kept one was closed; 0: the
 * answer was lost. */
static int ask(size_t length, int bare)
{
    do {
        begin();
        send_all(me.out, length);
        if (read_answer(&answer, bare, NULL, 0)) {
            done();
            return 1;
        }
    } while (!lost());
    done();
    return 0;
}

static void run_get(const kind_t *kind)
{
    int is_head = choose(4) == 0;
    size_t size = file_sizes[choose(4)];

    (void)kind;
    if (ask(write_get(me.out, is_head, size), is_head)) {
        check_get(&answer, is_head, size);
        after(&answer);
    }
}

static void check_options(const response_t *r, uint64_t before)
{
    const char *limit = field(r->head, "Upload-Limit");
    const char *post = field(r->head, "Accept-Post");
    int state = !limit ? -1
                : !strncmp(limit, "max-size=1000\r\n", 15) ? 0
                : !strncmp(limit, "max-size=65536\r\n", 16) ? 1 : -1;

    if (r->status != 200 || state < 0 || !post != !state
        || (post && strncmp(post, "image/*\r\n", 9))) {
        violation("neither of the two .htaccess: %.500s", r->head);
    }
    else if (before == board_read(&board->htaccess) && !(before & 1)
             && state != (int)(before >> 1 & 1)) {
        violation("told by the .htaccess that was there before: %.500s",
                  r->head);
    }
}

static void run_options(const kind_t *kind)
{
    uint64_t before = board_read(&board->htaccess);
    int length = sprintf(me.out, "OPTIONS /tenant/%d/x HTTP/1.1\r\n"
                         "Host: soak\r\n\r\n", me.id);

    (void)kind;
    if (ask((size_t)length, 0)) {
        check_options(&answer, before);
        after(&answer);
    }
}

/* --- kinds: several at once ---------------------------------------------- */

#define PIPELINE_MAX 12

typedef struct {
    enum { GET, HEAD, PUT, OVER, POISON } what;
    size_t size;
    upload_t u;
} item_t;

static const want_t pipeline_put = { ADMIT, 201, 0, NULL, NULL };
static const want_t pipeline_over = {
    LENGTH, 413, 0, "Upload-Limit: max-size=65536", "over max=65536"
};

static size_t write_item(char *to, item_t *item)
{
    size_t n;

    if (item->what == GET || item->what == HEAD) {
        item->size = file_sizes[choose(3)];
        return write_get(to, item->what == HEAD, item->size);
    }
    memset(&item->u, 0, sizeof(item->u));
    item->u.place = "dav";
    item->u.length = item->what == OVER ? between(LIMIT + 1, LENGTH_MAX)
                                        : between(1, 2000);
    name_upload(&item->u);
    n = write_head(to, &item->u);
    return n + write_content(to + n, &item->u);
}

/* 0: no more answers will come. */
static int read_item(item_t *item)
{
    const want_t *want = item->what == OVER ? &pipeline_over : &pipeline_put;

    me.got = me.in_len > 0;
    if (!read_answer(&answer, item->what == HEAD, NULL, 0)) {
        return 0;
    }
    done();
    if (item->what == GET || item->what == HEAD) {
        check_get(&answer, item->what == HEAD, item->size);
        return 1;
    }
    if (!judge(&answer, &item->u, want, 1)) {
        maybe(&item->u, want, 1);
        return 1;
    }
    account(&me.tally->sure, want->outcome, &item->u);
    if (item->what == OVER) {
        check_end(&answer);
    }
    else {
        keep(&item->u);
    }
    return 1;
}

/* Those that were sent and not answered, because the child was killed. What
 * follows a refusal was never a request, whoever was killed. */
static void lose_items(item_t *items, int from, int n)
{
    for (; from < n && items[from].what != POISON; ++from) {
        if (items[from].what == PUT || items[from].what == OVER) {
            maybe(&items[from].u, items[from].what == OVER ? &pipeline_over
                                                           : &pipeline_put, 1);
        }
    }
}

static void run_pipeline(const kind_t *kind)
{
    static item_t items[PIPELINE_MAX];
    int n = (int)between(3, PIPELINE_MAX), ends = choose(3) == 0;
    size_t length = 0;
    int i;

    (void)kind;
    for (i = 0; i < n; ++i) {
        size_t what = choose(10);

        items[i].what = what < 6 ? GET : what < 8 ? HEAD : PUT;
        if (ends && i >= n - 2) {
            items[i].what = i == n - 1 ? POISON : OVER;
        }
        length += write_item(me.out + length, &items[i]);
    }
    begin();
    send_all(me.out, length);
    for (i = 0; i < n && me.fd >= 0; ++i) {
        if (!read_item(&items[i])) {
            if (lost()) {
                lose_items(items, i, n);
            }
            return;
        }
        after(&answer);         /* what is left has not been read */
    }
    if (me.in_len) {
        violation("more than one response: %.200s", me.in);
        hang_up();
    }
}

/* --- kinds: broken off --------------------------------------------------- */

/* The content's end does not come, the connection's does: any error will do,
 * also none. */
static void end_early(upload_t *u, size_t head, size_t content)
{
    account(&me.tally->maybe, ADMIT, u);
    send_all(me.out, head + choose(content));
    shutdown(me.fd, SHUT_WR);
    me.got = 0;
    if (read_answer(&answer, 0, NULL, 0) && answer.status < 400) {
        violation("half an upload is answered with %d", answer.status);
    }
    hang_up();
}

/* 100 Continue has come: it was counted. */
static void break_off_granted(upload_t *u, size_t head, size_t content)
{
    send_all(me.out, head);
    if (!read_head(&answer)) {
        lost();
        account(&me.tally->maybe, ADMIT, u);
        return;
    }
    if (answer.status != 100) {
        violation("wanted 100: got %.300s", answer.head);
        account(&me.tally->maybe, ADMIT, u);
    }
    else {
        account(&me.tally->sure, ADMIT, u);
        send_all(me.out + head, choose(content));
    }
    break_off();
}

typedef enum {
    IN_HEAD, WAITING, GRANTED, IN_CONTENT, EARLY_END, REFUSED, MODES
} abort_e;

static void abort_upload(upload_t *u, abort_e mode)
{
    size_t head = write_head(me.out, u);
    size_t content = write_content(me.out + head, u);

    hang_up();
    begin();
    done();
    switch (mode) {
    case EARLY_END:
        end_early(u, head, content);
        return;
    case GRANTED:
        break_off_granted(u, head, content);
        return;
    case IN_HEAD:
        send_all(me.out, 1 + choose(head - 1));
        break;
    default:
        send_all(me.out, u->asks ? head : head + choose(content));
        account(&me.tally->maybe, mode == REFUSED ? LENGTH : ADMIT, u);
    }
    break_off();
}

/* None of these names may be found on the disk in the end. */
static void run_abort(const kind_t *kind)
{
    upload_t u = { .place = "dav" };
    abort_e mode = (abort_e)choose(MODES);

    (void)kind;
    u.length = mode == REFUSED ? between(LIMIT + 1, LENGTH_MAX)
                               : between(2, LIMIT);
    u.form = mode != REFUSED && choose(3) == 0 ? CHUNKED : BY_LENGTH;
    u.asks = mode == WAITING || mode == GRANTED
             || (mode == REFUSED && choose(2));
    name_upload(&u);
    abort_upload(&u, mode);
}

/* --- kinds: rules that remember ------------------------------------------ */

/* The driver waits for nothing to be in flight. */
static int is_hushed(void)
{
    return (int)(board_read(&board->hush) & 1);
}

static void holds_enter(void)
{
    while (__atomic_test_and_set(holds_lock, __ATOMIC_ACQUIRE)) {
        pause_ms(0);
    }
}

static void holds_leave(void)
{
    __atomic_clear(holds_lock, __ATOMIC_RELEASE);
}

/* Those of killed children are in flight no more. */
static void check_holds(const hold_t *mine)
{
    uint64_t uploads = 0, same = 0, bytes = 0;
    int i;

    for (i = 0; i < WORKERS_MAX; ++i) {
        const hold_t *hold = &tallies[i].hold;

        if (hold->is_held && hold->kills == mine->kills) {
            uploads++;
            same += hold->key == mine->key;
            bytes += hold->length;
        }
    }
    if (mine->kills & 1 || board_read(&board->kills) != mine->kills) {
        return;
    }
    if (uploads > me.tally->held_most) {
        me.tally->held_most = uploads;
    }
    if (uploads > FLIGHTS || same > FLIGHTS_KEY || bytes > FLIGHT_BYTES) {
        violation("in flight at once: %d uploads, %d of one key, %d bytes",
                  (int)uploads, (int)same, (int)bytes);
    }
}

static void hold(char key, size_t length, uint64_t kills)
{
    holds_enter();
    me.tally->hold = (hold_t){ 1, key, length, kills };
    check_holds(&me.tally->hold);
    holds_leave();
}

static void release(void)
{
    holds_enter();
    me.tally->hold.is_held = 0;
    holds_leave();
}

static const want_t flight_wants[] = {
    { ADMIT, 201, 0, NULL, NULL },
    { IN_FLIGHT, 503, 0, "Retry-After: ", "in-flight uploads=4" },
    { IN_FLIGHT, 429, 0, "Retry-After: ", "in-flight uploads=2" },
    { CUT_IN_FLIGHT, 413, 0, NULL, LEFT_AFTER }
};
static const want_t quota_wants[] = {
    { ADMIT, 201, 0, NULL, NULL },
    { QUOTA, 503, 0, "Retry-After: ", "quota bytes=1M" },
    { CUT_QUOTA, 413, 0, NULL, LEFT_AFTER }
};

/* Of known length nothing is cut off. */
static int n_wants(const upload_t *u)
{
    return strcmp(u->place, "quota") ? (u->form == CHUNKED ? 4 : 3)
                                     : (u->form == CHUNKED ? 3 : 2);
}

static const want_t *wants_of(const upload_t *u)
{
    return strcmp(u->place, "quota") ? flight_wants : quota_wants;
}

static const char *const key_fields[] = {
    "X-Key: 0\r\n", "X-Key: 1\r\n", "X-Key: 2\r\n"
};

static void run_remembered(const kind_t *kind)
{
    upload_t u = { .place = kind->place, .form = kind->form };

    if (is_hushed()) {
        return;
    }
    u.fields = key_fields[choose(3)];
    u.length = between(kind->least, kind->most);
    u.asks = (int)choose(2);
    name_upload(&u);
    send_upload(&u, wants_of(&u), n_wants(&u));
}

/* Sends the head, and waits for 100. 0: there is none. */
static int is_granted(const upload_t *u, size_t head)
{
    const want_t *want;

    do {
        begin();
        send_all(me.out, head);
        if (read_head(&answer)) {
            alive();
            me.used = 1;
            answer.continues = 0;
            if (answer.status == 100) {
                return 1;
            }
            done();
            if (!read_body(&answer, 0)) {
                violation("half a response: %.300s", answer.head);
            }
            want = judge(&answer, u, wants_of(u) + 1, n_wants(u) - 1);
            if (want) {
                account(&me.tally->sure, want->outcome, u);
                check_end(&answer);
            }
            hang_up();
            return 0;
        }
    } while (!lost());
    done();
    maybe(u, wants_of(u), n_wants(u));
    return 0;
}

/* It was admitted, and only a part of its content is sent. Of what came before
 * the connection's end all is received; what came before a reset may not be:
 * that is little, so that most has to be given back. */
static void end_granted(const upload_t *u, const char *content, size_t part,
                        uint64_t kills)
{
    int is_reset = (int)choose(2);

    account(&me.tally->sure, ADMIT, u);
    part /= is_reset ? 16 : 1;
    send_all(content, part);
    done();
    release();
    if (is_reset) {
        account_bytes(&me.tally->maybe, u, part);
        me.reset_rest = u->length - part;
        me.reset_kills = kills;
        break_off();
        return;
    }
    shutdown(me.fd, SHUT_WR);
    me.got = 0;
    if (read_answer(&answer, 0, NULL, 0)
        && board_read(&board->kills) == kills) {
        account_bytes(&me.tally->sure, u, part);
    }
    else {
        account_bytes(&me.tally->maybe, u, u->length);
    }
    hang_up();
}

/* All of its content is sent. */
static void finish_granted(const upload_t *u)
{
    int is_answered = read_answer(&answer, 0, NULL, 0);

    done();
    account(&me.tally->sure, ADMIT, u);
    if (!is_answered) {
        lost();
        account_bytes(&me.tally->maybe, u, u->length);
        write_ledger("maybe", u->place, u->name);
        return;
    }
    account_bytes(&me.tally->sure, u, u->length);
    answer.continues = 1;
    if (judge(&answer, u, flight_wants, 1)) {
        keep(u);
    }
    after(&answer);
}

/* A child that was killed soon after a reset may have given nothing back. */
static void check_reset(void)
{
    if (me.reset_rest && board_read(&board->kills) != me.reset_kills) {
        me.tally->maybe.received += me.reset_rest;
    }
    me.reset_rest = 0;
}

/* Granted, and in flight for a while; then the rest is sent, or never. */
static void run_held(const kind_t *kind)
{
    upload_t u = { .place = "flight", .asks = 1 };
    uint64_t kills = board_read(&board->kills);
    size_t key = choose(3), head, content, part;

    (void)kind;
    check_reset();
    if (is_hushed()) {
        return;
    }
    u.fields = key_fields[key];
    u.length = between(2, LIMIT);
    name_upload(&u);
    head = write_head(me.out, &u);
    content = write_content(me.out + head, &u);
    if (!is_granted(&u, head)) {
        return;
    }
    hold((char)key, u.length, kills);
    part = choose(content - 1);
    pause_ms(choose(20));
    if (choose(3) == 0) {
        end_granted(&u, me.out + head, part, kills);
        return;
    }
    send_all(me.out + head, part);
    release();
    send_all(me.out + head + part, content - part);
    finish_granted(&u);
}

/* Admitted, and answered by mod_dav without reading any of it: the folder does
 * not exist. All is given back when the request is over. */
static void run_unread(const kind_t *kind)
{
    upload_t u = { .place = "flight/none", .asks = 1 };
    const want_t *want;

    (void)kind;
    if (is_hushed()) {
        return;
    }
    u.length = between(1, LIMIT);
    name_upload(&u);
    while (!exchange(&u, &answer)) {
        if (lost()) {
            done();
            maybe(&u, flight_wants, 3);
            return;
        }
    }
    done();
    if (answer.status == 409 && !answer.continues) {
        account(&me.tally->sure, ADMIT, &u);
    }
    else if ((want = judge(&answer, &u, flight_wants + 1, 2))) {
        account(&me.tally->sure, want->outcome, &u);
        check_end(&answer);
    }
    hang_up();
}

/* --- all kinds ----------------------------------------------------------- */

#define PNG "Content-Type: image/png\r\n"
#define ALICE "Authorization: Basic YWxpY2U6ZGVtbw==\r\n"
#define MALLORY "Authorization: Basic bWFsbG9yeTpkZW1v\r\n"
#define OVER_LIMIT "Upload-Limit: max-size=65536\r\n", "over max=65536."
#define CUT_AT_LIMIT \
    "Upload-Limit: max-size=65536\r\n", "length exceeded max=65536."

static const kind_t kinds[] = {
    { "get", 340, run_get, 0, 0, 0, 0, 0, { 0 } },
    { "pipeline", 30, run_pipeline, 0, 0, 0, 0, 0, { 0 } },
    { "options", 15, run_options, 0, 0, 0, 0, 0, { 0 } },
    { "put", 100, run_upload, "dav", PNG, BY_LENGTH, 1, LIMIT,
      { ADMIT, 201, 0, NULL, NULL } },
    { "put-chunked", 30, run_upload, "dav", NULL, CHUNKED, 1, LIMIT,
      { ADMIT, 201, 0, NULL, NULL } },
    { "put-http/1.0", 10, run_upload, "dav", "Expect: 100-continue\r\n", OLD,
      1, LIMIT, { ADMIT, 201, 0, NULL, NULL } },
    { "put-again", 20, run_again, 0, 0, 0, 0, 0, { 0 } },
    { "spoil", 15, run_spoil, 0, 0, 0, 0, 0, { 0 } },
    { "cut-off", 30, run_upload, "dav", PNG, CHUNKED, LIMIT + 1, LENGTH_MAX,
      { CUT, 413, 0, CUT_AT_LIMIT } },
    { "over", 80, run_upload, "dav", PNG, BY_LENGTH, LIMIT + 1, LENGTH_MAX,
      { LENGTH, 413, 417, OVER_LIMIT } },
    { "over-http/1.0", 5, run_upload, "dav", "Expect: 100-continue\r\n", OLD,
      LIMIT + 1, LENGTH_MAX, { LENGTH, 413, 0, OVER_LIMIT } },
    { "type", 40, run_upload, "dav", "Content-Type: text/html\r\n", BY_LENGTH,
      1, LIMIT, { TYPE, 415, 417, "\r\nAccept: image/*", "text/html" } },
    { "type-chunked", 10, run_upload, "dav", "Content-Type: text/html\r\n",
      CHUNKED, 1, LENGTH_MAX,
      { TYPE, 415, 417, "\r\nAccept: image/*", "text/html" } },
    { "coding", 15, run_upload, "dav", "Content-Encoding: br\r\n", BY_LENGTH,
      1, LIMIT, { CODING, 415, 417, "\r\nAccept-Encoding: ", NULL } },
    { "header", 15, run_upload, "keyed", "X-Key: 12a\r\n", BY_LENGTH, 1, LIMIT,
      { HEADER, 400, 417, NULL, "X-Key" } },
    { "header-put", 10, run_upload, "keyed", "X-Key: 123\r\n", BY_LENGTH, 1,
      LIMIT, { ADMIT, 201, 0, NULL, NULL } },
    { "no-login", 20, run_upload, "auth", NULL, BY_LENGTH, 1, LIMIT,
      { AUTH, 401, 0, "\r\nWWW-Authenticate: Basic ", NULL } },
    { "wrong-login", 10, run_upload, "auth", MALLORY, BY_LENGTH, 1, LIMIT,
      { AUTH, 401, 0, "\r\nWWW-Authenticate: Basic ", NULL } },
    { "login", 15, run_upload, "auth", ALICE, BY_LENGTH, 1, LIMIT,
      { ADMIT, 201, 0, NULL, NULL } },
    { "handler", 10, run_upload, "files", NULL, BY_LENGTH, 1, LIMIT,
      { HANDLER, 405, 417, "\r\nAllow: ", NULL } },
    { "unsupported", 30, run_upload, "dav", "Expect: soak\r\n", BY_LENGTH, 1,
      LIMIT, { EXPECTATION, 417, 0, NULL, "the only expectation" } },
    { "detect", 10, run_upload, "trial", NULL, BY_LENGTH, 1001, LIMIT,
      { DETECT, 201, 0, NULL, NULL } },
    { "proxy-put", 15, run_upload, "proxy", NULL, BY_LENGTH, 1, LIMIT,
      { ADMIT, 201, 0, NULL, NULL } },
    { "proxy-chunked", 5, run_upload, "proxy", NULL, CHUNKED, 1, LIMIT,
      { ADMIT, 201, 0, NULL, NULL } },
    { "proxy-over", 10, run_upload, "proxy", NULL, BY_LENGTH, LIMIT + 1,
      LENGTH_MAX, { LENGTH, 413, 417, OVER_LIMIT } },
    { "proxy-cut-off", 10, run_upload, "proxy", NULL, CHUNKED, LIMIT + 1,
      LENGTH_MAX, { CUT, 413, 0, CUT_AT_LIMIT } },
    { "htaccess", 60, run_htaccess, 0, 0, 0, 0, 0, { 0 } },
    { "in-flight", 40, run_remembered, "flight", NULL, BY_LENGTH, 1, LIMIT,
      { 0 } },
    { "in-flight-chunked", 15, run_remembered, "flight", NULL, CHUNKED, 1,
      LIMIT, { 0 } },
    { "in-flight-held", 60, run_held, 0, 0, 0, 0, 0, { 0 } },
    { "in-flight-unread", 15, run_unread, 0, 0, 0, 0, 0, { 0 } },
    { "quota", 25, run_remembered, "quota", NULL, BY_LENGTH, 1, LIMIT,
      { 0 } },
    { "quota-chunked", 10, run_remembered, "quota", NULL, CHUNKED, 1, LIMIT,
      { 0 } },
    { "abort", 40, run_abort, 0, 0, 0, 0, 0, { 0 } },
    { "space", 25, run_space, 0, 0, 0, 0, 0, { 0 } }
};

#define KINDS (sizeof(kinds) / sizeof(kinds[0]))

static const kind_t *choose_kind(int has_space)
{
    size_t i, n = KINDS - !has_space, sum = 0, at;

    for (i = 0; i < n; ++i) {
        sum += (size_t)kinds[i].weight;
    }
    at = choose(sum);
    for (i = 0; at >= (size_t)kinds[i].weight; ++i) {
        at -= (size_t)kinds[i].weight;
    }
    return &kinds[i];
}

static void work(int id, int is_slow, uint64_t seed, int has_space)
{
    char path[4096];

    prctl(PR_SET_PDEATHSIG, SIGTERM);
    me.id = id;
    me.is_slow = is_slow;
    me.random = (seed + 1) * 0x9e3779b97f4a7c15ULL + (uint64_t)id * 7919;
    me.fd = -1;
    me.tally = &tallies[id];
    snprintf(path, sizeof(path), "%s/ledger/%d", folder, id);
    me.ledger = fopen(path, "w");
    if (!me.ledger) {
        die(path);
    }
    while (!board_read(&board->stop)) {
        me.kind = choose_kind(has_space);
        me.tally->kinds[me.kind - kinds]++;
        me.kind->run(me.kind);
    }
    hang_up();
    check_reset();
    keep_last();
    exit(0);
}

/* --- the parent ---------------------------------------------------------- */

static void add(account_t *to, const account_t *from)
{
    int i;

    for (i = 0; i < OUTCOMES; ++i) {
        to->count[i] += from->count[i];
    }
    to->spared += from->spared;
    to->refused += from->refused;
    to->received += from->received;
    to->spent += from->spent;
}

static void print_account(const char *word, const account_t *a)
{
    int i;

    for (i = 0; i < OUTCOMES; ++i) {
        printf("%s %s %llu\n", word, outcome_names[i],
               (unsigned long long)a->count[i]);
    }
    printf("%s bytes_spared %llu\n%s bytes_refused %llu\n", word,
           (unsigned long long)a->spared, word,
           (unsigned long long)a->refused);
    printf("received %s %llu\nspent %s %llu\n", word,
           (unsigned long long)a->received, word,
           (unsigned long long)a->spent);
}

static void report(int workers)
{
    tally_t sum = { 0 };
    size_t k;
    int i;

    for (i = 0; i < workers; ++i) {
        const tally_t *t = &tallies[i];

        add(&sum.sure, &t->sure);
        add(&sum.maybe, &t->maybe);
        sum.losses += t->losses;
        sum.stale += t->stale;
        sum.connects += t->connects;
        sum.verified += t->verified;
        sum.violations += t->violations;
        sum.ambiguous += t->ambiguous;
        if (t->held_most > sum.held_most) {
            sum.held_most = t->held_most;
        }
        for (k = 0; k < KINDS; ++k) {
            sum.kinds[k] += t->kinds[k];
        }
    }
    print_account("sure", &sum.sure);
    print_account("maybe", &sum.maybe);
    printf("losses %llu\nstale %llu\nconnects %llu\nverified %llu\n"
           "violations %llu\nambiguous %llu\nheld %llu\n",
           (unsigned long long)sum.losses, (unsigned long long)sum.stale,
           (unsigned long long)sum.connects, (unsigned long long)sum.verified,
           (unsigned long long)sum.violations,
           (unsigned long long)sum.ambiguous,
           (unsigned long long)sum.held_most);
    for (k = 0; k < KINDS; ++k) {
        printf("kind %s %llu\n", kinds[k].name,
               (unsigned long long)sum.kinds[k]);
    }
}

static void map_board(void)
{
    char path[4096];
    int fd;

    snprintf(path, sizeof(path), "%s/board", folder);
    fd = open(path, O_RDWR | O_CLOEXEC);
    board = fd < 0 ? MAP_FAILED : mmap(NULL, sizeof(*board),
                                       PROT_READ | PROT_WRITE, MAP_SHARED, fd,
                                       0);
    tallies = mmap(NULL, WORKERS_MAX * sizeof(*tallies) + 1,
                   PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (board == MAP_FAILED || tallies == MAP_FAILED) {
        die(path);
    }
    holds_lock = (char *)(tallies + WORKERS_MAX);
}

static int print_file(const char *path, const struct stat *info, int type)
{
    (void)info;
    if (type == FTW_F) {
        printf("%s %s\n", is_whole(path) ? "whole" : "torn", path);
    }
    return 0;
}

static int verify(char **folders)
{
    for (; *folders; ++folders) {
        if (ftw(*folders, print_file, 16)) {
            die(*folders);
        }
    }
    return 0;
}

static int run(int fast, int slow, uint64_t seed, int has_space)
{
    int i, status, failed = 0;

    map_board();
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    for (i = 0; i < fast + slow; ++i) {
        pid_t pid = fork();

        if (pid < 0) {
            die("fork");
        }
        if (!pid) {
            work(i, i >= fast, seed, has_space);
        }
    }
    while (wait(&status) > 0) {
        failed += status != 0;
    }
    report(fast + slow);
    printf("failed %d\n", failed);
    return failed != 0;
}

int main(int argc, char **argv)
{
    int fast = 1, slow = 0, has_space = 0, c;
    uint64_t seed = 1;

    while ((c = getopt(argc, argv, "p:f:s:r:ev")) != -1) {
        switch (c) {
        case 'p': port = atoi(optarg); break;
        case 'f': fast = atoi(optarg); break;
        case 's': slow = atoi(optarg); break;
        case 'r': seed = strtoull(optarg, NULL, 10); break;
        case 'e': has_space = 1; break;
        case 'v': return verify(argv + optind);
        default: return 2;
        }
    }
    if (optind + 1 != argc || !port || fast < 1 || slow < 0
        || fast + slow > WORKERS_MAX) {
        fputs("usage: client -p PORT [-f FAST] [-s SLOW] [-r SEED] [-e] "
              "FOLDER, or client -v FOLDER...\n", stderr);
        return 2;
    }
    folder = argv[optind];
    return run(fast, slow, seed, has_space);
}
