/*
 * Reads a field of a response's head: for the clients of the bench and the
 * soak, which are built from one file each.
 */
#ifndef FIELD_H
#define FIELD_H

#include <string.h>
#include <strings.h>

/* A field's value in a head, NULL if it is not there. */
static const char *field(const char *head, const char *name)
{
    const char *line = head;
    size_t len = strlen(name);

    while ((line = strstr(line, "\r\n"))) {
        line += 2;
        if (!strncasecmp(line, name, len) && line[len] == ':') {
            return line + len + 1 + strspn(line + len + 1, " \t");
        }
    }
    return NULL;
}

#endif
