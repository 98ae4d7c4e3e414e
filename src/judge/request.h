/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/*
 * The state of one judged request.
 */

#ifndef EXPECT_REQUEST_H
#define EXPECT_REQUEST_H

#include "httpd.h"
#include "http_config.h"

#include "base/announced.h"
#include "config/section.h"
#include "judge/verdict.h"
#include "tree/tree.h"

/** What the module itself runs for the request at the moment. One may begin
 *  inside another: access control may redirect internally, and the rules are
 *  evaluated for the redirect. At the end of the inner one the outer one goes
 *  on. */
typedef enum {
    EXPECT_IDLE = 0,
    EXPECT_LOOKING_UP,        /* a copy of the request is mapped: lookup.c */
    EXPECT_IN_ACCESS_CONTROL, /* httpd's access control: stages/access.c */
    EXPECT_EVALUATING         /* the rules: expect_judge_evaluate() */
} expect_busy_e;

/**
 * The state of one judged request, which its internal redirects share.
 *
 * Each part has an owner, the only room that writes to it:
 *
 *     facts, head, fields, patience    judge/
 *     stage, in_access, facts.auth,    stages/, and the hook of access_checker;
 *     facts.has_user                   judge/ sets them at the beginning
 *     facts.r                          judge/; content/, at the handler
 *     busy                             the function that runs what it names; it
 *                                      restores the value that it found
 *     section                          judge/
 *     outcome                          answer/; judge/ sets the verdict where a
 *                                      section is entered
 *     content                          content/; judge/ sets the framing fields
 *                                      at the beginning, and max, max_rule and
 *                                      is_dry_run
 *
 * What may be set together:
 *
 *     verdict          section.rules   outcome.status   outcome.accepts
 *     NOT_JUDGED       any             0                nothing
 *     UNDECIDED        set             any              nothing
 *     ADMITTED         set             any              nothing
 *     WOULD_REFUSE     set             set              any
 *     REFUSED          any             set              set, if a rule refused
 *     CUT_OFF          set             413              set
 */
typedef struct expect_request_t {
    /** what is known of the request: rules see this and nothing else */
    expect_facts_t facts;
    /** what it announces, as it was sent; facts.head points here */
    expect_head_t head;
    /** the header fields as they were sent, whatever becomes of headers_in */
    apr_table_t *fields;
    /** what its patterns have taken; facts.patience points here */
    expect_patience_t patience;
    /** how far the request has come, as seen by a reader of content that comes
     *  before the handler */
    expect_stage_e stage;
    expect_busy_e busy;
    /** access control has begun */
    unsigned in_access : 1;

    struct {
        /** the section whose rules are in force; NULL: none was entered, or
         *  it has no rules for such a request */
        const expect_dir_conf_t *conf;
        /** the request that has entered it: the main one, the lookup in its
         *  place, or an ErrorDocument's; NULL: no section was entered */
        const request_rec *entered_by;
        /** the section as httpd has merged it */
        const ap_conf_vector_t *vector;
        /** the rules in force; NULL exactly where conf is NULL */
        const expect_rule_t *rules;
        /** what each leaf has answered; NULL: all are final at once */
        expect_answer_t *answers;
        /** the last stage at which the rules were evaluated without a result;
         *  EXPECT_AT_HEAD: not yet */
        expect_stage_e evaluated_to;
        /** the last stage at which rules that remember were evaluated;
         *  EXPECT_AT_HEAD: not yet */
        expect_stage_e claimed_to;
        /** room for the rules that remember and have granted; NULL: none is
         *  in force */
        expect_grants_t *grants;
        /** all rules hold but those that remember, which are no alternatives:
         *  only these are evaluated from now on, also for a redirect */
        unsigned others_hold : 1;
    } section;

    struct {
        /** set by expect_verdict_set() only */
        expect_verdict_e verdict;
        /** the HTTP status of the refusal, or of the one that would be */
        int status;
        /** WOULD_REFUSE: the rule and its reason, for the count */
        const expect_rule_t *rule;
        const char *reason;
        /** what the client may know of the refusal */
        expect_accepts_t accepts;
        /** that it would be refused is logged */
        unsigned logged : 1;
        /** that it was admitted, or would be refused, is counted */
        unsigned counted : 1;
        /** r->status was changed from the status of access control to that of
         *  the rules, after httpd had begun its error response */
        unsigned replaces_status : 1;
    } outcome;

    struct {
        /** the fields that frame the content, as they were sent, or NULL */
        const char *length;
        const char *transfer_encoding;
        /** bytes of content of unknown length that may be read, or
         *  EXPECT_UNLIMITED; and the rule that says so */
        apr_off_t max;
        const expect_rule_t *max_rule;
        /** bytes of content that were read, while they were counted */
        apr_off_t read;
        /** r->handler while the handler runs: ap_invoke_handler() puts back
         *  what was there before. NULL: the length is known */
        const char *handler;
        /** HTTP status of the response that had begun: see was_begun */
        int sent_status;
        /** the section of max_rule has DetectionOnly */
        unsigned is_dry_run : 1;
        /** bytes are counted, though they are not limited: for the ledger */
        unsigned is_counted : 1;
        /** bytes are taken from the ledger before they are read */
        unsigned draws : 1;
        /** a reader asks for content before the handler runs */
        unsigned is_early : 1;
        /** the filter is reading */
        unsigned is_reading : 1;
        /** HTTP_IN was called for content, and has read the framing fields */
        unsigned was_read : 1;
        /** content was read to its end */
        unsigned ended : 1;
        /** the refusal is being sent inside a read */
        unsigned is_answering : 1;
        /** the refusal was sent inside a read */
        unsigned answered : 1;
        /** when it was to be sent, the handler had begun a response, which
         *  stands */
        unsigned was_begun : 1;
        /** the handler was about to run: everything is decided */
        unsigned handler_started : 1;
    } content;
} expect_request_t;

/**
 * Get the state of a request.
 * @param r any request
 * @return NULL if it is not judged, or its judgement has not begun
 */
static APR_INLINE expect_request_t *expect_request_get(const request_rec *r)
{
    return ap_get_module_config(r->request_config, &expect_module);
}

/** The stage at which all is known that is evaluated together: rules that
 *  remember are judged apart from the others, unless they are alternatives to
 *  them. */
static APR_INLINE expect_stage_e expect_request_final(
    const expect_rule_t *rules)
{
    return rules->has_alternatives ? rules->final : rules->others_final;
}

/**
 * Get the facts of a request: for rules that Require evaluates.
 * @param r any request
 * @return the facts of the request that the client sent, from which r comes;
 *         NULL if that is not judged
 */
const expect_facts_t *expect_request_facts(const request_rec *r);

/**
 * Begin to judge a request.
 * @param r a request at post_read_request
 * @return its state; NULL if it is not judged: a subrequest, an internal
 *         redirect, a tunnel, or a request without content
 */
expect_request_t *expect_request_begin(request_rec *r);

/**
 * Let an internal redirect share the state of the request that it comes from,
 * if that was left undecided or was admitted: the rules in force stay those of
 * the target that the client named. The state of a refused request ends with
 * it: its ErrorDocument has none.
 * @param r an internal redirect
 */
void expect_request_continue(request_rec *r);

/**
 * Enter a section: its rules are in force from now on. A refusal by the rules
 * of an earlier section stands; what these left undecided does not.
 * @param e  the state of the main request
 * @param in the request that has come to the section: the main one, or the
 *           lookup in its place
 * @return 1 if the section was not entered before and has rules for such a
 *         request: the caller must install the content filter
 */
int expect_request_enter_section(expect_request_t *e, request_rec *in);

/**
 * Limit content of unknown length. The tightest of all limits that were ever
 * set holds; a limit of DetectionOnly is replaced by one that is enforced.
 * @param e    the state
 * @param max  bytes, or EXPECT_UNLIMITED: nothing changes
 * @param rule the rule that sets the limit
 */
void expect_request_limit(expect_request_t *e, apr_off_t max,
                          const expect_rule_t *rule);

/**
 * Lift the limit of content of unknown length.
 * @param e the state
 */
void expect_request_lift_limit(expect_request_t *e);

#endif
