/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/*
 * Text of any origin, made fit for shared memory and for every reader of it:
 * valid UTF-8 that is bounded and has no control characters.
 *
 * apr_pescape_echo() is no replacement. It is not bounded, it doubles every
 * backslash, and it shows each letter outside of ASCII as \xHH.
 *
 * Knows APR only, no httpd.
 */

#ifndef EXPECT_TEXT_H
#define EXPECT_TEXT_H

#include "apr.h"

/**
 * Copy text of any origin.
 * @param to   size bytes; becomes valid UTF-8, ended by NUL, with "..." at its
 *             end if not all fits. Each byte that is not UTF-8 (RFC 3629) and
 *             each byte of a hidden character (see expect_text_shown())
 *             becomes "?"
 * @param size bytes at to, 4 at least
 * @param from the text
 */
void expect_text_copy(char *to, apr_size_t size, const char *from);

/**
 * Look at one character of text of any origin.
 * @param text no byte behind its NUL is looked at
 * @return how many bytes the first character has; 0: it is not UTF-8, or it is
 *         hidden: a control character, a character that turns the direction of
 *         writing, or a noncharacter of Unicode
 */
int expect_text_shown(const char *text);

#endif
