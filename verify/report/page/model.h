/* SPDX-License-Identifier: MIT
 *
 * How a Report is put together: model.c does the rows and gives the other lines away.
 */
#pragma once

#include "report.h"

/* The place of a target among all; the last is for those that are not known. */
guint target_order (const char *target);
Side side_of (const char *label);

/* ---- timelines.c ---- */

/* Of a line that has `latency`: its target, scenario and label are there. */
gboolean timeline_add (Report *report, const Line *line, GError **error);
void timeline_pair_free (TimelinePair *pair);
gint timeline_pair_order (gconstpointer a, gconstpointer b);

/* ---- benches.c ---- */

/* Of a line that has `bench` and `value`. */
gboolean bench_add (Report *report, const Line *line, GError **error);
void bench_free (Bench *bench);
/* Of a line that has `bench` and no value: FALSE if it is no round of bench-interpipe. @rounds: one for each
 * case and figure, by bench_rounds_free(). */
gboolean bench_add_round (GPtrArray *rounds, const Line *line);
void bench_rounds_free (gpointer rounds);
/* What all rounds come to. */
void bench_add_ratios (Report *report, GPtrArray *rounds);
