/* SPDX-License-Identifier: MIT */
/*
 * case.h: one holder, one call, in a process of its own. What it saw is in memory that the parent
 * shares.
 *
 * Threads: the holder and the call have a thread each; the case's own thread only waits, with time
 * limits.
 */
#pragma once

#include "actions.h"

G_BEGIN_DECLS

typedef struct {
  gchar *plugin; /* the file */
  gchar *side, *only, *calls, *out, *gdb;
  gint jobs;
  gboolean long_run, list;
} Options;

typedef enum { CASE_NOT_RUN, CASE_NOT_SET_UP, CASE_NOT_HELD, CASE_RUN } CaseState;
typedef struct {
  CaseState state;
  gboolean over;        /* the process came to its end */
  gdouble ms;           /* of the call; < 0: never */
  gdouble busy;         /* ms by which a thread that only sleeps came late meanwhile */
  gboolean lost;        /* the buffer */
  gboolean late;        /* it did not even return after the holder's release */
  gboolean stuck;       /* the holder did not go on after its release */
  gboolean pair, other; /* work again */
  gint criticals;
  guint count; /* when counting */
  gchar holds[160], message[160], crash[48];
  gboolean turned; /* b is the affected one */
  guint again;     /* how often it was run */
  gchar first[80]; /* what was wrong the first time, if it was run again */
} Case;
/* In the child. NULL call: counts the operation's locks. */
void case_run (const Options *options, const Holder *holder, const Call *call, Case *seen);

G_END_DECLS
