/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/*
 * The ledger of this server: in shared memory that is made once, and kept until
 * httpd is stopped.
 */

#ifndef EXPECT_LEDGER_SERVER_H
#define EXPECT_LEDGER_SERVER_H

#include "httpd.h"
#include "http_config.h"

#include "ledger/ledger.h"

/**
 * The ledger.
 * @return NULL if there is no shared memory, or not yet
 */
expect_ledger_t *expect_server_ledger(void);

/**
 * Whether there is no server, but a test of its configuration: nothing is in
 * flight then, and nothing can be taken.
 */
int expect_server_is_absent(void);

/**
 * The bytes that key its hashes: random, the same for all processes until httpd
 * is stopped.
 */
const unsigned char *expect_server_secret(void);

/**
 * ExpectLedger: how many keys are remembered.
 * @param keys 1 or more
 */
void expect_server_set_keys(apr_uint32_t keys);

/** Register the hooks that make the memory and join it. */
void expect_server_register(void);

#endif
