/* SPDX-License-Identifier: MIT
 *
 * What a pair of acquire and release costs, as ratios within one run: a WgLock against GMutex and against
 * the raw robust, error-checking mutex inside it. One JSON line each; design.md has the bounds of the
 * uncontended pair (4 and 2).
 *
 *   bench-lock [ROUNDS]
 *
 * The three take turns in short batches and the quickest batch counts, so that a machine that is busy
 * with something else shifts all of them or none. Contended, what counts is the median of all batches: there the
 * scheduler is a part of the figure.
 */
#include <glib.h>
#include <pthread.h>
#include <stdlib.h>
#include <wolf-guard/lock.h>

#define ROUNDS_DEFAULT 3000    /* a third of a second */
#define BATCH 2000             /* pairs, uncontended: some 30 µs, mostly within one time slice */
#define BATCH_CONTENDED 200000 /* a thread: milliseconds, or they would never meet */
#define ROUNDS_CONTENDED 10    /* threads are made anew for each */
#define THREADS_MAX 4
#define KINDS 3

static GMutex gmutex;
static pthread_mutex_t raw;
static WgLock *lock;
static guint64 protected; /* what a critical section does at least */

static gint64
now_ns (void)
{
  struct timespec at;

  clock_gettime (CLOCK_MONOTONIC, &at);
  return at.tv_sec * G_GINT64_CONSTANT (1000000000) + at.tv_nsec;
}

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

static void
print (const char *what, int threads, const double ns[KINDS])
{
  g_print ("{\"bench\":\"%s\",\"threads\":%d,\"gmutex_ns\":%.1f,\"raw_ns\":%.1f,\"lock_ns\":%.1f,"
           "\"lock_to_gmutex\":%.2f,\"lock_to_raw\":%.2f}\n",
      what, threads, ns[0], ns[1], ns[2], ns[2] / ns[0], ns[2] / ns[1]);
}

static void
bench_uncontended (int rounds)
{
  double best[KINDS] = { G_MAXDOUBLE, G_MAXDOUBLE, G_MAXDOUBLE };

  for (int round = 0; round < rounds; round++)
    for (int kind = 0; kind < KINDS; kind++) {
      gint64 begin = now_ns ();

      pairs[kind](BATCH);
      best[kind] = MIN (best[kind], (double) (now_ns () - begin) / BATCH);
    }
  print ("lock pair, uncontended, quickest batch", 1, best);
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

static int
by_value (const void *a, const void *b)
{
  double x = *(const double *) a, y = *(const double *) b;

  return (x > y) - (x < y);
}

static void
bench_contended (int threads)
{
  double ns[KINDS][ROUNDS_CONTENDED], median[KINDS];

  for (int round = 0; round < ROUNDS_CONTENDED; round++)
    for (int kind = 0; kind < KINDS; kind++) {
      pthread_t thread[THREADS_MAX];
      pthread_barrier_t barrier;
      Contender contender = { &barrier, kind };
      gint64 begin;

      pthread_barrier_init (&barrier, NULL, threads + 1);
      for (int i = 0; i < threads; i++)
        if (pthread_create (&thread[i], NULL, contend, &contender) != 0)
          g_error ("no thread to be had");
      begin = now_ns ();
      pthread_barrier_wait (&barrier); /* they begin */
      pthread_barrier_wait (&barrier); /* all are through */
      ns[kind][round] = (double) (now_ns () - begin) / (BATCH_CONTENDED * threads);
      for (int i = 0; i < threads; i++)
        pthread_join (thread[i], NULL);
      pthread_barrier_destroy (&barrier);
    }
  for (int kind = 0; kind < KINDS; kind++) {
    qsort (ns[kind], ROUNDS_CONTENDED, sizeof ns[kind][0], by_value);
    median[kind] = ns[kind][ROUNDS_CONTENDED / 2];
  }
  print ("lock pair, contended, median", threads, median);
}

int
main (int argc, char **argv)
{
  int rounds = argc > 1 ? atoi (argv[1]) : ROUNDS_DEFAULT;
  pthread_mutexattr_t attr;

  if (rounds < 1) {
    g_printerr ("usage: bench-lock [ROUNDS]\n");
    return 3;
  }
  pthread_mutexattr_init (&attr);
  pthread_mutexattr_setrobust (&attr, PTHREAD_MUTEX_ROBUST);
  pthread_mutexattr_settype (&attr, PTHREAD_MUTEX_ERRORCHECK);
  pthread_mutex_init (&raw, &attr);
  pthread_mutexattr_destroy (&attr);
  lock = wg_lock_new ("bench");
  bench_uncontended (rounds);
  bench_contended (2);
  bench_contended (THREADS_MAX);
  wg_lock_unref (lock);
  pthread_mutex_destroy (&raw);
  return 0;
}
