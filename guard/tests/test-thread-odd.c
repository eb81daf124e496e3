/* SPDX-License-Identifier: MIT
 *
 * No thread is taken for one that ended, and odd calls do no harm.
 */
#include "support.h"
#include "thread-support.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

#define REUSE_TRIES 20

/* --- what must not be mistaken for something else --------------------------------------------- */

static gboolean
write_last_pid (pid_t pid)
{
  g_autofree char *text = g_strdup_printf ("%d", (int) pid);
  int fd = open ("/proc/sys/kernel/ns_last_pid", O_WRONLY | O_CLOEXEC);
  gboolean written = fd >= 0 && write (fd, text, strlen (text)) > 0;

  if (fd >= 0)
    close (fd);
  return written;
}

typedef struct {
  atomic_int tid;
  atomic_bool leave;
} Successor;

static void *
live_on (void *data)
{
  Successor *successor = data;

  wg_thread_enter ("successor", NULL, NULL);
  successor->tid = gettid ();
  while (!successor->leave)
    g_usleep (1000);
  wg_thread_leave ();
  return NULL;
}

/* One thread vanishes, the next one gets its id before the scanner looks. TRUE: it came to that. */
static gboolean
try_reuse (void)
{
  Vanishing vanishing = { 0 };
  Successor successor = { 0 };
  gint64 deadline = in_seconds (PATIENCE);
  WgThreadCounts before, now;
  pthread_t thread;
  gboolean reused;

  forget ();
  wg_thread_get_counts (&before);
  run_detached (end_by_bare_exit, &vanishing);
  while (!vanishing.tid || tgkill (getpid (), vanishing.tid, 0) == 0) {
    g_assert_cmpint (g_get_monotonic_time (), <, deadline);
    g_usleep (100);
  }
  write_last_pid (vanishing.tid - 1);
  g_assert_cmpint (pthread_create (&thread, NULL, live_on, &successor), ==, 0);
  while (!successor.tid)
    g_usleep (100);
  reused = successor.tid == vanishing.tid && event_at (1)->end == WG_THREAD_ALIVE;

  g_assert_true (await_ends (1, deadline));
  if (reused) {
    assert_event (1, "successor", WG_THREAD_ALIVE);
    assert_event (2, "vanishes", WG_THREAD_VANISHED);
    g_assert_cmpint (event_at (2)->tid, ==, successor.tid);
  }
  wg_thread_get_counts (&now);
  g_assert_cmpuint (now.alive, ==, 1);
  successor.leave = TRUE;
  pthread_join (thread, NULL);
  assert_thread_counts (&before, 1, 1);
  assert_event (3, "successor", WG_THREAD_LEFT);
  return reused;
}

static void
test_reused_id (void)
{
  if (!write_last_pid (gettid ())) {
    g_test_skip ("needs the right to write /proc/sys/kernel/ns_last_pid");
    return;
  }
  for (int i = 0; i < REUSE_TRIES; i++)
    if (try_reuse ())
      return;
  g_test_incomplete ("others took the id each time");
}

/* As after a robust mutex that the thread held was freed: the kernel's walk along the list does not
 * come to ours. */
static void *
end_with_damaged_list (void *vanishing)
{
  static struct {
    void *next;
    long offset;
    void *pending;
  } empty = { .next = &empty };

  wg_thread_enter ("damaged", NULL, NULL);
  g_assert_cmpint (syscall (SYS_set_robust_list, &empty, sizeof empty), ==, 0);
  vanish (vanishing);
}

static void
test_damaged_list (void)
{
  Vanishing vanishing = { 0 };
  WgThreadCounts before;

  forget ();
  wg_thread_get_counts (&before);
  run_detached (end_with_damaged_list, &vanishing);
  g_assert_true (await_ends (1, in_seconds (PATIENCE)));
  assert_thread_counts (&before, 0, 1);
  assert_event (1, "damaged", WG_THREAD_VANISHED);
  g_assert_cmpint (event_at (1)->tid, ==, vanishing.tid);
}

static void *
leave_twice (void *data)
{
  (void) data;
  wg_thread_leave ();
  wg_thread_enter ("once", NULL, NULL);
  wg_thread_leave ();
  wg_thread_leave ();
  return NULL;
}

static void
test_leave_without_enter (void)
{
  WgThreadCounts before;

  forget ();
  wg_thread_get_counts (&before);
  run_joined (leave_twice, NULL);
  assert_thread_counts (&before, 1, 0);
  g_assert_cmpuint (lines->len, ==, 4);
  assert_line (0, "^3 \\[GUARD\\] thread \\d+ leaves without having entered$");
  assert_line (3, "^3 \\[GUARD\\] thread \\d+ leaves without having entered$");
}

static void
cancellation_point (const WgThreadInfo *info, gpointer data)
{
  on_thread (info, data);
  pthread_testcancel ();
}

static void *
leave_while_cancelled (void *survived)
{
  pthread_cancel (pthread_self ()); /* takes effect at the next cancellation point */
  wg_thread_enter ("outer", NULL, NULL);
  wg_thread_enter ("inner", NULL, NULL);
  wg_thread_fail (WG_THREAD_EXCEPTION, "?");
  wg_thread_leave ();
  *(gboolean *) survived = TRUE;
  pthread_testcancel ();
  return NULL;
}

static void
test_no_cancellation_point (void)
{
  gboolean survived = FALSE;
  WgThreadCounts before;

  forget ();
  wg_thread_get_counts (&before);
  wg_thread_set_func (cancellation_point, &ends);
  run_joined (leave_while_cancelled, &survived);
  wg_thread_set_func (on_thread, &ends);
  g_assert_true (survived);
  assert_thread_counts (&before, 1, 1);
  g_assert_cmpuint (events->len, ==, 4);
}

static pthread_key_t late_key;

static void
enter_late (void *data)
{
  (void) data;
  wg_thread_enter ("late", NULL, NULL);
}

static void *
end_with_late_enter (void *data)
{
  pthread_setspecific (late_key, &late_key);
  return end_by_return (data);
}

/* Another library's destructor works after ours: it is a thread like any other. */
static void
test_late_enter (void)
{
  WgThreadCounts before;

  forget ();
  wg_thread_get_counts (&before);
  g_assert_cmpint (pthread_key_create (&late_key, enter_late), ==, 0);
  run_joined (end_with_late_enter, NULL);
  pthread_key_delete (late_key);
  assert_thread_counts (&before, 0, 2);
}

/* No thread for the scanner: said once, and the next thread that enters asks again. */
static void
test_no_scanner (void)
{
  if (run_in_child ())
    return;
  forget ();
  threads_refuse (TRUE);
  wg_thread_enter ("first", NULL, NULL);
  assert_line (1, "^3 \\[GUARD\\] no thread to watch threads with");
  threads_refuse (FALSE);
  wg_thread_enter ("second", NULL, NULL);
  g_assert_cmpuint (lines->len, ==, 3);
  run_detached (end_by_bare_exit, NULL);
  g_assert_true (await_ends (1, in_seconds (PATIENCE)));
  wg_thread_leave ();
  wg_thread_leave ();
}

int
main (int argc, char **argv)
{
  int result;

  g_test_init (&argc, &argv, NULL);
  thread_support_begin ();
  g_test_add_func ("/thread/reused-id", test_reused_id);
  g_test_add_func ("/thread/damaged-list", test_damaged_list);
  g_test_add_func ("/thread/leave-without-enter", test_leave_without_enter);
  g_test_add_func ("/thread/no-cancellation-point", test_no_cancellation_point);
  g_test_add_func ("/thread/late-enter", test_late_enter);
  g_test_add_func ("/thread/no-scanner", test_no_scanner);
  result = g_test_run ();
  thread_support_end ();
  return result;
}
