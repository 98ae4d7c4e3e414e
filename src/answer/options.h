/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/*
 * What a client can learn before it sends anything.
 */

#ifndef EXPECT_OPTIONS_H
#define EXPECT_OPTIONS_H

#include "httpd.h"

/**
 * Announce the rules that hold at the target for every request:
 * Upload-Limit (draft-ietf-httpbis-resumable-upload), Accept-Post (Linked
 * Data Platform 1.0, 7.1) and Accept-Patch (RFC 5789, 3.1). Of rules that
 * remember, it announces what this server knows.
 * @param r an OPTIONS request whose section is known
 */
void expect_options_announce(request_rec *r);

/**
 * The same, once the user is known, where rules remember: by their keys, and
 * from the store if there is one.
 * @param r an OPTIONS request behind access control
 */
void expect_options_announce_again(request_rec *r);

#endif
