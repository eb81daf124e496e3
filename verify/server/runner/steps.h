/* SPDX-License-Identifier: MIT */
/* acts.h: what several scenarios do: stream, get stuck, look at the server meanwhile. */
#pragma once

#include "runner.h"

/* How long a question is watched in this run before it counts as never answered. */
gint64 act_patience_ms (const Stage *stage);

/* How long to wait for what a healthy server does at once: `ms` where it may be stuck; after the fix for as long as a
 * busy machine may need. */
gint64 act_wait_ms (const Stage *stage, gint64 ms);

/* What the API takes for sessions/add; for sessions/stop and sessions/pause. */
gchar *act_add_body (const Stage *stage, guint client);
gchar *act_session_body (const Stage *stage, guint client);

/* A viewer that streams, or NULL; either way it is told to the result. */
Viewer *act_stream (Stage *stage, Result *result, guint client);

/* Arms a fault at the compositor source of one client's session: "stall" or "die", and waits for
 * the hit. Tells the result. */
void act_strike_source (
    Stage *stage, Result *result, guint client, const gchar *kind, const gchar *where);

/* Measures what a request costs while nothing is stuck, for act_limit_ms(). */
void act_measure_healthy (Stage *stage, Result *result);
/* What an answer may take while something is stuck: the larger of 50 ms and twice what a request took while
 * nothing was, on the machine as it has been since the scenario began (machine.h). Ask for it when the
 * time that it is held against has passed. */
gdouble act_limit_ms (const Stage *stage);
/* That the answer is 200 and within the limit. */
void act_expect_prompt (Stage *stage, Result *result, const Answer *answer, const gchar *what);
/* `ms`, and more on a machine that is slow during the scenario: for what takes seconds. */
gdouble act_stretched_ms (const Stage *stage, gdouble ms);

/* HTTPS requests one after the other for a time, in a thread of its own. */
typedef struct Load Load;
Load *act_load_start (Stage *stage, guint client, gdouble seconds, gdouble timeout_s);
/* Ends it earlier; does not wait. */
void act_load_stop (Load *load);
typedef struct {
  gint64 failures;
  gdouble p50_ms, p99_ms; /* negative: none was answered */
} LoadTimes;
/* Waits for its end; adds NAME_requests, NAME_failures, NAME_p99_ms to the result. */
void act_load_end (Load *load, Result *result, const gchar *name, LoadTimes *times);
/* Whether all were answered, and within the limit. */
gboolean act_is_in_time (const Stage *stage, const LoadTimes *times);
/* Takes what that load measured, while nothing was stuck, as what a request costs. */
void act_take_cost (Stage *stage, gint64 since, const LoadTimes *healthy);

/* The same, for the element that is named by `target`, an order's words. */
void act_strike (Stage *stage, Result *result, const gchar *kind, const gchar *target);

/* The promise must hold when the label is patched and the plugin is patched, too; else it is only
 * recorded. */
void expect_held_with_plugin (Stage *stage, Result *result, gboolean held, const gchar *what);

/* While something is stuck: HTTPS latency and sockets. Adds figures and expectations. */
void act_look_at_server (Stage *stage, Result *result, guint client);

/* The same, another client's new session and, if wanted, a new launch by the same client. */
void act_look_meanwhile (Stage *stage, Result *result, guint stuck_client, gboolean relaunch);

/* Whether the compositor pipeline of a session or lobby still exists in Wolf after at most
 * `within_ms`. */
gboolean act_producer_outlives (Stage *stage, const gchar *id, gint64 within_ms);
/* The same of a client's session. */
gboolean act_outlives (Stage *stage, guint client, gint64 within_ms);

/* The moments in the start of a compositor's pipeline at which it can be held: `words` say where, in
 * an order to the tracer. */
#define ACT_MOMENTS 6
typedef struct {
  const gchar *name, *words;
} ActMoment;
extern const ActMoment act_moments[ACT_MOMENTS];

/* How long a stop may take while the pipeline is held; upstream's waits for longer in some of them.
 */
#define ACT_HELD_MS 1000
/* A pipeline that was held while it was made appears within this after its release. */
#define ACT_APPEAR_MS 1000
/* After the release the pipeline must be gone within this. */
#define ACT_GONE_MS 8000

/* Streaming threads come from GLib's pool, which keeps two idle ones for 15 s: so many threads more
 * than before, and so long until there are no more than that. */
#define ACT_IDLE_THREADS 2
#define ACT_IDLE_MS 20000

/* Of an array of gdouble, which it sorts; negative for an empty one. */
gdouble act_percentile (GArray *ms, guint percent);

/* For scenarios that no server fails as a rule: a server that is stopped for a second must be noticed. */
void act_control_frozen (Stage *stage, Result *result);

/* An unguarded lab beside this one that keeps what should go: connections whose handshake failed, and pictures of
 * each session. `options` is filled, and has to stay for as long as the stage does; `lab_argv`, or NULL, are
 * more of the lab's arguments. NULL when it does not come up, which the result says. */
Stage *act_open_planted (Stage *stage, Result *result, StageOptions *options, gchar **lab_argv);

/* Lets all faults go; the server must answer again. */
void act_release (Stage *stage, Result *result);
