/* SPDX-License-Identifier: MIT */
/*
 * scenario.h: a gst-interpipe plugin, run through scenarios, one process each.
 *
 * Life: the program forks once per scenario (the stress: once per round). The child loads the
 * plugin, runs the scenario and leaves one line of JSON in the account. A child that crashes, or is
 * killed because it is late, leaves what it had counted so far; that is a result too, once it had
 * called go_to_work().
 *
 * Threads: a scenario's own thread makes only calls with a time limit. What may hang is a Job.
 */
#pragma once

#include "account.h"
#include "consumer.h"
#include "timeouts.h"
#include "producer.h"
#include "result.h" /* verify/report/result */

G_BEGIN_DECLS

typedef struct {
  gchar *plugin; /* the file */
  gchar *side, *commit, *only, *except, *out;
  gboolean long_run, list;
  gint seconds;    /* of stress in one process; 0: rounds */
  ResultHead head; /* of every line */
} WgiOptions;

typedef struct {
  const gchar *name, *about;
  void (*run) (Result *result);
  /* Instead of run: in the parent, for scenarios that have children of their own. */
  void (*run_in_parent) (const WgiOptions *options, Result *result);
} Scenario;

/* One table a file, each ended by a NULL name. */
extern const Scenario lifetime_scenarios[], names_scenarios[], race_scenarios[], locks_scenarios[],
    caps_scenarios[], buffers_scenarios[], events_scenarios[], queries_scenarios[],
    times_scenarios[], stress_scenarios[];

/* After: it must hold. Before: it must not, as that is the fault. */
void promise (Result *result, gboolean held, const gchar *what);
/* After: it must hold. Before: nothing is asked. */
void holds (Result *result, gboolean held, const gchar *what);
/* Must be so on either side, or the scenario has not measured what it is about. */
void must (Result *result, gboolean so, const gchar *what);
/* What the account counted, as fields; a plugin of the after side must not have caused any. */
void result_add_account (Result *result);

G_END_DECLS
