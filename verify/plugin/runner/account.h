/* SPDX-License-Identifier: MIT */
/*
 * account.h: what a scenario's process has counted, in memory that its parent shares, readable
 * after a crash.
 *
 * Threads: any thread of the child writes; the parent reads when the child has ended.
 */
#pragma once

#include <gst/gst.h>

G_BEGIN_DECLS

typedef struct {
  gint at_work;   /* the fault may show from here on */
  gint criticals; /* of GLib */
  gint warnings;
  gint reports;       /* of a sanitizer */
  gint phases;        /* how often phase() was called: whether it goes on */
  gchar phase[96];    /* what the scenario was about to do */
  gchar message[256]; /* the first critical or warning */
  gchar line[16384];  /* the result; empty: the child did not get there */
} Account;

extern Account *wgi_account;
gboolean account_open (void);
void account_reset (void);
/* In the child: counts what GLib complains about, and prints nothing. */
void account_count_logs (void);
/* All is set up; what goes wrong from here on is what the scenario is about. */
void go_to_work (void);
/* Says what comes next, for the case that it is the last. */
void phase (const gchar *format, ...) G_GNUC_PRINTF (1, 2);

G_END_DECLS
