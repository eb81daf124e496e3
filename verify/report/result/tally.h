/* SPDX-License-Identifier: MIT */
/*
 * tally.h: what a program that runs scenarios does with their lines: writes, counts and tells them.
 *
 * Progress goes to standard error, the summary to standard output. The lines go to a file. They go
 * to standard output too when that is asked and it is no terminal; the summary is on standard error
 * then.
 *
 * Scenarios whose fault did not show by chance are no failure, but a run on the before side must
 * not consist of them: a fault injector that does nothing, or a server that has no fault, would
 * pass. So the run fails when more than a third of the scenarios that expect a fault are
 * inconclusive.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef struct {
  const gchar *program, *label; /* the caller's */
  const gchar *path;            /* of the lines; NULL: no file. The caller's */
  gboolean append;              /* to what is in the file */
  gboolean json;                /* lines to standard output too */
  guint total;                  /* scenarios that will run; 0: not known */
} TallyOptions;

typedef struct {
  TallyOptions options;
  gint fd;       /* of the file, or -1 */
  gboolean live; /* standard error is a terminal */
  gint64 begun, shown;
  guint run, passed, failed, inconclusive;
  guint shows_fault; /* lines of the before side whose faults all showed */
  GString *summary;
} Tally;

/* FALSE, and said why, if the file cannot be written. */
gboolean tally_open (Tally *tally, const TallyOptions *options);
/* Shows on a terminal what is running, once a second; call it as often as you like. */
void tally_running (Tally *tally, const gchar *names);
/* Counts a line, tells its verdict, and writes it at one go, so that several programs can append to
 * one file. */
void tally_add (Tally *tally, const gchar *line);
/* Tells the summary. Returns the exit status: 0 only if there were some and none failed. */
gint tally_close (Tally *tally);

/* Whether one of the globs in `only`, with commas between, matches; NULL matches all. */
gboolean tally_chooses (const gchar *only, const gchar *name);

G_END_DECLS
