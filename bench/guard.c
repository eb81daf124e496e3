/* SPDX-License-Identifier: MIT
 *
 * What guard costs where it is called: the stop request on the thread that fires it, the time from
 * posting a command or a task until it begins, and a scope of the watch. Requests are 5 ms apart.
 * design.md has the
 * bounds.
 *
 *   bench-guard [--quick|--long]
 *
 * Exit: 0 every bound held, 1 one missed, 2 usage.
 */
#include "bench.h"

#include <errno.h>
#include <gst/gst.h>
#include <pthread.h>
#include <semaphore.h>
#include <wolf-guard/dispatch.h>
#include <wolf-guard/log.h>
#include <wolf-guard/pipeline.h>
#include <wolf-guard/watch.h>

#define SPACING_US 5000 /* as far apart as requests are: the caches are cold again */
#define ROUNDS_QUICK 5  /* of 100 requests to four of them: 10 s */
#define REQUESTS_QUICK 100
#define ROUNDS_LONG 15 /* five minutes */
#define REQUESTS_LONG 1000
#define SCOPES 100000 /* a round */
/* A worker that has not begun by then is none. */
#define NEVER_S 10

/* ---- a stop request, and what GLib has for it ---- */

static void *
run_guard (void *loop)
{
  wg_loop_run (loop);
  return NULL;
}

static double
stop_guard_ns (void)
{
  WgLoop *loop = wg_loop_new ();
  pthread_t thread;
  double begin, took;

  pthread_create (&thread, NULL, run_guard, loop);
  g_usleep (SPACING_US); /* the pace that is measured, not a wait for something */
  begin = bench_now_ns ();
  wg_loop_stop (loop);
  took = bench_now_ns () - begin;
  pthread_join (thread, NULL);
  wg_loop_unref (loop);
  return took;
}

static void *
run_plain (void *loop)
{
  g_main_loop_run (loop);
  return NULL;
}

static double
stop_plain_ns (void)
{
  g_autoptr (GMainContext) context = g_main_context_new ();
  g_autoptr (GMainLoop) loop = g_main_loop_new (context, FALSE);
  pthread_t thread;
  double begin, took;

  pthread_create (&thread, NULL, run_plain, loop);
  g_usleep (SPACING_US);
  while (!g_main_loop_is_running (loop)) /* a quit before the run is lost */
    g_usleep (SPACING_US);
  begin = bench_now_ns ();
  g_main_loop_quit (loop);
  took = bench_now_ns () - begin;
  pthread_join (thread, NULL);
  return took;
}

/* ---- a command, and a bare queue with a thread ---- */

static sem_t begun;
static double begun_ns; /* handed over by the semaphore */

static void
tell_begun (void)
{
  begun_ns = bench_now_ns ();
  sem_post (&begun);
}

static void
await_begun (void)
{
  struct timespec until;

  clock_gettime (CLOCK_REALTIME, &until);
  until.tv_sec += NEVER_S;
  while (sem_timedwait (&begun, &until) != 0)
    if (errno != EINTR)
      g_error ("a worker has not begun within %d s", NEVER_S);
}

static void
begin_command (GstElement *pipeline, gpointer data)
{
  (void) pipeline;
  (void) data;
  tell_begun ();
}

static double
post_guard_ns (gpointer pipeline)
{
  double begin;

  g_usleep (SPACING_US);
  begin = bench_now_ns ();
  wg_pipeline_post (pipeline, "bench", begin_command, NULL, NULL);
  await_begun ();
  return begun_ns - begin;
}

static void
begin_task (gpointer data)
{
  (void) data;
  tell_begun ();
}

static double
post_dispatch_ns (gpointer queue)
{
  const WgTask task = { .what = "bench", .func = begin_task };
  double begin;

  g_usleep (SPACING_US);
  begin = bench_now_ns ();
  wg_dispatch_post (queue, &task, NULL);
  await_begun ();
  return begun_ns - begin;
}

#define END GINT_TO_POINTER (1)
#define COMMAND GINT_TO_POINTER (2)

static void *
serve_queue (void *queue)
{
  while (g_async_queue_pop (queue) != END)
    tell_begun ();
  return NULL;
}

static double
post_plain_ns (GAsyncQueue *queue)
{
  double begin;

  g_usleep (SPACING_US);
  begin = bench_now_ns ();
  g_async_queue_push (queue, COMMAND);
  await_begun ();
  return begun_ns - begin;
}

/* The table is on stderr: of guard's own lines only those that something is wrong. */
static void
say (WgLogLevel level, const char *line)
{
  if (level >= WG_LOG_WARNING)
    g_printerr ("%s\n", line);
}

/* ---- rounds ---- */

/* Of one thing, by round. */
typedef struct {
  double p50_us[BENCH_ROUNDS_MAX], p99_us[BENCH_ROUNDS_MAX], ratio[BENCH_ROUNDS_MAX];
} Rounds;

static void
end_round (Rounds *rounds, guint round, double *ns, double *plain_ns, guint requests)
{
  rounds->p50_us[round] = bench_percentile (ns, requests, 50) / 1e3;
  rounds->p99_us[round] = bench_percentile (ns, requests, 99) / 1e3;
  rounds->ratio[round] =
      bench_percentile (ns, requests, 50) / bench_percentile (plain_ns, requests, 50);
}

static void
bench_stop (const BenchOptions *options, guint n_rounds, guint requests)
{
  static const BenchCase p99 = { "stop", "request on the firing thread, p99", "us", NULL, 100 };
  static const BenchCase p50 = { "stop", "request on the firing thread, p50", "us", NULL, 0 };
  static const BenchCase ratio = { "stop", "request, p50 against g_main_loop_quit()", "ratio",
    "g_main_loop_quit()", 0 };
  g_autofree double *ns = g_new (double, requests);
  g_autofree double *plain_ns = g_new (double, requests);
  g_autofree Rounds *rounds = g_new (Rounds, 1);

  for (guint round = 0; round < n_rounds; round++) {
    for (guint i = 0; i < requests; i++) {
      ns[i] = stop_guard_ns ();
      plain_ns[i] = stop_plain_ns ();
    }
    end_round (rounds, round, ns, plain_ns, requests);
  }
  bench_print (&p99, options, rounds->p99_us, n_rounds);
  bench_print (&p50, options, rounds->p50_us, n_rounds);
  bench_print (&ratio, options, rounds->ratio, n_rounds);
}

/* `post` to `target`, by turns with a bare queue and a thread. */
static void
compare_posts (const char *bench, double (*post) (gpointer target), gpointer target,
    const BenchOptions *options, guint n_rounds, guint requests)
{
  const BenchCase p99 = { bench, "until the thread begins, p99", "us", NULL, 1000 };
  const BenchCase p50 = { bench, "until the thread begins, p50", "us", NULL, 0 };
  const BenchCase ratio = { bench, "p50 against a bare queue and thread", "ratio", "GAsyncQueue",
    0 };
  g_autoptr (GAsyncQueue) queue = g_async_queue_new ();
  g_autofree double *ns = g_new (double, requests);
  g_autofree double *plain_ns = g_new (double, requests);
  g_autofree Rounds *rounds = g_new (Rounds, 1);
  pthread_t server;

  pthread_create (&server, NULL, serve_queue, queue);
  post (target); /* whatever is made by the first is there now */
  for (guint round = 0; round < n_rounds; round++) {
    for (guint i = 0; i < requests; i++) {
      ns[i] = post (target);
      plain_ns[i] = post_plain_ns (queue);
    }
    end_round (rounds, round, ns, plain_ns, requests);
  }
  bench_print (&p99, options, rounds->p99_us, n_rounds);
  bench_print (&p50, options, rounds->p50_us, n_rounds);
  bench_print (&ratio, options, rounds->ratio, n_rounds);
  g_async_queue_push (queue, END);
  pthread_join (server, NULL);
}

static void
bench_post (const BenchOptions *options, guint n_rounds, guint requests)
{
  WgLoop *loop = wg_loop_new ();
  WgPipeline *pipeline =
      wg_pipeline_new ("bench", "", "videotestsrc is-live=true ! fakesink sync=true", loop, NULL);

  wg_pipeline_play (pipeline);
  compare_posts ("post", post_guard_ns, pipeline, options, n_rounds, requests);
  wg_loop_stop (loop);
  wg_pipeline_end (pipeline);
  wg_pipeline_unref (pipeline);
  wg_loop_unref (loop);
}

static void
bench_dispatch (const BenchOptions *options, guint n_rounds, guint requests)
{
  WgDispatch *queue = wg_dispatch_get ("bench");

  compare_posts ("dispatch", post_dispatch_ns, queue, options, n_rounds, requests);
  wg_dispatch_unref (queue);
}

/* ---- a scope, and the clock that it reads ---- */

static double
scope_ns (void)
{
  double begin = bench_now_ns ();

  for (guint i = 0; i < SCOPES; i++) {
    wg_watch_begin ("bench");
    wg_watch_end ();
  }
  return (bench_now_ns () - begin) / SCOPES;
}

static double
coarse_clock_ns (void)
{
  double begin = bench_now_ns ();
  struct timespec now;

  for (guint i = 0; i < SCOPES; i++)
    clock_gettime (CLOCK_MONOTONIC_COARSE, &now);
  return (bench_now_ns () - begin) / SCOPES;
}

static void
bench_watch (const BenchOptions *options, guint n_rounds)
{
  static const BenchCase pair = { "watch", "begin and end", "ns", NULL, 10 };
  static const BenchCase ratio = { "watch", "begin and end against the coarse clock", "ratio",
    "clock_gettime()", 0 };
  double ns[BENCH_ROUNDS_MAX], ratios[BENCH_ROUNDS_MAX];

  for (guint round = 0; round < n_rounds; round++) {
    ns[round] = scope_ns ();
    ratios[round] = ns[round] / coarse_clock_ns ();
  }
  bench_print (&pair, options, ns, n_rounds);
  bench_print (&ratio, options, ratios, n_rounds);
}

int
main (int argc, char **argv)
{
  const BenchOptions options = bench_options (argc, argv);
  const guint rounds = options.is_long ? ROUNDS_LONG : ROUNDS_QUICK;
  const guint requests = options.is_long ? REQUESTS_LONG : REQUESTS_QUICK;

  gst_init (NULL, NULL);
  wg_log_set_func (say);
  sem_init (&begun, 0, 0);
  bench_stop (&options, rounds, requests);
  bench_post (&options, rounds, requests);
  bench_dispatch (&options, rounds, requests);
  bench_watch (&options, rounds);
  return bench_status ();
}
