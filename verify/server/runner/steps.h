/* SPDX-License-Identifier: MIT */
/* steps.h: what several scenarios do: stream, get stuck, look at the server meanwhile. */
#pragma once

#include "ask.h"
#include "timing.h"
#include "metrics.h"
#include "runner-options.h"
#include "paths.h"
#include "probe.h"
#include "scenarios.h"

/* How long a question is watched in this run before it counts as never answered. */
gint64 step_patience_ms (const Runner *runner);

/* How long to wait for what a healthy server does at once: `ms` where it may be stuck; after the
 * fix for as long as a busy machine may need. */
gint64 step_wait_ms (const Runner *runner, gint64 ms);

/* What the API takes for sessions/add; for sessions/stop and sessions/pause. */
gchar *step_add_body (const Runner *runner, guint number);
gchar *step_session_body (const Runner *runner, guint number);

/* A client that streams, or NULL; either way it is told to the result. */
Client *step_stream (Runner *runner, Result *result, guint number);

/* Arms a fault at the compositor source of one client's session: "stall" or "die", and waits for
 * the hit. Tells the result. */
void step_strike_source (
    Runner *runner, Result *result, guint number, const gchar *kind, const gchar *where);

/* Measures what a request costs while nothing is stuck, for step_limit_ms(). */
void step_measure_healthy (Runner *runner, Result *result);
/* What an answer may take while something is stuck: the larger of 50 ms and twice what a request
 * took while nothing was, on the machine as it has been since the scenario began (machine.h). Ask
 * for it when the time that it is held against has passed. */
gdouble step_limit_ms (const Runner *runner);
/* That the answer is 200 and within the limit. */
void step_expect_prompt (Runner *runner, Result *result, const Answer *answer, const gchar *what);
/* Ends a question to a server of which something is stuck: it is not answered before the series,
 * and in time after it. `name` is its name in the line, `what` in words. */
void step_conclude (
    Runner *runner, Result *result, Question *question, const gchar *name, const gchar *what);
/* `ms`, and more on a machine that is slow during the scenario: for what takes seconds. */
gdouble step_stretched_ms (const Runner *runner, gdouble ms);

/* HTTPS requests one after the other for a time, in a thread of its own. */
typedef struct Load Load;
Load *step_load_start (Runner *runner, guint number, gdouble seconds, gdouble timeout_s);
/* Ends it earlier; does not wait. */
void step_load_stop (Load *load);
typedef struct {
  gint64 failures;
  gdouble p50_ms, p99_ms; /* negative: none was answered */
} LoadTimes;
/* Waits for its end; adds NAME_requests, NAME_failures, NAME_p50_ms, NAME_p99_ms
 * and NAME_max_ms to the result. */
void step_load_end (Load *load, Result *result, const gchar *name, LoadTimes *times);
/* Whether all were answered, and within the limit. */
gboolean step_is_in_time (const Runner *runner, const LoadTimes *times);
/* Takes what that load measured, while nothing was stuck, as what a request costs. */
void step_take_cost (Runner *runner, gint64 since, const LoadTimes *healthy);

/* The same, for the element that is named by `target`, an order's words. */
void step_strike (Runner *runner, Result *result, const gchar *kind, const gchar *target);

/* The promise must hold after the series, where the plugin has it too; else it is only recorded. */
void expect_held_with_plugin (Runner *runner, Result *result, gboolean held, const gchar *what);

/* While something is stuck: HTTPS latency and sockets. Adds times and expectations. */
void step_look_at_server (Runner *runner, Result *result, guint number);

/* The same, another client's new session and, if wanted, a new launch by the same client. */
void step_look_meanwhile (Runner *runner, Result *result, guint stuck_client, gboolean relaunch);

/* Waits until the only element's property has that value; `which` is a target and a property in an
 * order's words. */
gboolean step_await_value (
    Runner *runner, const gchar *which, const gchar *value, gint64 within_ms);

/* Whether the compositor pipeline of a session or lobby still exists in Wolf after at most
 * `within_ms`. */
gboolean step_producer_outlives (Runner *runner, const gchar *id, gint64 within_ms);
/* The same of a client's session. */
gboolean step_outlives (Runner *runner, guint number, gint64 within_ms);

/* The moments in the start of a compositor's pipeline at which it can be held: `words` say where,
 * in an order to the tracer. */
#define STEP_MOMENTS 6
typedef struct {
  const gchar *name, *words;
} StepMoment;
extern const StepMoment step_moments[STEP_MOMENTS];

/* How long a stop may take while the pipeline is held; upstream's waits for longer in some of them.
 */
#define STEP_HELD_MS 1000
/* A pipeline that was held while it was made appears within this after its release. */
#define STEP_APPEAR_MS 1000
/* After the release the pipeline must be gone within this. */
#define STEP_GONE_MS 8000

/* Streaming threads come from GLib's pool, which keeps two idle ones for 15 s: so many threads more
 * than before, and so long until there are no more than that. */
#define STEP_IDLE_THREADS 2
#define STEP_IDLE_MS 20000

/* Of an array of gdouble, which it sorts; negative for an empty one. */
gdouble step_percentile (GArray *ms, guint percent);

/* For scenarios that no server fails as a rule: a server that is stopped for a second must be
 * noticed. */
void step_control_frozen (Runner *runner, Result *result);

/* A lab before the series, beside this one, that keeps what should go: connections whose handshake
 * failed, and pictures of each session. `options` is filled, and has to stay for as long as the
 * runner does; `lab_argv`, or NULL, are more of the lab's arguments. NULL when it does not come up,
 * which the result says. */
Runner *step_open_planted (
    Runner *runner, Result *result, RunnerOptions *options, gchar **lab_argv);

/* Lets all faults go; the server must answer again. */
void step_release (Runner *runner, Result *result);
