/* SPDX-License-Identifier: MIT */
/*
 * result.h: what a scenario found, as one line of JSON, and its verdict.
 *
 * A label says what was tested and so what is expected:
 *
 *   before   "before"           every fault shows; one that did not has proved nothing:
 * inconclusive after    "after"            every promise must hold between  "without-SWITCH"   all
 * fixes but one: if that one cures the scenario's fault, a promise must be broken; else every
 * promise must hold
 *
 * `verdict` in the line is "pass", "fail" or "inconclusive"; `pass` is true for the first alone.
 * `failed` lists what is wrong, `not_shown` the faults that did not show, `faults` counts those
 * that were expected. A line of the last kind lists the broken promises as `broken`.
 *
 * A Result belongs to one thread at a time. Nothing here blocks; names and texts are copied.
 */
#pragma once

#include <json-glib/json-glib.h>

G_BEGIN_DECLS

typedef enum { RESULT_BEFORE, RESULT_AFTER, RESULT_BETWEEN, RESULT_NO_LABEL } ResultSide;
ResultSide result_side (const gchar *label);

/* What all lines of one run have in common. Strings belong to the caller and outlive the results.
 */
typedef struct {
  const gchar *target; /* "real", "lab", "interpipe" */
  const gchar *label;
  const gchar *subject; /* "wolf": whose commit it is; NULL: no such member */
  const gchar *commit;  /* NULL: "unknown" */
  gboolean long_run;
} ResultHead;

typedef enum { RESULT_PASS, RESULT_FAIL, RESULT_INCONCLUSIVE } ResultVerdict;

typedef struct Result Result;
/* Never NULL; for result_free(). */
Result *result_new (const gchar *scenario, const ResultHead *head);
void result_free (Result *result);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Result, result_free)
/* Between: what the fix that is off is to this scenario. */
typedef enum {
  RESULT_UNRELATED,  /* every promise must hold */
  RESULT_MAY_BREAK,  /* it helps, or cures what is looked for by luck: nothing is asked */
  RESULT_MUST_BREAK, /* it is the cure: a promise must be broken */
} ResultCure;
void result_lacks (Result *result, ResultCure cure);

void result_int (Result *result, const gchar *name, gint64 value);
/* Negative: null, it never came. Rounded to eighths, which are exact in binary and printed short.
 */
void result_ms (Result *result, const gchar *name, gdouble ms);
gdouble result_round_ms (gdouble ms);
void result_bool (Result *result, const gchar *name, gboolean value);
void result_text (Result *result, const gchar *name, const gchar *text);
void result_null (Result *result, const gchar *name);
void result_object (Result *result, const gchar *name, JsonObject *object); /* takes object */
void result_array (Result *result, const gchar *name, JsonArray *array);    /* takes array */

/* Before: the fault should show; the verdict is inconclusive when it does not. */
void expect_fault (Result *result, gboolean shown, const gchar *what);
/* After: the promise must hold. Between: it counts. */
void expect_held (Result *result, gboolean held, const gchar *what);
/* The same, of a promise about time, which a busy machine breaks as well. */
void expect_in_time (Result *result, gboolean held, const gchar *what);
/* Must be so with any label, or the scenario has not measured what it is about. */
void expect_both (Result *result, gboolean so, const gchar *what);
/* So far. */
ResultVerdict result_verdict (const Result *result);
/* So far: chance may be why it is no pass, so that another try is worth it. A fault did not show.
 */
gboolean result_may_be_chance (const Result *result);
/* A busy machine may be why: what had to be so was not, or nothing but promises about time are
 * broken. */
gboolean result_may_be_load (const Result *result);

/* Judges, and returns one line of JSON without its newline; newly allocated. To be called once. */
gchar *result_line (Result *result);

G_END_DECLS
