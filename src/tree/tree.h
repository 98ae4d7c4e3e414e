/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/*
 * The rule tree: what it is made of, and how it is built.
 *
 * A section's rules are a tree: leaves are rules, inner nodes are All, Any
 * and None. It is built while the configuration is read, and const from then
 * on. It is evaluated (evaluate.h) several times for one request, each time
 * with more known (expect_stage_e), until it is granted or denied; and
 * described (describe.h) to the log and the client.
 *
 * This room knows APR only, no httpd.
 *
 * The values of rules are combined by Kleene's tables. U: unknown, G: granted,
 * D: denied, N: neutral (the rule does not apply).
 *
 *     All | U G D N     Any | U G D N     None | U G D N     not |
 *     ----+--------     ----+--------     -----+--------     ----+--
 *      U  | U U D U      U  | U G U U       U  | U D U U      U  | U
 *      G  | U G D G      G  | G G G G       G  | D D D D      G  | D
 *      D  | D D D D      D  | U G D D       D  | U D G G      D  | G
 *      N  | U G D N      N  | U G D N       N  | U D G N      N  | N
 *
 * An error is the result of any tree in which a rule returns it before another
 * rule has decided; `not` and None leave it as it is.
 *
 * A denial can be one that inversion must not turn into a grant, because the
 * rule could not be evaluated: a malformed field, a pattern that gave up. Such
 * a denial survives `not` and None. Written D!, it changes the tables so:
 *
 *     not D!               D!   it is denied, with or without `not`
 *     None (D!)            D!   the same
 *     None (D! D)          D!   another denial beside it makes no grant of it
 *     None (D! G)          D    G alone is enough to deny
 *     None (All (D! D))    G    D alone is enough to deny All, and is inverted
 *     None (All (D! U))    U    U may still become such a D
 *
 *                    Any (D! D)   Any (D D!)   All (D! D)   All (D D!)
 *     rule             first        first        first        first
 *     survives_not      yes          no           yes          no
 *     survives_none     yes          yes          yes          no
 *     the same within None
 *     rule             first        second       second       first
 *     survives_not      yes          yes          no           no
 *     survives_none     yes          yes          no           no
 *
 * survives_not belongs to the rule of the answer: it could not be evaluated.
 * survives_none belongs to the whole answer: the rule, or an alternative that
 * denies as well, could not be evaluated. Inversion looks at survives_none.
 */

#ifndef EXPECT_TREE_H
#define EXPECT_TREE_H

#include "apr_pools.h"
#include "apr_tables.h"

#include "base/head.h"
#include "base/patience.h"

struct request_rec;
struct cmd_parms_struct;
struct expect_claims_t;

/** The result of a rule or a tree for a request. */
typedef enum {
    EXPECT_UNKNOWN = 0,  /* it cannot be evaluated yet */
    EXPECT_GRANTED,      /* it holds */
    EXPECT_DENIED,       /* it does not hold */
    EXPECT_NEUTRAL,      /* it does not apply: as if it were not there */
    EXPECT_ERROR         /* the evaluation failed; the fault is the server's */
} expect_value_e;

/** How far a request has come; each stage knows all that came before it. */
typedef enum {
    EXPECT_AT_HEAD,      /* the request head and the client are known */
    EXPECT_AT_DIRECTORY, /* the file that the target maps to is known */
    EXPECT_AT_ENV,       /* SetEnvIf of the directory has run */
    EXPECT_AT_AUTH,      /* httpd's own access control has decided */
    EXPECT_AT_USER,      /* the user is known, or there is none */
    EXPECT_AT_HANDLER,   /* the handler is known; nothing comes after */
    EXPECT_AT_END        /* no rule is evaluated any more: the answers that
                          * were kept are combined a last time */
} expect_stage_e;

typedef struct expect_rule_t expect_rule_t;
typedef struct expect_answer_t expect_answer_t;
typedef struct expect_facts_t expect_facts_t;

/** Called with each rule that is evaluated, and with its answer. */
typedef void expect_trace_t(const expect_facts_t *facts, expect_stage_e stage,
                            const expect_rule_t *rule,
                            const expect_answer_t *answer);

/** What a rule may look at. */
struct expect_facts_t {
    expect_head_t *head;
    /** the request, as far as it has come: the main one, or the lookup that
     *  stands in for it; NULL where there is none (unit tests) */
    struct request_rec *r;
    /** for results that live no longer than the request */
    apr_pool_t *pool;
    /** bit of the request's method, as in httpd's <Limit> masks */
    apr_int64_t method;
    /** the decision of httpd's access control: EXPECT_AUTH_PENDING, 0 when
     *  it has admitted the request, else the HTTP status of its denial */
    int auth;
    /** the login has succeeded, though access may be denied */
    int has_user;
    /** processor time that patterns may take; NULL: it is not bounded */
    expect_patience_t *patience;
    /** what rules that remember have found out and taken: ledger/claims.h;
     *  NULL: they cannot be evaluated */
    struct expect_claims_t *claims;
    /** called with each answer; NULL: nothing is called */
    expect_trace_t *trace;
};

#define EXPECT_AUTH_PENDING (-1)

/** No limit on the bytes of content that may be read. */
#define EXPECT_UNLIMITED ((apr_off_t)-1)

/** The result of a rule or a tree. All zeros: not evaluated yet. */
struct expect_answer_t {
    expect_value_e value;
    /** when denied: the HTTP status of the rule that denies */
    int status;
    /** the result of the rule itself was inverted, by `not` or None */
    int negated;
    /** when denied: see the table above */
    int survives_not;
    int survives_none;
    /** the leaf that decided, or the first of several; NULL if neutral */
    const expect_rule_t *rule;
    /** when granted: bytes of content of unknown length that may follow, or
     *  EXPECT_UNLIMITED; and the leaf that sets this limit, or NULL */
    apr_off_t max;
    const expect_rule_t *max_rule;
    /** granted or unknown: the same limit for content that is read before the
     *  tree is decided. It comes from leaves that have granted, as far as no
     *  leaf that is still unknown can widen it */
    apr_off_t early_max;
    const expect_rule_t *early_rule;
};

/** The initial value of an answer. */
#define EXPECT_ANSWER_INIT { .value = EXPECT_UNKNOWN,   \
                             .max = EXPECT_UNLIMITED,   \
                             .early_max = EXPECT_UNLIMITED }

/** What a client may learn of a rule, so that it knows what to change. */
typedef struct expect_accepts_t {
    /** what the request announced; NULL: there is nothing to show */
    const char *announced;
    /** bytes of content that it announced; EXPECT_UNLIMITED: none, or not
     *  known */
    apr_off_t length;
    /** bytes of content that are accepted; EXPECT_UNLIMITED: no bound */
    apr_off_t min, max;
    /** what is accepted, as char *; NULL: it is not a list */
    const apr_array_header_t *accepted;
    /** a list is left out, because it is too long to be shown */
    int is_long;
    /** the response field for that list: "Accept" */
    const char *field;
    /** the list is one of media types */
    int is_types;
    /** seconds after which the client may try again; 0: waiting does not
     *  help */
    int retry_after;
    /** values of RateLimit-Policy and RateLimit, the type of the problem, and
     *  the name of the policy that was violated; NULL: none */
    const char *policy;
    const char *rate_limit;
    const char *problem_type;
    const char *violated;
} expect_accepts_t;

/** The initial value: there is nothing that the client may learn. */
extern const expect_accepts_t expect_accepts_anything;

/** A type of rule. Each is a const of one file in rules/. */
typedef struct expect_rule_type_t {
    /** the word after ExpectRequire, in lower case */
    const char *name;
    /** the first stage at which the rule can be evaluated */
    expect_stage_e known_at;
    /** the HTTP status of a refusal, unless check sets another */
    int status;
    /**
     * Parse the arguments.
     * @param p    the configuration's pool
     * @param argc number of words
     * @param argv the words, quotes removed
     * @param arg  set to the parsed arguments, for the functions below
     * @return NULL, or expect_rule_wrong()'s message
     */
    const char *(*parse)(apr_pool_t *p, int argc, const char *const *argv,
                         const void **arg);
    /**
     * Finish a rule that depends on where it is written. NULL: it does not.
     * @param cmd  the directive
     * @param rule its leaf, with text and place
     * @param arg  from parse, changed
     * @return NULL, or expect_rule_wrong()'s message
     */
    const char *(*finish)(struct cmd_parms_struct *cmd,
                          struct expect_rule_t *rule, void *arg);
    /**
     * Evaluate the rule for a request.
     * @param facts  what is known; the stage is at least known_at
     * @param arg    from parse
     * @param answer preset to EXPECT_ANSWER_INIT with the status above; status,
     *               max and survives_not may be changed
     * @return the value, as if there were no `not`
     */
    expect_value_e (*check)(const expect_facts_t *facts, const void *arg,
                            expect_answer_t *answer);
    /**
     * Say why the rule refuses, for the log and for the client: no pattern,
     * path or user name of the configuration, only limits and accepted
     * values that the client may know; client data bounded.
     * @param p       pool for the result
     * @param facts   what check looked at
     * @param arg     from parse
     * @param status  the status that check chose
     * @param negated the rule holds, and `not` or None forbids that
     * @return one sentence without a full stop
     */
    const char *(*reason)(apr_pool_t *p, const expect_facts_t *facts,
                          const void *arg, int status, int negated);
    /**
     * Describe what the rule accepts. NULL: nothing that the client may know.
     * @param p       pool for the result
     * @param facts   what check looked at; NULL: there is no request, only
     *                what is accepted counts
     * @param arg     from parse
     * @param accepts preset to expect_accepts_anything; filled in
     */
    void (*accepts)(apr_pool_t *p, const expect_facts_t *facts,
                    const void *arg, expect_accepts_t *accepts);
    /** it remembers: it is evaluated when all other rules hold, and a grant is
     *  only worth something once it was taken from the ledger */
    int remembers;
} expect_rule_type_t;

typedef enum {
    EXPECT_RULE,         /* a leaf */
    EXPECT_ALL,
    EXPECT_ANY,
    EXPECT_NONE
} expect_kind_e;

struct expect_rule_t {
    expect_kind_e kind;
    /** a leaf's type and parsed arguments */
    const expect_rule_type_t *type;
    const void *arg;
    /** a leaf's name, for the notes: "content-length", "ip" */
    const char *name;
    /** a leaf as it was written, without the directive: "not ip 10.0.0.1" */
    const char *text;
    /** a leaf: `not` was written before it */
    int negated;
    /** methods that the enclosing <Limit> lets it apply to; all ones: any */
    apr_int64_t limited;
    /** a container's children: expect_rule_t * */
    apr_array_header_t *children;
    /** where it was written */
    const char *file;
    unsigned line;
    /** a leaf: the first stage at which it is evaluated */
    expect_stage_e earliest;
    /** the stage at which the answer of this leaf, or of every leaf below, is
     *  final */
    expect_stage_e final;
    /** it waits for httpd's access control, or a leaf below does */
    int needs_access;
    /** how many leaves remember, 0 or 1 for a leaf */
    int remembers;
    /** a container: the stage at which the answers of all leaves below that do
     *  not remember are final */
    expect_stage_e others_final;
    /** a leaf that remembers is part of an alternative: <ExpectRequireAny> */
    int has_alternatives;
    /** the number of leaves, 1 for a leaf */
    int leaves;
};

/** Rules that remember of one request at most. A tenant may write any number of
 *  them, and all that an upload takes is compared with each other under the
 *  ledger's mutex. */
#define EXPECT_CLAIMS_MAX 32

/** Leaves that remember and have granted. */
typedef struct expect_grants_t {
    int n;
    const expect_rule_t *rules[EXPECT_CLAIMS_MAX];
} expect_grants_t;

/**
 * Make a leaf.
 * @param p    the configuration's pool
 * @param type its type; final, earliest and name are preset from there
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
 * @param child  the rule or container; not changed
 */
void expect_rule_add(expect_rule_t *parent, const expect_rule_t *child);

/**
 * The name of a stage, for logs and messages.
 * @param stage the stage
 * @return "head", "directory", ...
 */
const char *expect_stage_name(expect_stage_e stage);

#endif
