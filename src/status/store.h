/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/*
 * What becomes of the store that several machines share, in each format.
 * Without ExpectStore nothing is written.
 */

#ifndef EXPECT_STATUS_STORE_H
#define EXPECT_STATUS_STORE_H

#include <jansson.h>

#include "httpd.h"

/** Add the member "store" to an object. */
void expect_store_json(json_t *root);

/** Write metrics in OpenMetrics 1.0. */
void expect_store_metrics(request_rec *r);

/** Write a sentence for the status page. */
void expect_store_html(request_rec *r);

/** Write lines of mod_status's ?auto. */
void expect_store_auto(request_rec *r);

#endif
