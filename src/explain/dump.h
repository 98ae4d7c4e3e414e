/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/*
 * httpd -t -D DUMP_EXPECT: the rules in force in every section, or the answers
 * to ExpectExplain.
 */

#ifndef EXPECT_DUMP_H
#define EXPECT_DUMP_H

/** Register the hook. */
void expect_dump_register(void);

#endif
