/* SPDX-License-Identifier: MIT */
#include "thread-support.h"

#include "gate.h"

#include <sys/syscall.h>
#include <unistd.h>

#define TIMEOUT_S 220 /* for a whole file; a hang is a failure */

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed;
GPtrArray *events;
GPtrArray *lines;
guint ends;

static void
event_free (gpointer data)
{
  Event *event = data;

  g_free (event->name);
  g_free (event->session);
  g_free (event->pipeline);
  g_free (event->what);
  g_free (event);
}

void
on_thread (const WgThreadInfo *info, gpointer data)
{
  Event *event = g_new (Event, 1);
  WgThreadCounts counts;

  g_assert_true (data == &ends);
  wg_thread_get_counts (&counts); /* a deadlock if it were called with the module's mutex */
  *event = (Event){
    .tid = info->tid,
    .name = g_strdup (info->name),
    .session = g_strdup (info->session),
    .pipeline = g_strdup (info->pipeline),
    .what = g_strdup (info->what),
    .started = info->started,
    .at = g_get_monotonic_time (),
    .end = info->end,
  };
  pthread_mutex_lock (&mutex);
  g_ptr_array_add (events, event);
  ends += info->end != WG_THREAD_ALIVE;
  pthread_cond_broadcast (&changed);
  pthread_mutex_unlock (&mutex);
}

static void
on_line (WgLogLevel level, const char *line)
{
  WgThreadCounts counts;

  wg_thread_get_counts (&counts);
  pthread_mutex_lock (&mutex);
  g_ptr_array_add (lines, g_strdup_printf ("%d %s", level, line));
  pthread_mutex_unlock (&mutex);
}

void
forget (void)
{
  pthread_mutex_lock (&mutex);
  g_ptr_array_set_size (events, 0);
  g_ptr_array_set_size (lines, 0);
  ends = 0;
  pthread_mutex_unlock (&mutex);
}

gboolean
await_ends (guint count, gint64 deadline)
{
  gboolean enough;

  pthread_mutex_lock (&mutex);
  while (ends < count && wg_cond_wait_until (&changed, &mutex, deadline))
    ;
  enough = ends >= count;
  pthread_mutex_unlock (&mutex);
  return enough;
}

/* Starts count as well. */
void
await_events (guint count)
{
  pthread_mutex_lock (&mutex);
  while (events->len < count)
    pthread_cond_wait (&changed, &mutex);
  pthread_mutex_unlock (&mutex);
}

gint64
in_seconds (int seconds)
{
  return g_get_monotonic_time () + seconds * G_USEC_PER_SEC;
}

/* The event `index`; only when no thread of the test can add one any more, or by its index. */
Event *
event_at (guint index)
{
  Event *event = NULL;

  pthread_mutex_lock (&mutex);
  if (index < events->len)
    event = events->pdata[index];
  pthread_mutex_unlock (&mutex);
  g_assert_nonnull (event);
  return event;
}

void
assert_event (guint index, const char *name, WgThreadEnd end)
{
  g_assert_cmpstr (event_at (index)->name, ==, name);
  g_assert_cmpint (event_at (index)->end, ==, end);
}

void
assert_line (guint index, const char *pattern)
{
  const char *line;

  pthread_mutex_lock (&mutex);
  g_assert_cmpuint (index, <, lines->len);
  line = lines->pdata[index];
  if (!g_regex_match_simple (pattern, line, 0, 0))
    g_error ("\"%s\" does not match \"%s\"", line, pattern);
  pthread_mutex_unlock (&mutex);
}

/* The numbers since `before`, and nobody left. */
void
assert_thread_counts (const WgThreadCounts *before, guint64 left, guint64 unexpected)
{
  WgThreadCounts now;

  wg_thread_get_counts (&now);
  g_assert_cmpuint (now.alive, ==, 0);
  g_assert_cmpuint (now.left - before->left, ==, left);
  g_assert_cmpuint (now.unexpected - before->unexpected, ==, unexpected);
  g_assert_cmpuint (now.started - before->started, ==, left + unexpected);
}

void
run_joined (void *(*func) (void *), void *data)
{
  pthread_t thread;

  g_assert_cmpint (pthread_create (&thread, NULL, func, data), ==, 0);
  pthread_join (thread, NULL);
}

void
run_detached (void *(*func) (void *), void *data)
{
  pthread_t thread;
  pthread_attr_t attr;

  pthread_attr_init (&attr);
  pthread_attr_setdetachstate (&attr, PTHREAD_CREATE_DETACHED);
  g_assert_cmpint (pthread_create (&thread, &attr, func, data), ==, 0);
  pthread_attr_destroy (&attr);
}

void
vanish (Vanishing *vanishing)
{
  if (vanishing) {
    vanishing->when = g_get_monotonic_time ();
    vanishing->tid = gettid ();
  }
  syscall (SYS_exit, 0);
  g_assert_not_reached ();
}

void *
end_by_return (void *data)
{
  (void) data;
  wg_thread_enter ("returns", "2", "b");
  return NULL;
}

void *
end_by_bare_exit (void *vanishing)
{
  wg_thread_enter ("vanishes", "4", "d");
  vanish (vanishing);
}

void
thread_support_begin (void)
{
  alarm (TIMEOUT_S);
  wg_cond_init (&changed);
  events = g_ptr_array_new_with_free_func (event_free);
  lines = g_ptr_array_new_with_free_func (g_free);
  wg_log_set_func (on_line);
  wg_thread_set_func (on_thread, &ends);
}

void
thread_support_end (void)
{
  wg_thread_set_func (NULL, NULL);
  wg_log_set_func (NULL);
  g_ptr_array_unref (events);
  g_ptr_array_unref (lines);
}
