/* SPDX-License-Identifier: MIT */
/*
 * tally.h: what a program that runs scenarios does with their lines: writes and counts them.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef struct {
  const gchar *program, *label; /* for what is said in the end; the caller's */
  gint fd;                      /* of the file, or -1 */
  guint run, passed;
} Tally;

/* Opens `path` to append to it, or to replace what is in it; NULL: standard output only. FALSE, and said
 * why, if that fails. */
gboolean tally_open (
    Tally *tally, const gchar *program, const gchar *label, const gchar *path, gboolean replace);
/* Counts a line and writes it, at one go, so that several programs can append to one file. */
void tally_add (Tally *tally, const gchar *line);
/* Says how many passed. Returns the exit status: 0 only if there were some and all passed. */
gint tally_close (Tally *tally);

/* Whether one of the globs in `only`, with commas between, matches; NULL matches all. */
gboolean tally_chooses (const gchar *only, const gchar *name);

G_END_DECLS
