/* SPDX-License-Identifier: MIT
 *
 * What the health report reads of guard's own books. Each read copies under the mutex that the book
 * has. No thread of guard holds one across a wait, but the health thread relies on nobody: it gives
 * up at `until`, µs of g_get_monotonic_time(), and the report says so.
 *
 * Threads: any. FALSE: the mutex was not to be had, and nothing is filled in.
 */
#pragma once

#include <wolf-guard/beat.h>
#include <wolf-guard/inspect.h>
#include <wolf-guard/watch.h>

#define WG_BOOK_TEXT 48 /* of names; the rest is cut */

typedef enum { WG_PIPELINE_LIVE, WG_PIPELINE_ENDING, WG_PIPELINE_KEPT } WgPipelineState;

typedef struct {
  char name[WG_BOOK_TEXT], session[WG_BOOK_TEXT];
  WgPipelineState state; /* KEPT: in quarantine */
  char call[WG_BOOK_TEXT];
  gint64 call_since, asked; /* µs of wg_clock_now(); 0: in no call, no end asked for */
} WgPipelineBook;

typedef struct {
  guint count; /* entries that are filled in; there may be more pipelines */
  guint live, ending, kept;
} WgPipelineCounts;

/* At most `max` pipelines, those in quarantine first. */
gboolean wg_pipeline_read (
    WgPipelineBook *books, guint max, WgPipelineCounts *counts, gint64 until);

typedef struct {
  char name[WG_BOOK_TEXT];
  guint length;
  gboolean running; /* a task of it */
} WgQueueBook;

typedef struct {
  char what[WG_BOOK_TEXT], queue[WG_BOOK_TEXT];
  gint64 began; /* µs of wg_clock_now() */
  gboolean lost;
} WgTaskBook;

typedef struct {
  WgDispatchStatus status;
  guint queues, tasks; /* entries that are filled in; `status` has the numbers of all */
} WgDispatchCounts;

/* Queues in which tasks wait, and tasks that run, the oldest first. */
gboolean wg_dispatch_read (WgQueueBook *queues, guint queues_max, WgTaskBook *tasks,
    guint tasks_max, WgDispatchCounts *counts, gint64 until);

/* What is in quarantine, too: at most `max` objects, to be compared and not to be used. */
gboolean wg_quarantine_read (
    WgQuarantineStatus *status, gconstpointer *objects, guint max, guint *count, gint64 until);

gboolean wg_thread_read (WgThreadCounts *counts, gint64 until);

typedef struct {
  guint count; /* threads that are filled in */
  WgWatchStatus status;
  gboolean scanning;
  guint64 looks; /* of the scanner, since the process started */
} WgWatchCounts;

/* Always fills in threads. FALSE: their levels are all WG_WATCH_FINE, and no level is counted. */
gboolean wg_watch_read (WgWatchThread *threads, guint max, WgWatchCounts *counts, gint64 until);

typedef struct {
  WgBeatKind kind;
  char name[WG_BOOK_TEXT];
  pid_t tid;         /* 0: not known yet */
  const char *where; /* static text; NULL: not late */
  gint64 age;        /* µs as the scanner counts them */
  WgWatchLevel level;
} WgBeatBook;

typedef struct {
  guint count;                  /* books that are filled in */
  guint now[WG_WATCH_LOST + 1]; /* beats, by level */
  guint64 episodes, refused;    /* beats that became slow, beats for which there was no room */
} WgBeatCounts;

/* The worst first, as far as they were among the first `max`: have room for WG_BEATS. */
gboolean wg_beat_read (WgBeatBook *books, guint max, WgBeatCounts *counts, gint64 until);

typedef struct {
  guint64 runs;               /* that have come back */
  char why[WG_BOOK_TEXT * 2]; /* the last one failed; "": it did not */
} WgCanaryBook;

gboolean wg_canary_read (WgCanaryBook *book, gint64 until);
