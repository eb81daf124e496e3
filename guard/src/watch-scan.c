/* SPDX-License-Identifier: MIT
 *
 * The scanner keeps one episode a slot: the scope that it saw there last and the time that it has
 * been seen for. What the host wants to know is read under a mutex that the scanner holds for a
 * copy.
 */
#include "settings.h"
#include "sync.h"
#include "watch-private.h"

#include <stdlib.h>
#include <string.h>

#define LATE_MS 500 /* at most this much of a gap between two looks counts */
#define LINES_A_MINUTE 10
#define SLOW_MS 1000
#define STUCK_MS 10000
#define LOST_MS 30000
#define MS_MAX 86400000
#define CHANGES_AT_ONCE 32 /* the rest comes with the next look */

typedef struct {
  const char *operation; /* NULL: none */
  gint64 since, age;     /* µs; the age is what the scanner has seen of it */
  pid_t tid;
  WgWatchLevel level;
} Episode;

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t never;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static gboolean scanning;
static Episode episodes[WG_WATCH_SLOTS];
static guint64 episode_count, left_out, looks;
static WgWatchFunc watch_func;
static gpointer watch_func_data;
static gint64 limits[WG_WATCH_LOST + 1]; /* µs */

/* The scanner's own. */
static gint64 minute_began;
static guint minute_lines;
static guint64 left_out_since;

static gint64
limit_from_environment (const char *name, guint fallback)
{
  return (gint64) wg_settings_parse (name, getenv (name), 1, MS_MAX, fallback) * 1000;
}

static void
init (void)
{
  wg_cond_init (&never);
  limits[WG_WATCH_SLOW] = limit_from_environment ("WOLF_GUARD_WATCH_SLOW_MS", SLOW_MS);
  limits[WG_WATCH_STUCK] = limit_from_environment ("WOLF_GUARD_WATCH_STUCK_MS", STUCK_MS);
  limits[WG_WATCH_LOST] = limit_from_environment ("WOLF_GUARD_WATCH_LOST_MS", LOST_MS);
}

static WgWatchLevel
level_of (gint64 age)
{
  WgWatchLevel level = WG_WATCH_FINE;

  while (level < WG_WATCH_LOST && age >= limits[level + 1])
    level++;
  return level;
}

/* "q:src" of /proc/self/task/TID/comm; "" when it is gone. */
static void
thread_name (pid_t tid, char *name, gsize size)
{
  g_autofree char *path = g_strdup_printf ("/proc/self/task/%d/comm", (int) tid);
  g_autofree char *text = NULL;

  g_strlcpy (name, g_file_get_contents (path, &text, NULL, NULL) ? g_strchomp (text) : "", size);
}

/* FALSE: too many lines in this minute. */
static gboolean
may_log (gint64 now)
{
  if (now - minute_began >= 60 * G_USEC_PER_SEC) {
    minute_began = now;
    minute_lines = 0;
  }
  if (minute_lines++ < LINES_A_MINUTE)
    return TRUE;
  pthread_mutex_lock (&mutex);
  left_out++;
  pthread_mutex_unlock (&mutex);
  left_out_since++;
  return FALSE;
}

/* `of` is "" or names the loop. */
static void
report (const Episode *episode, const char *of, WgWatchLevel level, gint64 now)
{
  static const char *const words[] = { "ended", "slow", "STUCK", "LOST" };
  g_autofree char *more = NULL;
  gboolean written;
  char name[16];

  if (!may_log (now))
    return;
  thread_name (episode->tid, name, sizeof name);
  more = left_out_since
      ? g_strdup_printf (" (%" G_GUINT64_FORMAT " lines left out)", left_out_since)
      : g_strdup ("");
  written = wg_watch_log (level == WG_WATCH_FINE ? WG_LOG_INFO
          : level == WG_WATCH_SLOW               ? WG_LOG_WARNING
                                                 : WG_LOG_ERROR,
      "watch: %sthread %d '%s': %s: %s after " WG_SECONDS_FORMAT " s%s", of, (int) episode->tid,
      name, episode->operation, words[level], WG_SECONDS (episode->age), more);
  left_out_since = written ? 0 : left_out_since + 1;
}

static void
tell_host (const Episode *episode, const WgWatchThread *seen, WgWatchLevel level)
{
  WgWatchThread thread = *seen;
  WgWatchFunc func;
  gpointer data;

  thread.tid = episode->tid;
  thread.level = level;
  pthread_mutex_lock (&mutex);
  func = watch_func;
  data = watch_func_data;
  pthread_mutex_unlock (&mutex);
  if (func)
    func (&thread, data);
}

/* Publish, report, tell. */
static void
change (guint slot, Episode *episode, const WgWatchThread *seen, WgWatchLevel level, gint64 now)
{
  WgWatchLevel before = episode->level;

  episode->level = level;
  pthread_mutex_lock (&mutex);
  episode_count += before == WG_WATCH_FINE && level != WG_WATCH_FINE;
  episodes[slot] = *episode;
  pthread_mutex_unlock (&mutex);
  if (before == level)
    return;
  report (episode, "", level, now);
  tell_host (episode, seen, level);
}

static gboolean
is_same (const Episode *episode, const WgWatchThread *seen)
{
  return episode->operation && seen->depth > 0 && seen->tid == episode->tid
      && seen->since == episode->since && seen->operations[seen->depth - 1] == episode->operation;
}

/* `passed` is how much time counts since the last look. */
static void
look (guint slot, gint64 passed, gint64 now)
{
  Episode episode = episodes[slot]; /* the scanner alone writes there */
  WgWatchThread seen;
  guint allowed = 0;

  if (!wg_watch_look (slot, &seen, &allowed))
    seen = (WgWatchThread){ .tid = 0 };
  if (is_same (&episode, &seen)) {
    gint64 counts;

    episode.age += seen.since ? passed : 0;
    counts = episode.age - (gint64) allowed * 1000;
    change (slot, &episode, &seen, seen.since ? level_of (counts) : WG_WATCH_FINE, now);
    if (episode.level != WG_WATCH_FINE)
      wg_watch_reclaim (slot, seen.tid); /* the next look finds that it ended */
    return;
  }
  if (episode.operation)
    change (slot, &episode, &seen, WG_WATCH_FINE, now); /* it ended */
  episode = (Episode){ .tid = seen.tid, .since = seen.since };
  if (seen.depth > 0)
    episode.operation = seen.operations[seen.depth - 1];
  change (slot, &episode, &seen, WG_WATCH_FINE, now);
  if (seen.tid)
    wg_watch_reclaim (slot, seen.tid);
}

/* --- beats */

/* The thread is in a scope, whose own lines say more. */
static gboolean
is_in_scope (pid_t tid)
{
  WgWatchThread seen;
  guint allowed;

  for (guint i = 0; i < wg_watch_slots_used (); i++)
    if (wg_watch_look (i, &seen, &allowed) && seen.tid == tid)
      return seen.depth > 0 && seen.since;
  return FALSE;
}

static void
report_beat (const WgBeatBook *book, gint64 now)
{
  Episode episode = { .operation = book->where, .age = book->age, .tid = book->tid };
  WgWatchThread seen = { .tid = book->tid, .depth = 1, .operations = { book->where } };
  g_autofree char *of = NULL;

  if (book->tid && is_in_scope (book->tid))
    return;
  of = g_strdup_printf ("%s '%s', ", book->kind == WG_BEAT_STREAM ? "stream" : "loop", book->name);
  report (&episode, of, book->level, now);
  tell_host (&episode, &seen, book->level);
}

static void
look_at_all (gint64 passed, gint64 now)
{
  static WgBeatBook changes[CHANGES_AT_ONCE];
  guint count;

  for (guint i = 0; i < wg_watch_slots_used (); i++)
    look (i, passed, now);
  count = wg_beats_look (passed, level_of, changes, CHANGES_AT_ONCE);
  for (guint i = 0; i < count; i++)
    report_beat (&changes[i], now);
  pthread_mutex_lock (&mutex);
  looks++;
  pthread_mutex_unlock (&mutex);
}

static void *
scan (void *unused)
{
  gint64 last = wg_clock_now ();

  look_at_all (0, last);
  for (;;) {
    gint64 due = last + WG_WATCH_SCAN_MS * G_TIME_SPAN_MILLISECOND, now;

    pthread_mutex_lock (&mutex);
    while (wg_cond_wait_until (&never, &mutex, due))
      ;
    pthread_mutex_unlock (&mutex);
    now = wg_clock_now ();
    look_at_all (MIN (now - last, LATE_MS * G_TIME_SPAN_MILLISECOND), now);
    last = now;
  }
  return unused;
}

/* With the mutex: the level of what the thread in that slot is doing, as of the last look. */
static void
add_level (guint slot, WgWatchThread *thread)
{
  if (is_same (&episodes[slot], thread))
    thread->level = episodes[slot].level;
}

gboolean
wg_watch_start (void)
{
  const char *setting = getenv ("WOLF_GUARD_WATCH");
  gboolean runs;

  if (setting && strcmp (setting, "off") == 0)
    return TRUE;

  pthread_once (&once, init);
  pthread_mutex_lock (&mutex);
  if (!scanning)
    scanning = wg_watch_log_start () && wg_spawn ("wg-watch", scan, NULL);
  runs = scanning;
  pthread_mutex_unlock (&mutex);
  return runs;
}

guint64
wg_watch_looks (void)
{
  guint64 count;

  pthread_mutex_lock (&mutex);
  count = looks;
  pthread_mutex_unlock (&mutex);
  return count;
}

void
wg_watch_set_func (WgWatchFunc func, gpointer data)
{
  pthread_mutex_lock (&mutex);
  watch_func = func;
  watch_func_data = data;
  pthread_mutex_unlock (&mutex);
}

guint
wg_watch_get_threads (WgWatchThread *threads, guint max)
{
  guint count = 0, allowed;

  for (guint i = 0; i < wg_watch_slots_used () && count < max; i++) {
    if (!wg_watch_look (i, &threads[count], &allowed))
      continue;
    pthread_mutex_lock (&mutex);
    add_level (i, &threads[count]);
    pthread_mutex_unlock (&mutex);
    count++;
  }
  return count;
}

/* With the mutex. */
static void
add_counts (WgWatchStatus *status)
{
  guint now[WG_WATCH_LOST + 1] = { 0 };

  for (guint i = 0; i < wg_watch_slots_used (); i++)
    now[episodes[i].level]++;
  status->episodes = episode_count;
  status->left_out = left_out;
  status->slow = now[WG_WATCH_SLOW];
  status->stuck = now[WG_WATCH_STUCK];
  status->lost = now[WG_WATCH_LOST];
}

void
wg_watch_get_status (WgWatchStatus *status)
{
  *status = (WgWatchStatus){ 0 };
  wg_watch_add_counts (status);
  pthread_mutex_lock (&mutex);
  add_counts (status);
  pthread_mutex_unlock (&mutex);
}

gboolean
wg_watch_read (WgWatchThread *threads, guint max, WgWatchCounts *counts, gint64 until)
{
  guint allowed, count = 0, used = wg_watch_slots_used ();
  guint slots[WG_WATCH_SLOTS] = { 0 };

  for (guint i = 0; i < used && count < max; i++)
    if (wg_watch_look (i, &threads[count], &allowed))
      slots[count++] = i;
  *counts = (WgWatchCounts){ .count = count };
  wg_watch_add_counts (&counts->status);
  if (!wg_mutex_try_until (&mutex, until))
    return FALSE;
  for (guint i = 0; i < count; i++)
    add_level (slots[i], &threads[i]);
  add_counts (&counts->status);
  counts->scanning = scanning;
  counts->looks = looks;
  pthread_mutex_unlock (&mutex);
  return TRUE;
}
