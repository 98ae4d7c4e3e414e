/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/*
 * What targets take of httpd: a request that nobody sent, and a section of the
 * configuration that stands in no file.
 */

#include <string.h>
#include <sys/socket.h>

#include "fuzz.h"

#include "http_config.h"
#include "http_connection.h"
#include "http_core.h"
#include "http_protocol.h"
#include "scoreboard.h"

#include "apr_lib.h"
#include "apr_portable.h"
#include "apr_strings.h"

#include "explain/simulate.h"

/* --- a connection, and a request on it ----------------------------------- */

conn_rec *fuzz_connection(apr_pool_t *p, int fd, apr_socket_t **socket)
{
    apr_bucket_alloc_t *ba = apr_bucket_alloc_create(p);
    apr_sockaddr_t *address;
    apr_os_sock_info_t info;
    ap_sb_handle_t *sbh;
    conn_rec *c;

    apr_sockaddr_info_get(&address, "127.0.0.1", APR_INET, 80, 0, p);
    memset(&info, 0, sizeof(info));
    info.os_sock = &fd;
    info.local = info.remote = (struct sockaddr *)&address->sa.sin;
    info.family = APR_INET;
    info.type = SOCK_STREAM;
    /* a socket without an address: APR goes on with these */
    MUST(apr_os_sock_make(socket, &info, p) == APR_SUCCESS, NULL);
    ap_create_sb_handle(&sbh, p, 0, 0);
    c = ap_run_create_connection(p, fuzz_server, *socket, 1, sbh, ba);
    MUST(c, NULL);
    return c;
}

request_rec *fuzz_request(fuzz_input_t *in)
{
    static conn_rec *c;
    apr_socket_t *socket;
    request_rec *r;
    int ends[2];

    if (!c) {
        MUST(!socketpair(AF_UNIX, SOCK_STREAM, 0, ends), NULL);
        c = fuzz_connection(apr_pool_parent_get(in->pool), ends[0], &socket);
    }
    r = expect_simulate_create(c);
    r->method = "PUT";
    r->method_number = M_PUT;
    r->protocol = "HTTP/1.1";
    r->proto_num = HTTP_VERSION(1, 1);
    r->the_request = "PUT / HTTP/1.1";
    r->uri = r->unparsed_uri = "/";
    r->hostname = "localhost";
    return r;
}

/* --- a section ----------------------------------------------------------- */

static apr_status_t read_char(char *c, void *at)
{
    char **text = at;

    if (!**text) {
        return APR_EOF;
    }
    *c = *(*text)++;
    return APR_SUCCESS;
}

/* As apr_file_gets() does. */
static apr_status_t read_line(void *buffer, apr_size_t size, void *at)
{
    char *to = buffer;
    char *end = to + size - 1;

    while (to < end && read_char(to, at) == APR_SUCCESS && *to++ != '\n') {
    }
    *to = '\0';
    return to == buffer && size > 1 ? APR_EOF : APR_SUCCESS;
}

/* httpd 2.4.71 ends its process at a quote in %{name:...}, and at a backslash
 * with which an expression ends, as one that Require is given: its scanner of
 * expressions has no rule for them. A backslash that joins two lines is none of
 * them. */
static int stops_scanner(const char *text)
{
    int depth = 0, is_escaped = 0;
    const char *at;

    for (at = text; *at; ++at) {
        int joins = at[0] == '\\' && at[1] == '\n' && !is_escaped;

        if (at[0] == '\\' && !joins
            && (!at[1] || apr_isspace(at[1]) || strchr("\"'>", at[1]))) {
            return 1;
        }
        if (depth && (*at == '"' || *at == '\'')) {
            return 1;
        }
        depth += at[0] == '%' && at[1] == '{';
        depth -= *at == '}' && depth;
        is_escaped = *at == '\\';
        at += joins;
        depth = *at == '\n' && !joins ? 0 : depth;
    }
    return 0;
}

int fuzz_is_harmless(const char *text)
{
    static const char *const words[] = {
        "define", "include", "file", "host", "dns", "ldap", "exec", NULL
    };
    int i;

    for (i = 0; words[i]; ++i) {
        if (ap_strcasestr(text, words[i])) {
            return 0;
        }
    }
    return !stops_scanner(text);
}

ap_configfile_t *fuzz_config(apr_pool_t *p, const char *name,
                             const char *text)
{
    const char **at = apr_palloc(p, sizeof(*at));

    *at = text;
    return ap_pcfg_open_custom(p, name, at, read_char, read_line, NULL);
}

/* Whether <Limit> names a method that httpd does not know: it would keep the
 * name for good, and the pool of an input ends. (.htaccess may have none.) */
static int has_new_method(apr_pool_t *p, const ap_directive_t *tree)
{
    for (; tree; tree = tree->next) {
        const char *args = tree->args;
        int is_limit = !strncasecmp(tree->directive, "<Limit", 6);

        while (is_limit && *args && *args != '>') {
            const char *word = ap_getword_conf(p, &args);
            const char *end = strchr(word, '>');

            word = end ? apr_pstrmemdup(p, word, end - word) : word;
            if (*word && ap_method_number_of(word) == M_INVALID) {
                return 1;
            }
        }
        if (has_new_method(p, tree->first_child)) {
            return 1;
        }
    }
    return 0;
}

/* As ap_parse_htaccess() does, or as httpd reads its own configuration: there,
 * what is made for the time of reading only goes away. */
const char *fuzz_section(apr_pool_t *p, const char *text, int is_htaccess,
                         ap_conf_vector_t **section)
{
    ap_directive_t *tree = NULL;
    const char *err;
    cmd_parms parms;

    memset(&parms, 0, sizeof(parms));
    parms.limited = -1;
    parms.pool = parms.temp_pool = p;
    if (!is_htaccess) {
        apr_pool_create(&parms.temp_pool, p);
    }
    parms.override = is_htaccess ? OR_AUTHCFG | OR_LIMIT
                                 : OR_ALL | ACCESS_CONF;
    parms.override_opts = OPT_ALL;
    parms.server = fuzz_server;
    parms.path = "/";
    parms.config_file = fuzz_config(p, ".htaccess", text);
    *section = ap_create_per_dir_config(p);
    err = ap_build_config(&parms, p, parms.temp_pool, &tree);
    if (!err && !is_htaccess && has_new_method(parms.temp_pool, tree)) {
        err = "a new method";
    }
    if (!err) {
        err = ap_walk_config(tree, &parms, *section);
    }
    err = err ? apr_pstrdup(p, err) : NULL;
    if (!is_htaccess) {
        apr_pool_destroy(parms.temp_pool);
    }
    return err;
}
