/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/*
 * The bounds of ExpectLinger: how long and how much the connection of a refused
 * client may go on.
 */

#ifndef EXPECT_BOUNDS_H
#define EXPECT_BOUNDS_H

#include "apr.h"
#include "apr_time.h"

struct server_rec;

/** What a connection may take until it is reset. */
typedef struct expect_bounds_t {
    /** microseconds in all, and without a byte */
    apr_interval_time_t time;
    apr_interval_time_t idle;
    /** bytes; negative: any number */
    apr_int64_t max;
} expect_bounds_t;

/** ExpectLinger of a server or virtual host. */
typedef struct expect_linger_t {
    /** the connection is closed at once, whatever the bounds */
    int is_off;
    expect_bounds_t bounds;
} expect_linger_t;

/**
 * The value of ExpectLinger in force.
 * @param s a server or virtual host
 * @return the value set there, else the defaults; never NULL
 */
const expect_linger_t *expect_linger_of(const struct server_rec *s);

#endif
