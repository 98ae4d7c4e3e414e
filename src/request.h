/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/*
 * One request on its way: whose rules govern it, what is decided so far.
 */

#ifndef EXPECT_REQUEST_H
#define EXPECT_REQUEST_H

#include "httpd.h"
#include "http_config.h"

#include "conf.h"
#include "httpd_compat.h"
#include "rule.h"

typedef enum {
    EXPECT_EXEMPT = 0,   /* no rules, none for such a request, or none yet */
    EXPECT_OPEN,         /* not decided yet */
    EXPECT_ADMITTED,     /* the rules hold */
    EXPECT_DETECTED,     /* would be refused, but for DetectionOnly */
    EXPECT_REFUSED,      /* refused, by us or by access control; its content
                          * is never read */
    EXPECT_CUT_OFF       /* admitted, then its content went over the cap */
} expect_state_e;

typedef struct expect_request_t {
    expect_state_e state;
    /** how far the request has come, for who reads its content early */
    expect_stage_e stage;
    /** the last stage at which the rules were evaluated without a verdict;
     *  EXPECT_AT_HEAD: not yet */
    expect_stage_e asked_at;
    expect_head_t head;
    /** the header fields as they were sent: what rules see, whatever becomes
     *  of headers_in later */
    apr_table_t *fields;
    /** those of them that frame its content; or NULL */
    const char *content_length;
    const char *transfer_encoding;
    expect_facts_t facts;
    /** the section whose rules were taken; NULL before, and where none were:
     *  it is exempt */
    const expect_dir_conf_t *conf;
    /** the request whose section that is: the main one, the lookup in its
     *  place, or an ErrorDocument's; NULL before */
    const request_rec *taken_in;
    /** and the section itself, as httpd has merged it */
    const ap_conf_vector_t *section;
    /** the rules in force there, and what each said so far; set unless it is
     *  exempt */
    const expect_rule_t *rules;
    expect_answer_t *memo;
    /** when refused or cut off: the HTTP status */
    int status;
    /** and the one that was sent, of an answer that was under way */
    int sent_status;
    /** and what is sent to the client about it */
    expect_told_t told;
    /** bytes of content of unknown length that may be read, or
     *  EXPECT_NO_CAP; how many were, by whomever; the rule that set the limit,
     *  and whether its section has DetectionOnly */
    apr_off_t cap;
    apr_off_t seen;
    const expect_rule_t *cap_rule;
    unsigned cap_detects : 1;
    /** a lookup of the target's section is under way */
    unsigned looking_up : 1;
    /** access control has begun */
    unsigned in_access : 1;
    /** our hook is running access control */
    unsigned asking : 1;
    /** rules are being evaluated */
    unsigned judging : 1;
    /** content is being read, by us */
    unsigned reading : 1;
    /** some of its content was asked for */
    unsigned was_read : 1;
    /** all of its content was read */
    unsigned ended : 1;
    /** the answer goes out while the content is being read */
    unsigned answering : 1;
    /** the answer has gone out while the content was being read */
    unsigned answered : 1;
    /** the status that access control chose is replaced by ours */
    unsigned is_replaced : 1;
    /** another answer was under way then */
    unsigned was_begun : 1;
    /** the handler was about to run: all is decided */
    unsigned started : 1;
    /** that it was admitted, or would be refused, is counted */
    unsigned counted : 1;
    /** that it would be refused is logged */
    unsigned detected : 1;
    /** why it would be */
    const expect_rule_t *detected_rule;
    const char *detected_reason;
    /** what its patterns have taken of the processor, see patience.h */
    apr_interval_time_t patterns_took;
    unsigned patience_is_over : 1;
} expect_request_t;

/**
 * The state of a request.
 * @param r any request
 * @return NULL if it is not judged, or not begun yet
 */
static APR_INLINE expect_request_t *expect_request_get(const request_rec *r)
{
    return ap_get_module_config(r->request_config, &expect_module);
}

/**
 * The request that was sent: where others of it, redirects and subrequests,
 * come from.
 * @param r any request
 * @return itself, if it is the one
 */
static APR_INLINE const request_rec *expect_request_first(const request_rec *r)
{
    while (r->main || r->prev) {
        r = r->main ? r->main : r->prev;
    }
    return r;
}

/**
 * Whether a request may have content: the cheap test, for those without.
 * @param r any request
 * @return 0 if no content is announced, 1 if expect_request_head() has to say
 */
static APR_INLINE int expect_request_has_content(const request_rec *r)
{
    return EXPECT_LENGTH_IS_OPEN(r) || expect_head_has_content(r->headers_in);
}

/**
 * Read what a request announces.
 * @param head  filled in when the result is 1, untouched otherwise
 * @param r     any request
 * @param asked as for expect_head_read()
 * @return 1 if content is announced, else 0
 */
int expect_request_head(expect_head_t *head, const request_rec *r, int asked);

/**
 * Begin to judge a request.
 * @param r a request
 * @return its state; NULL if it is none to judge: a subrequest, an internal
 *         redirect, a tunnel, or without content
 */
expect_request_t *expect_request_begin(request_rec *r);

/**
 * Let an internal redirect go on with what its request left undecided, or
 * admitted within a cap: the rules stay those of the target that the client
 * named. A refused request ends; its ErrorDocument is another's.
 * @param r an internal redirect
 */
void expect_request_follow(request_rec *r);

/**
 * Take the rules of a section, once for each section. What was decided by
 * those of a section before stands; what it left open does not.
 * @param r  the main request
 * @param e  its state
 * @param in the request that has come to the section: the main one, or the
 *           lookup in its place
 */
void expect_request_take_rules(request_rec *r, expect_request_t *e,
                               request_rec *in);

/**
 * Evaluate the rules with what is known now.
 * @param e     its state, open
 * @param stage how far it has come
 * @return the result; nothing is done about it yet
 */
expect_answer_t expect_request_decide(expect_request_t *e,
                                      expect_stage_e stage);

/**
 * Decide with what is known now. Where the answer is out already, it stands.
 * @param r     the main request, or an internal redirect that follows it
 * @param e     its state
 * @param stage how far it has come
 * @return DECLINED to go on, else the HTTP status of the refusal
 */
int expect_request_judge(request_rec *r, expect_request_t *e,
                         expect_stage_e stage);

/**
 * Keep content of unknown length within a bound: the tightest of all bounds
 * that were ever set; one of DetectionOnly gives way to one that holds.
 * @param e    its state
 * @param cap  bytes, or EXPECT_NO_CAP: nothing changes
 * @param rule the rule that says so
 */
void expect_request_bound(expect_request_t *e, apr_off_t cap,
                          const expect_rule_t *rule);

#endif
