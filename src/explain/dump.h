/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/*
 * httpd -t -D DUMP_EXPECT: the rules in force in every section, or the answers
 * to ExpectExplain.
 *
 * This room can be removed as a whole, with the two lines in mod_expect.c that
 * refer to it: the call below, and the directive ExpectExplain (query.h) with
 * their includes. Nothing else knows it; judge/trace.h has the observer that it
 * sets.
 */

#ifndef EXPECT_DUMP_H
#define EXPECT_DUMP_H

/** Register the hooks. */
void expect_dump_register(void);

#endif
