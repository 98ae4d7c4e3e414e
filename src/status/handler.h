/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/*
 * What was counted, shown: the handler expect-status, and a block in
 * mod_status.
 *
 *     <Location /expect-status>
 *         SetHandler expect-status
 *         Require local
 *     </Location>
 *
 * A page for people; ?format=json and ?format=openmetrics for programs.
 */

#ifndef EXPECT_STATUS_HANDLER_H
#define EXPECT_STATUS_HANDLER_H

#include "httpd.h"

#define EXPECT_STATUS_HANDLER "expect-status"

/**
 * The handler: writes what was counted, in the format that was asked for.
 * @param r a request whose handler is expect-status
 * @return OK, or an HTTP status
 */
int expect_status_answer(request_rec *r);

/** Register mod_status's hook. */
void expect_status_register(void);

#endif
