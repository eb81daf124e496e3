/* SPDX-License-Identifier: MIT */
/*
 * stage.h: a server, alone, with faults at hand.
 *
 * What it is for: scenarios that measure what a client or an operator sees of a server: a real Wolf,
 * unpatched or patched, or wolf-lab with or without its fixes (server.h). The stage does not know
 * these from each other except by label.
 *
 * Life: the program forks once per scenario, some at a time. The child enters a network namespace
 * with nothing but loopback in it if the server's ports are fixed ones, opens a Stage (temporary
 * folder, configuration, server started and listening), runs the scenario, closes the Stage (every
 * process that came of it is killed) and ends. The parent bounds its time.
 *
 * Threads: a Stage belongs to the thread that opened it. Questions (ask.c) run in threads of their
 * own and may be left unanswered. Every call that blocks takes or names its bound.
 */
#pragma once

#include <gio/gio.h>
#include <json-glib/json-glib.h>

#include "client.h" /* verify/tools/faults: orders to the tracer */
#include "machine.h"
#include "result.h" /* verify/report/result */
#include "server.h"

G_BEGIN_DECLS

/* Nothing that a healthy server does here takes this long on a busy machine. */
#define STAGE_SOON_MS 20000
/* How long a question to a stuck server is watched before it counts as never answered. */
#define STAGE_PATIENCE_MS 30000
/* The same where one of the answers has been watched for so long already. */
#define STAGE_SHORT_PATIENCE_MS 5000
/* How long packets are counted. */
#define STAGE_COUNT_MS 3000

/* In a server's folder. */
#define STAGE_LOG "server.log"
#define STAGE_STDOUT "server.out" /* only of a server that says by a line that it is ready */

/* switches.c: the lab's fixes, each of which can be taken away, and the scenarios that must, or may,
 * break a promise then. Globs with commas between. */
typedef struct {
  const gchar *name, *off;
  const gchar *must, *may;
} Switch;

extern const Switch stage_switches[];
const Switch *stage_switch (const gchar *name); /* NULL: there is none */

typedef struct {
  const Server *server;
  gchar *binary, *interpipe, *probe, *plugins;
  gchar *side; /* "before" or "after" */
  gchar **lab_argv;
  const Switch *without;
  gchar *label, *commit, *only, *out, *scratch;
  gint jobs;
  gboolean append, json, long_run, keep, plugin_after;
  ResultHead head;
} StageOptions;

/* What the absence of options->without means for a scenario. */
ResultCure stage_cure (const StageOptions *options, const gchar *scenario);

struct Stage {
  const StageOptions *options;
  const Server *server;
  gchar *dir;
  const gchar *more; /* one more argument, or NULL */
  ServerPorts ports;
  GPid pid; /* 0: not running */
  gint wait_status;
  guint crashed_starts; /* before the one that counts */
  guint restarts;
  gboolean told_to_end;
  gchar *app_id;
  gchar **session_ids; /* one per client: the server derives it from the certificate */
  guint n_clients;
  WgfClient *faults;
  Machine *machine; /* the scenario's, of its first stage alone */
  gint64 begun;
  gdouble cost; /* of a request, when nothing is stuck: in exchanges of the machine's, at least 1 */
};

/* processes.c: children, those that other threads started included. */
GArray *process_children (GPid pid);
/* What our children leave behind is ours, as their next of kin. */
void process_adopt (void);
/* Kills and reaps our children, and what they leave, but for those to `keep` (NULL: none). */
void process_end_children (gboolean (*keep) (GPid child, gpointer data), gpointer data);

/* network.c: a namespace with loopback up and a multicast route, for the calling process and its
 * children. */
gboolean stage_enter_network (GError **error);
/* Kills every other process in this namespace. */
void stage_clear_network (void);
/* Kills a scenario's process and everything in its namespace, from outside. */
void stage_kill_network_of (GPid child);

/* stage.c. `more` is one more argument for the server, static, or NULL. */
Stage *stage_open (const StageOptions *options, const gchar *dir, guint n_clients,
    const gchar *more, GError **error);
/* Kills the server; what it had started is ended with the scenario. Accepts NULL. */
void stage_close (Stage *stage);
/* A path in the stage's folder. */
gchar *stage_path (const Stage *stage, const gchar *name);
/* Makes certificates for n clients in options->scratch, once per run of the program. */
gboolean stage_make_certificates (const StageOptions *options, guint n, GError **error);
gchar *stage_client_file (const StageOptions *options, guint client, const gchar *file);
/* Sends a signal and waits; FALSE when the server is still there after `within_ms`. */
gboolean stage_signal (Stage *stage, gint signal, gint64 within_ms, gdouble *took_ms);
gchar *stage_log (const Stage *stage);
/* FALSE once the server has ended by itself; stage->wait_status then says how. */
gboolean stage_is_alive (Stage *stage);
/* The same, waited for. */
gboolean stage_has_ended (Stage *stage, gint64 within_ms);
/* Another server in its place; it is killed if need be, with what it has left behind. Its log is put aside as LOG.N.
 * Sessions and faults are gone. */
gboolean stage_restart (Stage *stage, GError **error);

/* Gives an order to the tracer in the server; the answer must be "ok". NULL when the tracer is gone. */
JsonObject *stage_order (Stage *stage, const gchar *format, ...) G_GNUC_PRINTF (2, 3);
/* The same, and whether a `wait` came to be. */
gboolean stage_order_reached (Stage *stage, const gchar *format, ...) G_GNUC_PRINTF (2, 3);

/* figures.c: what /proc tells. */
typedef struct {
  guint threads, descriptors, rss_kb, pipelines, stalled;
} StageFigures;

void stage_figures (Stage *stage, StageFigures *figures);
/* Waits until no pipeline is alive in the server, and its threads are at most `threads`. */
gboolean stage_wait_empty (Stage *stage, guint threads, gint64 within_ms, StageFigures *figures);

typedef struct {
  guint close_wait;  /* accepted or not */
  guint unaccepted;  /* complete, but nobody has called accept() */
  guint established; /* accepted ones */
} StageSockets;

/* The server's end of all connections to a port. */
void stage_sockets (guint port, StageSockets *sockets);
/* Waits until none is in CLOSE_WAIT. */
gboolean stage_wait_no_close_wait (guint port, gint64 within_ms, StageSockets *sockets);
/* Descriptors of a process: all, and those that are sockets. */
void stage_descriptors (GPid pid, guint *all, guint *sockets);
void result_figures (Result *result, const gchar *name, const StageFigures *figures);

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
/* NAME_ms and NAME_status. */
void result_answer (Result *result, const gchar *name, const Answer *answer);

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

/* Runs wolf-probe; `report` is called for each of its lines, and ends it by FALSE. */
typedef gboolean (*StageReport) (JsonObject *report, gpointer data);
void stage_probe_each (const Stage *stage, gint64 within_ms, const gchar *command,
    const gchar *const *words, StageReport report, gpointer data);
/* To its end; returns the last report, or NULL when there was none. Takes words up to NULL. */
JsonObject *stage_probe (
    const Stage *stage, gint64 within_ms, const gchar *command, ...) G_GNUC_NULL_TERMINATED;

/* Waits between two moments that nothing announces, such as the time over which packets are
 * counted. */
void stage_let_pass (gint64 ms);

/* scenarios.c: the list of all. */
typedef struct {
  const gchar *name;
  const gchar *about;
  void (*run) (Stage *stage, Result *result);
  guint clients;
  guint long_clients; /* in a long run; 0: the same */
  guint bound_s;      /* after this the scenario is killed and has failed */
  guint needs;        /* abilities of a server; without them it is left out */
  gboolean one_arena; /* its server's malloc() has one arena: memory that it keeps is a leak then */
} Scenario;

extern const Scenario stage_scenarios[];

/* play.c: runs those that are chosen, options->jobs at a time. Returns the exit status. */
gint stage_play (StageOptions *options);
gboolean scenario_is_chosen (const Scenario *scenario, const StageOptions *options);

void scenario_timeline (Stage *stage, Result *result);
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
void scenario_stop_storm (Stage *stage, Result *result);
void scenario_relaunch (Stage *stage, Result *result);
void scenario_thread_ends (Stage *stage, Result *result);
void scenario_malformed (Stage *stage, Result *result);
void scenario_idle (Stage *stage, Result *result);
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
