/* SPDX-License-Identifier: MIT
 *
 * A stop is never lost: before, during and after the run, and in 10,000 races. The same race with a
 * bare g_main_loop_quit() loses some, or the race would prove nothing.
 */
#include "support.h"

#include <fcntl.h>
#include <pthread.h>
#include <unistd.h>
#include <wolf-guard/loop.h>
#include <wolf-guard/pipeline.h>

#define RACES 10000
#define RACES_BARE 10000

static gboolean
too_late (gpointer fired)
{
  *(gboolean *) fired = TRUE;
  return G_SOURCE_CONTINUE;
}

/* Run, with a watchdog that ends a run nobody stopped. TRUE: the stop came through. */
static gboolean
run_bounded (WgLoop *loop)
{
  GSource *watchdog = g_timeout_source_new_seconds (20);
  gboolean fired = FALSE;

  g_source_set_callback (watchdog, too_late, &fired, NULL);
  g_source_attach (watchdog, wg_loop_get_context (loop));
  wg_loop_run (loop);
  g_source_destroy (watchdog);
  g_source_unref (watchdog);
  return !fired;
}

static void
test_before (void)
{
  WgLoop *loop = wg_loop_new ();

  g_assert_false (wg_loop_is_stopped (loop));
  g_assert_cmpint (wg_loop_get_stop_time (loop), ==, 0);
  wg_loop_stop (loop);
  g_assert_true (wg_loop_is_stopped (loop));
  g_assert_true (wg_loop_run (loop));
  g_assert_true (wg_loop_run (loop)); /* and ever after */
  wg_loop_unref (loop);
}

static void *
stop_it (void *loop)
{
  wg_loop_stop (loop);
  return NULL;
}

static gboolean
stop_from_within (gpointer data)
{
  pthread_t *thread = ((gpointer *) data)[0];

  pthread_create (thread, NULL, stop_it, ((gpointer *) data)[1]);
  return G_SOURCE_REMOVE;
}

static void
test_during (void)
{
  WgLoop *loop = wg_loop_new ();
  pthread_t thread;
  gpointer data[] = { &thread, loop };
  GSource *idle = g_idle_source_new ();

  g_source_set_callback (idle, stop_from_within, data, NULL);
  g_source_attach (idle, wg_loop_get_context (loop));
  g_assert_true (wg_loop_run (loop));
  pthread_join (thread, NULL);
  g_source_unref (idle);
  wg_loop_unref (loop);
}

static gboolean
quit_it (gpointer main_loop)
{
  g_main_loop_quit (main_loop);
  return G_SOURCE_REMOVE;
}

static void
test_quit_is_no_stop (void)
{
  WgLoop *loop = wg_loop_new ();
  GSource *idle = g_idle_source_new ();

  g_source_set_callback (idle, quit_it, wg_loop_get_main_loop (loop), NULL);
  g_source_attach (idle, wg_loop_get_context (loop));
  g_assert_false (wg_loop_run (loop));
  g_source_unref (idle);
  wg_loop_unref (loop);
}

static void
test_first_time_stands (void)
{
  WgLoop *loop = wg_loop_new ();
  gint64 before = g_get_monotonic_time (), first;

  wg_loop_stop (loop);
  first = wg_loop_get_stop_time (loop);
  g_assert_cmpint (first, >=, before);
  while (g_get_monotonic_time () == first)
    ;
  wg_loop_stop (loop);
  g_assert_cmpint (wg_loop_get_stop_time (loop), ==, first);
  wg_loop_unref (loop);
}

/* One stopper for all rounds; a barrier of two aligns each race, a spin of varying length moves
 * the stop across the start of the run. */
typedef struct {
  pthread_barrier_t barrier;
  WgLoop *loop;
  GMainLoop *bare;
  int rounds;
} Race;

static void
spin (int turns)
{
  for (volatile int i = 0; i < turns; i++)
    ;
}

static void *
race_stopper (void *data)
{
  Race *race = data;

  for (int i = 0; i < race->rounds; i++) {
    pthread_barrier_wait (&race->barrier);
    spin (i % 997);
    if (race->bare)
      g_main_loop_quit (race->bare);
    else
      wg_loop_stop (race->loop);
    pthread_barrier_wait (&race->barrier);
  }
  return NULL;
}

static void
test_race (void)
{
  Race race = { .rounds = RACES };
  pthread_t stopper;

  pthread_barrier_init (&race.barrier, NULL, 2);
  pthread_create (&stopper, NULL, race_stopper, &race);
  for (int i = 0; i < RACES; i++) {
    race.loop = wg_loop_new ();
    pthread_barrier_wait (&race.barrier);
    spin (i % 499);
    g_assert_true (run_bounded (race.loop));
    pthread_barrier_wait (&race.barrier);
    wg_loop_unref (race.loop);
  }
  pthread_join (stopper, NULL);
  pthread_barrier_destroy (&race.barrier);
}

/* The control: of as many bare loops some never hear of their quit. Found out without waiting:
 * after the race, a loop that still says it is running was not quit. */
static gboolean
count_lost (gpointer data)
{
  Race *race = ((gpointer *) data)[0];
  int *lost = ((gpointer *) data)[1];

  if (g_main_loop_is_running (race->bare)) {
    (*lost)++;
    g_main_loop_quit (race->bare);
  }
  return G_SOURCE_REMOVE;
}

static gboolean
look (gpointer data)
{
  Race *race = ((gpointer *) data)[0];

  pthread_barrier_wait (&race->barrier); /* the quit has returned */
  return count_lost (data);
}

static void
test_race_bare (void)
{
  Race race = { .rounds = RACES_BARE };
  int lost = 0;
  gpointer data[] = { &race, &lost };
  pthread_t stopper;

  pthread_barrier_init (&race.barrier, NULL, 2);
  race.bare = g_main_loop_new (NULL, FALSE);
  pthread_create (&stopper, NULL, race_stopper, &race);
  for (int i = 0; i < RACES_BARE; i++) {
    g_idle_add (look, data);
    pthread_barrier_wait (&race.barrier);
    spin (i % 499);
    g_main_loop_run (race.bare);
    /* run() may have returned before look(): then it is look's turn now */
    while (g_main_context_iteration (NULL, FALSE))
      ;
  }
  pthread_join (stopper, NULL);
  pthread_barrier_destroy (&race.barrier);
  /* A loaded machine may lose none by chance. This one is lost for certain: the quit is first. */
  g_main_loop_quit (race.bare);
  g_idle_add (count_lost, data);
  g_main_loop_run (race.bare);
  g_main_loop_unref (race.bare);
  g_test_message ("%d of %d bare quits were lost", lost, RACES_BARE + 1);
  g_assert_cmpint (lost, >, 0);
}

/* With all descriptors in use there is no loop and no pipeline, and the process goes on. */
static void
test_no_descriptors (void)
{
  GError *error = NULL;
  WgLoop *loop;
  int fd, last = -1;

  if (run_in_child ())
    return;
  gst_init (NULL, NULL);
  while ((fd = open ("/dev/null", O_RDONLY | O_CLOEXEC)) >= 0)
    last = fd;
  g_assert_null (wg_loop_new ());
  for (int left = 0; left < 6; left++)
    close (last - left);
  g_assert_null (wg_loop_new ()); /* its owner would be the next to find none */
  g_assert_null (wg_pipeline_new ("none", "4", "fakesrc ! fakesink", NULL, &error));
  g_assert_error (error, WG_PIPELINE_ERROR, WG_PIPELINE_ERROR_DESCRIPTORS);
  g_assert_cmpstr (g_quark_to_string (error->domain), ==, "wg-pipeline-error-quark");
  g_error_free (error);
  wg_loop_stop (NULL);
  wg_loop_unref (NULL);

  for (int left = 6; left < 16; left++)
    close (last - left);
  loop = wg_loop_new ();
  g_assert_nonnull (loop);
  wg_loop_unref (loop);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/loop/before", test_before);
  g_test_add_func ("/loop/during", test_during);
  g_test_add_func ("/loop/quit-is-no-stop", test_quit_is_no_stop);
  g_test_add_func ("/loop/first-time-stands", test_first_time_stands);
  g_test_add_func ("/loop/race", test_race);
  g_test_add_func ("/loop/race-bare-quit", test_race_bare);
  g_test_add_func ("/loop/no-descriptors", test_no_descriptors);
  return g_test_run ();
}
