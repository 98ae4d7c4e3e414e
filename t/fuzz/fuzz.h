/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/*
 * What fuzz targets share. A target is one row of the table in mod_fuzz.c: it
 * reads an input of any bytes, calls the module with it, and must not return
 * if a promise of the module's headers is broken.
 */

#ifndef FUZZ_H
#define FUZZ_H

#include <stddef.h>

#include "httpd.h"
#include "http_config.h"

/** What a target is called with: once for each input. */
typedef struct fuzz_input_t {
    /** for all that the run needs; cleared behind it */
    apr_pool_t *pool;
    /** size bytes of any value, and a NUL right at the end of what may be
     *  read */
    char *text;
    apr_size_t size;
} fuzz_input_t;

/** The server that the targets run in: a real one, its configuration read. */
extern server_rec *fuzz_server;

/** The end of a run that shows a defect: says what, and aborts. */
void fuzz_fail(const char *file, int line, const char *what,
               const char *text);

/** A promise. The text, or NULL, is shown if it is broken. */
#define MUST(condition, text) \
    ((condition) ? (void)0 : fuzz_fail(__FILE__, __LINE__, #condition, text))

/**
 * Cut a line off the text.
 * @param text in: where to read; out: behind the line; NULL behind the last
 * @return the line, its LF replaced by NUL; "" if there was none left
 */
char *fuzz_line(char **text);

/**
 * Read header fields as httpd hands them to modules.
 * @param p    pool for the table
 * @param text lines "Name: value"; changed
 * @return the fields, those of the same name joined by ", "
 */
apr_table_t *fuzz_fields(apr_pool_t *p, char *text);

/**
 * Make a connection to the server.
 * @param p      pool for it
 * @param fd     the server's end
 * @param socket set to what the server reads from
 */
conn_rec *fuzz_connection(apr_pool_t *p, int fd, apr_socket_t **socket);

/**
 * Make a request on a connection that goes nowhere.
 * @param in the run
 * @return a PUT, with the configuration of the main server; to be destroyed by
 *         its pool
 */
request_rec *fuzz_request(fuzz_input_t *in);

/** Whether text may be read as configuration: not if it would change the
 *  process, look at files or ask the network. */
int fuzz_is_harmless(const char *text);

/**
 * Open a text as a file of the configuration.
 * @param p    pool for it
 * @param name how messages call it
 * @param text what stands there; kept
 */
ap_configfile_t *fuzz_config(apr_pool_t *p, const char *name,
                             const char *text);

/**
 * Read a section of the configuration by httpd's own parser.
 * @param p           pool for the section
 * @param text        what is written there
 * @param is_htaccess as an .htaccess of AllowOverride AuthConfig Limit; else as
 *                    a <Directory>
 * @param section     set to what was read, unless there is an error
 * @return NULL, or the message of what is wrong
 */
const char *fuzz_section(apr_pool_t *p, const char *text, int is_htaccess,
                         ap_conf_vector_t **section);

/** Whether all text is graphic ASCII or a space. */
int fuzz_is_clean(const char *text);

/* The targets. */
void fuzz_head(fuzz_input_t *in);
void fuzz_size(fuzz_input_t *in);
void fuzz_rule(fuzz_input_t *in);
void fuzz_tree(fuzz_input_t *in);
void fuzz_decide(fuzz_input_t *in);
void fuzz_text(fuzz_input_t *in);
void fuzz_answer(fuzz_input_t *in);
void fuzz_ledger(fuzz_input_t *in);
void fuzz_status(fuzz_input_t *in);
void fuzz_requests(fuzz_input_t *in);

/** Register what fuzz_requests() needs of the server. */
void fuzz_request_hooks(void);

#endif
