/* SPDX-License-Identifier: MIT
 *
 * What the files of the health report share. Calls go down this list only:
 *
 *   health.c           the socket and its thread
 *   health-document.c  the facts as JSON
 *   health-judge.c     what is wrong, and since when
 *   health-facts.c     what guard's books and the kernel say
 *   health-json.c      the writer
 *
 * All of it belongs to the health thread, and to a test that has none. Nothing here allocates.
 */
#pragma once

#include "books.h"
#include "watch-private.h"

#include <wolf-guard/health.h>

/* --- health-json.c: text into a buffer of fixed size. A hand-made writer, because json-glib would
 * be a new dependency of the trees that guard is embedded in, and allocates. */

typedef struct {
  char *text;
  gsize size, length; /* the final 0 is not counted */
  gboolean overflow, comma;
} WgJson;

/* `name` is NULL in arrays and for the outermost object. */
void wg_json_open (WgJson *json, const char *name, char bracket);
void wg_json_close (WgJson *json, char bracket);
/* A text of at most `WG_JSON_TEXT_MAX` bytes; NULL: null. What is no UTF-8, and control characters,
 * become question marks. */
#define WG_JSON_TEXT_MAX 256
void wg_json_text (WgJson *json, const char *name, const char *value);
void wg_json_number (WgJson *json, const char *name, guint64 value);
void wg_json_bool (WgJson *json, const char *name, gboolean value);
void wg_json_null (WgJson *json, const char *name);
/* µs as seconds with one decimal; negative ones as 0. */
void wg_json_seconds (WgJson *json, const char *name, gint64 us);

/* --- health-facts.c */

#define WG_HEALTH_THREADS 64
#define WG_HEALTH_PIPELINES 64
#define WG_HEALTH_QUEUES 32
#define WG_HEALTH_TASKS 32
#define WG_HEALTH_LOCKS 4
#define WG_HEALTH_LOOPS 64
#define WG_HEALTH_BUDGET_MS 30 /* for all books together */

typedef enum {
  WG_BOOK_WATCH = 1,
  WG_BOOK_PIPELINES = 2,
  WG_BOOK_QUARANTINE = 4,
  WG_BOOK_DISPATCH = 8,
  WG_BOOK_THREADS = 16,
  WG_BOOK_BEATS = 32,
  WG_BOOK_CANARY = 64,
} WgBook;

typedef struct {
  guint missing;                         /* WgBooks that could not be read */
  gint64 now;                            /* of wg_clock_now() */
  gint64 watch_now;                      /* of the clock that scopes use */
  WgWatchThread threads[WG_WATCH_SLOTS]; /* the worst first */
  char names[WG_HEALTH_THREADS][16];     /* of the first ones */
  WgWatchCounts watch;
  WgBeatBook beats[WG_BEATS]; /* the worst first */
  WgBeatCounts beat_counts;
  WgThreadCounts ends;
  WgCanaryBook canary;
  WgPipelineBook pipelines[WG_HEALTH_PIPELINES];
  WgPipelineCounts pipeline_counts;
  WgQuarantineStatus quarantine;
  WgQueueBook queues[WG_HEALTH_QUEUES];
  WgTaskBook tasks[WG_HEALTH_TASKS];
  WgDispatchCounts dispatch;
  WgLockCounts locks[WG_HEALTH_LOCKS];
  const char *lock_names[WG_HEALTH_LOCKS];
  guint lock_count;
  guint fds, fds_max; /* as of the last wg_health_look_around() */
} WgHealthFacts;

/* Open what is needed later, when there may be no descriptor any more. FALSE: errno says why. */
gboolean wg_health_prepare (void);
/* What costs more than a report may: count descriptors, forget the names of threads. */
void wg_health_look_around (void);
void wg_health_gather (WgHealthFacts *facts);

/* --- health-judge.c */

typedef enum { WG_HEALTH_OK, WG_HEALTH_DEGRADED, WG_HEALTH_FAILING } WgHealthLevel;

#define WG_HEALTH_REASONS 16
#define WG_HEALTH_FDS_PERCENT 80
#define WG_HEALTH_RECENT_S 60 /* what happened is a reason for that long */

typedef struct {
  const char *code;
  WgHealthLevel level;
  gint64 since; /* µs of wg_clock_now() */
  char text[WG_JSON_TEXT_MAX];
} WgReason;

typedef struct {
  WgHealthLevel level;
  WgReason reasons[WG_HEALTH_REASONS]; /* the worst first */
  guint count;
} WgVerdict;

/* Called at least once a second, so that `since` is right to a second. */
void wg_health_judge (const WgHealthFacts *facts, WgVerdict *verdict);

/* --- health-document.c */

#define WG_HEALTH_DOCUMENT_MAX (192 * 1024)

typedef struct {
  const char *version;
  gint64 started;          /* µs of wg_clock_now() */
  guint64 served, dropped; /* readers */
} WgHealthSelf;

/* Into `text` of WG_HEALTH_DOCUMENT_MAX bytes; returns the length. */
gsize wg_health_write (
    const WgHealthFacts *facts, const WgVerdict *verdict, const WgHealthSelf *self, char *text);

/* --- health.c */

/* For tests: the send buffer of each reader's socket, in bytes; 0: the system's. */
extern int wg_health_send_buffer;
