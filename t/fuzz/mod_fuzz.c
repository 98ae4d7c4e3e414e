/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/*
 * mod_fuzz: runs a fuzz target inside httpd, once its configuration is read
 * and before it serves: so all that the module calls is real. t/fuzz/run loads
 * it, under httpd -X, and says in the environment what to do:
 *
 *     FUZZ_TARGET   the row of the table below
 *     FUZZ_REPLAY   run each file of this folder once, or
 *     FUZZ_ARGS     lines for libFuzzer; the first is its argv[0]
 *
 * Only a build with -DFUZZ_LIBFUZZER has libFuzzer in it.
 */

#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fuzz.h"

#include "ap_listen.h"
#include "http_config.h"
#include "http_connection.h"

#include "apr_file_info.h"
#include "apr_file_io.h"
#include "apr_lib.h"
#include "apr_strings.h"

static const struct {
    const char *name;
    void (*run)(fuzz_input_t *in);
} targets[] = {
    { "head", fuzz_head },
    { "size", fuzz_size },
    { "rule", fuzz_rule },
    { "tree", fuzz_tree },
    { "decide", fuzz_decide },
    { "text", fuzz_text },
    { "answer", fuzz_answer },
    { "ledger", fuzz_ledger },
    { "status", fuzz_status },
    { "request", fuzz_requests }
};

server_rec *fuzz_server;

static apr_pool_t *root;
static void (*run)(fuzz_input_t *in);
/* the caller's stderr: httpd puts its error log there */
static int real_stderr = -1;

/* --- for targets --------------------------------------------------------- */

void fuzz_fail(const char *file, int line, const char *what, const char *text)
{
    fprintf(stderr, "FUZZ: %s:%d: not so: %s\n", file, line, what);
    if (text) {
        fprintf(stderr, "FUZZ: in: %s\n", text);
    }
    abort();
}

char *fuzz_line(char **text)
{
    char *line = *text;
    char *end;

    if (!line) {
        return "";
    }
    end = strchr(line, '\n');
    *text = end ? end + 1 : NULL;
    if (end) {
        *end = '\0';
    }
    return line;
}

apr_table_t *fuzz_fields(apr_pool_t *p, char *text)
{
    apr_table_t *fields = apr_table_make(p, 8);

    while (text) {
        char *line = fuzz_line(&text);
        char *colon = strchr(line, ':');

        if (colon && colon != line) {
            *colon++ = '\0';
            apr_table_mergen(fields, line, colon + strspn(colon, " \t"));
        }
    }
    return fields;
}

int fuzz_is_clean(const char *text)
{
    for (; *text; ++text) {
        if (*text < 0x20 || *text > 0x7e) {
            return 0;
        }
    }
    return 1;
}

/* --- running ------------------------------------------------------------- */

static int run_one(const uint8_t *bytes, size_t size)
{
    char *text = malloc(size + 1);
    fuzz_input_t in = { root, text, size };

    /* libFuzzer's own first call has none */
    if (size) {
        memcpy(text, bytes, size);
    }
    text[size] = '\0';
    run(&in);
    apr_pool_clear(root);
    free(text);
    return 0;
}

static void run_file(const char *name)
{
    FILE *file = fopen(name, "rb");
    static uint8_t bytes[1 << 20];
    size_t size = file ? fread(bytes, 1, sizeof(bytes), file) : 0;

    if (!file || fclose(file)) {
        perror(name);
        exit(1);
    }
    /* whatever ends the process: which input it was */
    fprintf(stderr, "%s\n", name);
    run_one(bytes, size);
}

static int replay(apr_pool_t *p, const char *folder)
{
    apr_finfo_t entry;
    apr_dir_t *dir;
    int files = 0;

    if (apr_dir_open(&dir, folder, p) != APR_SUCCESS) {
        perror(folder);
        return 1;
    }
    while (apr_dir_read(&entry, APR_FINFO_NAME, dir) == APR_SUCCESS) {
        if (entry.name[0] != '.') {
            run_file(apr_pstrcat(p, folder, "/", entry.name, NULL));
            ++files;
        }
    }
    fprintf(stderr, "replayed %d inputs\n", files);
    return files == 0;
}

#ifdef FUZZ_LIBFUZZER
extern int LLVMFuzzerRunDriver(int *argc, char ***argv,
                               int (*callback)(const uint8_t *, size_t));

static int fuzz(apr_pool_t *p, char *args)
{
    apr_array_header_t *words = apr_array_make(p, 8, sizeof(char *));
    char **argv;
    int argc;

    while (args && *args) {
        APR_ARRAY_PUSH(words, char *) = fuzz_line(&args);
    }
    argc = words->nelts;
    APR_ARRAY_PUSH(words, char *) = NULL;
    argv = (char **)words->elts;
    return LLVMFuzzerRunDriver(&argc, &argv, run_one);
}
#else
static int fuzz(apr_pool_t *p, const char *args)
{
    (void)p;
    (void)args;
    fprintf(stderr, "mod_fuzz: built without libFuzzer\n");
    return 1;
}
#endif

static void take_back_stderr(apr_pool_t *p, server_rec *s)
{
    sigset_t none;

    /* millions of lines: targets read them in a hook */
    apr_file_open(&s->error_log, "/dev/null", APR_WRITE, APR_OS_DEFAULT, p);
    dup2(real_stderr, STDERR_FILENO);
    /* the MPM has blocked all, crashes and alarms too */
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
}

/* Without what httpd does at the end of a process. */
static void leave(int status)
{
#ifdef EXPECT_COVERAGE
    extern void __gcov_dump(void);

    __gcov_dump();
#endif
    _exit(status);
}

static void fuzz_child_init(apr_pool_t *p, server_rec *s)
{
    const char *name = getenv("FUZZ_TARGET");
    const char *folder = getenv("FUZZ_REPLAY");
    char *args = getenv("FUZZ_ARGS");
    apr_size_t i;

    take_back_stderr(p, s);
    /* libFuzzer may start another one beside this */
    ap_close_listeners();
    fuzz_server = s;
    apr_pool_create(&root, p);
    for (i = 0; i < sizeof(targets) / sizeof(targets[0]); ++i) {
        if (name && !strcmp(name, targets[i].name)) {
            run = targets[i].run;
        }
    }
    if (!run) {
        fprintf(stderr, "mod_fuzz: FUZZ_TARGET names no target\n");
        _exit(1);
    }
    leave(folder ? replay(p, folder)
                 : fuzz(p, args ? apr_pstrdup(p, args) : NULL));
}

static void fuzz_register_hooks(apr_pool_t *p)
{
    (void)p;
    if (real_stderr < 0) {
        real_stderr = dup(STDERR_FILENO);
    }
    fuzz_request_hooks();
    ap_hook_child_init(fuzz_child_init, NULL, NULL, APR_HOOK_REALLY_LAST);
}

AP_DECLARE_MODULE(fuzz) = {
    STANDARD20_MODULE_STUFF,
    NULL,
    NULL,
    NULL,
    NULL,
    NULL,
    fuzz_register_hooks,
#ifdef AP_MODULE_FLAG_NONE
    AP_MODULE_FLAG_NONE
#endif
};
