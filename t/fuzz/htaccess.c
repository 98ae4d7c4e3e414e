/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/*
 * An .htaccess made of a few bytes, so that libFuzzer meets lines that httpd
 * takes, and not their spelling: each byte is a choice between alternatives of
 * a grammar. When there are no bytes left, the first alternative is taken.
 */

#include <string.h>

#include "fuzz.h"
#include "witness.h"

#include "apr_lib.h"
#include "apr_strings.h"

#define LINES_MAX 12
#define DEPTH_MAX 6

/* ~x in an alternative stands for one of the alternatives of x. */
typedef struct {
    char name;
    const char *const *alternatives;
} symbol_t;

/* Lines that may stand anywhere. */
static const char *const simple_lines[] = {
    "ExpectRequire ~n~E\n",
    "RequestHeader set Content-Length ~K~W\n",
    "RequestHeader set Transfer-Encoding ~T~W\n",
    "RequestHeader unset ~F~W\n",
    "RequestHeader ~A ~F ~V~W\n",
    "RequestHeader edit ~F ~R ~V~W\n",
    "RequestHeader edit* ~F ~r ~V~W\n",
    "SetHandler ~H\n",
    "SetInputFilter ~I\n",
    "SetOutputFilter ~O\n",
    "ErrorDocument ~X ~Y\n",
    "RewriteEngine On\n~cRewriteRule ~p ~t ~f\n",
    "ExpectStatus ~S\n",
    "Require ~Q\n",
    "AuthType Basic\nAuthName x\nAuthBasicProvider file\nRequire ~Q\n",
    "AuthType None\n",
    "AuthMerging ~m\n",
    "AddInputFilter ~I x\n",
    "AddOutputFilter ~O x\n",
    "AddOutputFilterByType ~O text/plain text/html\n",
    "DirectoryIndex ~D ~D\n",
    "DirectoryCheckHandler ~B\n",
    "FallbackResource ~D\n",
    "AddHandler ~H x\n",
    "ForceType ~Z\n",
    "SetEnvIf ~F ~R ~v\n",
    "SetEnvIfExpr ~J ~v\n",
    "SetEnv ~v 1\n",
    "Header ~h\n",
    "LimitRequestBody ~K\n",
    "AcceptPathInfo ~B\n", NULL
};
static const char *const lines[] = {
    "~s", "~s", "~s", "~s", "~s", "~s", "~b", NULL
};
static const char *const blocks[] = {
    "<ExpectRequireAny>\nExpectRequire handler ~H\n"
        "ExpectRequire not handler ~H\n~M</ExpectRequireAny>\n",
    "<ExpectRequireAny>\n~C~C~M</ExpectRequireAny>\n",
    "<ExpectRequireAll>\n~C~M</ExpectRequireAll>\n",
    "<ExpectRequireNone>\n~C~M</ExpectRequireNone>\n",
    "<Files ~G>\n~s~s</Files>\n",
    "<If ~J>\n~s~s</If>\n",
    "<If ~J>\n~s</If>\n<Else>\n~s</Else>\n",
    "<Limit ~U>\n~C</Limit>\n",
    "<LimitExcept ~U>\n~C</LimitExcept>\n",
    "<RequireAny>\nRequire ~Q\nRequire ~Q\n</RequireAny>\n",
    "<RequireAll>\nRequire all granted\nRequire not ~Q\n</RequireAll>\n", NULL
};
static const char *const conditions[] = {
    "ExpectRequire ~n~E\n",
    "ExpectRequire ~n~E\n",
    "<ExpectRequireAny>\n~C~C~M</ExpectRequireAny>\n",
    "<ExpectRequireAll>\n~C~M</ExpectRequireAll>\n",
    "<ExpectRequireNone>\n~C~M</ExpectRequireNone>\n", NULL
};
static const char *const more_conditions[] = { "", "~C", "~C~C", NULL };
static const char *const negations[] = { "", "", "not ", NULL };
static const char *const rules[] = {
    "content-length max=5", "content-length max=9", "content-length known",
    "content-length min=2", "content-length max=12 known",
    "content-type image/*", "content-type text/html */*",
    "content-encoding identity", "content-encoding gzip", "header X-Grant",
    "header If-Match a", "precondition", "auth", "handler", "handler fuzz",
    "handler fuzz-early fuzz-part", "user bob", "valid-user",
    "method PUT POST", "env grant", "expr ~J", "ip 127.0.0.1", "all granted",
    "all denied", "free-space 1", NULL
};
static const char *const actions[] = {
    "set", "setifempty", "append", "merge", "add", NULL
};
static const char *const fields[] = {
    "Content-Length", "Transfer-Encoding", "Expect", "Content-Type",
    "Content-Encoding", "X-Grant", "If-Match", "Authorization", "Connection",
    "Trailer", "Accept", "Host", NULL
};
static const char *const values[] = {
    "5", "0", "\"\"", "chunked", "100-continue", "image/png", "text/html",
    "gzip", "1", "\"\\\"a\\\"\"", "\"Basic Ym9iOnNlY3JldA==\"", "close",
    "keep-alive", "expr=%{HTTP:X-Grant}", "application/json", "99999", NULL
};
static const char *const lengths[] = { "0", "3", "5", "40", "1000", NULL };
static const char *const codings[] = {
    "chunked", "identity", "\"gzip, chunked\"", "\"\"", NULL
};
static const char *const when[] = {
    "", "", "", " env=grant", " env=!grant", " \"expr=%{HTTP:X-Grant} == '1'\"",
    NULL
};
static const char *const patterns[] = {
    "^.*$", ".", "^$", "\\d+", "chunked", "^1", NULL
};
/* mod_headers calls itself for each match of edit*, and crashes when the stack
 * is full. These match something, and at most one thing in each value: what is
 * edited again and again, for internal redirects, does not grow. */
static const char *const some_patterns[] = { "5", "1", "chunked", NULL };
/* Not HTTP_IN: httpd 2.4.71 reads for ever where it stands twice. */
static const char *const input_filters[] = {
    "EXPECT", "EXPECT_CONNECTION", "EXPECT;DEFLATE", "DEFLATE;EXPECT",
    "EXPECT;EXPECT_CONNECTION;EXPECT", "DEFLATE", "DEFLATE;DEFLATE", NULL
};
static const char *const output_filters[] = {
    "EXPECT_DROP", "EXPECT_TYPE", "EXPECT_DROP;EXPECT_TYPE", "DEFLATE",
    "DEFLATE;EXPECT_DROP", "INFLATE", NULL
};
static const char *const documents[] = {
    "index.x", "/read", "index.y", "none", "/t/open/x", "/t/max/x", "/early",
    "disabled", "/t/files/index.x", "/t/denied/x", NULL
};
static const char *const handlers[] = {
    "fuzz", "fuzz-early", "fuzz-only", "fuzz-part", "fuzz-fail", "fuzz-poll",
    "fuzz-blind", "fuzz-big", "none", "default-handler", "expect-status",
    "application/x-httpd-x", NULL
};
static const char *const statuses[] = {
    "413", "417", "403", "404", "500", "400", "401", "405", "411", "415", "428",
    NULL
};
static const char *const error_documents[] = {
    "/read", "no", "/t/max/doc.txt", "/t/open/x", "/early", "/t/max/x",
    "/t/files/index.x", "/t/known/", "default", NULL
};
static const char *const rewrite_conditions[] = {
    "", "RewriteCond %{ENV:REDIRECT_STATUS} ^$\n",
    "RewriteCond %{REQUEST_URI} !/x\n",
    "RewriteCond %{HTTP:~F} ~R\n", "RewriteCond %{HTTP:~F} !~R\n", NULL
};
static const char *const rewrite_patterns[] = {
    "^", "x$", "(.*)", "^$", "!y$", NULL
};
static const char *const rewrite_targets[] = {
    "/read", "-", "index.x", "other.y", "/early", "/t/open/x", "/t/max/$1",
    "/t/files/index.x", "doc.txt", "/t/denied/x", "/t/handler/x", NULL
};
static const char *const rewrite_flags[] = {
    "[L]", "", "[END]", "[R]", "[R=413,L]", "[F]", "[G]", "[H=~H]",
    "[E=grant:1]", "[T=image/png]", "[PT]", "[NS,L]", NULL
};
static const char *const status_words[] = { "specific", "417", NULL };
static const char *const require[] = {
    "all granted", "all denied", "valid-user", "user bob", "method PUT",
    "env grant", "expr ~J", "content-length max=7", "content-type image/*",
    "ip 127.0.0.1", NULL
};
static const char *const merging[] = { "Off", "And", "Or", NULL };
static const char *const file_patterns[] = {
    "index.x", "*", "~ ^x", "?", "doc.txt", NULL
};
static const char *const expressions[] = {
    "\"true\"", "\"%{HTTP:X-Grant} == '1'\"", "\"%{REQUEST_METHOD} == 'PUT'\"",
    "\"%{HTTP:Content-Length} -gt 4\"", "\"-n %{HTTP:Transfer-Encoding}\"",
    "\"%{REQUEST_URI} =~ /x$/\"", "\"%{HANDLER} == 'fuzz'\"",
    "\"-z %{HTTP:Expect}\"", "\"%{CONTENT_TYPE} == 'image/png'\"", NULL
};
static const char *const methods[] = { "PUT", "POST", "GET", "PUT PATCH",
                                       NULL };
static const char *const switches[] = { "On", "Off", NULL };
static const char *const types[] = {
    "image/png", "text/html", "application/x-httpd-x", "None", NULL
};
static const char *const variables[] = {
    "grant", "nokeepalive", "downgrade-1.0", "force-response-1.0", "no-gzip",
    "!grant", "EXPECT_VERDICT", NULL
};
static const char *const header_lines[] = {
    "always set Connection keep-alive", "unset Connection",
    "always set Upload-Limit 1", "set Content-Length 3", NULL
};

static const symbol_t symbols[] = {
    { 's', simple_lines }, { 'L', lines }, { 'b', blocks },
    { 'C', conditions }, { 'M', more_conditions }, { 'n', negations },
    { 'E', rules }, { 'A', actions }, { 'r', some_patterns }, { 'F', fields },
    { 'V', values }, { 'K', lengths }, { 'T', codings }, { 'W', when },
    { 'R', patterns }, { 'I', input_filters }, { 'O', output_filters },
    { 'D', documents }, { 'H', handlers }, { 'X', statuses },
    { 'Y', error_documents }, { 'c', rewrite_conditions },
    { 'p', rewrite_patterns }, { 't', rewrite_targets },
    { 'f', rewrite_flags }, { 'S', status_words }, { 'Q', require },
    { 'm', merging }, { 'G', file_patterns }, { 'J', expressions },
    { 'U', methods }, { 'B', switches }, { 'Z', types }, { 'v', variables },
    { 'h', header_lines }
};

typedef struct {
    const unsigned char *genes;
    apr_size_t left;
    apr_array_header_t *text;
} writer_t;

static const char *choose(writer_t *w, char name, int depth)
{
    apr_size_t i, count = 0, gene = 0;

    for (i = 0; symbols[i].name != name; ++i) {
        MUST(i + 1 < sizeof(symbols) / sizeof(symbols[0]), &name);
    }
    while (symbols[i].alternatives[count]) {
        ++count;
    }
    if (w->left && depth < DEPTH_MAX) {
        --w->left;
        gene = *w->genes++;
    }
    return symbols[i].alternatives[gene % count];
}

static void write_alternative(writer_t *w, const char *alternative, int depth)
{
    for (; *alternative; ++alternative) {
        if (*alternative == '~' && apr_isalpha(alternative[1])) {
            ++alternative;
            write_alternative(w, choose(w, *alternative, depth), depth + 1);
        }
        else {
            APR_ARRAY_PUSH(w->text, char) = *alternative;
        }
    }
}

const char *fuzz_htaccess(apr_pool_t *p, const char *genes, apr_size_t size)
{
    writer_t w = { (const unsigned char *)genes, size,
                   apr_array_make(p, 256, sizeof(char)) };
    int count;

    for (count = 0; w.left && count < LINES_MAX; ++count) {
        write_alternative(&w, "~L", 0);
    }
    APR_ARRAY_PUSH(w.text, char) = '\0';
    return w.text->elts;
}
