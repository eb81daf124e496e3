/* SPDX-License-Identifier: MIT */
/*
 * interpipe.h: a gst-interpipe plugin, run through scenarios, one process each.
 *
 * Life: the program itself never touches GStreamer. It forks once per scenario (the stress: once
 * per round); the child loads the plugin from its file, without any registry, runs the scenario and
 * leaves one line of JSON in memory that it shares with its parent (the Account). A child that
 * crashes, or does not end in its time and is killed, leaves what it had counted so far; that is a
 * result too, once it had said that it goes to work (`go_to_work`).
 *
 * Threads: a scenario's own thread makes only calls with a bound. What may hang is done by a Job
 * (rig.h), which is left alone when it does not return; the child then ends by _exit.
 */
#pragma once

#include <gst/gst.h>

#include "result.h" /* verify/report/result */

G_BEGIN_DECLS

/* Sanitizers make everything slower. */
#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
#define WGI_SLOWNESS 8
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer) || __has_feature(address_sanitizer)
#define WGI_SLOWNESS 8
#endif
#endif
#ifndef WGI_SLOWNESS
#define WGI_SLOWNESS 1
#endif
/* Nothing that a healthy plugin does here takes this long on a busy machine. */
#define WGI_SOON_MS (2000 * WGI_SLOWNESS)
/* How long a call that is expected to hang is given, where there are many of them. */
#define WGI_STUCK_MS (1000 * WGI_SLOWNESS)

typedef struct {
  gchar *plugin; /* the file */
  gchar *label, *commit, *only, *out;
  gboolean long_run, list;
  gint seconds;    /* of stress in one process; 0: rounds */
  ResultHead head; /* of every line */
} WgiOptions;

/* account.c: what outlives a crash, in memory shared with the parent. */
typedef struct {
  gint at_work;   /* the fault may show from here on */
  gint criticals; /* of GLib */
  gint warnings;
  gint reports;       /* of a sanitizer */
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

/* result.c: the judgements of ../result in this program's words. */
/* Holds with a patched plugin, and does not with upstream's: either is required. */
void promise (Result *result, gboolean held, const gchar *what);
/* Holds with a patched plugin; upstream's may or may not. */
void holds (Result *result, gboolean held, const gchar *what);
/* Must be so with either, or the scenario has not measured what it is about. */
void must (Result *result, gboolean so, const gchar *what);
/* What the account counted, as fields; a patched plugin must not have caused any. */
void result_add_account (Result *result);

/* run.c: one child. */
typedef enum { ENDED_WELL, ENDED_BADLY, ENDED_NEVER } Ending;
typedef void (*Body) (const WgiOptions *options, gpointer data);
/* Runs body in a process of its own; `how` tells in words unless it ended well. */
Ending run_child (const WgiOptions *options, Body body, gpointer data, guint bound_ms, gchar **how);
/* In the child: loads the plugin. */
gboolean run_load (const WgiOptions *options, GError **error);

/* scenarios.c: the list of all. */
typedef struct {
  const gchar *name;
  const gchar *about;
  void (*run) (Result *result);
  /* Instead of run: in the parent, for scenarios that have children of their own. */
  void (*conduct) (const WgiOptions *options, Result *result);
} Scenario;

extern const Scenario wgi_scenarios[];

/* scenarios-lifetime.c */
void scenario_node_lifetime_listen (Result *result);
void scenario_node_lifetime_event (Result *result);
void scenario_node_lifetime_query (Result *result);
void scenario_failed_leave (Result *result);
void scenario_renamed_source (Result *result);
void scenario_renamed_node (Result *result);
/* scenarios-names.c */
void scenario_name_takeover (Result *result);
void scenario_name_handed_back (Result *result);
void scenario_same_name_one_node (Result *result);
void scenario_same_name_two_nodes (Result *result);
/* scenarios-race.c */
void scenario_foreach_race (Result *result);
void scenario_created_while_looking (Result *result);
void scenario_listen_to_read_race (Result *result);
/* scenarios-locks.c */
void scenario_switch_in_event_probe (Result *result);
void scenario_slow_caps_query (Result *result);
void scenario_slow_reconfigure (Result *result);
void scenario_slow_event (Result *result);
void scenario_slow_log (Result *result);
void scenario_block_stall_others (Result *result);
void scenario_block_stall_own (Result *result);
/* scenarios-caps.c */
void scenario_switch_caps_alone (Result *result);
void scenario_switch_caps_shared (Result *result);
void scenario_switch_caps_threads (Result *result);
void scenario_switch_caps_refused (Result *result);
void scenario_start_against_down (Result *result);
void scenario_listen_against_down (Result *result);
void scenario_block_switch_restart (Result *result);
void scenario_allocation_agreed (Result *result);
void scenario_allocation_other_caps (Result *result);
/* scenarios-buffers.c */
void scenario_restart_ts_shared (Result *result);
void scenario_restart_ts_pool (Result *result);
void scenario_compensate_ts_pool (Result *result);
void scenario_compensate_ts_none (Result *result);
void scenario_first_buffer_once (Result *result);
void scenario_limits_bound_buffers (Result *result);
void scenario_limits_bound_bytes (Result *result);
void scenario_limits_bound_time (Result *result);
/* scenarios-events.c */
void scenario_pending_events (Result *result);
void scenario_events_in_order (Result *result);
void scenario_stale_events (Result *result);
void scenario_event_leak (Result *result);
void scenario_event_unchanged (Result *result);
void scenario_flush_events (Result *result);
void scenario_null_listen_event (Result *result);
/* stress.c */
void scenario_stress (const WgiOptions *options, Result *result);

G_END_DECLS
