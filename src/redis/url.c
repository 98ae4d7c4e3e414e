/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/*
 * The URL of a Redis server.
 */

#include <string.h>

#include "apr_escape.h"
#include "apr_lib.h"
#include "apr_strings.h"
#include "apr_uri.h"

#include "redis/url.h"

#define PORT_DEFAULT 6379
#define DB_MAX 65535

/* sun_path of the narrowest system, without its end. */
#define PATH_MAX_LENGTH 103

#define ACCEPTED \
    "accepted are redis://[[USER]:PASSWORD@]HOST[:PORT][/DB] and " \
    "redis+unix://[[USER]:PASSWORD@]PATH[/DB], with percent-encoding"

/* NULL: a wrong escape, or a zero byte. */
static const char *url_decode(apr_pool_t *p, const char *text)
{
    return apr_punescape_url(p, text, NULL, NULL, 0);
}

static int url_is_number(const char *text)
{
    return *text && !text[strspn(text, "0123456789")];
}

static const char *url_login(apr_pool_t *p, const apr_uri_t *uri,
                             redis_url_t *parsed)
{
    if (uri->user && *uri->user) {
        parsed->user = url_decode(p, uri->user);
        if (!parsed->user) {
            return "the user is not properly encoded; " ACCEPTED;
        }
    }
    if (uri->password && *uri->password) {
        parsed->password = url_decode(p, uri->password);
        if (!parsed->password) {
            return "the password is not properly encoded; " ACCEPTED;
        }
    }
    return NULL;
}

static const char *url_db(const char *text, redis_url_t *parsed)
{
    if (!url_is_number(text) || strlen(text) > 5
        || apr_atoi64(text) > DB_MAX) {
        return "the DB must be a number within 0 and 65535; " ACCEPTED;
    }
    parsed->db = (int)apr_atoi64(text);
    return NULL;
}

/* redis://HOST[:PORT][/DB] */
static const char *url_tcp(apr_pool_t *p, const apr_uri_t *uri,
                           redis_url_t *parsed)
{
    const char *path = uri->path ? uri->path : "";

    if (!uri->hostname || !*uri->hostname) {
        return "the host is missing; " ACCEPTED;
    }
    parsed->host = url_decode(p, uri->hostname);
    if (!parsed->host) {
        return "the host is not properly encoded; " ACCEPTED;
    }
    parsed->port = PORT_DEFAULT;
    if (uri->port_str && *uri->port_str) {
        if (!url_is_number(uri->port_str) || strlen(uri->port_str) > 5
            || apr_atoi64(uri->port_str) < 1
            || apr_atoi64(uri->port_str) > 65535) {
            return "the port must be a number within 1 and 65535; " ACCEPTED;
        }
        parsed->port = (int)apr_atoi64(uri->port_str);
    }
    return *path && strcmp(path, "/") ? url_db(path + 1, parsed) : NULL;
}

/* redis+unix://PATH[/DB] */
static const char *url_unix(apr_pool_t *p, const apr_uri_t *uri,
                            redis_url_t *parsed)
{
    char *path = apr_pstrdup(p, uri->path ? uri->path : "");
    char *last = strrchr(path, '/');
    const char *err;

    if ((uri->hostname && *uri->hostname)
        || (uri->port_str && *uri->port_str)) {
        return "a path begins with / (so that there are three of them behind "
               "the colon); " ACCEPTED;
    }
    if (last && last > path && url_is_number(last + 1)) {
        err = url_db(last + 1, parsed);
        if (err) {
            return err;
        }
        *last = '\0';
    }
    parsed->path = url_decode(p, path);
    if (!parsed->path) {
        return "the path is not properly encoded; " ACCEPTED;
    }
    if (!*parsed->path || !strcmp(parsed->path, "/")) {
        return "the path is missing; " ACCEPTED;
    }
    if (strlen(parsed->path) > PATH_MAX_LENGTH) {
        return "the path is longer than 103 bytes, as long as a socket's may "
               "be; " ACCEPTED;
    }
    return NULL;
}

static const char *url_shown(apr_pool_t *p, const redis_url_t *parsed)
{
    int is_v6 = parsed->host && strchr(parsed->host, ':');

    if (parsed->path) {
        return apr_psprintf(p, "redis+unix://%s/%d", parsed->path, parsed->db);
    }
    return apr_psprintf(p, "redis://%s%s%s:%d/%d", is_v6 ? "[" : "",
                        parsed->host, is_v6 ? "]" : "", parsed->port,
                        parsed->db);
}

const char *redis_url_parse(apr_pool_t *p, const char *url,
                            redis_url_t *parsed)
{
    apr_uri_t uri;
    const char *err;

    memset(parsed, 0, sizeof(*parsed));
    if (apr_uri_parse(p, url, &uri) != APR_SUCCESS || !uri.scheme) {
        return "the URL cannot be parsed; " ACCEPTED;
    }
    if (uri.query || uri.fragment) {
        return "nothing may follow the DB: ? and # are written %3F and %23; "
               ACCEPTED;
    }
    err = url_login(p, &uri, parsed);
    if (!err) {
        err = strcasecmp(uri.scheme, "redis") ? url_unix(p, &uri, parsed)
                                              : url_tcp(p, &uri, parsed);
    }
    if (!err) {
        parsed->shown = url_shown(p, parsed);
    }
    return err;
}
