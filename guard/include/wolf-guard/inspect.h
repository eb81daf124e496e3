/* SPDX-License-Identifier: MIT
 *
 * wolf-guard/inspect.h: what guard knows about pipelines and threads
 * ==================================================================
 *
 * For health reports and tests. Any thread may call these functions. They block for a list
 * operation under guard's own mutexes, which no thread holds across a call into GStreamer or into
 * the host. None of them fails. lock-inspect.h has the same for locks.
 */
#pragma once

#include <sys/types.h>
#include <wolf-guard/thread.h>

G_BEGIN_DECLS

/* --- the quarantine
 *
 * A pipeline that does not end in time goes there together with its threads. A monitor thread
 * reports its name, its age and the call that blocks when it enters, and at the ages of 10 s, 1
 * min, 10 min and each hour. It leaves when the call has returned after all. Nothing is freed by
 * force. Beyond WOLF_GUARD_QUARANTINE_MAX (32) everything goes on as before, but guard logs
 * *FAILING* and how many pipelines are leaked: restart the process when its players allow. */

typedef struct {
  guint now;         /* pipelines in quarantine */
  guint max;         /* WOLF_GUARD_QUARANTINE_MAX */
  guint64 entered;   /* since the process started */
  guint64 recovered; /* those of them that ended after all */
  double oldest_s;   /* age of the oldest, 0 when there is none */
  gboolean failing;  /* now > max */
} WgQuarantineStatus;

void wg_quarantine_get_status (WgQuarantineStatus *status);

/* --- one pipeline */

typedef struct WgPipeline WgPipeline;

typedef struct {
  gboolean ending;
  gboolean eos_sent;      /* at least one peer was given EOS */
  gboolean eos_seen;      /* EOS was on the bus */
  gboolean error_seen;    /* ERROR was on the bus */
  guint64 dropped_ending; /* commands refused or discarded since the end began */
  guint64 dropped_full;   /* commands refused because the queue was full */
  guint64 merged;         /* events that were merged into one that waited */
} WgPipelineStats;

void wg_pipeline_get_stats (WgPipeline *pipeline, WgPipelineStats *stats);

/* --- the dispatcher */

typedef struct {
  guint queued, running;  /* tasks now; those on written-off threads are not among the running */
  guint threads, idle;    /* of the pool now */
  guint lost, lost_max;   /* written off and not returned; WOLF_GUARD_DISPATCH_LOST_MAX */
  gboolean failing;       /* lost > lost_max */
  guint64 posted, ran;    /* since the process started */
  guint64 written_off;    /* threads */
  guint64 recovered;      /* those of them whose task returned */
  guint64 refused;        /* posts */
  guint64 dropped_late;   /* not begun by their deadline */
  guint64 dropped_closed; /* their queue was closed, or the process drained */
  guint64 cancelled;
} WgDispatchStatus;

void wg_dispatch_get_status (WgDispatchStatus *status);

/* --- threads */

typedef struct {
  pid_t tid;
  const char *name, *session, *pipeline; /* never NULL; "" for none */
  gint64 started;                        /* µs of g_get_monotonic_time() */
  WgThreadEnd end;
  const char *what; /* the exception's text; else "" */
} WgThreadInfo;

/* Called at every start and end, beside the log line, in the thread that notices. The rules are
 * those of WgLogFunc. `info` is valid until the call returns. Calls of the former function may
 * still be under way in other threads when wg_thread_set_func() returns. */
typedef void (*WgThreadFunc) (const WgThreadInfo *info, gpointer data);
void wg_thread_set_func (WgThreadFunc func, gpointer data);

/* Numbers of records, one for each wg_thread_enter(). */
typedef struct {
  guint alive;                       /* now */
  guint64 started, left, unexpected; /* since the process started */
} WgThreadCounts;

void wg_thread_get_counts (WgThreadCounts *counts);

G_END_DECLS
