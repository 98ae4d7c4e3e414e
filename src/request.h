/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/*
 * One request on its way: whose rules govern it, what is decided so far.
 */

#ifndef EXPECT_REQUEST_H
#define EXPECT_REQUEST_H

#include "httpd.h"

#include "conf.h"
#include "rule.h"

typedef enum {
    EXPECT_OPEN = 0,     /* not decided yet */
    EXPECT_ADMITTED,     /* the rules hold */
    EXPECT_DETECTED,     /* would be refused, but for DetectionOnly */
    EXPECT_REFUSED,      /* refused; its content is never read */
    EXPECT_EXEMPT        /* no rules here, or none for such a request */
} expect_state_e;

typedef struct expect_request_t {
    expect_state_e state;
    expect_head_t head;
    expect_facts_t facts;
    /** the section whose rules were taken, NULL before */
    const expect_dir_conf_t *conf;
    /** the rules in force there, and what each said so far */
    const expect_rule_t *rules;
    expect_answer_t *memo;
    /** a lookup for the target's section is under way, or came that far */
    enum { EXPECT_LOOKUP_NONE = 0, EXPECT_LOOKUP_RUNNING,
           EXPECT_LOOKUP_FOUND } lookup;
    /** a hook of access control is running the rest of its chain */
    int nested;
    /** access control wants a user, and our hook answered in its place */
    int wants_user;
} expect_request_t;

/**
 * The state of a request.
 * @param r any request
 * @return NULL if it is not judged, or not begun yet
 */
expect_request_t *expect_request_get(const request_rec *r);

/**
 * Begin to judge a request.
 * @param r a request
 * @return its state; NULL if it is none to judge: a subrequest, an internal
 *         redirect, CONNECT, or without content
 */
expect_request_t *expect_request_begin(request_rec *r);

/**
 * Take the rules of a section, once for each section.
 * @param e  the state
 * @param in the request that has come to the section: the main one, or the
 *           lookup in its place
 */
void expect_request_take_rules(expect_request_t *e, request_rec *in);

/**
 * Decide with what is known now.
 * @param r     the main request
 * @param e     its state; NULL: nothing to judge
 * @param stage how far it has come
 * @return DECLINED to go on, else the HTTP status of the refusal
 */
int expect_request_judge(request_rec *r, expect_request_t *e,
                         expect_stage_e stage);

#endif
