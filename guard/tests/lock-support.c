/* SPDX-License-Identifier: MIT */
#include "lock-support.h"

#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

static pthread_mutex_t lines_mutex = PTHREAD_MUTEX_INITIALIZER;
static GPtrArray *lines; /* of char *, "LEVEL [GUARD] TEXT" */

void
on_log (WgLogLevel level, const char *line)
{
  g_assert_cmpuint (wg_lock_self.held, ==, 0); /* never under a lock */
  pthread_mutex_lock (&lines_mutex);
  g_ptr_array_add (lines, g_strdup_printf ("%d %s", level, line));
  pthread_mutex_unlock (&lines_mutex);
}

guint
line_count (void)
{
  guint count;

  pthread_mutex_lock (&lines_mutex);
  count = lines->len;
  pthread_mutex_unlock (&lines_mutex);
  return count;
}

/* There is exactly one line, of that level and pattern (GPatternSpec); forget it. */

void
assert_one_line (WgLogLevel level, const char *format, ...)
{
  g_autofree char *text = NULL, *pattern = NULL;
  va_list args;

  va_start (args, format);
  text = g_strdup_vprintf (format, args);
  va_end (args);
  pattern = g_strdup_printf ("%d [GUARD] %s", level, text);
  pthread_mutex_lock (&lines_mutex);
  g_assert_cmpuint (lines->len, ==, 1);
  if (!g_pattern_match_simple (pattern, lines->pdata[0]))
    g_assert_cmpstr (lines->pdata[0], ==, pattern);
  g_ptr_array_set_size (lines, 0);
  pthread_mutex_unlock (&lines_mutex);
}

/* What each test begins with: nothing said, and where the numbers stand. */
static WgLockCounts before;

void
begin (void)
{
  pthread_mutex_lock (&lines_mutex);
  g_ptr_array_set_size (lines, 0);
  pthread_mutex_unlock (&lines_mutex);
  wg_lock_get_counts (&before);
}

/* How much the numbers have grown since. `orphans` stands for itself. */
void
assert_counts (WgLockCounts grown)
{
  WgLockCounts now;

  wg_lock_get_counts (&now);
  g_assert_cmpuint (now.recovered - before.recovered, ==, grown.recovered);
  g_assert_cmpuint (now.timeouts - before.timeouts, ==, grown.timeouts);
  g_assert_cmpuint (now.relocks - before.relocks, ==, grown.relocks);
  g_assert_cmpuint (now.foreign - before.foreign, ==, grown.foreign);
  g_assert_cmpuint (now.orphaned - before.orphaned, ==, grown.orphaned);
  g_assert_cmpuint (now.orphans, ==, grown.orphans);
}

static void *
hold (void *data)
{
  Holder *holder = data;

  holder->tid = gettid ();
  g_assert_cmpint (wg_lock_acquire (holder->lock, holder->place), ==, WG_LOCK_OK);
  gate_pass (&holder->gate);
  return GINT_TO_POINTER (wg_lock_release (holder->lock));
}

void
holder_start (Holder *holder, WgLock *lock, const char *place)
{
  *holder = (Holder){ .gate = GATE_INIT, .lock = lock, .place = place };
  gate_close (&holder->gate);
  g_assert_cmpint (pthread_create (&holder->thread, NULL, hold, holder), ==, 0);
  gate_await (&holder->gate, 1);
}

void
holder_stop (Holder *holder)
{
  void *released;

  gate_open (&holder->gate);
  pthread_join (holder->thread, &released);
  g_assert_true (GPOINTER_TO_INT (released));
}

/* What another thread gets that only tries. */
static void *
try_once (void *lock)
{
  WgLockResult result = wg_lock_acquire_within (lock, "try", 0);

  if (wg_lock_is_mine (result))
    g_assert_true (wg_lock_release (lock));
  return GINT_TO_POINTER (result);
}

WgLockResult
try_elsewhere (WgLock *lock)
{
  pthread_t thread;
  void *result;

  g_assert_cmpint (pthread_create (&thread, NULL, try_once, lock), ==, 0);
  pthread_join (thread, &result);
  return GPOINTER_TO_INT (result);
}

gboolean
is_waited_for (WgLock *lock)
{
  WgLockOwner owner;

  return wg_lock_get_owner (lock, &owner) && owner.since != 0;
}
void
end_thread (Way way)
{
  switch (way) {
  case BY_EXIT:
    pthread_exit (NULL);
  case BY_CANCEL:
    pthread_cancel (pthread_self ());
    pthread_testcancel ();
    g_assert_not_reached ();
  case BY_BARE_EXIT:
    syscall (SYS_exit, 0);
    g_assert_not_reached ();
  case BY_RETURN:
  case WAYS:
    break;
  }
}
static void *
die (void *data)
{
  Death *death = data;
  Way way = death->way;

  g_assert_cmpint (wg_lock_acquire (death->lock, "death bed"), ==, WG_LOCK_OK);
  death->tid = gettid ();
  if (death->detached) /* then the successor comes by waiting, else by trying */
    assert_comes (is_waited_for, death->lock);
  death->is_ready = TRUE;
  end_thread (way);
  return NULL;
}

static gboolean
has_tid (Death *death)
{
  return death->tid != 0;
}

/* A thread that has acquired the lock and dies, at once or as soon as somebody waits. */
void
spawn_death (Death *death)
{
  pthread_t thread;

  g_assert_cmpint (pthread_create (&thread, NULL, die, death), ==, 0);
  if (death->detached) {
    pthread_detach (thread);
    assert_comes (has_tid, death);
  } else {
    pthread_join (thread, NULL);
  }
}

const char *
line_at (guint index)
{
  const char *line;

  pthread_mutex_lock (&lines_mutex);
  g_assert_cmpuint (index, <, lines->len);
  line = lines->pdata[index];
  pthread_mutex_unlock (&lines_mutex);
  return line;
}

void
lock_support_begin (void)
{
  g_setenv ("WOLF_GUARD_LOCK_MS", G_STRINGIFY (TIME_LIMIT_MS), TRUE);
  alarm (TIMEOUT_S);
  lines = g_ptr_array_new_with_free_func (g_free);
  wg_log_set_func (on_log);
}
