/* SPDX-License-Identifier: MIT
 *
 * Scopes are seen whole and in time, and nothing is raised for a thread that is fine.
 */
#include "gate.h"
#include "scan-support.h"
#include "support.h"

#include "../src/portable.h"
#include "../src/watch-private.h"

#include <stdatomic.h>

#define SLOW_MS 1000
#define STUCK_MS 10000
#define LOST_MS 30000
#define TORN_LOOKS 1000 /* that found a scope */

static WgWatchStatus
status (void)
{
  WgWatchStatus now;

  wg_watch_get_status (&now);
  return now;
}

/* What the calling thread is doing, as others see it. */
static WgWatchThread
own (void)
{
  WgWatchThread threads[WG_WATCH_SLOTS];
  guint n = wg_watch_get_threads (threads, WG_WATCH_SLOTS);

  for (guint i = 0; i < n; i++)
    if (threads[i].tid == wg_gettid ())
      return threads[i];
  return (WgWatchThread){ 0 };
}

/* --- scopes */

static void
test_nested (void)
{
  guint64 too_deep = status ().too_deep;

  wg_watch_end (); /* without one: nothing */
  wg_watch_begin ("outer");
  wg_watch_begin_idle ("waits");
  g_assert_cmpuint (own ().depth, ==, 2);
  g_assert_cmpstr (own ().operations[0], ==, "outer");
  g_assert_cmpstr (own ().operations[1], ==, "waits");
  g_assert_cmpint (own ().since, ==, 0);
  wg_watch_end ();
  g_assert_cmpint (own ().since, >, 0);
  for (guint i = 1; i < WG_WATCH_DEPTH + 2; i++)
    wg_watch_begin ("inner");
  g_assert_cmpuint (own ().depth, ==, WG_WATCH_DEPTH);
  g_assert_cmpuint (status ().too_deep - too_deep, ==, 2);
  for (guint i = 1; i < WG_WATCH_DEPTH + 2; i++)
    wg_watch_end ();
  g_assert_cmpuint (own ().depth, ==, 1);
  wg_watch_end ();
  g_assert_cmpuint (own ().depth, ==, 0);
}

static const char *const names[] = { "a", "b", "c", "d" };
static atomic_bool enough;

/* One level is idle, the next is not: a torn look would mix them. */
static gpointer
write_scopes (gpointer unused)
{
  for (guint i = 0; !atomic_load (&enough); i++) {
    if (i % 2)
      wg_watch_begin_idle (names[1]);
    else
      wg_watch_begin (names[0]);
    wg_watch_end ();
  }
  return unused;
}

static void
test_never_torn (void)
{
  GThread *writer;
  guint seen = 0, allowed;
  WgWatchThread thread;

  atomic_store (&enough, FALSE);
  writer = g_thread_new ("writer", write_scopes, NULL);
  while (seen < TORN_LOOKS)
    for (guint i = 0; i < wg_watch_slots_used (); i++)
      if (wg_watch_look (i, &thread, &allowed) && thread.depth == 1) {
        g_assert_true ((thread.operations[0] == names[1]) == (thread.since == 0));
        seen++;
      }
  atomic_store (&enough, TRUE);
  g_thread_join (writer);
}

static gpointer
begin_only (gpointer unused)
{
  wg_watch_begin ("short");
  return unused; /* within the scope */
}

/* Slots are handed on: a thousand threads take one after the other. */
static void
test_slots (void)
{
  guint used;

  g_thread_join (g_thread_new ("first", begin_only, NULL));
  used = wg_watch_slots_used ();
  for (guint i = 0; i < 1000; i++)
    g_thread_join (g_thread_new ("next", begin_only, NULL));
  g_assert_cmpuint (wg_watch_slots_used (), ==, used);
}

typedef struct {
  Gate *gate;
  void (*begin) (void);
} Work;

static gpointer
work (gpointer data)
{
  Work *what = data;

  what->begin ();
  gate_pass (what->gate);
  wg_watch_end ();
  return NULL;
}

static void
begin_plain (void)
{
  wg_watch_begin ("POST /pair");
}

static void
begin_allowing (void)
{
  wg_watch_begin_allowing ("container stop", 9000);
}

static void
begin_idle (void)
{
  wg_watch_begin ("serve");
  wg_watch_begin_idle ("accept");
}

static gpointer
take_slot (gpointer gate)
{
  wg_watch_begin_idle ("waits");
  gate_pass (gate);
  return NULL;
}

/* More threads than slots: counted, and begin and end do no harm. */
static void
test_no_slot (void)
{
  enum { THREADS = WG_WATCH_SLOTS + 5 };
  static Gate gate = GATE_INIT;
  GThread *threads[THREADS];

  if (run_in_child ())
    return;
  gate_close (&gate);
  for (guint i = 0; i < THREADS; i++)
    threads[i] = g_thread_new ("slot", take_slot, &gate);
  gate_await (&gate, THREADS);
  g_assert_cmpuint (status ().threads, ==, WG_WATCH_SLOTS);
  g_assert_cmpuint (status ().without_slot, ==, 5);
  gate_open (&gate);
  for (guint i = 0; i < THREADS; i++)
    g_thread_join (threads[i]);
}

/* --- the scanner; the clock is the test's */

static atomic_uint looks; /* how often the host's function was called */
static atomic_int last_level;

static void
on_change (const WgWatchThread *thread, gpointer data)
{
  g_assert_true (data == &looks);
  atomic_store (&last_level, thread->level);
  atomic_fetch_add (&looks, 1);
}

static GThread *
start (Work *what)
{
  GThread *thread;

  log_watch ();
  gate_close (what->gate);
  thread = g_thread_new ("worker", work, what);
  gate_await (what->gate, 1);
  return thread;
}

static void
finish (Work *what, GThread *thread)
{
  gate_open (what->gate);
  g_thread_join (thread);
  scan_for (2 * WG_WATCH_SCAN_MS);
}

static Gate work_gate = GATE_INIT;

static void
test_levels (void)
{
  Work what = { &work_gate, begin_plain };
  GThread *thread = start (&what);
  guint64 before = status ().episodes;
  guint called = atomic_load (&looks);

  scan_for (SLOW_MS / 2);
  g_assert_cmpuint (log_count ("watch:"), ==, 0);
  scan_for (SLOW_MS);
  g_assert_cmpuint (log_count ("'worker': POST /pair: slow after 1.0 s"), ==, 1);
  g_assert_cmpuint (status ().slow, ==, 1);
  scan_for (STUCK_MS);
  g_assert_cmpuint (log_count ("STUCK after 10.0 s"), ==, 1);
  g_assert_cmpuint (status ().stuck, ==, 1);
  scan_for (LOST_MS);
  g_assert_cmpuint (log_count ("LOST after 30.0 s"), ==, 1);
  g_assert_cmpuint (status ().lost, ==, 1);
  g_assert_cmpint (atomic_load (&last_level), ==, WG_WATCH_LOST);
  finish (&what, thread);
  g_assert_cmpuint (log_count ("POST /pair: ended after"), ==, 1);
  g_assert_cmpuint (log_count ("watch:"), ==, 4); /* one a change */
  g_assert_cmpuint (atomic_load (&looks) - called, ==, 4);
  g_assert_cmpuint (status ().lost, ==, 0);
  g_assert_cmpuint (status ().episodes - before, ==, 1);
}

/* What was granted does not count. */
static void
test_allowed (void)
{
  Work what = { &work_gate, begin_allowing };
  GThread *thread = start (&what);

  scan_for (9500);
  g_assert_cmpuint (log_count ("watch:"), ==, 0);
  scan_for (1000);
  g_assert_cmpuint (log_count ("container stop: slow"), ==, 1);
  finish (&what, thread);
}

static void
test_idle (void)
{
  Work what = { &work_gate, begin_idle };
  GThread *thread = start (&what);

  scan_for (2 * LOST_MS);
  finish (&what, thread);
  g_assert_cmpuint (log_count ("watch:"), ==, 0);
}

/* The scanner itself was late, by an hour: half a second of it counts. */
static void
test_late_scanner (void)
{
  Work what = { &work_gate, begin_plain };
  GThread *thread = start (&what);

  scan_for (2 * WG_WATCH_SCAN_MS);
  scan_at_once (3600 * 1000);
  g_assert_cmpuint (log_count ("watch:"), ==, 0);
  scan_for (SLOW_MS);
  g_assert_cmpuint (log_count ("slow"), ==, 1);
  g_assert_cmpuint (log_count ("STUCK"), ==, 0);
  finish (&what, thread);
}

/* Threads that are slow by turns: ten lines a minute, the rest is counted. */
static void
test_few_lines (void)
{
  enum { WORKERS = 16 };
  Work what = { &work_gate, begin_plain };
  GThread *threads[WORKERS];

  scan_for (60 * 1000); /* another minute */
  log_watch ();
  gate_close (&work_gate);
  for (guint i = 0; i < WORKERS; i++)
    threads[i] = g_thread_new ("worker", work, &what);
  gate_await (&work_gate, WORKERS);
  scan_for (2 * SLOW_MS);
  g_assert_cmpuint (log_count ("slow"), ==, 10);
  scan_for (60 * 1000); /* stuck and lost, in the same minute */
  g_assert_cmpuint (log_count ("watch:"), ==, 10);
  gate_open (&work_gate);
  for (guint i = 0; i < WORKERS; i++)
    g_thread_join (threads[i]);
  scan_for (2 * WG_WATCH_SCAN_MS);
  g_assert_cmpuint (log_count ("ended after"), ==, 10);
  g_assert_cmpuint (log_count ("(38 lines left out)"), ==, 1); /* 6 and 16 and 16 */
  g_assert_cmpuint (status ().left_out, >, 0);
}

/* Sixty-four threads whose scopes end just before they are slow, again and again. */
static void
test_crowd (void)
{
  enum { CROWD = 64, TIMES = 5 };
  Work what = { &work_gate, begin_plain };
  GThread *threads[CROWD];

  scan_for (60 * 1000); /* another minute */
  log_watch ();
  for (guint times = 0; times < TIMES; times++) {
    gate_close (&work_gate);
    for (guint i = 0; i < CROWD; i++)
      threads[i] = g_thread_new ("worker", work, &what);
    gate_await (&work_gate, CROWD);
    scan_at_once (WG_WATCH_SCAN_MS); /* now the scanner has seen them */
    scan_for (SLOW_MS - 250);
    gate_open (&work_gate);
    for (guint i = 0; i < CROWD; i++)
      g_thread_join (threads[i]);
    scan_at_once (WG_WATCH_SCAN_MS);
  }
  g_assert_cmpuint (log_count ("watch:"), ==, 0);
}

static Gate log_gate = GATE_INIT;

static void
hold_line (WgLogLevel level, const char *line)
{
  (void) level;
  (void) line;
  gate_pass (&log_gate);
}

/* The host's log does not return: the scanner goes on, and says of its own thread that it waits. */
static void
test_log_held (void)
{
  WgWatchThread threads[WG_WATCH_SLOTS];
  Work what = { &work_gate, begin_plain };
  GThread *thread;
  guint n, stuck = 0;

  scan_for (60 * 1000); /* another minute */
  thread = start (&what);
  gate_close (&log_gate);
  wg_log_set_func (hold_line);
  scan_log_is_held = TRUE;
  scan_for (2 * SLOW_MS);
  gate_await (&log_gate, 1);
  scan_for (2 * STUCK_MS);
  g_assert_cmpuint (status ().stuck, ==, 2);
  n = wg_watch_get_threads (threads, WG_WATCH_SLOTS);
  for (guint i = 0; i < n; i++)
    stuck += threads[i].depth == 2 && g_strcmp0 (threads[i].operations[1], "the host's log") == 0
        && threads[i].level == WG_WATCH_STUCK;
  g_assert_cmpuint (stuck, ==, 1);
  gate_open (&log_gate);
  scan_log_is_held = FALSE;
  finish (&what, thread);
}

static gboolean
is_fine (gpointer unused)
{
  WgWatchStatus now = status ();

  (void) unused;
  scan_for (WG_WATCH_SCAN_MS);
  return now.slow + now.stuck + now.lost == 0;
}

static gpointer
stand_and_vanish (gpointer gate)
{
  wg_watch_begin ("short");
  gate_pass (gate);
  syscall (SYS_exit, 0);
  g_assert_not_reached ();
}

/* A thread that vanishes in its scope ends it, and its slot is free. */
static void
test_vanished (void)
{
  pthread_t thread;
  guint threads;

  scan_for (60 * 1000);
  log_watch ();
  threads = status ().threads;
  gate_close (&work_gate);
  g_assert_cmpint (
      pthread_create (&thread, NULL, (void *(*) (void *) ) stand_and_vanish, &work_gate), ==, 0);
  pthread_detach (thread);
  gate_await (&work_gate, 1);
  scan_for (2 * SLOW_MS);
  g_assert_cmpuint (log_count ("short: slow"), ==, 1);
  gate_open (&work_gate);
  assert_comes (is_fine, NULL);
  g_assert_cmpuint (log_count ("short: ended"), ==, 1);
  g_assert_cmpuint (status ().threads, ==, threads);
}

/* Scopes work, and nobody looks at them. */
static void
test_off (void)
{
  if (run_in_child ())
    return;
  g_setenv ("WOLF_GUARD_WATCH", "off", TRUE);
  g_assert_true (wg_watch_start ());
  g_unsetenv ("WOLF_GUARD_WATCH");
  threads_refuse (TRUE);
  g_assert_false (wg_watch_start ()); /* there is none yet */
  threads_refuse (FALSE);
}

static void
test_no_thread (void)
{
  if (run_in_child ())
    return;
  threads_refuse (TRUE);
  g_assert_false (wg_watch_start ());
  threads_refuse (FALSE);
  g_assert_true (wg_watch_start ());
  g_assert_true (wg_watch_start ());
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  clock_install ();
  log_watch ();
  wg_watch_set_func (on_change, &looks);

  g_test_add_func ("/watch/scopes/nested", test_nested);
  g_test_add_func ("/watch/scopes/never-torn", test_never_torn);
  g_test_add_func ("/watch/scopes/slots", test_slots);
  g_test_add_func ("/watch/scopes/no-slot", test_no_slot);
  g_test_add_func ("/watch/scanner/off", test_off);
  g_test_add_func ("/watch/scanner/no-thread", test_no_thread);
  g_test_add_func ("/watch/scanner/levels", test_levels);
  g_test_add_func ("/watch/scanner/allowed", test_allowed);
  g_test_add_func ("/watch/scanner/idle", test_idle);
  g_test_add_func ("/watch/scanner/late", test_late_scanner);
  g_test_add_func ("/watch/scanner/few-lines", test_few_lines);
  g_test_add_func ("/watch/scanner/log-held", test_log_held);
  g_test_add_func ("/watch/scanner/crowd", test_crowd);
  g_test_add_func ("/watch/scanner/vanished", test_vanished);
  return g_test_run ();
}
