/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/*
 * Text of any origin, made valid UTF-8 that is bounded and has no control
 * characters.
 */

#include <string.h>

#include "count/text.h"

/* Hidden are controls, characters that turn the direction of writing,
 * surrogates, and what Unicode keeps free. */
static int text_is_hidden(apr_uint32_t c)
{
    static const struct {
        apr_uint32_t first, last;
    } hidden[] = {
        { 0, 0x1f }, { 0x7f, 0x9f }, { 0x200e, 0x200f }, { 0x2028, 0x202e },
        { 0x2066, 0x2069 }, { 0xd800, 0xdfff }, { 0x110000, 0xffffffff }
    };
    apr_size_t i;

    for (i = 0; i < sizeof(hidden) / sizeof(hidden[0]); ++i) {
        if (c >= hidden[i].first && c <= hidden[i].last) {
            return 1;
        }
    }
    return (c & 0xfffe) == 0xfffe;
}

/* UTF-8 as in RFC 3629: nothing overlong, nothing over U+10FFFF. */
int expect_text_shown(const char *text)
{
    const unsigned char *s = (const unsigned char *)text;
    static const apr_uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
    int length = *s < 0x80 ? 1 : *s < 0xc2 ? 0 : *s < 0xe0 ? 2
                 : *s < 0xf0 ? 3 : *s < 0xf5 ? 4 : 0;
    apr_uint32_t c = length > 1 ? *s & (0x7f >> length) : *s;
    int i;

    for (i = 1; i < length; ++i) {
        if ((s[i] & 0xc0) != 0x80) {
            return 0;
        }
        c = c << 6 | (s[i] & 0x3f);
    }
    return length && c >= least[length] && !text_is_hidden(c) ? length : 0;
}

/* There is no room for more: three dots replace the last whole characters. */
static void text_end_in_dots(const char *start, char *at)
{
    while (at > start && ((unsigned char)*at & 0xc0) == 0x80) {
        --at;
    }
    memcpy(at, "...", 4);
}

void expect_text_copy(char *to, apr_size_t size, const char *from)
{
    const unsigned char *s = (const unsigned char *)from;
    char *start = to;
    char *end = to + size - 1;
    int length;

    for (;;) {
        while (to < end && *s >= 0x20 && *s < 0x7f) {
            *to++ = (char)*s++;
        }
        if (!*s) {
            *to = '\0';
            return;
        }
        length = expect_text_shown((const char *)s);
        if (end - to < (length ? length : 1)) {
            *to = '\0';
            text_end_in_dots(start, to > end - 3 ? end - 3 : to);
            return;
        }
        if (!length) {
            *to++ = '?';
            ++s;
        }
        while (length--) {
            *to++ = (char)*s++;
        }
    }
}
