/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/*
 * How sections and their rules are shown to the administrator.
 *
 *         all of
 *           content-length max=100M                  head   httpd.conf:12
 *           any of                                          httpd.conf:13
 *             ip 10.0.0.0/8                          head   httpd.conf:14
 *             auth                                   auth   httpd.conf:15
 */

#include <string.h>

#include "httpd.h"
#include "http_config.h"
#include "http_protocol.h"
#include "util_varbuf.h"

#include "apr_strings.h"

#include "count/text.h"
#include "explain/show.h"

const char *expect_show_safely(apr_pool_t *p, const char *text,
                               apr_size_t length)
{
    static const char hex[] = "0123456789abcdef";
    static const char plain[] = "\n\r\t", letters[] = "nrt";
    const char *end = text + length;
    char *safe = apr_palloc(p, 4 * length + 1);
    char *to = safe;

    while (text < end) {
        const char *letter = *text ? strchr(plain, *text) : NULL;
        int shown = expect_text_shown(text);

        if (shown && shown <= end - text) {
            memcpy(to, text, shown);
            to += shown;
            text += shown;
            continue;
        }
        *to++ = '\\';
        if (letter) {
            *to++ = letters[letter - plain];
        }
        else {
            *to++ = 'x';
            *to++ = hex[(unsigned char)*text >> 4];
            *to++ = hex[*text & 0xf];
        }
        ++text;
    }
    *to = '\0';
    return safe;
}

const char *expect_show_line(apr_pool_t *p, const char *format, va_list args)
{
    const char *text = apr_pvsprintf(p, format, args);

    return apr_pstrcat(p, expect_show_safely(p, text, strlen(text) - 1), "\n",
                       NULL);
}

void expect_show_print(apr_pool_t *p, apr_file_t *out, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    apr_file_puts(expect_show_line(p, format, args), out);
    va_end(args);
}

const char *expect_show_settings(apr_pool_t *p, const expect_dir_conf_t *conf)
{
    static const expect_dir_conf_t defaults;

    if (!conf) {
        conf = &defaults;
    }
    return apr_psprintf(p, "engine %s, status %s, scope %s",
                        expect_engine_words[conf->engine],
                        expect_status_words[conf->status],
                        expect_scope_words[conf->scope]);
}

const ap_directive_t *expect_show_find(const ap_directive_t *tree,
                                       const char *name, const char *part)
{
    const ap_directive_t *found = NULL;

    for (; tree && !found; tree = tree->next) {
        found = !strcasecmp(tree->directive, name)
                        && ap_strstr_c(tree->args, part)
                    ? tree
                    : expect_show_find(tree->first_child, name, part);
    }
    return found;
}

const char *expect_show_server(apr_pool_t *p, const server_rec *s)
{
    return s->is_virtual
               ? apr_psprintf(p, "VirtualHost %s:%u (%s:%u)",
                              s->server_hostname,
                              (unsigned)s->addrs->host_port, s->defn_name,
                              s->defn_line_number)
               : "Server";
}

/* --- a tree -------------------------------------------------------------- */

/* The column of the stages, where the text leaves room for it. */
#define STAGE_COLUMN 52

typedef struct {
    apr_pool_t *p;
    struct ap_varbuf lines;
    expect_show_note_t *note;
    void *data;
} show_t;

static const char *show_indent(apr_pool_t *p, int depth)
{
    return apr_psprintf(p, "%*s", 2 * depth, "");
}

static void show_line(show_t *s, int depth, const char *text)
{
    const char *line = apr_pstrcat(s->p, show_indent(s->p, depth),
                                   expect_show_safely(s->p, text,
                                                      strlen(text)),
                                   "\n", NULL);

    ap_varbuf_strcat(&s->lines, line);
}

/* The methods of <Limit> or <LimitExcept>; HEAD goes with GET. */
static const char *show_methods(apr_pool_t *p, apr_int64_t mask)
{
    int except = mask < 0;
    apr_array_header_t *words = apr_array_make(p, 8, sizeof(const char *));
    int i;

    if (mask == -1) {
        return "";
    }
    for (i = 0; i < METHODS; ++i) {
        const char *name = i == M_GET ? "GET"
                           : i == M_INVALID ? NULL : ap_method_name_of(p, i);

        if (name && ((mask >> i) & 1) != except) {
            APR_ARRAY_PUSH(words, const char *) = name;
        }
    }
    return apr_psprintf(p, "  (in <Limit%s %s>)", except ? "Except" : "",
                        apr_array_pstrcat(p, words, ' '));
}

static void show_place(show_t *s, int depth, const char *text,
                       const char *stage, const expect_rule_t *rule)
{
    show_line(s, 0, apr_psprintf(s->p, "%-*s %-10s %s:%u%s", STAGE_COLUMN,
                                 apr_pstrcat(s->p, show_indent(s->p, depth),
                                             text, NULL),
                                 stage, rule->file, rule->line,
                                 show_methods(s->p, rule->limited)));
}

static void show_leaf(show_t *s, const expect_rule_t *rule, int depth)
{
    /* a provider may look at the user, or not; and what remembers is evaluated
     * last, however early its key is known */
    const char *stage =
        rule->earliest == rule->final
            ? expect_stage_name(rule->final)
        : rule->remembers
            ? apr_pstrcat(s->p, expect_stage_name(rule->earliest), ", last",
                          NULL)
            : apr_pstrcat(s->p, expect_stage_name(rule->earliest), "/",
                          expect_stage_name(rule->final), NULL);
    const char *note = s->note ? s->note(s->data, rule) : NULL;

    show_place(s, depth, rule->text, stage, rule);
    if (note) {
        show_line(s, depth + 1, note);
    }
}

static void show_rule(show_t *s, const expect_rule_t *rule,
                      expect_kind_e parent, int depth)
{
    static const char *const names[] = { "", "all of", "any of", "none of" };
    int i;

    if (rule->kind == EXPECT_RULE) {
        show_leaf(s, rule, depth);
        return;
    }
    if (!rule->file && rule->kind == EXPECT_ALL && parent == EXPECT_ALL) {
        /* sections that must all hold are shown as one list */
        --depth;
    }
    else if (rule->file) {
        show_place(s, depth, names[rule->kind], "", rule);
    }
    else {
        /* a section's own rules, or two sections joined */
        show_line(s, depth, names[rule->kind]);
    }
    for (i = 0; i < rule->children->nelts; ++i) {
        show_rule(s, APR_ARRAY_IDX(rule->children, i, const expect_rule_t *),
                  rule->kind, depth + 1);
    }
}

const char *expect_show_rules(apr_pool_t *p, const expect_rule_t *rules,
                              int depth, expect_show_note_t *note, void *data)
{
    show_t s = { .p = p, .note = note, .data = data };

    ap_varbuf_init(p, &s.lines, 0);
    show_rule(&s, rules, EXPECT_RULE, depth);
    return s.lines.buf;
}
