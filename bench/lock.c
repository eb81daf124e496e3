/* SPDX-License-Identifier: MIT
 *
 * What a pair of acquire and release costs, as ratios within one run: a WgLock against GMutex and
 * against the raw robust, error-checking mutex inside it. design.md has the bounds of the
 * uncontended pair (4 and 2).
 *
 *   bench-lock [--quick|--long]
 *
 * In a round the three take turns in short batches and the quickest batch of each counts, so that
 * a machine that is busy with something else shifts all of them or none. Contended, a round is one
 * long batch of each: there the scheduler is a part of the figure.
 *
 * Exit: 0 every bound held, 1 one missed, 2 usage.
 */
#include "bench.h"

#include <glib.h>
#include <pthread.h>
#include <wolf-guard/lock.h>

#define ROUNDS_QUICK 31 /* with the contended ones some four seconds */
#define ROUNDS_LONG 301
#define TURNS 100              /* of batches, in a round: 10 ms */
#define BATCH 2000             /* pairs, uncontended: some 30 µs, mostly within one time slice */
#define BATCH_CONTENDED 200000 /* a thread: milliseconds, or they would never meet */
#define ROUNDS_CONTENDED_QUICK 10
#define ROUNDS_CONTENDED_LONG 50
#define THREADS_MAX 4

enum { GMUTEX, RAW, LOCK, KINDS };

static GMutex gmutex;
static pthread_mutex_t raw;
static WgLock *lock;
static guint64 protected; /* what a critical section does at least */

static void
pairs_gmutex (int count)
{
  for (int i = 0; i < count; i++) {
    g_mutex_lock (&gmutex);
    protected++;
    g_mutex_unlock (&gmutex);
  }
}

static void
pairs_raw (int count)
{
  for (int i = 0; i < count; i++) {
    if (pthread_mutex_lock (&raw) != 0)
      g_error ("the raw mutex is not to be had");
    protected++;
    pthread_mutex_unlock (&raw);
  }
}

static void
pairs_lock (int count)
{
  for (int i = 0; i < count; i++) {
    if (!wg_lock_is_mine (wg_lock_acquire_within (lock, "bench", 60000)))
      g_error ("the lock is not to be had");
    protected++;
    wg_lock_release (lock);
  }
}

static void (*const pairs[KINDS]) (int count) = { pairs_gmutex, pairs_raw, pairs_lock };

/* What the rounds come to, ns[kind][round]; @at_most: the bounds of the two ratios, 0: none. */
static void
print (const BenchOptions *options, const char *when, double ns[KINDS][BENCH_ROUNDS_MAX],
    guint rounds, double to_gmutex_at_most, double to_raw_at_most)
{
  g_autofree gchar *pair = g_strdup_printf ("%s, a pair", when);
  g_autofree gchar *to_gmutex = g_strdup_printf ("%s, against GMutex", when);
  g_autofree gchar *to_raw = g_strdup_printf ("%s, against raw robust mutex", when);
  const BenchCase cases[] = {
    { "lock", to_gmutex, "ratio", "GMutex", to_gmutex_at_most },
    { "lock", to_raw, "ratio", "raw robust, error-checking mutex", to_raw_at_most },
    { "lock", pair, "ns", NULL, 0 },
  };
  double values[G_N_ELEMENTS (cases)][BENCH_ROUNDS_MAX];

  for (guint i = 0; i < rounds; i++) {
    values[0][i] = ns[LOCK][i] / ns[GMUTEX][i];
    values[1][i] = ns[LOCK][i] / ns[RAW][i];
    values[2][i] = ns[LOCK][i];
  }
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    bench_print (&cases[i], options, values[i], rounds);
}

static void
bench_uncontended (const BenchOptions *options)
{
  const guint rounds = options->is_long ? ROUNDS_LONG : ROUNDS_QUICK;
  static double best[KINDS][BENCH_ROUNDS_MAX];

  for (guint round = 0; round < rounds; round++) {
    for (int kind = 0; kind < KINDS; kind++)
      best[kind][round] = G_MAXDOUBLE;
    for (int turn = 0; turn < TURNS; turn++)
      for (int kind = 0; kind < KINDS; kind++) {
        const double begin = bench_now_ns ();

        pairs[kind](BATCH);
        best[kind][round] = MIN (best[kind][round], (bench_now_ns () - begin) / BATCH);
      }
  }
  print (options, "uncontended", best, rounds, 4, 2);
}

typedef struct {
  pthread_barrier_t *barrier;
  int kind;
} Contender;

static void *
contend (void *data)
{
  Contender *contender = data;

  pthread_barrier_wait (contender->barrier);
  pairs[contender->kind](BATCH_CONTENDED);
  pthread_barrier_wait (contender->barrier);
  return NULL;
}

static double
contended_ns (int kind, int threads)
{
  pthread_t thread[THREADS_MAX];
  pthread_barrier_t barrier;
  Contender contender = { &barrier, kind };
  double begin, took;

  pthread_barrier_init (&barrier, NULL, threads + 1);
  for (int i = 0; i < threads; i++)
    if (pthread_create (&thread[i], NULL, contend, &contender) != 0)
      g_error ("no thread to be had");
  begin = bench_now_ns ();
  pthread_barrier_wait (&barrier); /* they begin */
  pthread_barrier_wait (&barrier); /* all are through */
  took = bench_now_ns () - begin;
  for (int i = 0; i < threads; i++)
    pthread_join (thread[i], NULL);
  pthread_barrier_destroy (&barrier);
  return took / (BATCH_CONTENDED * threads);
}

static void
bench_contended (const BenchOptions *options, int threads)
{
  const guint rounds = options->is_long ? ROUNDS_CONTENDED_LONG : ROUNDS_CONTENDED_QUICK;
  static double ns[KINDS][BENCH_ROUNDS_MAX];
  g_autofree gchar *when = g_strdup_printf ("%d threads", threads);

  for (guint round = 0; round < rounds; round++)
    for (int kind = 0; kind < KINDS; kind++)
      ns[kind][round] = contended_ns (kind, threads);
  print (options, when, ns, rounds, 0, 0);
}

int
main (int argc, char **argv)
{
  const BenchOptions options = bench_options (argc, argv);
  pthread_mutexattr_t attr;

  pthread_mutexattr_init (&attr);
  pthread_mutexattr_setrobust (&attr, PTHREAD_MUTEX_ROBUST);
  pthread_mutexattr_settype (&attr, PTHREAD_MUTEX_ERRORCHECK);
  pthread_mutex_init (&raw, &attr);
  pthread_mutexattr_destroy (&attr);
  lock = wg_lock_new ("bench");
  bench_uncontended (&options);
  bench_contended (&options, 2);
  bench_contended (&options, THREADS_MAX);
  wg_lock_unref (lock);
  pthread_mutex_destroy (&raw);
  return bench_status ();
}
