/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/*
 * Which handler will run for a request.
 */

#ifndef EXPECT_TARGET_H
#define EXPECT_TARGET_H

struct request_rec;

/**
 * The handler that will run.
 * @param r a request whose handler is known
 * @return its name; "proxy-server" for any SetHandler "proxy:..."
 */
const char *expect_target_handler(const struct request_rec *r);

/**
 * Whether that handler takes content. httpd's file handlers do not: they send
 * what is stored.
 * @param r a request whose handler is known
 * @return 1 or 0
 */
int expect_target_takes_content(const struct request_rec *r);

/**
 * Whether mod_rewrite has found another target in the directory: then an
 * internal redirect comes next, and the handler is not known before. The
 * handler's name alone is not enough: SetHandler can set any name.
 * @param r a request whose handler is known
 * @return 1 or 0
 */
int expect_target_is_rewritten(const struct request_rec *r);

#endif
