/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/*
 * A call of the script: each argument as a bulk string of the protocol.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "redis/command.h"

/* Of an argument, what goes before it and behind it. */
#define FRAME 32

static void buffer_begin(redis_buffer_t *buffer)
{
    buffer->bytes = buffer->fixed;
    buffer->room = sizeof(buffer->fixed);
    buffer->length = 0;
    buffer->n = 0;
}

static int buffer_grow(redis_buffer_t *buffer, apr_size_t wanted)
{
    apr_size_t room = buffer->room;
    char *bytes;

    while (room < wanted) {
        room *= 2;
    }
    if (room == buffer->room) {
        return 1;
    }
    bytes = buffer->bytes == buffer->fixed ? malloc(room)
                                           : realloc(buffer->bytes, room);
    if (!bytes) {
        return 0;
    }
    if (buffer->bytes == buffer->fixed) {
        memcpy(bytes, buffer->fixed, buffer->length);
    }
    buffer->bytes = bytes;
    buffer->room = room;
    return 1;
}

static void command_add(redis_command_t *command, redis_buffer_t *buffer,
                        const char *text)
{
    apr_size_t length = strlen(text);

    if (command->is_broken
        || !buffer_grow(buffer, buffer->length + length + FRAME)) {
        command->is_broken = 1;
        return;
    }
    buffer->length += snprintf(buffer->bytes + buffer->length, FRAME,
                               "$%lu\r\n", (unsigned long)length);
    memcpy(buffer->bytes + buffer->length, text, length);
    buffer->length += length;
    memcpy(buffer->bytes + buffer->length, "\r\n", 2);
    buffer->length += 2;
    ++buffer->n;
}

void redis_command_begin(redis_command_t *command, const char *name)
{
    command->is_broken = 0;
    buffer_begin(&command->keys);
    buffer_begin(&command->args);
    redis_command_text(command, name);
}

void redis_command_free(redis_command_t *command)
{
    if (command->keys.bytes != command->keys.fixed) {
        free(command->keys.bytes);
    }
    if (command->args.bytes != command->args.fixed) {
        free(command->args.bytes);
    }
}

void redis_command_key(redis_command_t *command, const char *key)
{
    command_add(command, &command->keys, key);
}

void redis_command_text(redis_command_t *command, const char *text)
{
    command_add(command, &command->args, text);
}

void redis_command_number(redis_command_t *command, apr_int64_t number)
{
    char text[32];

    (void)snprintf(text, sizeof(text), "%" APR_INT64_T_FMT, number);
    redis_command_text(command, text);
}

int redis_command_append(const redis_command_t *command,
                         redisContext *context, const char *script,
                         const char *sha)
{
    const redis_buffer_t *keys = &command->keys, *args = &command->args;
    const char *text = script ? script : sha;
    char head[64], numbers[64];

    if (command->is_broken) {
        return 0;
    }
    (void)snprintf(head, sizeof(head), "*%d\r\n%s\r\n$%lu\r\n",
                   3 + keys->n + args->n,
                   script ? "$4\r\nEVAL" : "$7\r\nEVALSHA",
                   (unsigned long)strlen(text));
    (void)snprintf(numbers, sizeof(numbers), "%d", keys->n);
    (void)snprintf(numbers, sizeof(numbers), "\r\n$%d\r\n%d\r\n",
                   (int)strlen(numbers), keys->n);
    return redisAppendFormattedCommand(context, head, strlen(head)) == REDIS_OK
           && redisAppendFormattedCommand(context, text, strlen(text))
                  == REDIS_OK
           && redisAppendFormattedCommand(context, numbers, strlen(numbers))
                  == REDIS_OK
           && redisAppendFormattedCommand(context, keys->bytes, keys->length)
                  == REDIS_OK
           && redisAppendFormattedCommand(context, args->bytes, args->length)
                  == REDIS_OK;
}
