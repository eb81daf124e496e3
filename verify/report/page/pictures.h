/* SPDX-License-Identifier: MIT
 *
 * The pictures of a report. Each function gives a finished SVG, or NULL with an error.
 */
#pragma once

#include "plot.h"
#include "report.h"

/* Figures of one side, from /cancel to the release. */
typedef struct {
  guint requests, unanswered;
  double slowest_ms; /* NAN: none was answered */
} Meanwhile;

/* "source stuck" for "stuck" …; an event that we do not know is called by its name. */
const char *event_title (const char *name);

Meanwhile timeline_meanwhile (const Timeline *timeline);

/* Latency of the HTTPS port through the fault, both sides on one axis. */
gchar *picture_latency (const TimelinePair *pair, PlotForm form, PlotUse use, GError **error);
/* Sockets on the HTTPS port over time, of one side; both sides of a pair have one scale. */
gchar *picture_sockets (const TimelinePair *pair, Side side, PlotUse use, GError **error);
gboolean pair_has_sockets (const TimelinePair *pair);

/* A bar for each bench against its bound: value by bound, so that one axis serves them all. */
typedef enum {
  BENCHES_AT_MOST,
  BENCHES_AT_LEAST,
  BENCHES_UNBOUND, /* ratios to a baseline that nobody promised anything about */
  N_BENCHES,
} BenchKind;

/* NULL without an error: there is none of that kind. */
gchar *picture_benches (
    const Report *report, BenchKind kind, PlotForm form, PlotUse use, GError **error);
BenchKind bench_kind (const Bench *bench);
