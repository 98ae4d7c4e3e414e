/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/*
 * The version. CHANGES and the packages have it too, in their own form; "make
 * check-static" compares.
 */

#ifndef EXPECT_VERSION_H
#define EXPECT_VERSION_H

#define EXPECT_VERSION "1.0.0"

#endif
