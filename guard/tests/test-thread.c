/* SPDX-License-Identifier: MIT
 *
 * Every way in which a thread can end is told, as what it is, once.
 *
 * Threads that end by the exit syscall are detached: to join one that it has not seen ending,
 * ThreadSanitizer waits for ever.
 */
#include "thread-support.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

#define CHURN 300 /* threads */
#define CHURN_AT_ONCE 50

/* --- the ways of ending ----------------------------------------------------------------------- */

static void *
end_by_leave (void *data)
{
  (void) data;
  wg_thread_enter ("leaves", NULL, NULL);
  wg_thread_leave ();
  return NULL;
}

static void
test_leave (void)
{
  WgThreadCounts before;
  gint64 now = g_get_monotonic_time ();

  forget ();
  wg_thread_get_counts (&before);
  run_joined (end_by_leave, NULL);
  assert_thread_counts (&before, 1, 0);
  g_assert_cmpuint (events->len, ==, 2);
  assert_event (0, "leaves", WG_THREAD_ALIVE);
  assert_event (1, "leaves", WG_THREAD_LEFT);
  for (guint i = 0; i < 2; i++) {
    g_assert_cmpstr (event_at (i)->session, ==, "");
    g_assert_cmpstr (event_at (i)->pipeline, ==, "");
    g_assert_cmpstr (event_at (i)->what, ==, "");
    g_assert_cmpint (event_at (i)->started, >=, now);
    g_assert_cmpint (event_at (i)->tid, !=, gettid ());
    g_assert_cmpint (event_at (i)->tid, ==, event_at (0)->tid);
  }
}

static void *
end_by_pthread_exit (void *data)
{
  (void) data;
  wg_thread_enter ("exits", "1", "a");
  pthread_exit (NULL);
}

static void *
end_by_cancel (void *data)
{
  (void) data;
  wg_thread_enter ("cancelled", "3", "c");
  for (;;)
    pause ();
  return NULL;
}

/* At once: when the thread has been joined, all has been said. */
static void
test_unwound (void)
{
  WgThreadCounts before;
  pthread_t thread;
  void *result;

  forget ();
  wg_thread_get_counts (&before);
  run_joined (end_by_pthread_exit, NULL);
  run_joined (end_by_return, NULL);
  g_assert_cmpint (pthread_create (&thread, NULL, end_by_cancel, NULL), ==, 0);
  await_events (5);
  pthread_cancel (thread);
  pthread_join (thread, &result);
  g_assert_true (result == PTHREAD_CANCELED);
  assert_thread_counts (&before, 0, 3);
  g_assert_cmpuint (events->len, ==, 6);
  assert_event (1, "exits", WG_THREAD_UNWOUND);
  assert_event (3, "returns", WG_THREAD_UNWOUND);
  assert_event (5, "cancelled", WG_THREAD_UNWOUND);
  g_assert_cmpstr (event_at (5)->session, ==, "3");
  g_assert_cmpstr (event_at (5)->pipeline, ==, "c");
}

static void *
end_by_fail (void *data)
{
  g_autofree char *what = g_strdup ("vector::at");

  (void) data;
  wg_thread_enter ("fails", NULL, NULL);
  wg_thread_fail (WG_THREAD_EXCEPTION, what);
  wg_thread_enter ("unwinds", NULL, NULL);
  wg_thread_fail (WG_THREAD_UNWOUND, NULL);
  return NULL;
}

static void
test_fail (void)
{
  WgThreadCounts before;

  forget ();
  wg_thread_get_counts (&before);
  run_joined (end_by_fail, NULL);
  assert_thread_counts (&before, 0, 2);
  g_assert_cmpuint (events->len, ==, 4);
  assert_event (1, "fails", WG_THREAD_EXCEPTION);
  g_assert_cmpstr (event_at (1)->what, ==, "vector::at");
  assert_event (3, "unwinds", WG_THREAD_UNWOUND);
  g_assert_cmpstr (event_at (3)->what, ==, "");
}

static void
test_vanished (void)
{
  Vanishing vanishing = { 0 };
  WgThreadCounts before;

  forget ();
  wg_thread_get_counts (&before);
  run_detached (end_by_bare_exit, &vanishing);
  g_assert_true (await_ends (1, in_seconds (PATIENCE)));
  assert_thread_counts (&before, 0, 1);
  g_assert_cmpuint (events->len, ==, 2);
  assert_event (1, "vanishes", WG_THREAD_VANISHED);
  g_assert_cmpint (event_at (1)->tid, ==, vanishing.tid);
  g_test_message ("reported after %d ms", (int) ((event_at (1)->at - vanishing.when) / 1000));
}

/* --- nesting ---------------------------------------------------------------------------------- */

static void
enter_three (void)
{
  wg_thread_enter ("outer", "1", NULL);
  wg_thread_enter ("gone before", NULL, NULL);
  wg_thread_leave ();
  wg_thread_enter ("middle", "2", NULL);
  wg_thread_enter ("inner", "3", NULL);
}

static void *
nested_leave (void *data)
{
  (void) data;
  enter_three ();
  wg_thread_leave ();
  wg_thread_leave ();
  wg_thread_leave ();
  return NULL;
}

static void *
nested_unwound (void *data)
{
  (void) data;
  enter_three ();
  pthread_exit (NULL);
}

static void *
nested_vanish (void *data)
{
  (void) data;
  enter_three ();
  vanish (NULL);
}

static void
test_nested (gconstpointer data)
{
  WgThreadEnd end = (WgThreadEnd) GPOINTER_TO_INT (data);
  WgThreadCounts before;

  forget ();
  wg_thread_get_counts (&before);
  if (end == WG_THREAD_LEFT)
    run_joined (nested_leave, NULL);
  else if (end == WG_THREAD_UNWOUND)
    run_joined (nested_unwound, NULL);
  else
    run_detached (nested_vanish, NULL);
  g_assert_true (await_ends (4, in_seconds (PATIENCE)));
  if (end == WG_THREAD_LEFT)
    assert_thread_counts (&before, 4, 0);
  else
    assert_thread_counts (&before, 1, 3);
  g_assert_cmpuint (events->len, ==, 8);
  assert_event (0, "outer", WG_THREAD_ALIVE);
  assert_event (1, "gone before", WG_THREAD_ALIVE);
  assert_event (2, "gone before", WG_THREAD_LEFT);
  assert_event (3, "middle", WG_THREAD_ALIVE);
  assert_event (4, "inner", WG_THREAD_ALIVE);
  assert_event (5, "inner", end);
  assert_event (6, "middle", end);
  assert_event (7, "outer", end);
}

/* --- the main thread -------------------------------------------------------------------------- */

static void *
await_main (void *end)
{
  g_assert_true (await_ends (1, in_seconds (PATIENCE)));
  g_assert_cmpuint (events->len, ==, 2);
  assert_event (1, "main", (WgThreadEnd) GPOINTER_TO_INT (end));
  g_assert_cmpint (event_at (1)->tid, ==, getpid ());
  _exit (0);
}

/* While others live it stays a zombie, whose id remains valid. */
static void
test_main (gconstpointer data)
{
  if (g_test_subprocess ()) {
    forget ();
    wg_thread_enter ("main", NULL, NULL);
    run_detached (await_main, (gpointer) data);
    if (GPOINTER_TO_INT (data) == WG_THREAD_UNWOUND)
      pthread_exit (NULL);
    vanish (NULL);
  }
  g_test_trap_subprocess (NULL, 2 * PATIENCE * G_USEC_PER_SEC, 0);
  g_test_trap_assert_passed ();
}

/* --- many ------------------------------------------------------------------------------------- */

static void *
end_somehow (void *data)
{
  switch (GPOINTER_TO_UINT (data) % 10) {
  case 0:
    return end_by_bare_exit (NULL);
  case 1:
    return nested_vanish (NULL);
  case 2:
    return nested_unwound (NULL);
  case 3:
    return end_by_pthread_exit (NULL);
  case 4:
    return end_by_return (NULL);
  case 5:
    return end_by_fail (NULL);
  case 6:
    return nested_leave (NULL);
  default:
    return end_by_leave (NULL);
  }
}

static guint
count_threads (void)
{
  g_autoptr (GDir) dir = g_dir_open ("/proc/self/task", 0, NULL);
  guint count = 0;

  while (g_dir_read_name (dir))
    count++;
  return count;
}

static void
test_churn (void)
{
  static const guint records[10] = { 1, 4, 4, 1, 1, 2, 4, 1, 1, 1 }; /* 9 of these 20 leave */
  gint64 deadline = in_seconds (3 * PATIENCE);
  guint expected = 0, threads_before = count_threads ();
  WgThreadCounts before;

  forget ();
  wg_thread_get_counts (&before);
  for (guint i = 0; i < CHURN; i++) {
    run_detached (end_somehow, GUINT_TO_POINTER (i));
    expected += records[i % 10];
    /* All but the vanished of these have to be through before the next come. */
    if (i % CHURN_AT_ONCE == CHURN_AT_ONCE - 1)
      while (count_threads () > threads_before) {
        g_assert_cmpint (g_get_monotonic_time (), <, deadline);
        g_usleep (1000);
      }
  }
  g_assert_true (await_ends (expected, deadline));
  g_assert_cmpuint (ends, ==, expected);
  g_assert_cmpuint (events->len, ==, 2 * expected);
  assert_thread_counts (&before, CHURN / 10 * 9, expected - CHURN / 10 * 9);
}

/* --- lines ------------------------------------------------------------------------------------ */

static void *
say_everything (void *data)
{
  (void) data;
  wg_thread_enter ("video:src", "12", "video");
  wg_thread_leave ();
  wg_thread_enter ("rtsp", "", NULL);
  wg_thread_fail (WG_THREAD_EXCEPTION, "bad\nweather");
  wg_thread_enter ("input", "12", NULL);
  pthread_exit (NULL);
}

static void
test_lines (void)
{
  forget ();
  run_joined (say_everything, NULL);
  run_detached (end_by_bare_exit, NULL);
  g_assert_true (await_ends (4, in_seconds (PATIENCE)));
  g_assert_cmpuint (lines->len, ==, 8);
#define VIDEO "^1 \\[GUARD\\] thread \\d+ 'video:src' session=12 pipeline=video: "
  assert_line (0, VIDEO "started$");
  assert_line (1, VIDEO "ended after \\d+\\.\\d s$");
  assert_line (2, "^1 \\[GUARD\\] thread \\d+ 'rtsp': started$");
  assert_line (3,
      "^4 \\[GUARD\\] thread \\d+ 'rtsp': ENDED UNEXPECTEDLY "
      "\\(exception: bad weather\\) after \\d+\\.\\d s$");
  assert_line (4, "^1 \\[GUARD\\] thread \\d+ 'input' session=12: started$");
  assert_line (5,
      "^4 \\[GUARD\\] thread \\d+ 'input' session=12: ENDED UNEXPECTEDLY "
      "\\(pthread_exit, cancelled, or returned without leaving\\) after \\d+\\.\\d s$");
  assert_line (7,
      "^4 \\[GUARD\\] thread \\d+ 'vanishes' session=4 pipeline=d: ENDED UNEXPECTEDLY "
      "\\(bare exit\\) after \\d+\\.\\d s$");
}

/* --- wg_spawn --------------------------------------------------------------------------------- */

typedef struct {
  char name[16];
  sigset_t blocked;
  int detached;
  atomic_bool done;
} Spawned;

static void *
spawned_main (void *data)
{
  Spawned *spawned = data;
  pthread_attr_t attr;

  pthread_getname_np (pthread_self (), spawned->name, sizeof spawned->name);
  pthread_sigmask (SIG_SETMASK, NULL, &spawned->blocked);
  g_assert_cmpint (pthread_getattr_np (pthread_self (), &attr), ==, 0);
  pthread_attr_getdetachstate (&attr, &spawned->detached);
  pthread_attr_destroy (&attr);
  spawned->done = TRUE;
  return NULL;
}

static void
test_spawn (void)
{
  static const int blocked[] = { SIGTERM, SIGINT, SIGCHLD, SIGPIPE, SIGUSR1, SIGALRM, SIGHUP };
  static const int open[] = { SIGSEGV, SIGBUS, SIGFPE, SIGILL };
  Spawned spawned = { .detached = -1 };
  sigset_t mask;

  g_assert_true (wg_spawn ("a-name-longer-than-the-kernel-keeps", spawned_main, &spawned));
  while (!spawned.done)
    g_usleep (100);
  g_assert_cmpstr (spawned.name, ==, "a-name-longer-t");
  g_assert_cmpint (spawned.detached, ==, PTHREAD_CREATE_DETACHED);
  pthread_sigmask (SIG_SETMASK, NULL, &mask);
  for (guint i = 0; i < G_N_ELEMENTS (blocked); i++) {
    g_assert_true (sigismember (&spawned.blocked, blocked[i]));
    g_assert_false (sigismember (&mask, blocked[i])); /* the caller's is as before */
  }
  for (guint i = 0; i < G_N_ELEMENTS (open); i++)
    g_assert_false (sigismember (&spawned.blocked, open[i]));
}

int
main (int argc, char **argv)
{
  int result;

  g_test_init (&argc, &argv, NULL);
  thread_support_begin ();

  g_test_add_func ("/thread/leave", test_leave);
  g_test_add_func ("/thread/unwound", test_unwound);
  g_test_add_func ("/thread/fail", test_fail);
  g_test_add_func ("/thread/vanished", test_vanished);
  g_test_add_data_func ("/thread/nested/left", GINT_TO_POINTER (WG_THREAD_LEFT), test_nested);
  g_test_add_data_func ("/thread/nested/unwound", GINT_TO_POINTER (WG_THREAD_UNWOUND), test_nested);
  g_test_add_data_func (
      "/thread/nested/vanished", GINT_TO_POINTER (WG_THREAD_VANISHED), test_nested);
  g_test_add_data_func ("/thread/main/unwound", GINT_TO_POINTER (WG_THREAD_UNWOUND), test_main);
  g_test_add_data_func ("/thread/main/vanished", GINT_TO_POINTER (WG_THREAD_VANISHED), test_main);
  g_test_add_func ("/thread/churn", test_churn);
  g_test_add_func ("/thread/lines", test_lines);
  g_test_add_func ("/thread/spawn", test_spawn);
  result = g_test_run ();

  thread_support_end ();
  return result;
}
