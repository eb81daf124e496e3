/* SPDX-License-Identifier: MIT */
#include <wolf-guard/launch.h>

#include <pthread.h>
#include <stdatomic.h>

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

/* Ids repeat. A stop by id reaches every launch of it that is under way, and none that comes later. */
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

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/launch/stop-reaches-later-watch", test_stop_reaches_later_watch);
  g_test_add_func ("/launch/watch-then-stop", test_watch_then_stop);
  g_test_add_func ("/launch/unwatch", test_unwatch);
  g_test_add_func ("/launch/ids-repeat", test_ids_repeat);
  g_test_add_func ("/launch/race", test_race);
  return g_test_run ();
}
