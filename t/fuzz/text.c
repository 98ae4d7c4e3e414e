/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/*
 * Text of any origin, copied for the status page: the copy is always UTF-8, has
 * no controls, fits into its room, and does not change text that is in order.
 */

#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "fuzz.h"

#include "count/text.h"

#define ROOM_MAX 64

static int is_utf8(const char *text)
{
    json_t *string = json_string(text);

    json_decref(string);
    return string != NULL;
}

/* C0, DEL, C1, line and paragraph separator, and turns of the direction. */
static int has_control(const char *text)
{
    const unsigned char *c = (const unsigned char *)text;

    for (; *c; ++c) {
        if (*c < 0x20 || *c == 0x7f || (c[0] == 0xc2 && c[1] < 0xa0)) {
            return 1;
        }
        if (c[0] == 0xe2 && c[1] == 0x80
            && ((c[2] >= 0xa8 && c[2] <= 0xae) || c[2] == 0x8e
                || c[2] == 0x8f)) {
            return 1;
        }
        if (c[0] == 0xe2 && c[1] == 0x81 && c[2] >= 0xa6 && c[2] <= 0xa9) {
            return 1;
        }
    }
    return 0;
}

/* U+FFFE, U+FFFF and their like are in UTF-8, and are replaced as well. */
static int has_nonchar(const char *text)
{
    const unsigned char *c = (const unsigned char *)text;

    for (; *c; ++c) {
        if (*c >= 0xef && (c[1] & 0x8f) % 0x10 == 0x0f && c[1] && c[2]) {
            return 1;
        }
    }
    return 0;
}

void fuzz_text(fuzz_input_t *in)
{
    apr_size_t room = in->size ? 4 + (unsigned char)in->text[0] % ROOM_MAX
                               : 4;
    const char *text = in->size ? in->text + 1 : in->text;
    char *copy = malloc(room);
    char *again = malloc(room);

    memset(copy, 'x', room);
    expect_text_copy(copy, room, text);
    MUST(memchr(copy, '\0', room), NULL);
    MUST(is_utf8(copy) && !has_control(copy), copy);
    expect_text_copy(again, room, copy);
    MUST(!strcmp(copy, again), copy);
    if (strlen(text) < room) {
        MUST(strlen(copy) <= strlen(text), copy);
        MUST(!strcmp(copy, text) || !is_utf8(text) || has_control(text)
             || has_nonchar(text), copy);
    }
    else {
        /* at most a character has no room any more */
        MUST(strlen(copy) + 4 >= room, copy);
    }
    free(copy);
    free(again);
}
