/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/*
 * The addresses of a host.
 */

#include <netdb.h>
#include <string.h>

#include <sys/socket.h>

#include "apr_strings.h"

#include "redis/addresses.h"

void redis_addresses_find(const char *host, redis_addresses_t *addresses)
{
    struct addrinfo hints, *found = NULL, *one;
    int error;

    memset(addresses, 0, sizeof(*addresses));
    memset(&hints, 0, sizeof(hints));
    hints.ai_family = AF_UNSPEC;
    hints.ai_socktype = SOCK_STREAM;
    error = getaddrinfo(host, NULL, &hints, &found);
    if (error) {
        (void)apr_cpystrn(addresses->reason, gai_strerror(error),
                          sizeof(addresses->reason));
        return;
    }
    for (one = found; one && addresses->n < REDIS_ADDRESSES;
         one = one->ai_next) {
        if (getnameinfo(one->ai_addr, one->ai_addrlen,
                        addresses->text[addresses->n], REDIS_ADDRESS_LENGTH,
                        NULL, 0, NI_NUMERICHOST) == 0) {
            ++addresses->n;
        }
    }
    freeaddrinfo(found);
}

void redis_addresses_turn(redis_process_t *process, const char *late)
{
    redis_addresses_t *addresses = &process->addresses;
    char first[REDIS_ADDRESS_LENGTH];
    int i;

    if (!redis_process_lock(process)) {
        return;
    }
    if (addresses->n > 1 && !strcmp(addresses->text[0], late)) {
        memcpy(first, addresses->text[0], sizeof(first));
        for (i = 1; i < addresses->n; ++i) {
            memcpy(addresses->text[i - 1], addresses->text[i], sizeof(first));
        }
        memcpy(addresses->text[i - 1], first, sizeof(first));
    }
    redis_process_unlock(process);
}
