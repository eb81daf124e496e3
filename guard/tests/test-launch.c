/* SPDX-License-Identifier: MIT */
#include "gate.h"
#include "support.h"

#include <stdatomic.h>
#include <wolf-guard/launch.h>
#include <wolf-guard/shutdown.h>

#define RACES 10000

static void
count (gpointer data)
{
  atomic_fetch_add ((atomic_int *) data, 1);
}

static void
test_stop_reaches_later_watch (void)
{
  WgLaunch *launch = wg_launch_begin ("a");
  atomic_int called = 0;

  g_assert_false (wg_launch_is_stopped (launch));
  wg_launch_stop (launch);
  g_assert_true (wg_launch_is_stopped (launch));
  g_assert_cmpuint (wg_launch_watch (launch, count, &called, NULL), ==, 0);
  g_assert_cmpint (called, ==, 1);
  wg_launch_stop (launch);
  g_assert_cmpint (called, ==, 1);
  wg_launch_unref (launch);
}

static void
test_watch_then_stop (void)
{
  WgLaunch *launch = wg_launch_begin ("a");
  atomic_int called = 0;

  g_assert_cmpuint (wg_launch_watch (launch, count, &called, NULL), !=, 0);
  g_assert_cmpint (called, ==, 0);
  wg_launch_stop (launch);
  g_assert_cmpint (called, ==, 1);
  wg_launch_unref (launch);
}

static void
test_unwatch (void)
{
  WgLaunch *launch = wg_launch_begin ("a");
  atomic_int called = 0;
  guint watch = wg_launch_watch (launch, count, &called, count);

  wg_launch_unwatch (launch, watch);
  g_assert_cmpint (called, ==, 1); /* the notify */
  wg_launch_stop (launch);
  g_assert_cmpint (called, ==, 1);
  wg_launch_unwatch (launch, watch); /* twice does nothing */
  wg_launch_unref (launch);
}

/* Ids repeat. A stop by id reaches every launch of it that is under way, and none that comes
 * later. */
static void
test_ids_repeat (void)
{
  WgLaunch *first = wg_launch_begin ("client"), *second = wg_launch_begin ("client");
  WgLaunch *other = wg_launch_begin ("another"), *third;

  g_assert_cmpuint (wg_launch_stop_id ("client"), ==, 2);
  g_assert_true (wg_launch_is_stopped (first));
  g_assert_true (wg_launch_is_stopped (second));
  g_assert_false (wg_launch_is_stopped (other));
  g_assert_cmpuint (wg_launch_stop_id ("client"), ==, 0);
  third = wg_launch_begin ("client");
  g_assert_false (wg_launch_is_stopped (third));
  g_assert_cmpuint (wg_launch_stop_id ("nobody"), ==, 0);
  wg_launch_stop (third);
  wg_launch_stop (other);
  wg_launch_unref (first);
  wg_launch_unref (second);
  wg_launch_unref (third);
  wg_launch_unref (other);
}

typedef struct {
  pthread_barrier_t barrier;
  WgLaunch *launch;
} Race;

static void *
race_stopper (void *data)
{
  Race *race = data;

  for (int i = 0; i < RACES; i++) {
    pthread_barrier_wait (&race->barrier);
    wg_launch_stop (race->launch);
    pthread_barrier_wait (&race->barrier);
  }
  return NULL;
}

/* Watch and stop at once: called exactly once, every time. */
static void
test_race (void)
{
  Race race = { 0 };
  pthread_t stopper;

  pthread_barrier_init (&race.barrier, NULL, 2);
  pthread_create (&stopper, NULL, race_stopper, &race);
  for (int i = 0; i < RACES; i++) {
    atomic_int called = 0;

    race.launch = wg_launch_begin ("race");
    pthread_barrier_wait (&race.barrier);
    for (volatile int spin = i % 97; spin > 0; spin--)
      ;
    wg_launch_watch (race.launch, count, &called, NULL);
    pthread_barrier_wait (&race.barrier);
    g_assert_cmpint (called, ==, 1);
    wg_launch_unref (race.launch);
  }
  pthread_join (stopper, NULL);
  pthread_barrier_destroy (&race.barrier);
}

/* --- unwatch while the functions run */

static Gate gate = GATE_INIT;
static atomic_bool returned;

static void
stand (gpointer unused)
{
  (void) unused;
  gate_pass (&gate);
  atomic_store (&returned, TRUE);
}

static gpointer
stop (gpointer launch)
{
  wg_launch_stop (launch);
  return NULL;
}

typedef struct {
  WgLaunch *launch;
  guint watch;
  atomic_bool begun;
} Unwatch;

static gpointer
unwatch (gpointer data)
{
  Unwatch *what = data;

  atomic_store (&what->begun, TRUE);
  wg_launch_unwatch (what->launch, what->watch);
  g_assert_true (atomic_load (&returned)); /* it was waited for */
  return NULL;
}

static gboolean
has_begun (Unwatch *what)
{
  return atomic_load (&what->begun);
}

/* After the return the function is not running, and one that had not been called is not called. */
static void
test_unwatch_while_running (void)
{
  WgLaunch *launch = wg_launch_begin ("a");
  Unwatch running = { .launch = launch, .watch = wg_launch_watch (launch, stand, NULL, NULL) };
  atomic_int called = 0;
  guint next = wg_launch_watch (launch, count, &called, NULL);
  GThread *stopper, *unwatcher;

  atomic_store (&returned, FALSE);
  gate_close (&gate);
  stopper = g_thread_new ("stopper", stop, launch);
  gate_await (&gate, 1);
  wg_launch_unwatch (launch, next);
  unwatcher = g_thread_new ("unwatcher", unwatch, &running);
  assert_comes (has_begun, &running);
  for (guint i = 0; i < 100; i++)
    g_thread_yield (); /* one that does not wait gets to its assertion */
  gate_open (&gate);
  g_thread_join (unwatcher);
  g_thread_join (stopper);
  g_assert_cmpint (called, ==, 0);
  wg_launch_unref (launch);
}

/* A function may take its own watch back, and that of the next. */
static void
unwatch_both (gpointer data)
{
  Unwatch *watches = data;

  wg_launch_unwatch (watches[0].launch, watches[0].watch);
  wg_launch_unwatch (watches[1].launch, watches[1].watch);
}

static void
test_unwatch_from_within (void)
{
  WgLaunch *launch = wg_launch_begin ("a");
  atomic_int called = 0;
  Unwatch watches[2] = { { .launch = launch }, { .launch = launch } };

  watches[0].watch = wg_launch_watch (launch, unwatch_both, watches, NULL);
  watches[1].watch = wg_launch_watch (launch, count, &called, NULL);
  wg_launch_stop (launch);
  g_assert_cmpint (called, ==, 0);
  wg_launch_unref (launch);
}

/* A launch that begins during a shutdown is stopped from the start. */
static void
test_shutdown (void)
{
  WgLaunch *before, *after;

  if (run_in_child ())
    return;
  before = wg_launch_begin ("a");
  g_assert_false (wg_shutdown_has_begun ());
  wg_shutdown_begin (1000);
  g_assert_true (wg_shutdown_has_begun ());
  after = wg_launch_begin ("a");
  g_assert_true (wg_launch_is_stopped (after));
  g_assert_false (wg_launch_is_stopped (before)); /* that is the host's to stop */
  g_assert_cmpuint (wg_launch_stop_id ("a"), ==, 1);
  wg_launch_unref (before);
  wg_launch_unref (after);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/launch/stop-reaches-later-watch", test_stop_reaches_later_watch);
  g_test_add_func ("/launch/watch-then-stop", test_watch_then_stop);
  g_test_add_func ("/launch/unwatch", test_unwatch);
  g_test_add_func ("/launch/unwatch/while-running", test_unwatch_while_running);
  g_test_add_func ("/launch/unwatch/from-within", test_unwatch_from_within);
  g_test_add_func ("/launch/shutdown", test_shutdown);
  g_test_add_func ("/launch/ids-repeat", test_ids_repeat);
  g_test_add_func ("/launch/race", test_race);
  return g_test_run ();
}
