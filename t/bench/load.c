/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/*
 * An exact HTTP/1.1 load client for one kind of request:
 *
 *     load -p 8080 -c 8 -n 10000 -t 2 head.txt
 *
 * sends the request head in head.txt (CRLF line ends, empty line included)
 * over 8 connections to 127.0.0.1:8080, until 10000 requests are done or 2
 * seconds are over. "{c}" in the head stands for the connection's number,
 * "{p}" for 0 to 63 bytes, more with each request, then none again: what the
 * place of something in memory costs evens out over them.
 *
 * Content is as many bytes as the head's Content-Length says. A head with
 * Expect: 100-continue holds it back until 100 Continue comes, and for good
 * if a final status comes instead. A response is read to its end, by
 * Content-Length or the connection's end; a connection is used again unless
 * the server closes it, or still waits for content. If it turns out to be
 * closed then, the request is sent once more. What is unfinished at the end of
 * the time is finished, but not counted. Content is sent in pieces of
 * 64 KB, and an answer is looked for after each, as curl does.
 *
 *     load -p 8080 -p 8081 -t 2 a.head b.head
 *
 * sends two kinds in turn, one request at a time, each kind over a connection
 * of its own: what slows the machine down slows both. They take turns after
 * every eighth request, so that work which a server puts off until it has
 * answered is not told as the other's.
 *
 *     load -p 8080 -p 8080 -c 200 -l 300 -t 2 refused.head get.head
 *
 * has 200 slow clients send the first kind: none of its content before the
 * answer, and when it has come, each keeps its connection for 300 ms and,
 * unless the head holds it back by Expect, sends a byte of content every 50 ms.
 * Then it closes and begins anew. 20 more clients send the second kind
 * meanwhile, each of them 300 ms after its last answer, over a new connection;
 * they begin when all slow ones are there, and their last requests are counted,
 * too, however long they take.
 *
 * It prints one line for each kind:
 *
 *     requests=9000 seconds=2.000 rate=4500.0 errors=0 connects=9000
 *     continues=0 retries=0 begun=9008 left=0 p50_us=1700.1 p95_us=2500.3
 *     p99_us=2900.8 status_417=9000
 *
 * (unfolded; "left" is the content that TCP has sent for all "begun", also for
 * those that were not counted) and exits 1 if there were errors: a connection
 * that failed or ended too early, a response that it cannot read, ten seconds
 * of silence.
 */

#define _GNU_SOURCE

#include <arpa/inet.h>
#include <errno.h>
#include <limits.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "../lib/field.h"

#define CONNECTIONS_MAX 1000
#define REQUESTS_MAX 2000000L   /* latencies are kept for so many */
#define SECONDS_MAX 600.0
#define HEAD_MAX 16384
#define PADDING_MAX 64
#define ERRORS_MAX 100          /* more of them, and it gives up */
#define SILENCE_MS 10000
#define KINDS_MAX 2
#define TURN 8                  /* requests of a kind, then it is the next's */
#define STAY_MAX 60000
#define TRICKLE 0.05            /* seconds between bytes of a slow client */
#define TICK_MS 10              /* how often it is looked whose turn it is */
#define BESIDE 20               /* clients beside the slow ones */

typedef struct {
    int fd;                     /* -1: not connected */
    int busy;                   /* a request is under way */
    int kind;
    int nth;                    /* its number */
    unsigned padding;           /* bytes for {p} */
    char head[HEAD_MAX];        /* with {c} and {p} filled in */
    size_t head_len;
    size_t head_sent;
    long heads;                 /* bytes of all heads on this connection */
    long content_left;          /* bytes still to be sent */
    int held;                   /* the content waits for 100 Continue */
    char in[HEAD_MAX];          /* a response head, as far as it came */
    size_t in_len;
    int in_body;                /* the head was read */
    long body_left;             /* -1: until the connection's end */
    int last;                   /* the server will close */
    int reused;                 /* there was a response on it before */
    int status;
    double begun;
    double until;               /* stays, or stays away; 0: it does not */
    double next_byte;
    unsigned events;            /* what epoll watches for */
} conn_t;

/* A kind of request: what is sent, what came of it. */
typedef struct {
    int port;
    const char *head;
    long content;               /* bytes of content of each request */
    int asks;                   /* Expect: 100-continue */
    long requests, begun, connects, continues, retries, left;
    long status[600];
    unsigned *latency;          /* nanoseconds of each request */
} kind_t;

static kind_t kinds[KINDS_MAX];

static struct {
    long requests, started, errors;
    int open;                   /* requests under way */
    int is_over;                /* the time is */
} total;

static struct {
    int kinds;
    int connections;
    long requests;
    double seconds;
    int stay;                   /* milliseconds; 0: there are no slow ones */
} opt = { 0, 1, REQUESTS_MAX, 10, 0 };

static conn_t *conns;
static int poller;
static char zeros[65536];

static void die(const char *what)
{
    fprintf(stderr, "load: %s\n", what);
    exit(2);
}

static double now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static int field_is(const char *head, const char *name, const char *value)
{
    const char *found = field(head, name);

    return found && !strncasecmp(found, value, strlen(value));
}

/* Connections */

static void watch(conn_t *c, unsigned events, int op)
{
    struct epoll_event event = { .events = events, .data.ptr = c };

    if (c->events != events || op == EPOLL_CTL_ADD) {
        c->events = events;
        if (epoll_ctl(poller, op, c->fd, &event)) {
            die("epoll_ctl failed");
        }
    }
}

/* What TCP has sent of content: that of a socket's buffer may never be. */
static void count_left(conn_t *c)
{
    struct tcp_info info;
    socklen_t size = sizeof(info);
    long left;

    memset(&info, 0, sizeof(info));
    if (getsockopt(c->fd, IPPROTO_TCP, TCP_INFO, &info, &size)) {
        die("there is no TCP_INFO");
    }
    left = (long)(info.tcpi_bytes_sent - info.tcpi_bytes_retrans) - c->heads;
    kinds[c->kind].left += left > 0 ? left : 0;
    c->heads = 0;
}

static void hang_up(conn_t *c)
{
    if (c->fd >= 0) {
        count_left(c);
        close(c->fd);
        c->fd = -1;
    }
    c->busy = c->reused = 0;
}

static int dial(conn_t *c)
{
    struct sockaddr_in to = { .sin_family = AF_INET };
    int one = 1;

    to.sin_port = htons((unsigned short)kinds[c->kind].port);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    c->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (c->fd < 0) {
        return 0;
    }
    kinds[c->kind].connects++;
    setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    if (connect(c->fd, (struct sockaddr *)&to, sizeof(to))
        && errno != EINPROGRESS) {
        hang_up(c);
        return 0;
    }
    watch(c, EPOLLIN | EPOLLOUT, EPOLL_CTL_ADD);
    return 1;
}

/* Requests */

static int is_slow(const conn_t *c)
{
    return opt.stay && c->kind == 0;
}

/* Sends what may be sent now; 0 if the connection failed. Here a server that
 * closed has perhaps answered before: only its silence is an error. */
static int send_more(conn_t *c)
{
    for (;;) {
        const char *from = c->head + c->head_sent;
        size_t len = c->head_len - c->head_sent;
        ssize_t sent;

        if (!len && !c->held) {
            from = zeros;
            len = c->content_left < (long)sizeof(zeros)
                      ? (size_t)c->content_left : sizeof(zeros);
        }
        if (!len) {
            watch(c, EPOLLIN, EPOLL_CTL_MOD);
            return 1;
        }
        sent = send(c->fd, from, len, MSG_NOSIGNAL);
        if (sent < 0) {
            if (errno != EAGAIN && errno != ENOTCONN) {
                watch(c, EPOLLIN, EPOLL_CTL_MOD);
                return c->head_sent > 0;
            }
            watch(c, EPOLLIN | EPOLLOUT, EPOLL_CTL_MOD);
            return 1;
        }
        if (from == zeros) {
            c->content_left -= sent;
            watch(c, EPOLLIN | (c->content_left ? EPOLLOUT : 0),
                  EPOLL_CTL_MOD);
            return 1;
        }
        c->head_sent += (size_t)sent;
        c->heads += sent;
    }
}

static void request(conn_t *c);

static void fail(conn_t *c, const char *why)
{
    if (!total.errors) {
        fprintf(stderr, "load: %s (%s), %zu bytes of head sent, %ld bytes of "
                "content left\n", why, strerror(errno), c->head_sent,
                c->content_left);
    }
    hang_up(c);
    if (++total.errors > ERRORS_MAX) {
        die("too many errors");
    }
    total.started--;
    total.open--;
    request(c);
}

/* The kind's head, for the connection's next request. */
static void fill_in(conn_t *c)
{
    const char *from = kinds[c->kind].head;
    char *to = c->head;
    char *end = c->head + HEAD_MAX - PADDING_MAX;

    while (*from && to < end) {
        if (!strncmp(from, "{c}", 3)) {
            to += sprintf(to, "%d", c->nth);
            from += 3;
        }
        else if (!strncmp(from, "{p}", 3)) {
            memset(to, 'x', c->padding);
            to += c->padding;
            c->padding = (c->padding + 1) % PADDING_MAX;
            from += 3;
        }
        else {
            *to++ = *from++;
        }
    }
    if (*from) {
        die("the request head is too long");
    }
    c->head_len = (size_t)(to - c->head);
}

static void begin(conn_t *c)
{
    c->head_sent = c->in_len = 0;
    c->content_left = kinds[c->kind].content;
    c->held = kinds[c->kind].asks || is_slow(c);
    c->in_body = c->last = 0;
    c->busy = 1;
    if (c->fd < 0 ? !dial(c) : !send_more(c)) {
        fail(c, "no connection");
    }
}

/* Begins the next request, if there is one left. */
static void request(conn_t *c)
{
    if (total.started >= opt.requests || total.is_over) {
        hang_up(c);
        return;
    }
    total.started++;
    total.open++;
    kinds[c->kind].begun++;
    fill_in(c);
    c->begun = now();
    begin(c);
}

/* The server has given up a kept connection before it saw the request. */
static void again(conn_t *c)
{
    kinds[c->kind].retries++;
    hang_up(c);
    begin(c);
}

static void count(const conn_t *c)
{
    kind_t *kind = &kinds[c->kind];
    double took = now() - c->begun;

    total.requests++;
    kind->latency[kind->requests++] =
        took < 4 ? (unsigned)(took * 1e9) : UINT_MAX;
    kind->status[c->status]++;
}

/* A client has its answer. Nothing that comes to a slow one is of interest. */
static void stay(conn_t *c)
{
    if (is_slow(c)) {
        epoll_ctl(poller, EPOLL_CTL_DEL, c->fd, NULL);
    }
    else {
        hang_up(c);
    }
    c->until = now() + opt.stay / 1e3;
    c->next_byte = now() + TRICKLE;
}

/* Those who stay send a byte, or go and begin anew. Whether it arrives does not
 * matter: who has been thrown out stays away for as long. */
static void look_after(void)
{
    double time = now();
    int i;

    for (i = 0; i < opt.connections; ++i) {
        conn_t *c = &conns[i];

        if (c->until == 0) {
            continue;
        }
        if (time >= c->until) {
            c->until = 0;
            hang_up(c);
            request(c);
        }
        else if (c->fd >= 0 && !kinds[c->kind].asks && time >= c->next_byte) {
            (void)send(c->fd, zeros, 1, MSG_NOSIGNAL | MSG_DONTWAIT);
            c->next_byte = time + TRICKLE;
        }
    }
}

static void finish(conn_t *c)
{
    total.open--;
    c->busy = 0;
    if (!total.is_over || (opt.stay && !is_slow(c))) {
        count(c);
    }
    if (opt.stay) {
        stay(c);
        return;
    }
    c->reused = 1;
    if (c->last || c->content_left || c->head_sent < c->head_len) {
        hang_up(c);
    }
    if (opt.kinds > 1) {
        c = &conns[total.started / TURN % opt.kinds];
    }
    request(c);
}

/* Responses */

/* What a final head says of its content; 0 if it cannot be read. */
static int read_head(conn_t *c)
{
    const char *length = field(c->in, "Content-Length");

    if (field(c->in, "Transfer-Encoding")) {
        return 0;
    }
    c->in_body = 1;
    c->last = field_is(c->in, "Connection", "close");
    c->body_left = c->status == 204 || c->status == 304 ? 0
                       : length ? atol(length) : -1;
    return 1;
}

/* Takes heads off c->in; what is left there is content. 0 on a bad one. */
static int take_heads(conn_t *c)
{
    while (!c->in_body) {
        char *end;
        size_t len;

        c->in[c->in_len] = '\0';
        end = strstr(c->in, "\r\n\r\n");
        if (!end) {
            return c->in_len < sizeof(c->in) - 1;
        }
        end[2] = '\0';
        if (sscanf(c->in, "HTTP/1.%*1d %3d", &c->status) != 1
            || c->status < 100 || c->status > 599) {
            return 0;
        }
        if (c->status >= 200 && !read_head(c)) {
            return 0;
        }
        len = (size_t)(end + 4 - c->in);
        c->in_len -= len;
        memmove(c->in, end + 4, c->in_len);
        if (c->status == 100) {
            kinds[c->kind].continues++;
            c->held = 0;
            if (!send_more(c)) {
                return 0;
            }
        }
    }
    return 1;
}

static void receive(conn_t *c)
{
    ssize_t got = recv(c->fd, c->in + c->in_len,
                       sizeof(c->in) - 1 - c->in_len, 0);

    if (got < 0 && errno == EAGAIN) {
        return;
    }
    if (got == 0 && !c->busy) {
        hang_up(c);             /* kept alive long enough */
        return;
    }
    if (got <= 0) {
        errno = got < 0 ? errno : 0;
        if (c->reused && !c->in_len && !c->in_body) {
            again(c);
            return;
        }
        if (c->in_body && c->body_left < 0 && got == 0) {
            c->last = 1;
            finish(c);
            return;
        }
        fail(c, got < 0 ? "broken connection" : "early end");
        return;
    }
    c->in_len += (size_t)got;
    if (!take_heads(c)) {
        fail(c, "unreadable response");
        return;
    }
    if (!c->in_body) {
        return;
    }
    if (c->body_left >= 0) {
        if ((long)c->in_len > c->body_left) {
            fail(c, "more than one response to one request");
            return;
        }
        c->body_left -= (long)c->in_len;
    }
    c->in_len = 0;
    if (c->body_left == 0) {
        finish(c);
    }
}

/* The run */

static void read_kind(kind_t *kind, const char *name)
{
    char *text = calloc(1, HEAD_MAX);
    FILE *file = fopen(name, "r");
    const char *length;
    size_t len;

    kind->latency = malloc((size_t)opt.requests * sizeof(*kind->latency));
    if (!file || !text || !kind->latency) {
        die("cannot read the request head");
    }
    len = fread(text, 1, HEAD_MAX - 1, file);
    fclose(file);
    if (len < 4 || strcmp(text + len - 4, "\r\n\r\n")) {
        die("the request head does not end in an empty line");
    }
    length = field(text, "Content-Length");
    kind->head = text;
    kind->content = length ? atol(length) : 0;
    kind->asks = field_is(text, "Expect", "100-continue");
}

/* Slow clients come one after the other, and not all at once. */
static void begin_slow(double begun)
{
    int slow = opt.connections - BESIDE, i;

    for (i = 0; i < opt.connections; ++i) {
        double turns = i < slow ? (double)i / slow
                                : 1 + (double)(i - slow) / BESIDE;

        conns[i].until = begun + turns * opt.stay / 1e3;
    }
}

static void begin_all(double begun)
{
    int i;

    if (opt.stay) {
        begin_slow(begun);
        return;
    }
    for (i = 0; i < (opt.kinds > 1 ? 1 : opt.connections); ++i) {
        request(&conns[i]);
    }
}

static double run(void)
{
    struct epoll_event events[CONNECTIONS_MAX];
    double begun = now(), seconds = 0, heard = begun;
    int i;

    begin_all(begun);
    while (total.open || (opt.stay && !total.is_over)) {
        int n = epoll_wait(poller, events, CONNECTIONS_MAX,
                           opt.stay ? TICK_MS : SILENCE_MS);

        if (n > 0) {
            heard = now();
        }
        else if (now() - heard >= SILENCE_MS / 1e3) {
            total.errors++;
            fprintf(stderr, "load: the server is silent\n");
            break;
        }
        for (i = 0; i < n; ++i) {
            conn_t *c = events[i].data.ptr;

            if ((events[i].events & EPOLLOUT) && !send_more(c)) {
                fail(c, "no connection");
            }
            else if (events[i].events & (EPOLLIN | EPOLLHUP | EPOLLERR)) {
                receive(c);
            }
        }
        if (opt.stay) {
            look_after();
        }
        if (!total.is_over) {
            seconds = now() - begun;
            total.is_over = seconds >= opt.seconds;
        }
    }
    return seconds;
}

static int by_size(const void *a, const void *b)
{
    unsigned x = *(const unsigned *)a, y = *(const unsigned *)b;

    return x < y ? -1 : x > y;
}

static double percentile(const kind_t *kind, int percent)
{
    return kind->requests
               ? kind->latency[kind->requests * percent / 100] / 1e3 : 0;
}

static void report(const kind_t *kind, double seconds)
{
    int i;

    qsort(kind->latency, (size_t)kind->requests, sizeof(*kind->latency),
          by_size);
    printf("requests=%ld seconds=%.3f rate=%.1f errors=%ld connects=%ld"
           " continues=%ld retries=%ld begun=%ld left=%ld"
           " p50_us=%.1f p95_us=%.1f p99_us=%.1f",
           kind->requests, seconds, (double)kind->requests / seconds,
           total.errors, kind->connects, kind->continues,
           kind->retries, kind->begun, kind->left, percentile(kind, 50),
           percentile(kind, 95), percentile(kind, 99));
    for (i = 100; i < 600; ++i) {
        if (kind->status[i]) {
            printf(" status_%d=%ld", i, kind->status[i]);
        }
    }
    putchar('\n');
}

static void usage(void)
{
    die("usage: load -p PORT [-c CONNECTIONS] [-n REQUESTS] [-t SECONDS] "
        "HEADFILE, or -p PORT -p PORT ... [-l MS] HEADFILE HEADFILE; up to "
        "1000 connections, 2000000 requests, 600 seconds, 60000 MS");
}

static void options(int argc, char **argv)
{
    int c;

    while ((c = getopt(argc, argv, "p:c:n:t:l:")) != -1) {
        switch (c) {
        case 'p':
            if (opt.kinds == KINDS_MAX) {
                usage();
            }
            kinds[opt.kinds++].port = atoi(optarg);
            break;
        case 'c': opt.connections = atoi(optarg); break;
        case 'n': opt.requests = atol(optarg); break;
        case 't': opt.seconds = atof(optarg); break;
        case 'l': opt.stay = atoi(optarg); break;
        default: usage();
        }
    }
    if (opt.stay) {
        opt.connections += BESIDE;
    }
    else if (opt.kinds > 1) {
        opt.connections = opt.kinds;
    }
    if (!opt.kinds || optind + opt.kinds != argc || opt.connections < 1
        || opt.connections > CONNECTIONS_MAX || opt.requests < 1
        || opt.requests > REQUESTS_MAX || opt.seconds <= 0
        || opt.seconds > SECONDS_MAX || opt.stay < 0 || opt.stay > STAY_MAX
        || (opt.stay && opt.kinds != 2)) {
        usage();
    }
}

static void raise_limit(void)
{
    struct rlimit limit;

    if (!getrlimit(RLIMIT_NOFILE, &limit)) {
        limit.rlim_cur = limit.rlim_max;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
}

int main(int argc, char **argv)
{
    double seconds;
    int i;

    options(argc, argv);
    raise_limit();
    for (i = 0; i < opt.kinds; ++i) {
        read_kind(&kinds[i], argv[optind + i]);
    }
    conns = calloc((size_t)opt.connections, sizeof(*conns));
    poller = epoll_create1(EPOLL_CLOEXEC);
    if (!conns || poller < 0) {
        die("out of memory or descriptors");
    }
    for (i = 0; i < opt.connections; ++i) {
        conns[i].fd = -1;
        conns[i].kind = opt.stay ? i >= opt.connections - BESIDE
                                 : i % opt.kinds;
        conns[i].nth = i;
    }
    seconds = run();
    for (i = 0; i < opt.kinds; ++i) {
        report(&kinds[i], seconds);
    }
    return total.errors ? 1 : 0;
}
