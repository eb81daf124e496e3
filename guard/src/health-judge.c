/* SPDX-License-Identifier: MIT
 *
 * What is wrong, in words. A *condition* has a code; the module remembers since when it holds. What
 * has happened once, such as the death of a lock's owner, is a condition for a minute.
 */
#include "clock.h"
#include "health-private.h"

#include <stdarg.h>
#include <string.h>

#define RECENT_US (WG_HEALTH_RECENT_S * G_USEC_PER_SEC)
#define SCANNER_LATE_US (5 * G_USEC_PER_SEC) /* it looks four times a second */

typedef enum {
  THREADS_LOST,
  LOOPS_LOST,
  CANARY,
  QUARANTINE_FULL,
  DISPATCH_FULL,
  DESCRIPTORS,
  THREADS_STUCK,
  LOOPS_STUCK,
  STREAMS_STUCK,
  QUARANTINE,
  DISPATCH_LOST,
  BOOKS,
  SCANNER,
  LOCKS,
  THREAD_ENDS,
  CONDITIONS
} Condition;

static const char *const codes[CONDITIONS] = { "threads-lost", "loops-lost", "canary",
  "quarantine-full", "dispatcher-full", "descriptors", "threads-stuck", "loops-stuck",
  "streams-stuck", "quarantine", "dispatcher", "books", "scanner", "locks", "thread-ends" };

/* The health thread's own. */
static gint64 since[CONDITIONS]; /* 0: it does not hold */
static guint64 lock_events, thread_ends;
static gint64 lock_event_at, thread_end_at; /* 0: never */
static guint64 scanner_looks;
static gint64 scanner_looked_at, judged_at;
static gint64 scanner_late;

static void G_GNUC_PRINTF (5, 6) add (WgVerdict *verdict, Condition condition, WgHealthLevel level,
    gint64 known_since, const char *format, ...)
{
  WgReason *reason = &verdict->reasons[verdict->count++];
  va_list args;

  if (!since[condition] || (known_since && known_since < since[condition]))
    since[condition] = known_since ? known_since : judged_at;
  *reason = (WgReason){ .code = codes[condition], .level = level, .since = since[condition] };
  va_start (args, format);
  g_vsnprintf (reason->text, sizeof reason->text, format, args);
  va_end (args);
  verdict->level = MAX (verdict->level, level);
}

/* --- threads */

/* guard's own threads take over what may get stuck: that one of them is lost is foreseen, and the
 * quarantine and the dispatcher say when it is too much. */
static gboolean
is_own (const char *name)
{
  return g_str_has_prefix (name, "wg-");
}

/* It has a reason of its own. */
static gboolean
is_canary (const WgWatchThread *thread)
{
  return thread->depth > 0 && g_str_has_prefix (thread->operations[0], "canary");
}

/* The first thread that is `lost`, or else stuck; how many there are. */
static const WgWatchThread *
find_threads (const WgHealthFacts *facts, gboolean lost, guint *count, const char **name)
{
  const WgWatchThread *first = NULL;

  *count = 0;
  for (guint i = 0; i < facts->watch.count; i++) {
    const WgWatchThread *thread = &facts->threads[i];
    const char *own = i < WG_HEALTH_THREADS ? facts->names[i] : "";
    gboolean is_lost = thread->level == WG_WATCH_LOST && !is_own (own);

    if (thread->level < WG_WATCH_STUCK || is_lost != lost || is_canary (thread))
      continue;
    *name = first ? *name : own;
    first = first ? first : thread;
    ++*count;
  }
  return first;
}

static void
judge_threads (const WgHealthFacts *facts, WgVerdict *verdict, gboolean lost)
{
  const char *name = "";
  guint count;
  const WgWatchThread *first = find_threads (facts, lost, &count, &name);
  gint64 age;

  if (!first)
    return;
  age = MAX (facts->watch_now - first->since, 0);
  add (verdict, lost ? THREADS_LOST : THREADS_STUCK, lost ? WG_HEALTH_FAILING : WG_HEALTH_DEGRADED,
      facts->now - age, "%u thread%s %s; the first: thread %d '%s' in %s", count,
      count == 1 ? "" : "s", lost ? "lost" : "stuck", (int) first->tid, name,
      first->depth ? first->operations[first->depth - 1] : "nothing");
}

static void
judge_canary (const WgHealthFacts *facts, WgVerdict *verdict)
{
  for (guint i = 0; i < facts->watch.count; i++) {
    const WgWatchThread *thread = &facts->threads[i];

    if (thread->level < WG_WATCH_SLOW || !is_canary (thread))
      continue;
    add (verdict, CANARY, WG_HEALTH_FAILING, facts->now - MAX (facts->watch_now - thread->since, 0),
        "a new session would not start: thread %d 'wg-canary' in %s", (int) thread->tid,
        thread->operations[thread->depth - 1]);
    return;
  }
  if (!(facts->missing & WG_BOOK_CANARY) && *facts->canary.why)
    add (verdict, CANARY, WG_HEALTH_FAILING, 0, "a new session would not start: %s",
        facts->canary.why);
}

/* --- loops */

/* The books are sorted: the first of those that are meant is the worst. */
static void
judge_beats (const WgHealthFacts *facts, WgVerdict *verdict, Condition condition)
{
  WgBeatKind kind = condition == STREAMS_STUCK ? WG_BEAT_STREAM : WG_BEAT_LOOP;
  gboolean lost = condition == LOOPS_LOST;
  const WgBeatBook *first = NULL;
  guint count = 0;

  for (guint i = 0; i < facts->beat_counts.count; i++) {
    const WgBeatBook *book = &facts->beats[i];

    if (book->kind != kind || book->level < WG_WATCH_STUCK
        || (kind == WG_BEAT_LOOP && (book->level == WG_WATCH_LOST) != lost))
      continue;
    first = first ? first : book;
    count++;
  }
  if (first)
    add (verdict, condition, lost ? WG_HEALTH_FAILING : WG_HEALTH_DEGRADED, facts->now - first->age,
        "%u %s%s %s; the first: '%s', thread %d in %s", count,
        kind == WG_BEAT_STREAM ? "stream" : "loop", count == 1 ? "" : "s", lost ? "lost" : "stuck",
        first->name, (int) first->tid, first->where);
}

/* --- guard's books */

static void
judge_quarantine (const WgHealthFacts *facts, WgVerdict *verdict)
{
  const WgQuarantineStatus *status = &facts->quarantine;
  const WgPipelineBook *first = &facts->pipelines[0];
  gboolean named = facts->pipeline_counts.kept > 0 && !(facts->missing & WG_BOOK_PIPELINES);

  if (facts->missing & WG_BOOK_QUARANTINE || !status->now)
    return;
  add (verdict, status->failing ? QUARANTINE_FULL : QUARANTINE,
      status->failing ? WG_HEALTH_FAILING : WG_HEALTH_DEGRADED,
      status->failing ? 0 : facts->now - (gint64) (status->oldest_s * G_USEC_PER_SEC),
      "%u of %u pipelines in quarantine%s%s%s%s%s", status->now, status->max,
      named ? "; one: '" : "", named ? first->name : "", named ? "'" : "",
      named && *first->call ? " in " : "", named ? first->call : "");
}

static void
judge_dispatcher (const WgHealthFacts *facts, WgVerdict *verdict)
{
  const WgDispatchStatus *status = &facts->dispatch.status;
  const WgTaskBook *lost = NULL;

  if (facts->missing & WG_BOOK_DISPATCH || !status->lost)
    return;
  for (guint i = 0; i < facts->dispatch.tasks && !lost; i++)
    if (facts->tasks[i].lost)
      lost = &facts->tasks[i];
  add (verdict, status->failing ? DISPATCH_FULL : DISPATCH_LOST,
      status->failing ? WG_HEALTH_FAILING : WG_HEALTH_DEGRADED, 0,
      "%u of %u threads of the dispatcher written off; the first in %s", status->lost,
      status->lost_max, lost ? lost->what : "a task");
}

static void
judge_books (const WgHealthFacts *facts, WgVerdict *verdict)
{
  static const char *const names[] = { "watch", "pipelines", "quarantine", "dispatcher", "threads",
    "loops", "canary" };
  char text[WG_JSON_TEXT_MAX] = "";

  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    if (facts->missing & 1u << i) {
      g_strlcat (text, *text ? ", " : "", sizeof text);
      g_strlcat (text, names[i], sizeof text);
    }
  if (*text)
    add (verdict, BOOKS, WG_HEALTH_DEGRADED, 0, "a thread keeps the mutex of: %s", text);
}

static void
judge_scanner (const WgHealthFacts *facts, WgVerdict *verdict)
{
  if (facts->missing & WG_BOOK_WATCH || !facts->watch.scanning)
    return;
  if (facts->watch.looks != scanner_looks || scanner_looked_at == 0) {
    scanner_looks = facts->watch.looks;
    scanner_looked_at = facts->now;
    scanner_late = 0;
  }
  if (scanner_late > SCANNER_LATE_US)
    add (verdict, SCANNER, WG_HEALTH_DEGRADED, scanner_looked_at,
        "the scanner of threads does not look any more: levels are old");
}

/* --- the rest */

static void
judge_descriptors (const WgHealthFacts *facts, WgVerdict *verdict)
{
  guint64 used = facts->fds, max = facts->fds_max;

  /* The limit counts numbers, not open ones: none is free when as many are open. One of them is the
   * folder's in which they were counted, one guard's reserve. */
  if (max && used * 100 >= max * WG_HEALTH_FDS_PERCENT)
    add (verdict, DESCRIPTORS, used + 1 >= max ? WG_HEALTH_FAILING : WG_HEALTH_DEGRADED, 0,
        "%u of %u file descriptors are in use", facts->fds, facts->fds_max);
}

/* TRUE while `now_count` has grown within the last minute. */
static gboolean
is_recent (guint64 now_count, guint64 *count, gint64 *at)
{
  if (now_count != *count)
    *at = judged_at;
  *count = now_count;
  return *at && judged_at - *at < RECENT_US;
}

static void
judge_events (const WgHealthFacts *facts, WgVerdict *verdict)
{
  guint64 events = 0;

  for (guint i = 0; i < facts->lock_count; i++)
    events += facts->locks[i].recovered + facts->locks[i].timeouts + facts->locks[i].relocks
        + facts->locks[i].foreign + facts->locks[i].orphaned;
  if (is_recent (events, &lock_events, &lock_event_at))
    add (verdict, LOCKS, WG_HEALTH_DEGRADED, 0,
        "locks: a timeout, or an owner that died or went wrong, in the last %d s",
        WG_HEALTH_RECENT_S);
  if (facts->missing & WG_BOOK_THREADS)
    return;
  if (is_recent (facts->ends.unexpected, &thread_ends, &thread_end_at))
    add (verdict, THREAD_ENDS, WG_HEALTH_DEGRADED, 0,
        "a thread ended unexpectedly in the last %d s", WG_HEALTH_RECENT_S);
}

static int
worst_first (gconstpointer a, gconstpointer b)
{
  const WgReason *one = a, *other = b;

  if (one->level != other->level)
    return (int) other->level - (int) one->level;
  return (one->since > other->since) - (one->since < other->since);
}

/* What does not hold any more begins anew next time. */
static void
forget_others (const WgVerdict *verdict)
{
  for (guint i = 0; i < CONDITIONS; i++) {
    gboolean holds = FALSE;

    for (guint j = 0; j < verdict->count; j++)
      holds |= verdict->reasons[j].code == codes[i];
    if (!holds)
      since[i] = 0;
  }
}

void
wg_health_judge (const WgHealthFacts *facts, WgVerdict *verdict)
{
  /* The whole machine may have stood still: one look's worth of that counts for the scanner. */
  scanner_late += MIN (facts->now - judged_at, G_USEC_PER_SEC);
  judged_at = facts->now;
  verdict->level = WG_HEALTH_OK;
  verdict->count = 0;
  judge_threads (facts, verdict, TRUE);
  judge_threads (facts, verdict, FALSE);
  judge_canary (facts, verdict);
  if (!(facts->missing & WG_BOOK_BEATS)) {
    judge_beats (facts, verdict, LOOPS_LOST);
    judge_beats (facts, verdict, LOOPS_STUCK);
    judge_beats (facts, verdict, STREAMS_STUCK);
  }
  judge_quarantine (facts, verdict);
  judge_dispatcher (facts, verdict);
  judge_descriptors (facts, verdict);
  judge_books (facts, verdict);
  judge_scanner (facts, verdict);
  judge_events (facts, verdict);
  forget_others (verdict);
  qsort (verdict->reasons, verdict->count, sizeof *verdict->reasons, worst_first);
}
