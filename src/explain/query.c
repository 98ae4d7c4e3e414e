/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/*
 * The directive ExpectExplain: a hypothetical upload, as its arguments describe
 * it. explain.c answers it.
 *
 *     httpd -t -D DUMP_EXPECT -c \
 *         'ExpectExplain /uploads/film.png PUT length=5G type=image/png'
 */

#include <string.h>

#include "httpd.h"
#include "http_config.h"
#include "http_core.h"

#include "apr_lib.h"
#include "apr_network_io.h"
#include "apr_strings.h"
#include "apr_uri.h"

#include "base/head.h"
#include "base/size.h"
#include "config/server.h"
#include "explain/query.h"
#include "judge/request.h"
#include "rules/arguments.h"

#define USAGE \
    "ExpectExplain takes URL METHOD [length=SIZE|chunked] [type=TYPE] " \
    "[encoding=CODING] [expect=yes|no] [user=NAME] [ip=ADDRESS] " \
    "[header=\"NAME: VALUE\"]"

const apr_array_header_t *expect_queries(const server_rec *s)
{
    const expect_server_conf_t *conf = expect_server_conf_of(s);

    return conf ? conf->queries : NULL;
}

/* --- the URL and the method ---------------------------------------------- */

#define URL_ACCEPTED \
    "a URL is a path that begins with /, or http:// or https:// with a host"

/* Such a word can stand in a request line. */
static int url_is_visible(const char *word)
{
    for (; *word; ++word) {
        if (!apr_isgraph(*word)) {
            return 0;
        }
    }
    return 1;
}

static int url_is_http(const char *scheme)
{
    return scheme && (!strcasecmp(scheme, "http")
                      || !strcasecmp(scheme, "https"));
}

static const char *query_set_url(apr_pool_t *p, expect_query_t *q,
                                 const char *word)
{
    apr_uri_t uri;

    if (!url_is_visible(word)) {
        return expect_rule_wrong(p, word, "not a URL: percent-encode spaces "
                                 "and non-ASCII characters", URL_ACCEPTED);
    }
    if (*word == '/') {
        q->target = apr_pstrndup(p, word, strcspn(word, "#"));
        return NULL;
    }
    if (apr_uri_parse(p, word, &uri) != APR_SUCCESS || !url_is_http(uri.scheme)
        || !uri.hostname || !*uri.hostname
        || (uri.port_str && apr_atoi64(uri.port_str) != uri.port)) {
        return expect_rule_wrong(p, *word ? word : "no URL", "not a URL",
                                 URL_ACCEPTED);
    }
    if (uri.user) {
        return expect_rule_wrong(p, word, "contains a user",
                                 "user=NAME is accepted");
    }
    q->scheme = uri.scheme;
    q->host = uri.hostname;
    q->port = uri.port;
    uri.path = uri.path ? uri.path : "/";
    q->target = apr_pstrcat(p, uri.path, uri.query ? "?" : "", uri.query,
                            NULL);
    return NULL;
}

static const char *query_set_method(apr_pool_t *p, expect_query_t *q,
                                    const char *word)
{
    if (!expect_is_token(word) || strchr(word, '=')) {
        return expect_rule_wrong(p, *word ? word : "no method",
                                 "not a method",
                                 "a METHOD is like PUT or POST, " USAGE);
    }
    q->method = word;
    return NULL;
}

/* --- the rest: KEY=VALUE, in any order ------------------------------------ */

static const char *query_set_length(apr_pool_t *p, expect_query_t *q,
                                    const char *value)
{
    apr_off_t length;

    if (!expect_size_parse(&length, value)) {
        return "not a SIZE, or too large; " EXPECT_SIZE_ACCEPTED;
    }
    apr_table_setn(q->fields, "Content-Length", apr_off_t_toa(p, length));
    return NULL;
}

static const char *query_set_chunked(apr_pool_t *p, expect_query_t *q,
                                     const char *value)
{
    (void)p;
    (void)value;
    apr_table_setn(q->fields, "Transfer-Encoding", "chunked");
    return NULL;
}

static const char *query_set_type(apr_pool_t *p, expect_query_t *q,
                                  const char *value)
{
    (void)p;
    apr_table_setn(q->fields, "Content-Type", value);
    return NULL;
}

static const char *query_set_encoding(apr_pool_t *p, expect_query_t *q,
                                      const char *value)
{
    (void)p;
    apr_table_setn(q->fields, "Content-Encoding", value);
    return NULL;
}

static const char *query_set_expect(apr_pool_t *p, expect_query_t *q,
                                    const char *value)
{
    (void)p;
    if (strcasecmp(value, "yes") && strcasecmp(value, "no")) {
        return "unknown value; yes and no are accepted, and without expect= "
               "both are answered";
    }
    q->asks = strcasecmp(value, "yes") ? EXPECT_CLIENT_DOES_NOT
                                       : EXPECT_CLIENT_ASKS;
    return NULL;
}

static const char *query_set_user(apr_pool_t *p, expect_query_t *q,
                                  const char *value)
{
    (void)p;
    q->user = value;
    return NULL;
}

static const char *query_set_ip(apr_pool_t *p, expect_query_t *q,
                                const char *value)
{
    apr_ipsubnet_t *address;

    /* with a mask, the value has to be a whole address: "10.0" is none */
    if (apr_ipsubnet_create(&address, value, "32", p) != APR_SUCCESS) {
        return "not an address; an ADDRESS is like 192.0.2.1 or 2001:db8::1";
    }
    q->ip = value;
    return NULL;
}

/* Fields that another argument sets. */
static const char *query_word_for(const char *field)
{
    static const char *const words[] = {
        "Host", "the URL", "Content-Length", "length=", "Transfer-Encoding",
        "chunked", "Content-Type", "type=", "Content-Encoding", "encoding=",
        NULL
    };
    int i;

    for (i = 0; words[i]; i += 2) {
        if (!strcasecmp(words[i], field)) {
            return words[i + 1];
        }
    }
    return NULL;
}

static const char *query_set_header(apr_pool_t *p, expect_query_t *q,
                                    const char *value)
{
    const char *colon = ap_strchr_c(value, ':');
    const char *name = colon ? apr_pstrmemdup(p, value, colon - value) : "";
    const char *word = query_word_for(name);

    if (!colon || !expect_is_token(name)) {
        return "not a header field; header=\"NAME: VALUE\" is accepted";
    }
    if (word) {
        return apr_psprintf(p, "another argument sets this field; %s is "
                            "accepted", word);
    }
    for (++colon; *colon == ' ' || *colon == '\t'; ++colon) {
    }
    apr_table_mergen(q->fields, name, colon);
    return NULL;
}

typedef struct {
    const char *name;
    /* NULL, or "what is wrong; what is accepted" */
    const char *(*set)(apr_pool_t *p, expect_query_t *q,
                       const char *value);
    /* a bit: only one of the arguments with the same bit may be given; 0: the
     * argument may be repeated */
    int once;
} keyword_t;

static const keyword_t keys[] = {
    { "length=", query_set_length, 1 << 0 },
    { "chunked", query_set_chunked, 1 << 0 },
    { "type=", query_set_type, 1 << 1 },
    { "encoding=", query_set_encoding, 1 << 2 },
    { "expect=", query_set_expect, 1 << 3 },
    { "user=", query_set_user, 1 << 4 },
    { "ip=", query_set_ip, 1 << 5 },
    { "header=", query_set_header, 0 },
    { NULL, NULL, 0 }
};

static const keyword_t *query_key(const char *word)
{
    const keyword_t *key;

    for (key = keys; key->name; ++key) {
        apr_size_t length = strlen(key->name);

        if (!strncasecmp(word, key->name, length)
            && (key->name[length - 1] == '=' || !word[length])) {
            return key;
        }
    }
    return NULL;
}

static const char *query_set_key(apr_pool_t *p, expect_query_t *q,
                                 const char *word, int *given)
{
    const keyword_t *key = query_key(word);
    const char *value, *err;

    if (!key) {
        return expect_rule_wrong(p, word, "unknown argument", USAGE);
    }
    if (key->once & *given) {
        return expect_rule_wrong(p, word, key->once == 1
                                 ? "the length is given twice"
                                 : "given twice", USAGE);
    }
    *given |= key->once;
    value = word + strlen(key->name);
    if (!*value && value[-1] == '=') {
        return expect_rule_wrong(p, word, "the value is missing", USAGE);
    }
    /* RFC 9110, 5.5: no field can contain a line end or another control
     * character */
    if (*ap_scan_http_field_content(value)) {
        return expect_rule_wrong(p, word, "contains a control character",
                                 USAGE);
    }
    err = key->set(p, q, value);
    return err ? apr_pstrcat(p, " ", word, ": ", err, NULL) : NULL;
}

/* As ap_getword_conf(), but the quotes may also begin behind KEY=. */
static const char *query_next_word(apr_pool_t *p, const char **args)
{
    apr_size_t key = strcspn(*args, "=\"' \t");
    const char *name;

    if ((*args)[key] != '='
        || ((*args)[key + 1] != '"' && (*args)[key + 1] != '\'')) {
        return ap_getword_conf(p, args);
    }
    name = apr_pstrmemdup(p, *args, key + 1);
    *args += key + 1;
    return apr_pstrcat(p, name, ap_getword_conf(p, args), NULL);
}

static const char *query_read(apr_pool_t *p, expect_query_t *q,
                              const char *args)
{
    const char *err;
    int given = 0;

    q->text = args;
    q->fields = apr_table_make(p, 5);
    q->ip = "127.0.0.1";
    err = query_set_url(p, q, query_next_word(p, &args));
    if (!err) {
        err = query_set_method(p, q, query_next_word(p, &args));
    }
    while (!err && *args) {
        err = query_set_key(p, q, query_next_word(p, &args), &given);
    }
    if (!err && q->asks && apr_table_get(q->fields, "Expect")) {
        return expect_rule_wrong(p, "expect=",
                                 "there is a header Expect as well",
                                 "one of the two is accepted");
    }
    return err;
}

const char *expect_cmd_explain(cmd_parms *cmd, void *dconf, const char *args)
{
    expect_query_t *q = apr_pcalloc(cmd->pool, sizeof(*q));
    expect_server_conf_t *conf;
    const char *err = ap_check_cmd_context(cmd, GLOBAL_ONLY);

    (void)dconf;
    if (err) {
        return err;
    }
    err = query_read(cmd->pool, q, args);
    if (err) {
        return apr_pstrcat(cmd->pool, cmd->cmd->name, ":", err, NULL);
    }
    q->directive = cmd->directive;
    conf = expect_server_conf_get(cmd);
    if (!conf->queries) {
        conf->queries = apr_array_make(cmd->pool, 1, sizeof(expect_query_t *));
    }
    APR_ARRAY_PUSH(conf->queries, expect_query_t *) = q;
    return NULL;
}
