/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/*
 * The readers of the counters: the handler expect-status, and a block in
 * mod_status.
 *
 *     <Location /expect-status>
 *         SetHandler expect-status
 *         Require local
 *     </Location>
 *
 * The handler answers with a page for people, and with ?format=json and
 * ?format=openmetrics for programs.
 */

#ifndef EXPECT_SERVE_H
#define EXPECT_SERVE_H

#include "httpd.h"

#define EXPECT_STATUS_HANDLER "expect-status"

/**
 * The handler: writes the counters in the requested format.
 * @param r a request whose handler is expect-status
 * @return OK, or an HTTP status
 */
int expect_status_answer(request_rec *r);

/** Register mod_status's hook: mod_status.c. */
void expect_status_register(void);

#endif
