/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/*
 * What the target `request` knows of a connection by itself, without the module
 * and without httpd: what was sent, and what may come of it.
 */

#ifndef WITNESS_H
#define WITNESS_H

#include "httpd.h"

/** No bound on the bytes of content that may be read. */
#define FUZZ_NO_MAX ((apr_off_t)-1)

/** A request's head, as it was sent. */
typedef struct {
    /** NULL where it could not be read */
    const apr_table_t *fields;
    const char *path;
    const char *method;
    int proto_num;
} fuzz_head_t;

/** A request's content, as its head frames it in what was sent. */
typedef struct {
    /** without the chunks' framing; as far as it makes sense */
    char *bytes;
    apr_size_t size;
    /** where each byte of it stands in what was sent */
    apr_size_t *at;
    /** where a next request begins; 0: there cannot be one */
    apr_size_t end;
    /** nobody can tell where it ends */
    int is_broken;
} fuzz_content_t;

/** What the administrator's rules in httpd.conf say of a request. */
typedef struct {
    /** there are some for it */
    int is_judged;
    /** its content is admitted, as far as can be told from the head */
    int is_admitted;
    /** that many bytes of it, or FUZZ_NO_MAX */
    apr_off_t max;
    /** nobody reads more than that from the network either */
    int is_counted;
    /** a filter of the administrator's changes content */
    int is_changed;
} fuzz_ceiling_t;

/**
 * Make an .htaccess.
 * @param p     pool for it
 * @param genes bytes that choose
 * @param size  how many
 * @return lines of configuration
 */
const char *fuzz_htaccess(apr_pool_t *p, const char *genes, apr_size_t size);

/** A field of a head, or NULL. */
const char *fuzz_field(const fuzz_head_t *head, const char *name);

/** Whether a head announces content. */
int fuzz_has_content(const fuzz_head_t *head);

/** Whether a head asks for 100 Continue. */
int fuzz_asks(const fuzz_head_t *head);

/**
 * Find the content of a request.
 * @param p     pool for it
 * @param head  its head
 * @param bytes all that was sent
 * @param size  how many bytes
 * @param from  where the head ended
 */
fuzz_content_t fuzz_frame(apr_pool_t *p, const fuzz_head_t *head,
                          const char *bytes, apr_size_t size, apr_size_t from);

/**
 * What the administrator lets.
 * @param head    the request's head
 * @param handler who reads: NULL before that is known
 * @param user    who has logged in, or NULL
 */
fuzz_ceiling_t fuzz_ceiling(const fuzz_head_t *head, const char *handler,
                            const char *user);

#endif
