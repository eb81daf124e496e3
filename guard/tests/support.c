/* SPDX-License-Identifier: MIT */
#include "support.h"

#include "gate.h"
#include "../src/clock.h"

#include <stdatomic.h>
#include <string.h>
#include <wolf-guard/inspect.h>
#include <wolf-guard/log.h>

/* --- log lines */

static pthread_mutex_t log_mutex = PTHREAD_MUTEX_INITIALIZER;
static GPtrArray *lines;

static void
keep_line (WgLogLevel level, const char *line)
{
  (void) level;
  pthread_mutex_lock (&log_mutex);
  g_ptr_array_add (lines, g_strdup (line));
  pthread_mutex_unlock (&log_mutex);
}

void
log_watch (void)
{
  pthread_mutex_lock (&log_mutex);
  if (lines)
    g_ptr_array_set_size (lines, 0);
  else
    lines = g_ptr_array_new_with_free_func (g_free);
  pthread_mutex_unlock (&log_mutex);
  wg_log_set_func (keep_line);
}

guint
log_count (const char *part)
{
  guint found = 0;

  pthread_mutex_lock (&log_mutex);
  for (guint i = 0; i < lines->len; i++)
    found += strstr (g_ptr_array_index (lines, i), part) != NULL;
  pthread_mutex_unlock (&log_mutex);
  return found;
}

static gboolean
is_logged_once (gpointer part)
{
  return log_count (part) == 1;
}

void
log_await (const char *part)
{
  g_assert_true (await_condition (is_logged_once, (gpointer) part));
}

/* --- time */

static atomic_llong now_us;

static gint64
test_clock (void)
{
  return atomic_load (&now_us);
}

void
clock_install (void)
{
  atomic_store (&now_us, g_get_monotonic_time ());
  wg_clock_set_func (test_clock);
}

void
clock_advance_ms (gint64 ms)
{
  atomic_fetch_add (&now_us, ms * G_TIME_SPAN_MILLISECOND);
}

/* --- threads, processes */

/* With a stack that no address space holds pthread_create() fails. */
void
threads_refuse (gboolean refuse)
{
  static size_t usual;
  pthread_attr_t attr;

  pthread_attr_init (&attr);
  if (!usual) {
    pthread_getattr_default_np (&attr);
    pthread_attr_getstacksize (&attr, &usual);
  }
  pthread_attr_setstacksize (&attr, refuse ? (size_t) 1 << 62 : usual);
  g_assert_cmpint (pthread_setattr_default_np (&attr), ==, 0);
  pthread_attr_destroy (&attr);
}

gboolean
run_in_child (void)
{
  if (g_test_subprocess ())
    return FALSE;
  g_test_trap_subprocess (NULL, 3 * AWAIT_S * G_USEC_PER_SEC, G_TEST_SUBPROCESS_INHERIT_STDERR);
  g_test_trap_assert_passed ();
  return TRUE;
}

gboolean
no_records (gpointer unused)
{
  WgThreadCounts counts;

  (void) unused;
  wg_thread_get_counts (&counts);
  return counts.alive == 0;
}
