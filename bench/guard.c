/* SPDX-License-Identifier: MIT
 *
 * What guard costs where it is called: the stop request on the thread that fires it, and the time
 * from posting a command until the worker begins it. One JSON line each; design.md has the bounds.
 *
 *   bench-guard [COUNT]
 */
#include <gst/gst.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <wolf-guard/pipeline.h>

#define SPACING_US 5000 /* apart, as requests are: the caches are cold again */
#define COUNT_DEFAULT 1000

static gint64
now_ns (void)
{
  struct timespec at;

  clock_gettime (CLOCK_MONOTONIC, &at);
  return at.tv_sec * G_GINT64_CONSTANT (1000000000) + at.tv_nsec;
}

static int
by_value (const void *a, const void *b)
{
  gint64 x = *(const gint64 *) a, y = *(const gint64 *) b;

  return (x > y) - (x < y);
}

static void
print (const char *what, gint64 *ns, int count)
{
  qsort (ns, count, sizeof *ns, by_value);
  g_print ("{\"bench\":\"%s\",\"count\":%d,\"p50_us\":%.1f,\"p99_us\":%.1f,\"max_us\":%.1f}\n",
      what, count, ns[count / 2] / 1e3, ns[count * 99 / 100] / 1e3, ns[count - 1] / 1e3);
}

static void *
run (void *loop)
{
  wg_loop_run (loop);
  return NULL;
}

static void
bench_stop (gint64 *ns, int count)
{
  for (int i = 0; i < count; i++) {
    WgLoop *loop = wg_loop_new ();
    pthread_t thread;
    gint64 begin;

    pthread_create (&thread, NULL, run, loop);
    g_usleep (SPACING_US); /* the pace that is measured, not a wait for something */
    begin = now_ns ();
    wg_loop_stop (loop);
    ns[i] = now_ns () - begin;
    pthread_join (thread, NULL);
    wg_loop_unref (loop);
  }
  print ("stop request on the firing thread", ns, count);
}

static atomic_llong begun;

static void
begin_command (GstElement *pipeline, gpointer data)
{
  (void) pipeline;
  (void) data;
  atomic_store (&begun, now_ns ());
}

static void
bench_post (gint64 *ns, int count)
{
  WgLoop *loop = wg_loop_new ();
  WgPipeline *pipeline =
      wg_pipeline_new ("bench", "", "videotestsrc is-live=true ! fakesink sync=true", loop, NULL);

  wg_pipeline_play (pipeline);
  for (int i = 0; i < count; i++) {
    gint64 begin;

    g_usleep (SPACING_US);
    atomic_store (&begun, 0);
    begin = now_ns ();
    wg_pipeline_post (pipeline, "bench", begin_command, NULL, NULL);
    while (!atomic_load (&begun))
      g_thread_yield ();
    ns[i] = atomic_load (&begun) - begin;
  }
  print ("posting until the worker begins", ns, count);
  wg_loop_stop (loop);
  wg_pipeline_end (pipeline);
  wg_pipeline_unref (pipeline);
  wg_loop_unref (loop);
}

int
main (int argc, char **argv)
{
  int count = argc > 1 ? atoi (argv[1]) : COUNT_DEFAULT;
  g_autofree gint64 *ns = NULL;

  if (count < 1) {
    g_printerr ("usage: bench-guard [COUNT]\n");
    return 3;
  }
  gst_init (NULL, NULL);
  ns = g_new (gint64, count);
  bench_stop (ns, count);
  bench_post (ns, count);
  return 0;
}
