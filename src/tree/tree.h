/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/*
 * The rule tree and its three-valued decision.
 *
 * A section's rules are a tree: leaves are rules, inner nodes are All, Any
 * and None. It is built while the configuration is read and const from then
 * on. A request is held against it several times, each time with more known
 * (expect_stage_e), until the tree is granted or denied.
 *
 * Knows APR only, no httpd.
 */

#ifndef EXPECT_TREE_H
#define EXPECT_TREE_H

#include "apr_pools.h"
#include "apr_tables.h"

#include "base/head.h"
#include "base/patience.h"

struct request_rec;

/** What a rule or a tree says of a request. */
typedef enum {
    EXPECT_UNKNOWN = 0,  /* cannot be told yet */
    EXPECT_GRANTED,      /* holds */
    EXPECT_DENIED,       /* does not hold */
    EXPECT_NEUTRAL,      /* does not apply: as if it were not there */
    EXPECT_ERROR         /* could not be evaluated; the fault is ours */
} expect_value_e;

/** How far a request has come; each stage knows all that came before it. */
typedef enum {
    EXPECT_AT_HEAD,      /* the request head, and who sent it */
    EXPECT_AT_DIRECTORY, /* the file that the target maps to */
    EXPECT_AT_ENV,       /* SetEnvIf of the directory has run */
    EXPECT_AT_AUTH,      /* httpd's own access control has decided */
    EXPECT_AT_USER,      /* the user is known, or there is none */
    EXPECT_AT_HANDLER,   /* the handler is known; nothing comes after */
    EXPECT_AT_END        /* who could not tell by now is not asked again */
} expect_stage_e;

typedef struct expect_rule_t expect_rule_t;
typedef struct expect_answer_t expect_answer_t;
typedef struct expect_facts_t expect_facts_t;

/** Hears of each rule that is asked, and of its answer. */
typedef void expect_trace_t(const expect_facts_t *facts, expect_stage_e stage,
                            const expect_rule_t *rule,
                            const expect_answer_t *answer);

/** What a rule may look at. */
struct expect_facts_t {
    expect_head_t *head;
    /** the request, as far as it has come: the main one, or the lookup that
     *  stands in for it; NULL where there is none (unit tests) */
    struct request_rec *r;
    /** for what lives no longer than the request */
    apr_pool_t *pool;
    /** bit of the request's method, as in httpd's <Limit> masks */
    apr_int64_t method;
    /** httpd's own verdict on access: EXPECT_AUTH_PENDING, 0 when the
     *  request was let through, else the HTTP status it would answer */
    int auth;
    /** the login has succeeded, though access may be denied */
    int has_user;
    /** what patterns may take of the processor; NULL: not bounded */
    expect_patience_t *patience;
    /** who observes each answer; NULL: nobody */
    expect_trace_t *trace;
};

#define EXPECT_AUTH_PENDING (-1)

/** No limit on the bytes of content that may be read. */
#define EXPECT_UNLIMITED ((apr_off_t)-1)

/** What a check found. A zeroed one is "not asked yet". */
struct expect_answer_t {
    expect_value_e value;
    /** when denied: the HTTP status of the rule that says so */
    int status;
    /** what the rule itself found was turned round, by `not` or None */
    int negated;
    /** when denied: `not` does not turn that into a grant. What the client
     *  sent makes no sense, or nobody could say */
    int survives_not;
    /** nor does None: it is survives_not, or an alternative to it that denies, too */
    int survives_none;
    /** the leaf that says so, or the first of several; NULL if neutral */
    const expect_rule_t *rule;
    /** when granted: bytes of content of unknown length that may follow,
     *  or EXPECT_UNLIMITED; and the leaf that says so, NULL for none */
    apr_off_t cap;
    const expect_rule_t *cap_rule;
    /** the same, as far as nothing that is still unknown can widen it: it
     *  bounds what is read before the tree is decided */
    apr_off_t held;
    const expect_rule_t *held_rule;
};

/** What an answer begins as. */
#define EXPECT_ANSWER_INIT { EXPECT_UNKNOWN, 0, 0, 0, 0, NULL, \
                             EXPECT_UNLIMITED, NULL, EXPECT_UNLIMITED, NULL }

/** What a client may be told, so that it knows what to change. */
typedef struct expect_accepts_t {
    /** what it announced, NULL: nothing to show */
    const char *announced;
    /** or bytes of content; EXPECT_UNLIMITED: none, or not known */
    apr_off_t length;
    /** bytes of content that are accepted, EXPECT_UNLIMITED where not bounded */
    apr_off_t min, max;
    /** what is accepted, as char *; NULL: not a list */
    const apr_array_header_t *accepted;
    /** a list is left out, as it is too long to be told */
    int is_long;
    /** the response field for that list: "Accept"; and that it is of media
     *  types */
    const char *field;
    int is_types;
    /** seconds after which it may be otherwise; 0: waiting does not help */
    int retry_after;
} expect_accepts_t;

/** Nothing to tell: what a told begins as. */
extern const expect_accepts_t expect_accepts_anything;

/**
 * A stage's name, for logs and messages.
 * @param stage the stage
 * @return "head", "directory", ...
 */
const char *expect_stage_name(expect_stage_e stage);

/**
 * A kind of rule: one row of a table.
 */
typedef struct expect_rule_type_t {
    /** the word behind ExpectRequire */
    const char *name;
    /** the first stage that can tell */
    expect_stage_e known_at;
    /** the HTTP status of a refusal, where check names no other */
    int status;
    /**
     * Parse the arguments.
     * @param p    the configuration's pool
     * @param argc number of words
     * @param argv the words, quotes removed
     * @param arg  set to what check gets
     * @return NULL, or "[word]: what is wrong; what is accepted"
     */
    const char *(*parse)(apr_pool_t *p, int argc, const char *const *argv,
                         const void **arg);
    /**
     * Hold a request against the rule.
     * @param facts  what is known; the stage is at least known_at
     * @param arg    from parse
     * @param answer preset to {status: the row's, cap: none}; may be changed
     * @return what the rule says
     */
    expect_value_e (*check)(const expect_facts_t *facts, const void *arg,
                            expect_answer_t *answer);
    /**
     * Say why a rule refuses, for the log and for the client: no pattern,
     * path or user name of the configuration, only limits and accepted
     * values that the client may know; client data bounded.
     * @param p       pool for the result
     * @param facts   what the check saw
     * @param arg     from parse
     * @param status  the status that check chose
     * @param negated the rule holds, and was not to
     * @return one sentence without a full stop
     */
    const char *(*reason)(apr_pool_t *p, const expect_facts_t *facts,
                           const void *arg, int status, int negated);
    /**
     * Tell what would be accepted. NULL: nothing that the client may know.
     * @param p     pool for the result
     * @param facts what the check saw; NULL: no request, only what is accepted
     * @param arg   from parse
     * @param told  preset to nothing; filled in
     */
    void (*accepts)(apr_pool_t *p, const expect_facts_t *facts, const void *arg,
                 expect_accepts_t *told);
} expect_rule_type_t;

typedef enum {
    EXPECT_RULE,         /* a leaf */
    EXPECT_ALL,
    EXPECT_ANY,
    EXPECT_NONE
} expect_kind_e;

struct expect_rule_t {
    expect_kind_e kind;
    /** a leaf's kind and parsed arguments */
    const expect_rule_type_t *type;
    const void *arg;
    /** a leaf's name, for the notes: "content-length", "ip" */
    const char *name;
    /** a leaf as it was written, without the directive: "not ip 10.0.0.1" */
    const char *text;
    /** `not` was written before it */
    int negated;
    /** methods that the enclosing <Limit> lets it apply to; all ones: any */
    apr_int64_t limited;
    /** a container's children: expect_rule_t * */
    apr_array_header_t *children;
    /** where it was written */
    const char *file;
    unsigned line;
    /** a leaf: the first stage at which it is worth asking */
    expect_stage_e earliest;
    /** the stage by which this leaf, or every leaf below, has its answer */
    expect_stage_e final;
    /** it waits for httpd's own verdict on access, or a leaf below does */
    int needs_access;
    /** the number of leaves, 1 for a leaf */
    int leaves;
};

/**
 * Make a leaf.
 * @param p    the configuration's pool
 * @param type its row; final, earliest and name are preset from there
 * @param arg  its parsed arguments
 * @return the leaf, without text and place
 */
expect_rule_t *expect_rule_leaf(apr_pool_t *p, const expect_rule_type_t *type,
                                const void *arg);

/**
 * Make a container.
 * @param p    the configuration's pool
 * @param kind EXPECT_ALL, EXPECT_ANY or EXPECT_NONE
 * @return an empty one, without a place
 */
expect_rule_t *expect_rule_container(apr_pool_t *p, expect_kind_e kind);

/**
 * Add a finished rule or container to a container.
 * @param parent the container
 * @param child  what is added; not changed
 */
void expect_rule_add(expect_rule_t *parent, const expect_rule_t *child);

/**
 * Find a rule type in a table.
 * @param table rows, ended by one without a name
 * @param name  as written, in any case
 * @return the row or NULL
 */
const expect_rule_type_t *
expect_rule_type_find(const expect_rule_type_t *table, const char *name);

/**
 * The message for arguments that a rule cannot take.
 * @param p        pool for the result
 * @param word     the word at fault, NULL where none was written
 * @param wrong    what is wrong with it
 * @param accepted what would be accepted
 * @return "[ word]: wrong; accepted"
 */
const char *expect_rule_wrong(apr_pool_t *p, const char *word,
                              const char *wrong, const char *accepted);

/**
 * Hold a request against a tree.
 * @param rule   the tree
 * @param facts  what is known
 * @param stage  how far the request has come: leaves that need more are
 *               unknown. EXPECT_AT_END: to tell why what survives_none unknown does not
 *               let through, with the memo of what was asked
 * @param memo   rule->leaves answers, zeroed at first: what was found is kept
 *               there and never asked again; NULL: nothing is kept
 * @return the answer, combined by Kleene's tables: in All one denial is
 *         enough, in Any one grant; what is neutral does not count
 */
expect_answer_t expect_rule_evaluate(const expect_rule_t *rule,
                                   const expect_facts_t *facts,
                                   expect_stage_e stage,
                                   expect_answer_t *memo);

/**
 * Say why a tree refuses.
 * @param p      pool for the result
 * @param answer from expect_rule_evaluate(), denied or unknown
 * @param facts  what is known
 * @return one sentence without a full stop, fit for the client
 */
const char *expect_rule_reason(apr_pool_t *p, const expect_answer_t *answer,
                                const expect_facts_t *facts);

/**
 * Tell what a tree that refuses would accept.
 * @param p      pool for the result
 * @param answer from expect_rule_evaluate(), denied or unknown
 * @param facts  what is known
 * @param told   filled in: nothing where the rule has nothing to tell, or
 *               holds and was not to
 */
void expect_rule_accepts(apr_pool_t *p, const expect_answer_t *answer,
                      const expect_facts_t *facts, expect_accepts_t *told);

/**
 * Tell what a tree accepts of every request, whatever else it brings.
 * @param p    pool for the result
 * @param rule the tree
 * @param told filled in: bounds and media types; an alternative counts as far
 *             as all its alternatives agree, a negation not at all
 */
void expect_rule_accepts_all(apr_pool_t *p, const expect_rule_t *rule,
                          expect_accepts_t *told);

#endif
