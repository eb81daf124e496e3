/* SPDX-License-Identifier: MIT */
/*
 * stage.h: a real Wolf, alone in a network of its own, with faults at hand.
 *
 * What it is for: scenarios that measure what a client or an operator sees of a Wolf binary,
 * upstream's or a patched one, which the stage does not know from each other except by label.
 *
 * Life: the program forks once per scenario. The child enters a network namespace with nothing but
 * loopback in it, opens a Stage (temporary folder, configuration, Wolf started and listening), runs
 * the scenario, closes the Stage (every process in that namespace is killed) and ends. The parent
 * bounds its time.
 *
 * Threads: a Stage belongs to the thread that opened it. Questions (ask.c) run in threads of their
 * own and may be left unanswered. Every call that blocks takes or names its bound.
 */
#pragma once

#include <gio/gio.h>
#include <json-glib/json-glib.h>

#include "client.h" /* verify/faults: orders to the tracer */

G_BEGIN_DECLS

/* Nothing that a healthy Wolf does here takes this long on a busy machine. */
#define STAGE_SOON_MS 10000
/* How long a question to a stuck server is watched before it counts as never answered. */
#define STAGE_PATIENCE_MS 30000
/* The same where one of the answers has been watched for so long already. */
#define STAGE_SHORT_PATIENCE_MS 5000
/* How long packets are counted. */
#define STAGE_COUNT_MS 3000

#define STAGE_HTTPS_PORT 47984

typedef struct {
  gchar *wolf, *interpipe, *probe, *plugins;
  gchar *label, *commit, *only, *out, *scratch;
  gboolean long_run, list, keep, patched_plugin;
} StageOptions;

typedef struct {
  const StageOptions *options;
  gchar *dir;
  GPid wolf; /* 0: not running */
  gint wait_status;
  guint crashed_starts; /* before the one that counts */
  gboolean told_to_end;
  gchar *app_id;
  gchar **session_ids; /* one per client: Wolf derives it from the certificate */
  guint n_clients;
  WgfClient *faults;
} Stage;

/* network.c: a namespace with loopback up and a multicast route, for the calling process and its
 * children. */
gboolean stage_enter_network (GError **error);
/* Kills every other process in this namespace: what Wolf started, and Wolf. */
void stage_clear_network (void);
/* Kills a scenario's process and everything in its namespace, from outside. */
void stage_kill_network_of (GPid child);

/* stage.c. `extra_env` is NULL or pairs "NAME=VALUE". */
Stage *stage_open (const StageOptions *options, const gchar *dir, guint n_clients, GError **error);
void stage_close (Stage *stage);
/* Makes certificates for n clients in options->scratch, once per run of the program. */
gboolean stage_make_certificates (const StageOptions *options, guint n, GError **error);
gchar *stage_client_file (const StageOptions *options, guint client, const gchar *file);
/* Sends a signal and waits; FALSE when Wolf is still there after `within_ms`. */
gboolean stage_signal (Stage *stage, gint signal, gint64 within_ms, gdouble *took_ms);
gchar *stage_log (const Stage *stage);
/* FALSE once Wolf has ended by itself; stage->wait_status then says how. */
gboolean stage_is_alive (Stage *stage);

/* Gives an order to the tracer in Wolf; the answer must be "ok". NULL when the tracer is gone. */
JsonObject *stage_order (Stage *stage, const gchar *format, ...) G_GNUC_PRINTF (2, 3);
/* The same, and whether a `wait` came to be. */
gboolean stage_order_reached (Stage *stage, const gchar *format, ...) G_GNUC_PRINTF (2, 3);

/* figures.c: what /proc tells. */
typedef struct {
  guint threads, descriptors, rss_kb, pipelines, stalled;
} StageFigures;

void stage_figures (Stage *stage, StageFigures *figures);
/* Waits until no pipeline is alive in Wolf, and its threads are at most `threads`. */
gboolean stage_wait_empty (Stage *stage, guint threads, gint64 within_ms, StageFigures *figures);

typedef struct {
  guint close_wait;  /* accepted or not */
  guint unaccepted;  /* complete, but nobody has called accept() */
  guint established; /* accepted ones */
} StageSockets;

/* Wolf's end of all connections to a port. */
void stage_sockets (guint port, StageSockets *sockets);
/* Waits until none is in CLOSE_WAIT. */
gboolean stage_wait_no_close_wait (guint port, gint64 within_ms, StageSockets *sockets);
/* Descriptors of a process: all, and those that are sockets. */
void stage_descriptors (GPid pid, guint *all, guint *sockets);
/* Ids of Wolf's children. */
GArray *stage_children (const Stage *stage);

/* ask.c: one HTTP question, asked in a thread of its own. */
typedef struct Question Question;
typedef struct {
  gboolean answered;
  gint status;
  gdouble ms;
  gchar *body;
} Answer;

void answer_clear (Answer *answer);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Answer, answer_clear)

Question *ask_https (const Stage *stage, guint client, const gchar *path, gint64 patience_ms);
Question *ask_api (const Stage *stage, const gchar *method, const gchar *path, const gchar *body,
    gint64 patience_ms);
/* Whether it has been answered or given up; waits at most `within_ms`. */
gboolean question_is_over (Question *question, gint64 within_ms);
/* Waits until it is over (its patience bounds that), frees the question. */
void question_end (Question *question, Answer *answer);
/* Both at once. */
void stage_https (
    const Stage *stage, guint client, const gchar *path, gint64 patience_ms, Answer *answer);
void stage_api (const Stage *stage, const gchar *method, const gchar *path, const gchar *body,
    gint64 patience_ms, Answer *answer);

/* viewer.c: a wolf-probe process that streams as one client. */
typedef struct Viewer Viewer;

/* Starts it; `stop_after` as wolf-probe names phases, NULL: stream. Does not wait. */
Viewer *viewer_start (
    const Stage *stage, guint client, const gchar *stop_after, gint64 patience_ms);
/* The next report named `event`; NULL when it does not come in time or the process ended. A report
 * of any phase that says ok=false is returned, too. */
JsonObject *viewer_report (Viewer *viewer, const gchar *event, gint64 within_ms);
gboolean viewer_command (Viewer *viewer, const gchar *command);
/* Whether video arrives within `within_ms` of the start. */
gboolean viewer_streams (Viewer *viewer, gint64 within_ms);
/* Whether it gets as far as pinging, be there an answer or not. */
gboolean viewer_pings (Viewer *viewer, gint64 within_ms);
/* Counts packets for a time. */
void viewer_count (Viewer *viewer, gint64 for_ms, gint64 *video, gint64 *audio);
/* Kills the process if it does not quit; the session is not cancelled. Accepts NULL. */
void viewer_end (Viewer *viewer);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Viewer, viewer_end)

/* Runs wolf-probe to its end and returns the last report; NULL when there was none. Takes words up
 * to NULL. */
JsonObject *stage_probe (const Stage *stage, gint64 within_ms, ...) G_GNUC_NULL_TERMINATED;

/* Waits between two moments that nothing announces, such as the time over which packets are
 * counted. */
void stage_let_pass (gint64 ms);

/* result.c: what a scenario found, and whether that is what the label promises. */
typedef struct Result Result;
Result *result_new (const gchar *scenario, const gchar *label);
void result_free (Result *result);
void result_int (Result *result, const gchar *name, gint64 value);
void result_ms (Result *result, const gchar *name, gdouble ms); /* negative: null, it never came */
void result_bool (Result *result, const gchar *name, gboolean value);
void result_text (Result *result, const gchar *name, const gchar *text);
void result_answer (Result *result, const gchar *name, const Answer *answer);
void result_figures (Result *result, const gchar *name, const StageFigures *figures);
void result_object (Result *result, const gchar *name, JsonObject *object); /* takes object */
/* The fault must show on upstream: `shown` is judged when the label is upstream. */
void expect_fault (Result *result, gboolean shown, const gchar *what);
/* The promise must hold when the label is patched. */
void expect_held (Result *result, gboolean held, const gchar *what);
/* Must be true for either, or the scenario has not measured what it is about. */
void expect_both (Result *result, gboolean true_for_both, const gchar *what);
gboolean result_passes (const Result *result);
/* One line of JSON, newly allocated. */
gchar *result_line (Result *result, const StageOptions *options);

/* scenarios.c: the list of all. */
typedef struct {
  const gchar *name;
  const gchar *about;
  void (*run) (Stage *stage, Result *result);
  guint clients;
  guint bound_s; /* after this the scenario is killed and has failed */
} Scenario;

extern const Scenario stage_scenarios[];

void scenario_cancel_stuck_create (Stage *stage, Result *result);
void scenario_cancel_stuck_push (Stage *stage, Result *result);
void scenario_cancel_stuck_start (Stage *stage, Result *result);
void scenario_cancel_dead (Stage *stage, Result *result);
void scenario_cancel_many (Stage *stage, Result *result);
void scenario_api_stop_stuck (Stage *stage, Result *result);
void scenario_pause_stuck_source (Stage *stage, Result *result);
void scenario_pause_stuck_encoder (Stage *stage, Result *result);
void scenario_input_while_ending (Stage *stage, Result *result);
void scenario_input_state_lock (Stage *stage, Result *result);
void scenario_race_api (Stage *stage, Result *result);
void scenario_race_launch (Stage *stage, Result *result);
void scenario_stop_at_each_moment (Stage *stage, Result *result);
void scenario_return_at_once (Stage *stage, Result *result);
void scenario_cancel_before_ping (Stage *stage, Result *result);
void scenario_lobby_switch (Stage *stage, Result *result);
void scenario_lobby_cancel_stuck_create (Stage *stage, Result *result);
void scenario_lobby_cancel_stuck_push (Stage *stage, Result *result);
void scenario_lobby_leave_stuck (Stage *stage, Result *result);
void scenario_lobby_stop_stuck (Stage *stage, Result *result);
void scenario_lobby_start_stuck (Stage *stage, Result *result);
void scenario_lobby_switch_stuck (Stage *stage, Result *result);
void scenario_lobby_stop_at_each_moment (Stage *stage, Result *result);
void scenario_race_lobby (Stage *stage, Result *result);
void scenario_switch_storm (Stage *stage, Result *result);
void scenario_cycles (Stage *stage, Result *result);
void scenario_sigterm_streaming (Stage *stage, Result *result);
void scenario_sigterm_ward (Stage *stage, Result *result);
void scenario_abuse (Stage *stage, Result *result);
void scenario_inherited (Stage *stage, Result *result);

G_END_DECLS
